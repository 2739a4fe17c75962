//===- BytePairs.h - The merges of byte-pair encoding ------------------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_CLIENT_BYTEPAIRS_H
#define MOEC_LIB_CLIENT_BYTEPAIRS_H

#include "llvm/ADT/DenseMap.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace moec {

/// Pairs of tokens that become one, most urgent first.
class BytePairs {
public:
  /// Pairs are added in the order of their ranks; of equal ones the last counts, as in the library
  /// that the files come from.
  void add(uint32_t left, uint32_t right, uint32_t merged) {
    merges[{left, right}] = {count++, merged};
  }

  /// Merges neighbours until no pair is left, always the one of the lowest rank, of these the
  /// leftmost. O(n log n).
  void apply(std::vector<uint32_t> &tokens) const;

private:
  struct Merge {
    uint32_t rank = 0, token = 0;
  };
  llvm::DenseMap<std::pair<uint32_t, uint32_t>, Merge> merges;
  uint32_t count = 0;
};

} // namespace moec

#endif // MOEC_LIB_CLIENT_BYTEPAIRS_H

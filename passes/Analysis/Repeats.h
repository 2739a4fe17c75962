//===- Repeats.h - Words that occur again and again in a sequence -----------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_REPEATS_H
#define MOEC_PASSES_ANALYSIS_REPEATS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <vector>

namespace moec {

/// A word of a sequence: `length` symbols from each of `starts`, which ascend and do not overlap.
struct Repeat {
  unsigned length = 0;
  llvm::SmallVector<unsigned, 0> starts;

  /// Symbols that need not be there if the word stood in one place only.
  uint64_t getSaved() const { return uint64_t(length) * (starts.size() - 1); }
};

/// The words of at least `minLength` symbols whose repeats save most, the best first; words of a
/// few different lengths, not all there are. `cuts[i]`, one more than there are symbols, is what it
/// costs to cut the sequence before symbol i: where several words save alike, the one with the
/// cheaper ends is taken.
///
/// Layers of a model and experts of a layer stand one after the other, so the distance between
/// equal stretches is the length of the word. The distances at which short windows come again are
/// counted; for the most frequent ones, the sequence is compared with itself shifted by that much.
/// Near-linear in the sequence's length.
std::vector<Repeat> findRepeats(llvm::ArrayRef<unsigned> sequence, llvm::ArrayRef<unsigned> cuts,
                                unsigned minLength);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_REPEATS_H

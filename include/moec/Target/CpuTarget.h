//===- CpuTarget.h - what code may be generated for ---------------------------===//
//
// A CPU as the code generator sees it: the instruction sets that may be used, which the artifact
// names and the runtime checks, and the numbers that tiling and packing need.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_TARGET_CPUTARGET_H
#define MOEC_TARGET_CPUTARGET_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>

namespace moec {

struct CpuTarget {
  std::string triple; ///< Always x86_64-unknown-linux-gnu.
  std::string cpu;    ///< LLVM's name; `native` is resolved. Used for scheduling only ("tune-cpu").
  /// LLVM feature string over the x86-64 baseline, e.g. "+avx,+avx2". It enables exactly what
  /// `featureBits` name, so that code cannot use an instruction that the runtime does not check;
  /// what the CPU has beyond them stays unused.
  std::string features;
  uint64_t featureBits = 0;      ///< moec_rt_feature.
  unsigned vectorBytes = 16;     ///< Width of a vector register: 16, 32 or 64 bytes.
  unsigned vectorRegisters = 16; ///< 16 or 32.

  /// Parses the value of --target-cpu: `native` or a name of an x86-64 CPU that LLVM knows
  /// (x86-64-v3, znver4, …). The error of an unknown name lists some that are known.
  static llvm::Expected<CpuTarget> parse(llvm::StringRef name);

  /// The target whose code may use `bits` and nothing else, closed under implication downwards: a
  /// bit whose prerequisites are missing (AVX2 without AVX) is dropped.
  static CpuTarget fromFeatures(llvm::StringRef cpu, uint64_t bits);

  bool has(uint64_t bits) const { return (featureBits & bits) == bits; }
};

/// The names of feature bits as LLVM and /proc/cpuinfo spell them, for messages: "avx2, fma".
std::string formatFeatures(uint64_t bits);

} // namespace moec

#endif // MOEC_TARGET_CPUTARGET_H

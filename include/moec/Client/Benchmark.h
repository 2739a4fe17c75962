//===- Benchmark.h - Timing calls of a model ---------------------------------------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_BENCHMARK_H
#define MOEC_CLIENT_BENCHMARK_H

#include "moec/Client/LoadedModel.h"

#include <vector>

namespace moec {

/// What the memory of calls cost; see moec_memory_info.
struct CallMemory {
  int64_t firstAllocations = 0; ///< of the first call
  int64_t laterAllocations = 0; ///< of all calls after it
  int64_t peakBytes = 0;
  int64_t liveBytes = 0;
};

struct Timings {
  std::vector<double> milliseconds;      ///< wall-clock times of calls, ascending
  std::optional<CallMemory> memory = {}; ///< none where the model does not tell

  /// The time that `fraction` of the calls stay within, interpolated between calls.
  double quantile(double fraction) const;
};

/// Two calls to warm up, then calls until `seconds` have passed, three at least.
llvm::Expected<Timings> measureCalls(Session &session, llvm::ArrayRef<moec_tensor> inputs,
                                     double seconds);

/// The most memory this process has held, in bytes (VmHWM of Linux); 0 where it is not known.
int64_t peakResidentBytes();

} // namespace moec

#endif // MOEC_CLIENT_BENCHMARK_H

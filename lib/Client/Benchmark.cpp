//===- Benchmark.cpp - Timing calls of a model
//-----------------------------------------------------===//
#include "moec/Client/Benchmark.h"

#include "moec/Support/Quantile.h"

#include "llvm/Support/MemoryBuffer.h"

#include <algorithm>
#include <chrono>

using namespace llvm;

namespace moec {

double Timings::quantile(double fraction) const { return quantileOfSorted(milliseconds, fraction); }

Expected<Timings> measureCalls(Session &session, ArrayRef<moec_tensor> inputs, double seconds) {
  using Clock = std::chrono::steady_clock;
  Timings timings;
  auto allocations = [&] {
    std::optional<moec_memory_info> info = session.memory();
    return info ? info->allocations : 0;
  };
  int64_t atStart = allocations(), afterFirst = 0;
  for (int call = 0; call < 2; ++call) {
    if (Error error = session.resetState())
      return std::move(error);
    if (Expected<ArrayRef<moec_tensor>> outputs = session.run(inputs); !outputs)
      return outputs.takeError();
    if (call == 0)
      afterFirst = allocations();
  }

  Clock::time_point start = Clock::now(), before = start;
  while (timings.milliseconds.size() < 3 ||
         std::chrono::duration<double>(before - start).count() < seconds) {
    // Every call is the first of its text.
    if (Error error = session.resetState())
      return std::move(error);
    if (Expected<ArrayRef<moec_tensor>> outputs = session.run(inputs); !outputs)
      return outputs.takeError();
    Clock::time_point after = Clock::now();
    timings.milliseconds.push_back(
        std::chrono::duration<double, std::milli>(after - before).count());
    before = after;
  }
  std::sort(timings.milliseconds.begin(), timings.milliseconds.end());
  if (std::optional<moec_memory_info> info = session.memory())
    timings.memory = {afterFirst - atStart, info->allocations - afterFirst, info->peak_bytes,
                      info->live_bytes};
  return std::move(timings);
}

int64_t peakResidentBytes() {
  ErrorOr<std::unique_ptr<MemoryBuffer>> status =
      MemoryBuffer::getFileAsStream("/proc/self/status");
  if (!status)
    return 0;
  StringRef line = (*status)->getBuffer().split("VmHWM:").second.ltrim();
  int64_t kibibytes = 0;
  line.consumeInteger(10, kibibytes);
  return kibibytes * 1024;
}

} // namespace moec

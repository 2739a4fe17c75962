//===- Bench.cpp - moec bench
//----------------------------------------------------------------------===//
#include "moec/Client/Benchmark.h"
#include "moec/Client/Feed.h"
#include "tools/moec/Commands.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <chrono>

using namespace llvm;

namespace moec::cli {

Error runBench(Arguments &arguments) {
  std::string inputsPath = arguments.required(OPT_inputs);
  double seconds = arguments.number(OPT_seconds, /*otherwise=*/3, /*min=*/0);
  int32_t threads = threadsOf(arguments);
  if (Error error = arguments.takeError())
    return error;

  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  Expected<LoadedModel> model = loadModel(arguments);
  if (!model)
    return model.takeError();
  Expected<Session> session = model->createSession(threads);
  if (!session)
    return session.takeError();
  double loadTime = std::chrono::duration<double, std::milli>(Clock::now() - start).count();

  Expected<NpzReader> file = NpzReader::open(inputsPath);
  if (!file)
    return file.takeError();
  Expected<InputSet> inputs = readInputs(*file, arguments.value(OPT_case), model->info());
  if (!inputs)
    return inputs.takeError();
  Expected<Timings> timings = measureCalls(*session, inputs->tensors, seconds);
  if (!timings)
    return timings.takeError();

  double median = timings->quantile(0.5), p10 = timings->quantile(0.1),
         p90 = timings->quantile(0.9), peak = double(peakResidentBytes()) / 1e6;
  int64_t calls = timings->milliseconds.size();
  if (arguments.has(OPT_json)) {
    json::OStream json(outs(), /*IndentSize=*/2);
    json.object([&] {
      json.attribute("median_ms", median);
      json.attribute("p10_ms", p10);
      json.attribute("p90_ms", p90);
      json.attribute("calls", calls);
      json.attribute("load_ms", loadTime);
      json.attribute("peak_rss_mb", peak);
      json.attribute("threads", threads);
      if (const std::optional<CallMemory> &memory = timings->memory) {
        json.attribute("call_peak_mb", double(memory->peakBytes) / 1e6);
        json.attribute("call_live_mb", double(memory->liveBytes) / 1e6);
        json.attribute("first_call_allocations", memory->firstAllocations);
        json.attribute("later_allocations", memory->laterAllocations);
      }
    });
    outs() << '\n';
    return Error::success();
  }
  outs() << format("median %.3f ms a call (10 %%: %.3f, 90 %%: %.3f; %lld calls, %d threads)\n",
                   median, p10, p90, (long long)calls, threads)
         << format("load %.1f ms, peak memory %.1f MB\n", loadTime, peak);
  return Error::success();
}

} // namespace moec::cli

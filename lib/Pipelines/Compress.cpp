#include "moec/Pipelines/Compress.h"

#include "moec/Support/ErrorContext.h"
#include "moec/Support/Json.h"
#include "passes/Compression/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassOptions.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace moec;

llvm::Error moec::buildCompressPipeline(OpPassManager &pm, const Plan &plan) {
  registerCompressionPasses();
  for (auto [i, step] : llvm::enumerate(plan.steps)) {
    std::string message;
    llvm::raw_string_ostream stream(message);
    if (failed(parsePassPipeline(step.toPipeline(), pm, stream)))
      return llvm::createStringError("step " + Twine(i) + ", '" + step.pass +
                                     "': " + StringRef(message).trim());
  }
  // Weights that only the former structure used.
  OpPassManager &functions = pm.nest<func::FuncOp>();
  functions.addPass(createCanonicalizerPass());
  functions.addPass(createCSEPass());
  return llvm::Error::success();
}

llvm::Expected<Plan> moec::readPlan(StringRef path) {
  llvm::Expected<llvm::json::Value> json = readJsonFile(path, /*maxBytes=*/uint64_t(64) << 20);
  if (!json)
    return json.takeError();
  llvm::Expected<Plan> plan = Plan::fromJson(*json);
  if (!plan)
    return addContext(path, plan.takeError());
  return plan;
}

namespace {
struct CompressPipelineOptions : PassPipelineOptions<CompressPipelineOptions> {
  Option<std::string> plan{*this, "plan", llvm::cl::desc("File with the plan, in JSON")};
  Option<std::string> compress{*this, "compress", llvm::cl::desc("The plan in its short form")};
};
} // namespace

static LogicalResult addCompressPipeline(OpPassManager &pm, StringRef text,
                                         llvm::function_ref<LogicalResult(const Twine &)> onError) {
  CompressPipelineOptions options;
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (failed(options.parseFromString(text, stream)))
    return onError(message);
  Plan all;
  auto add = [&](llvm::Expected<Plan> plan) -> LogicalResult {
    if (!plan)
      return onError(llvm::toString(plan.takeError()));
    all.steps.insert(all.steps.end(), plan->steps.begin(), plan->steps.end());
    return success();
  };
  if (!options.plan.empty() && failed(add(readPlan(options.plan))))
    return failure();
  if (!options.compress.empty() && failed(add(Plan::fromShortForm(options.compress))))
    return failure();
  if (llvm::Error error = buildCompressPipeline(pm, all))
    return onError(llvm::toString(std::move(error)));
  return success();
}

void moec::registerCompressPipeline() {
  registerPassPipeline("moec-compress-pipeline", "What a plan does to the weights of a model",
                       addCompressPipeline,
                       [](llvm::function_ref<void(const detail::PassOptions &)> visit) {
                         visit(CompressPipelineOptions());
                       });
}

#include "CompressionReport.h"

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/ONNXOps.h"
#include "moec/Pipelines/Plan.h"
#include "moec/Support/AtomicFile.h"
#include "passes/Analysis/Layers.h"
#include "passes/Analysis/ModelStructure.h"
#include "passes/Compression/DecisionLog.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace moec;

/// The dequantisation that a stored tensor takes part in, perhaps moved or gathered by rows, and
/// its operand that the tensor is; a null operation if there is none.
static std::pair<moe::DequantizeOp, Value> findDequantization(Value stored) {
  for (Operation *user : stored.getUsers()) {
    if (auto dequantize = dyn_cast<moe::DequantizeOp>(user))
      return {dequantize, stored};
    auto node = dyn_cast<moec::onnx::NodeOp>(user);
    if (node && node.getInputs()[0] == stored &&
        llvm::is_contained({"Gather", "Reshape", "Squeeze", "Transpose", "Unsqueeze"},
                           node.getOpType()))
      if (auto found = findDequantization(node->getResult(0)); found.first)
        return found;
  }
  return {};
}

/// The numbers that a stored tensor makes: of codes those that are decoded, of scales and zero
/// points none.
static int64_t countParameters(Value stored) {
  int64_t numElements = cast<RankedTensorType>(stored.getType()).getNumElements();
  auto [dequantize, operand] = findDequantization(stored);
  if (!dequantize)
    return numElements;
  int64_t codesPerElement = dequantize.getPacked() ? 8 / dequantize.getPacked() : 1;
  return operand == dequantize.getCodes() ? numElements * codesPerElement : 0;
}

CompressionReport::Totals CompressionReport::measure(ModuleOp module) {
  Totals totals;
  auto add = [&](Value stored) {
    totals.parameters += countParameters(stored);
    totals.bytes += getStoredBytes(stored);
  };
  llvm::StringSet<> seen;
  module.walk([&](moe::WeightOp weight) {
    if (!weight->use_empty() && seen.insert(weight.getKey()).second)
      add(weight.getResult());
  });
  // Small weights are constants.
  module.walk([&](moec::onnx::ConstantOp constant) {
    bool isCodes = llvm::any_of(constant->getUsers(), llvm::IsaPred<moe::DequantizeOp>);
    if (isCodes || isa<FloatType>(constant.getResult().getType().getElementType()))
      add(constant.getResult());
  });
  totals.flopsPerToken = analyzeStructure(module).linearFlopsPerToken;
  return totals;
}

void CompressionReport::measureAfter(ModuleOp module) {
  after = measure(module);
  decisions = getDecisions(module);
}

static llvm::Error writeJson(const llvm::json::Value &json, llvm::StringRef path,
                             llvm::raw_ostream *standardOutput) {
  if (path.empty())
    return llvm::Error::success();
  std::string text = llvm::formatv("{0:2}\n", json).str();
  if (path == "-" && standardOutput) {
    *standardOutput << text;
    return llvm::Error::success();
  }
  return writeText(path, text);
}

llvm::Error CompressionReport::write(llvm::StringRef path,
                                     llvm::raw_ostream *standardOutput) const {
  auto pair = [](int64_t before, int64_t after) {
    return llvm::json::Object{{"before", before}, {"after", after}};
  };
  llvm::json::Object report{
      {"version", 1},
      {"model", model},
      {"totals",
       llvm::json::Object{{"parameters", pair(before.parameters, after.parameters)},
                          {"bytes", pair(before.bytes, after.bytes)},
                          {"flops_per_token", pair(before.flopsPerToken, after.flopsPerToken)}}},
      {"decisions", llvm::json::Array(decisions)},
      {"plan", Plan::replay(decisions)}};
  return writeJson(std::move(report), path, standardOutput);
}

llvm::Error CompressionReport::writePlan(llvm::StringRef path,
                                         llvm::raw_ostream *standardOutput) const {
  return writeJson(Plan::replay(decisions), path, standardOutput);
}

//===- ModelSummary.cpp - What is in a model
//--------------------------------------------------------===//
#include "moec/Frontend/ModelSummary.h"

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/ONNXOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace moec {
namespace {

/// The name that ONNX and NumPy have for an element type; "" for an unknown one.
std::string typeNameOf(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.getWidth() == 1)
      return "bool";
    return (integer.isUnsigned() ? "uint" : "int") + std::to_string(integer.getWidth());
  }
  if (type.isBF16())
    return "bfloat16";
  if (auto real = dyn_cast<FloatType>(type); real && (real.isF16() || real.isF32() || real.isF64()))
    return "float" + std::to_string(real.getWidth());
  if (isa<onnx::UnknownType>(type))
    return "";
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

TensorSummary summarizeTensor(Type type, DictionaryAttr attributes) {
  TensorSummary summary;
  if (attributes)
    if (auto name = attributes.getAs<StringAttr>(onnx::kNameAttr))
      summary.name = name.str();
  auto tensor = dyn_cast<TensorType>(type);
  if (!tensor)
    return summary;
  summary.type = typeNameOf(tensor.getElementType());
  // The declared names of sizes; of a result, they are all there is before types are inferred.
  auto names = attributes ? attributes.getAs<ArrayAttr>(onnx::kDimsAttr) : ArrayAttr();
  size_t rank = tensor.hasRank() ? tensor.getRank() : names ? names.size() : 0;
  summary.ranked = tensor.hasRank() || rank > 0;
  for (size_t dim = 0; dim < rank; ++dim) {
    std::string size;
    if (names && dim < names.size())
      size = cast<StringAttr>(names[dim]).str();
    if (tensor.hasRank() && !tensor.isDynamicDim(dim))
      size = std::to_string(tensor.getDimSize(dim));
    summary.shape.push_back(size.empty() ? "?" : size);
  }
  return summary;
}

void summarizeSignature(func::FuncOp function, ModelSummary &summary) {
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes()))
    summary.inputs.push_back(summarizeTensor(type, function.getArgAttrDict(i)));
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    summary.outputs.push_back(summarizeTensor(type, function.getResultAttrDict(i)));
}

void addParameters(ModelSummary &summary, ShapedType type, int64_t bytes) {
  ++summary.parameterTensors;
  summary.parameters += type.getNumElements();
  summary.parameterBytes += bytes;
}

} // namespace

ModelSummary summarizeModel(ModuleOp module) {
  ModelSummary summary;
  if (auto producer = module->getAttrOfType<StringAttr>("onnx.producer"))
    summary.producer = producer.str();
  if (auto opsets = module->getAttrOfType<DictionaryAttr>("onnx.opset"))
    for (NamedAttribute opset : opsets)
      if (auto version = dyn_cast<IntegerAttr>(opset.getValue()))
        summary.opsets.emplace_back(opset.getName().str(), version.getInt());
  if (auto main = module.lookupSymbol<func::FuncOp>("main"))
    summarizeSignature(main, summary);

  llvm::StringMap<int64_t> counts;
  module.walk([&](Operation *op) {
    if (auto node = dyn_cast<onnx::NodeOp>(op)) {
      ++summary.nodes;
      ++counts[node.getQualifiedName()];
    } else if (auto weight = dyn_cast<moe::WeightDataOp>(op)) {
      addParameters(summary, cast<ShapedType>(weight.getType()), weight.getLength());
    } else if (auto constant = dyn_cast<onnx::ConstantOp>(op)) {
      ShapedType type = constant.getValue().getShapedType();
      if (isa<FloatType>(type.getElementType()) && type.getRank() > 0)
        addParameters(summary, type,
                      type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8));
    }
  });
  for (const auto &entry : counts)
    summary.operators.emplace_back(entry.getKey().str(), entry.getValue());
  llvm::sort(summary.operators, [](const auto &a, const auto &b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return summary;
}

} // namespace moec

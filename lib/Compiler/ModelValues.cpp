#include "moec/Compiler/ModelValues.h"

#include "SignatureFromIR.h"

#include "dialects/ONNX/ONNXOps.h"
#include "moec/Frontend/LoadModule.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace moec;

namespace {

/// The name of a node's result, an input's or "".
StringRef getValueName(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto function = cast<func::FuncOp>(argument.getOwner()->getParentOp());
    auto name =
        function.getArgAttrOfType<StringAttr>(argument.getArgNumber(), moec::onnx::kNameAttr);
    return name ? name.getValue() : StringRef();
  }
  auto result = cast<OpResult>(value);
  auto names = result.getOwner()->getAttrOfType<ArrayAttr>(moec::onnx::kValueNamesAttr);
  return names ? cast<StringAttr>(names[result.getResultNumber()]).getValue() : StringRef();
}

ModelOperand describeOperand(Value value) {
  if (isa<BlockArgument>(value))
    return {ModelOperand::Input, getValueName(value).str()};
  if (isa<moec::onnx::NodeOp>(value.getDefiningOp()))
    return {ModelOperand::Value, getValueName(value).str()};
  return {};
}

} // namespace

FailureOr<std::vector<ModelValue>> moec::listModelValues(MLIRContext &context, StringRef path,
                                                         ImportOptions options) {
  options.keepValueNames = true;
  OwningOpRef<ModuleOp> module = loadModule(context, path, options);
  if (!module)
    return failure();
  PassManager pm(&context);
  pm.addNestedPass<func::FuncOp>(createInferTypesPass());
  if (failed(pm.run(*module)))
    return failure();
  auto functions = module->getOps<func::FuncOp>();
  auto function = llvm::find_if(functions, [](func::FuncOp f) { return f.isPublic(); });
  if (function == functions.end() || (*function).isExternal())
    return module->emitError("has no function to list the values of");
  llvm::StringSet<> outputs;
  for (unsigned i = 0; i < (*function).getNumResults(); ++i)
    if (auto name = (*function).getResultAttrOfType<StringAttr>(i, moec::onnx::kNameAttr))
      outputs.insert(name.getValue());

  std::vector<ModelValue> values;
  for (auto node : (*function).getOps<moec::onnx::NodeOp>()) {
    if (!node->hasAttr(moec::onnx::kValueNamesAttr))
      continue;
    for (Value result : node->getResults()) {
      ModelValue value;
      value.name = getValueName(result);
      if (value.name.empty())
        continue;
      value.node = node.getNodeName();
      value.op = node.getQualifiedName();
      for (Value operand : node.getOperands())
        if (!isa<NoneType>(operand.getType()))
          value.operands.push_back(describeOperand(operand));
      auto type = dyn_cast<RankedTensorType>(result.getType());
      value.isObservable = type && type.getRank() <= MOEC_MAX_RANK &&
                           getModelType(type.getElementType()).has_value();
      value.isOutput = outputs.contains(value.name);
      values.push_back(std::move(value));
    }
  }
  return values;
}

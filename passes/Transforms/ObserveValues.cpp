//===- ObserveValues.cpp - Inner values become outputs
//----------------------------------------------===//
#include "dialects/ONNX/ONNXOps.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace moec {
#define GEN_PASS_DEF_OBSERVEVALUESPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// The values of the function's own nodes by name; takes the names off all nodes.
llvm::MapVector<StringRef, Value> takeNames(func::FuncOp function) {
  llvm::MapVector<StringRef, Value> values;
  function.walk([&](onnx::NodeOp node) {
    auto names = dyn_cast_or_null<ArrayAttr>(node->removeAttr(onnx::kValueNamesAttr));
    if (!names || node->getParentOp() != function)
      return;
    for (auto [name, value] : llvm::zip(names.getAsRange<StringAttr>(), node->getResults()))
      if (!name.empty())
        values[name.getValue()] = value;
  });
  return values;
}

struct ObserveValues : impl::ObserveValuesPassBase<ObserveValues> {
  using ObserveValuesPassBase::ObserveValuesPassBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal() || !function.isPublic())
      return;
    llvm::MapVector<StringRef, Value> named = takeNames(function);
    Builder builder(function);
    Operation *ret = function.getBody().back().getTerminator();
    SmallVector<Value> results(ret->getOperands());
    SmallVector<Attribute> attributes;
    llvm::StringSet<> outputs;
    for (unsigned i = 0; i < results.size(); ++i) {
      attributes.push_back(builder.getDictionaryAttr(function.getResultAttrs(i)));
      if (auto name = function.getResultAttrOfType<StringAttr>(i, onnx::kNameAttr))
        outputs.insert(name.getValue());
    }
    SmallVector<StringRef> names(values.begin(), values.end());
    if (names.empty())
      for (auto &[name, value] : named)
        names.push_back(name);
    for (StringRef name : names) {
      Value value = named.lookup(name);
      if (!value) {
        function.emitError() << "no node gives a value '" << name << "'";
        return signalPassFailure();
      }
      if (!outputs.insert(name).second)
        continue;
      results.push_back(value);
      attributes.push_back(builder.getDictionaryAttr(
          {builder.getNamedAttr(onnx::kNameAttr, builder.getStringAttr(name)),
           builder.getNamedAttr(onnx::kDimsAttr, builder.getArrayAttr({}))}));
    }
    ret->setOperands(results);
    function.setType(
        builder.getFunctionType(function.getArgumentTypes(), TypeRange(ValueRange(results))));
    function.setAllResultAttrs(attributes);
  }
};

} // namespace
} // namespace moec

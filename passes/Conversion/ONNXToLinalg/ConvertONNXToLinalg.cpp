//===- ConvertONNXToLinalg.cpp - From ONNX nodes to tensors
//-----------------------------------------===//
#include "dialects/Kernel/KernelOps.h"
#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/WeightViews.h"
#include "passes/Conversion/ONNXToLinalg/Codes.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/StateLowering.h"
#include "passes/Conversion/ONNXToLinalg/WeightPlan.h"
#include "passes/Conversion/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

namespace moec {
#define GEN_PASS_DEF_CONVERTONNXTOLINALGPASS
#include "passes/Conversion/Passes.h.inc"

using namespace mlir;

namespace {

/// Lowers one function in place: new operations are appended to a new block, in the order of the
/// old one, which then goes.
class FunctionLowering {
public:
  FunctionLowering(func::FuncOp function, WeightPlan &weights, const KernelOptions &kernels)
      : function(function), weights(weights), kernels(kernels), shapes(function) {}

  LogicalResult run() {
    Block &oldBody = function.getBody().front();
    Block *newBody = new Block;
    function.getBody().push_back(newBody);
    OpBuilder builder = OpBuilder::atBlockEnd(newBody);
    LoweringState state(shapes, newBody, weights, kernels);
    bool failed = false;
    state.setDeferred([&](Value value) {
      if (auto weight = value.getDefiningOp<moe::WeightOp>())
        state.map(weight, readWeight(builder, weight.getLoc(), weights.get(weight),
                                     cast<RankedTensorType>(weight.getType())));
      else if (auto node = value.getDefiningOp<onnx::NodeOp>(); node && isDeferred(node))
        failed |= mlir::failed(lowerByHandler(state, builder, node));
    });
    SmallVector<Type> argumentTypes, resultTypes;
    for (BlockArgument argument : oldBody.getArguments()) {
      if (function.getArgAttr(argument.getArgNumber(), moe::kStateAttr))
        continue;
      Type type = getStorageTensorType(argument.getType());
      argumentTypes.push_back(type);
      state.map(argument, newBody->addArgument(type, argument.getLoc()));
    }
    StateLowering states(function, state, builder);
    if (mlir::failed(states.addArguments(newBody, argumentTypes)))
      return failure();
    // The first refusal ends it: what follows would ask for values that are not there.
    for (Operation &op : oldBody.without_terminator())
      if (auto append = dyn_cast<moe::CacheAppendOp>(op)) {
        if (mlir::failed(states.lower(append)))
          return failure();
      } else if (mlir::failed(lower(state, builder, &op)) || failed) {
        return failure();
      }
    auto ret = cast<func::ReturnOp>(oldBody.getTerminator());
    SmallVector<Value> results;
    for (Value operand : ret.getOperands()) {
      Value value = state.lookup(ret.getLoc(), operand);
      Type type = getStorageTensorType(operand.getType());
      if (value.getType() != type)
        value = tensor::CastOp::create(builder, ret.getLoc(), type, value);
      results.push_back(value);
      resultTypes.push_back(type);
    }
    for (Value updated : states.getUpdated()) {
      results.push_back(updated);
      resultTypes.push_back(updated.getType());
    }
    func::ReturnOp::create(builder, ret.getLoc(), results);
    // Names and sizes are in the module's signature.
    function.removeArgAttrsAttr();
    function.removeResAttrsAttr();
    function.setType(builder.getFunctionType(argumentTypes, resultTypes));
    states.markArguments();
    oldBody.erase();
    return success();
  }

private:
  LogicalResult lower(LoweringState &state, OpBuilder &builder, Operation *op) {
    if (auto node = dyn_cast<onnx::NodeOp>(op))
      return lowerNode(state, builder, node);
    if (auto constant = dyn_cast<onnx::ConstantOp>(op)) {
      // Small integers are expressions, made into tensors where somebody asks for one.
      if (shapes.get(constant).elements)
        return success();
      auto value = dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!value)
        return constant.emitError("is not a dense constant");
      state.map(constant,
                arith::ConstantOp::create(builder, op->getLoc(), getStorageConstant(value)));
      return success();
    }
    // A weight is brought in as it is when somebody asks for it, which a kernel that packs it does
    // not.
    if (isa<onnx::NoneOp, moe::WeightOp>(op))
      return success();
    if (NodeHandlerFn handler = getOperationHandlers().lookup(op->getName().getStringRef()))
      return applyHandler(state, builder, op, handler);
    return op->emitError("is not an operation of the normalised form");
  }

  LogicalResult lowerNode(LoweringState &state, OpBuilder &builder, onnx::NodeOp node) {
    for (Value result : node->getResults())
      if (isa<TensorType>(result.getType()) && !shapes.get(result).isRanked)
        return node.emitError() << "has a result of unknown rank";
    if (shapes.isExpression(node) || isDeferred(node))
      return success();
    return lowerByHandler(state, builder, node);
  }

  /// Whether the value is a weight, moved about by constants.
  bool isWeight(Value value) {
    return isa<NoneType>(value.getType()) || value.getDefiningOp<onnx::ConstantOp>() ||
           traceWeightView(value, shapes).has_value();
  }

  /// Whether the node is lowered when somebody asks for a result: it only moves a weight about, or
  /// puts some side by side, or decodes one. So no more than one decoded weight is needed at a
  /// time, wherever the file has the node.
  bool isDeferred(onnx::NodeOp node) {
    std::string name = node.getQualifiedName();
    if (name == "DequantizeLinear")
      return llvm::all_of(node.getInputs(), [&](Value value) { return isWeight(value); });
    // Matrices side by side are packed so by a product's kernel.
    if (name == "Concat")
      return llvm::all_of(node.getInputs(), [&](Value value) {
        auto decoded = value.getDefiningOp<onnx::NodeOp>();
        return isWeight(value) || (decoded && isDeferred(decoded));
      });
    if (llvm::is_contained({"Identity", "Transpose", "Reshape", "Squeeze", "Unsqueeze"}, name)) {
      auto decoded = node.getInputs()[0].getDefiningOp<onnx::NodeOp>();
      auto isConstant = [](SymExpr size) { return size.getConstant().has_value(); };
      if (decoded && isDeferred(decoded) &&
          llvm::all_of(shapes.get(node->getResult(0)).dims, isConstant))
        return true;
    }
    return llvm::all_of(node->getResults(),
                        [&](Value value) { return isWeight(value) || isPartOfDecoded(value); });
  }

  /// Whether the value is a part of a weight that is decoded only where somebody asks for it.
  bool isPartOfDecoded(Value value) {
    std::optional<TensorView> view = traceTensorView(value, shapes);
    auto decoded =
        view && view->base != value ? view->base.getDefiningOp<onnx::NodeOp>() : onnx::NodeOp();
    return decoded && decoded.getOpType() == "DequantizeLinear" && isDeferred(decoded);
  }

  LogicalResult lowerByHandler(LoweringState &state, OpBuilder &builder, onnx::NodeOp node) {
    NodeHandlerFn handler = getNodeHandlers().lookup(node);
    if (!handler)
      return node.emitError() << "operator '" << node.getQualifiedName() << "' version "
                              << node.getVersion() << " is not supported";
    return applyHandler(state, builder, node, handler);
  }

  static LogicalResult applyHandler(LoweringState &state, OpBuilder &builder, Operation *op,
                                    NodeHandlerFn handler) {
    NodeLowering lowering(state, builder, op);
    FailureOr<SmallVector<Value>> results = handler(lowering);
    if (mlir::failed(results))
      return failure();
    assert(results->size() == op->getNumResults() && "a handler gives one value a result");
    for (auto [original, lowered] : llvm::zip(op->getResults(), *results))
      if (lowered)
        state.map(original, lowered);
    return success();
  }

  func::FuncOp function;
  WeightPlan &weights;
  KernelOptions kernels;
  SymbolicShapes shapes;
};

/// The attribute kSignatureAttr of a graph's function.
DictionaryAttr describeSignature(func::FuncOp function) {
  Builder builder(function.getContext());
  auto describe = [&](Type type, DictionaryAttr attributes) -> Attribute {
    auto get = [&](StringRef name, Attribute otherwise) {
      Attribute found = attributes ? attributes.get(name) : Attribute();
      return found ? found : otherwise;
    };
    return builder.getDictionaryAttr(
        {builder.getNamedAttr("name", get(onnx::kNameAttr, builder.getStringAttr(""))),
         builder.getNamedAttr("type", TypeAttr::get(type)),
         builder.getNamedAttr("dims", get(onnx::kDimsAttr, builder.getArrayAttr({})))});
  };
  SmallVector<Attribute> inputs, outputs, states;
  for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
    DictionaryAttr attributes = function.getArgAttrDict(i);
    Attribute described = describe(type, attributes);
    auto symbol = function.getArgAttrOfType<FlatSymbolRefAttr>(i, moe::kStateAttr);
    auto state = symbol ? SymbolTable::lookupNearestSymbolFrom<moe::StateOp>(function, symbol)
                        : moe::StateOp();
    if (!state) {
      inputs.push_back(described);
      continue;
    }
    NamedAttrList entry(cast<DictionaryAttr>(described));
    entry.append("output", state.getPresentAttr());
    entry.append("axis", state.getAxisAttr());
    entry.append("capacity", state.getCapacityAttr());
    states.push_back(entry.getDictionary(function.getContext()));
  }
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    outputs.push_back(describe(type, function.getResultAttrDict(i)));
  SmallVector<NamedAttribute> lists{builder.getNamedAttr("inputs", builder.getArrayAttr(inputs)),
                                    builder.getNamedAttr("outputs", builder.getArrayAttr(outputs))};
  if (!states.empty())
    lists.push_back(builder.getNamedAttr("states", builder.getArrayAttr(states)));
  return builder.getDictionaryAttr(lists);
}

struct ConvertONNXToLinalg : impl::ConvertONNXToLinalgPassBase<ConvertONNXToLinalg> {
  using ConvertONNXToLinalgPassBase::ConvertONNXToLinalgPassBase;

  void runOnOperation() override {
    WeightPlan weights(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic())
        getOperation()->setAttr(kSignatureAttr, describeSignature(function));
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() &&
          failed(FunctionLowering(function, weights, {vectorBytes, vectorRegisters}).run()))
        signalPassFailure();
    // Names and shapes are in the signature.
    for (auto state : llvm::make_early_inc_range(getOperation().getOps<moe::StateOp>()))
      state.erase();
  }
};

} // namespace
} // namespace moec

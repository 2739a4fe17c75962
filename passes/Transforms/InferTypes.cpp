#include "passes/Transforms/Passes.h"
#include "passes/Transforms/TypeInference.h"

#include "llvm/ADT/StringSwitch.h"

namespace moec {
#define GEN_PASS_DEF_INFERTYPESPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

//===- Facts for the library
//--------------------------------------------------------------------------===//

DenseElementsAttr getContents(Value value, const SymbolicShapes &shapes) {
  if (auto constant = value.getDefiningOp<onnx::ConstantOp>())
    return dyn_cast<DenseElementsAttr>(constant.getValue());
  const SymbolicValue &known = shapes.get(value);
  if (!known.elements)
    return {};
  Type elementType = cast<TensorType>(value.getType()).getElementType();
  SmallVector<int64_t> shape;
  for (SymExpr dim : known.dims)
    shape.push_back(*dim.getConstant());
  SmallVector<APInt> contents;
  for (SymExpr element : *known.elements) {
    std::optional<int64_t> constant = element.getConstant();
    if (!constant || !elementType.isInteger())
      return {};
    contents.push_back(APInt(elementType.getIntOrFloatBitWidth(), *constant, /*isSigned=*/true,
                             /*implicitTrunc=*/true));
  }
  return DenseElementsAttr::get(RankedTensorType::get(shape, elementType), contents);
}

SmallVector<onnx::OperandFacts> getOperandFacts(onnx::NodeOp node, const SymbolicShapes &shapes) {
  SmallVector<onnx::OperandFacts> facts;
  for (Value operand : node.getInputs()) {
    onnx::OperandFacts &fact = facts.emplace_back();
    if (!isa<TensorType>(operand.getType()))
      continue;
    fact.type = shapes.getRefinedType(operand);
    fact.contents = getContents(operand, shapes);
    const SymbolicValue &known = shapes.get(operand);
    if (!known.elements || known.dims.size() != 1)
      continue;
    fact.elements.emplace();
    for (SymExpr element : *known.elements)
      fact.elements->push_back(element.getConstant());
  }
  return facts;
}

//===- Inference
//--------------------------------------------------------------------------------------===//

namespace {

/// The result types of the operators outside the ONNX library that are known here: the operand
/// whose element type it is, by result. -1: f32.
ArrayRef<int> getElementTypeSources(StringRef name) {
  static constexpr int first[] = {0, 0, 0, 0};
  static constexpr int ofScales[] = {2};
  static constexpr int skipNormalization[] = {0, -1, -1, 0};
  return llvm::StringSwitch<ArrayRef<int>>(name)
      .Cases({"SimplifiedLayerNormalization", "com.microsoft::BiasGelu", "com.microsoft::FastGelu",
              "com.microsoft::FusedMatMul", "com.microsoft::Gelu", "com.microsoft::MatMulNBits",
              "com.microsoft::MoE", "com.microsoft::QMoE", "com.microsoft::QuickGelu",
              "com.microsoft::RotaryEmbedding"},
             ArrayRef(first).take_front(1))
      .Case("com.microsoft::GatherBlockQuantized", ofScales)
      .Cases({"com.microsoft::GroupQueryAttention", "com.microsoft::MultiHeadAttention"}, first)
      .Cases({"com.microsoft::SkipLayerNormalization",
              "com.microsoft::SkipSimplifiedLayerNormalization"},
             skipNormalization)
      .Default({});
}

bool isKnown(Type elementType) { return !isa<onnx::UnknownType>(elementType); }

bool isComplete(const onnx::OperandFacts &operand) {
  return !operand.type || (operand.type.hasRank() && isKnown(operand.type.getElementType()));
}

/// The type of If: what both branches yield.
TensorType join(TensorType a, TensorType b) {
  if (!a || !b || a.getElementType() != b.getElementType())
    return {};
  if (!a.hasRank() || !b.hasRank() || a.getRank() != b.getRank())
    return UnrankedTensorType::get(a.getElementType());
  SmallVector<int64_t> shape;
  for (auto [x, y] : llvm::zip(a.getShape(), b.getShape()))
    shape.push_back(x == y ? x : ShapedType::kDynamic);
  return RankedTensorType::get(shape, a.getElementType());
}

class TypeInference {
public:
  LogicalResult visit(onnx::NodeOp node, SymbolicShapes &shapes);

private:
  /// What the operator says of the results, null where nothing. Fails with an error at the node.
  FailureOr<SmallVector<TensorType>> infer(onnx::NodeOp node, SymbolicShapes &shapes);
};

FailureOr<SmallVector<TensorType>> TypeInference::infer(onnx::NodeOp node, SymbolicShapes &shapes) {
  SmallVector<TensorType> types(node->getNumResults());
  if (!node.getBodies().empty()) {
    if (node.getOpType() != "If" || node.getBodies().size() != 2)
      return types;
    ValueRange a = node.getBodies()[0].front().back().getOperands();
    ValueRange b = node.getBodies()[1].front().back().getOperands();
    for (auto [type, x, y] : llvm::zip(types, a, b))
      if (isa<TensorType>(x.getType()) && isa<TensorType>(y.getType()))
        type = join(shapes.getRefinedType(x), shapes.getRefinedType(y));
    return types;
  }
  if (!onnx::hasSchema(node)) {
    for (auto [type, source] : llvm::zip(types, getElementTypeSources(node.getQualifiedName())))
      if (source < 0)
        type = UnrankedTensorType::get(Float32Type::get(node.getContext()));
      else if (Value operand = node.getOptionalOperand(source))
        type = UnrankedTensorType::get(cast<TensorType>(operand.getType()).getElementType());
    return types;
  }
  SmallVector<onnx::OperandFacts> operands = getOperandFacts(node, shapes);
  llvm::Expected<SmallVector<TensorType>> inferred = onnx::inferResultTypes(node, operands);
  if (inferred)
    return *inferred;
  std::string message = llvm::toString(inferred.takeError());
  // The library also rejects what it only knows too little of.
  if (llvm::all_of(operands, isComplete)) {
    InFlightDiagnostic error = node.emitError() << "'" << node.getQualifiedName()
                                                << "' does not fit its operands: " << message;
    if (StringRef(message).contains("attribute axis"))
      error.attachNote() << "an axis beyond the rank is what tracing leaves where the rank was not "
                            "known: export the "
                            "model again with inputs of known rank, or with another exporter";
    return error;
  }
  node.emitRemark() << "types of '" << node.getQualifiedName() << "' are not known: " << message;
  return types;
}

LogicalResult TypeInference::visit(onnx::NodeOp node, SymbolicShapes &shapes) {
  FailureOr<SmallVector<TensorType>> inferred = infer(node, shapes);
  if (failed(inferred))
    return failure();
  SmallVector<Type> stated(node->getResultTypes());
  for (auto [i, result] : llvm::enumerate(node->getResults())) {
    auto type = dyn_cast<TensorType>(stated[i]);
    TensorType known = (*inferred)[i];
    if (!type || !known)
      continue;
    if (!isKnown(known.getElementType()))
      known = known.clone(type.getElementType());
    if (isKnown(type.getElementType()) && type.getElementType() != known.getElementType())
      return node.emitError() << "'" << node.getQualifiedName() << "' gives result " << i
                              << " the element type " << known.getElementType()
                              << ", but the model states " << type.getElementType();
    // The sizes that a file states are claims, often of the one run that was traced.
    result.setType(known);
  }
  shapes.update(node);
  for (auto [i, result] : llvm::enumerate(node->getResults())) {
    auto type = dyn_cast<TensorType>(stated[i]);
    if (!type)
      continue;
    // … used only where there is nothing better.
    if (!shapes.get(result).isRanked && type.hasRank()) {
      result.setType(type.clone(cast<TensorType>(result.getType()).getElementType()));
      shapes.update(node);
    }
    result.setType(shapes.getRefinedType(result));
  }
  return success();
}

struct InferTypes : impl::InferTypesPassBase<InferTypes> {
  void runOnOperation() override {
    if (!getOperation().isExternal() && failed(inferTypes(getOperation())))
      signalPassFailure();
  }
};

} // namespace

FailureOr<std::unique_ptr<SymbolicShapes>> inferTypes(func::FuncOp function) {
  TypeInference inference;
  bool failed = false;
  auto shapes =
      std::make_unique<SymbolicShapes>(function, [&](Operation *op, SymbolicShapes &shapes) {
        auto node = dyn_cast<onnx::NodeOp>(op);
        if (node)
          failed |= mlir::failed(inference.visit(node, shapes));
        else
          shapes.update(op);
      });
  Operation *terminator = function.getBody().back().getTerminator();
  function.setType(FunctionType::get(function.getContext(), function.getFunctionType().getInputs(),
                                     terminator->getOperandTypes()));
  if (failed)
    return failure();
  return shapes;
}

} // namespace moec

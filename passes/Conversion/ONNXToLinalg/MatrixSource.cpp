#include "passes/Conversion/ONNXToLinalg/MatrixSource.h"

using namespace mlir;
using namespace moec;

namespace {

class MatrixTracer {
public:
  MatrixTracer(MatrixSource &source, SymbolicShapes &shapes) : source(source), shapes(shapes) {}

  /// Goes back by one node; false where the matrices are made.
  bool step() {
    auto node = source.value.getDefiningOp<onnx::NodeOp>();
    if (!node || !node.getDomain().empty())
      return false;
    StringRef name = node.getOpType();
    if (name == "Transpose")
      return stepTranspose(node);
    if (llvm::is_contained({"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten"}, name))
      return stepReshape(node);
    if (name == "Expand")
      return stepExpand(node);
    return name == "Mul" && stepScale(node);
  }

private:
  /// The sizes of operand i; empty if it has no matrices.
  ArrayRef<SymExpr> dimsOf(onnx::NodeOp node, unsigned i) {
    Value operand = node.getOptionalOperand(i);
    ArrayRef<SymExpr> dims = operand ? ArrayRef(shapes.get(operand).dims) : ArrayRef<SymExpr>();
    return dims.size() < 2 ? ArrayRef<SymExpr>() : dims;
  }

  ArrayRef<SymExpr> resultDims() { return shapes.get(source.value).dims; }

  bool follow(onnx::NodeOp node, unsigned operand = 0) {
    source.value = node.getOptionalOperand(operand);
    return true;
  }

  bool stepTranspose(onnx::NodeOp node) {
    std::optional<ArrayRef<int64_t>> permutation = node.getInts("perm");
    int64_t rank = dimsOf(node, 0).size();
    if (rank == 0 || (permutation ? static_cast<int64_t>(permutation->size()) : 2) != rank)
      return false;
    for (int64_t i = 0; permutation && i < rank; ++i)
      if ((*permutation)[i] != (i < rank - 2 ? i : 2 * rank - 3 - i))
        return false;
    source.transposed = !source.transposed;
    return follow(node);
  }

  /// The matrices stay, in their order.
  bool stepReshape(onnx::NodeOp node) {
    ArrayRef<SymExpr> from = dimsOf(node, 0), to = resultDims();
    return !from.empty() && from.take_back(2) == to.take_back(2) && follow(node);
  }

  /// One more matrix of the same kind after each: the dimension that grows is the last but the
  /// matrices', and was of size 1.
  bool stepExpand(onnx::NodeOp node) {
    ArrayRef<SymExpr> from = dimsOf(node, 0), to = resultDims();
    if (from.size() < 3 || from.size() != to.size() || from.take_back(2) != to.take_back(2))
      return false;
    size_t last = from.size() - 3;
    if (!from[last].isConstant(1) || from.take_front(last) != to.take_front(last))
      return false;
    SymExpr repeat = shapes.getSymbols().mul(source.repeat, to[last]);
    if (!repeat)
      return false;
    source.repeat = repeat;
    return follow(node);
  }

  bool stepScale(onnx::NodeOp node) {
    Type type = cast<TensorType>(source.value.getType()).getElementType();
    if (!type.isF32() && !type.isF64())
      return false; // others are rounded after each operator
    for (unsigned i = 0; i < 2; ++i) {
      Value scale = node.getOptionalOperand(1 - i);
      bool isOne = shapes.get(scale).isRanked &&
                   llvm::all_of(shapes.get(scale).dims, [](SymExpr d) { return d.isConstant(1); });
      if (!isOne || dimsOf(node, i) != resultDims())
        continue;
      source.scales.push_back(scale);
      return follow(node, i);
    }
    return false;
  }

  MatrixSource &source;
  SymbolicShapes &shapes;
};

} // namespace

MatrixSource moec::traceMatrices(Value stack, SymbolicShapes &shapes) {
  MatrixSource source{stack, shapes.getSymbols().constant(1), false, {}};
  MatrixTracer tracer(source, shapes);
  while (tracer.step())
    continue;
  return source;
}

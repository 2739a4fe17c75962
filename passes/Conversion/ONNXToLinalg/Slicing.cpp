//===- Slicing.cpp - Parts of tensors: Split, Trilu
//-----------------------------------------------------===//
#include "passes/Conversion/ONNXToLinalg/Slicing.h"
#include "passes/Conversion/ONNXToLinalg/Movement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

Value moec::extractSlice(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> offsets,
                         ArrayRef<SymExpr> sizes, ArrayRef<int64_t> steps) {
  auto type = cast<RankedTensorType>(tensor.getType());
  // The operation takes no offset at the end of an axis: where that is certain, nothing is read.
  if (llvm::is_contained(type.getShape(), 0) ||
      llvm::any_of(sizes, [](SymExpr size) { return size.isConstant(0); }))
    return lowering.empty(sizes, type.getElementType());
  SmallVector<OpFoldResult> strides;
  for (int64_t step : steps)
    strides.push_back(lowering.builder.getIndexAttr(step));
  strides.resize(sizes.size(), lowering.builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(lowering.builder, lowering.loc, tensor,
                                        lowering.sizes(offsets), lowering.sizes(sizes), strides);
}

Value moec::readAt(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> to,
                   function_ref<Value(OpBuilder &, Location, int64_t axis, Value index)> position) {
  OpBuilder &builder = lowering.builder;
  Value init = lowering.empty(to, cast<RankedTensorType>(tensor.getType()).getElementType());
  SmallVector<utils::IteratorType> iterators(to.size(), utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, lowering.loc, init.getType(), ValueRange(), init,
             builder.getMultiDimIdentityMap(to.size()), iterators,
             [&](OpBuilder &b, Location loc, ValueRange) {
               SmallVector<Value> indices;
               for (int64_t axis = 0, rank = to.size(); axis < rank; ++axis)
                 indices.push_back(position(b, loc, axis, linalg::IndexOp::create(b, loc, axis)));
               Value element = tensor::ExtractOp::create(b, loc, tensor, indices);
               linalg::YieldOp::create(b, loc, element);
             })
      .getResult(0);
}

//===- Split
//--------------------------------------------------------------------------------------===//

/// The sizes of the parts of an axis; refuses the node (and returns failure) where there are none.
static FailureOr<SmallVector<SymExpr>> getPartSizes(NodeLowering &lowering, SymExpr size) {
  SymContext &symbols = lowering.symbols;
  int64_t count = lowering.getNumResults();
  if (lowering.hasOperand(1)) {
    std::optional<ArrayRef<SymExpr>> sizes = lowering.elements(1);
    if (!sizes || static_cast<int64_t>(sizes->size()) != count)
      return lowering.refuse("'split' is not a small tensor of one element a result");
    if (failed(lowering.checkSizes(*sizes)))
      return failure();
    return SmallVector<SymExpr>(*sizes);
  }
  // Parts of equal size, the last of what remains (opset 18); before, the size is a multiple.
  SymExpr part =
      symbols.div(symbols.add(size, symbols.constant(count - 1)), symbols.constant(count));
  SmallVector<SymExpr> sizes(count, part);
  sizes.back() = symbols.sub(size, symbols.mul(part, symbols.constant(count - 1)));
  if (failed(lowering.checkLessEqual(symbols.constant(0), sizes.back(),
                                     "the axis is too short to be split")))
    return failure();
  return sizes;
}

static Results lowerSplit(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  SmallVector<SymExpr> dims(lowering.dims(0));
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", 0), dims.size());
  if (!axis)
    return failure();
  FailureOr<SmallVector<SymExpr>> sizes = getPartSizes(lowering, dims[*axis]);
  if (failed(sizes) || failed(lowering.checkEqual(symbols.sum(*sizes), dims[*axis],
                                                  "the split sizes do not add up to the axis")))
    return failure();
  Value tensor = lowering.operand(0);
  SmallVector<SymExpr> offsets(dims.size(), symbols.constant(0));
  SmallVector<Value> results;
  for (auto [i, size] : llvm::enumerate(*sizes)) {
    dims[*axis] = size;
    results.push_back(lowering.hasResult(i) ? extractSlice(lowering, tensor, offsets, dims, {})
                                            : Value());
    offsets[*axis] = symbols.add(offsets[*axis], size);
  }
  return results;
}

//===- Trilu
//--------------------------------------------------------------------------------------===//

static Results lowerTrilu(NodeLowering &lowering) {
  OpBuilder &builder = lowering.builder;
  SymContext &symbols = lowering.symbols;
  int64_t rank = lowering.dims(0).size();
  if (rank < 2)
    return lowering.refuse("it needs at least two dimensions");
  SymExpr diagonal = symbols.constant(0);
  if (lowering.hasOperand(1)) {
    std::optional<ArrayRef<SymExpr>> k = lowering.elements(1);
    if (!k || k->size() != 1)
      return lowering.refuse("'k' is not a scalar");
    diagonal =
        symbols.max(symbols.min((*k)[0], symbols.constant(kMaxSize)), symbols.constant(-kMaxSize));
  }
  bool isUpper = lowering.node.getInt("upper", 1) != 0;
  Value offset = lowering.index(diagonal);
  Value input = lowering.operand(0);
  Type elementType = cast<RankedTensorType>(input.getType()).getElementType();
  Value zero = arith::ConstantOp::create(builder, lowering.loc, builder.getZeroAttr(elementType));
  Value init = lowering.empty(lowering.dims(0), elementType);
  AffineMap map = builder.getMultiDimIdentityMap(rank);
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  return SmallVector<Value>{
      linalg::GenericOp::create(
          builder, lowering.loc, init.getType(), input, init, ArrayRef{map, map}, iterators,
          [&](OpBuilder &b, Location loc, ValueRange args) {
            Value row = linalg::IndexOp::create(b, loc, rank - 2);
            Value column = linalg::IndexOp::create(b, loc, rank - 1);
            Value boundary = arith::AddIOp::create(b, loc, row, offset);
            auto predicate = isUpper ? arith::CmpIPredicate::sge : arith::CmpIPredicate::sle;
            Value keeps = arith::CmpIOp::create(b, loc, predicate, column, boundary);
            Value kept = arith::SelectOp::create(b, loc, keeps, args[0], zero);
            linalg::YieldOp::create(b, loc, kept);
          })
          .getResult(0)};
}

void moec::addSlicingHandlers(NodeHandlerTable &table) {
  table.add("Split", 13, lowerSplit);
  table.add("Trilu", 14, lowerTrilu);
  addPadHandlers(table);
  addSliceHandlers(table);
}

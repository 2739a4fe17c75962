//===- Sorting.cpp - Top-k, arg-max, running sums --------------------------===//
#include "passes/Conversion/ONNXToLinalg/Sorting.h"
#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "dialects/Kernel/KernelOps.h"
#include "moec/Kernels/KernelLibrary.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace moec;

static Value getFlag(NodeLowering &lowering, StringRef attribute, int64_t defaultValue) {
  bool flag = lowering.node.getInt(attribute, defaultValue) != 0;
  return lowering.scalarInt(lowering.builder.getI1Type(), flag);
}

//===- TopK
//---------------------------------------------------------------------------------------===//

static Results lowerTopK(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  int64_t rank = dims.size();
  std::optional<int64_t> axis = lowering.normalizeAxis(lowering.node.getInt("axis", -1), rank);
  if (!axis)
    return failure();
  std::optional<ArrayRef<SymExpr>> elements = lowering.elements(1);
  if (!elements || elements->size() != 1)
    return lowering.refuse("'K' does not have one element");
  SymExpr k = (*elements)[0];
  if (failed(lowering.checkLessEqual(symbols.constant(0), k, "'K' is negative")) ||
      failed(lowering.checkLessEqual(k, dims[*axis], "'K' is larger than the axis")))
    return failure();
  // The axis last, all others one.
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  order.erase(order.begin() + *axis);
  order.push_back(*axis);
  SmallVector<SymExpr> moved = permute(dims, order);
  SymExpr rows = symbols.product(ArrayRef(moved).drop_back());
  Value x = transpose(lowering, lowering.operand(0), dims, order);
  x = reshape(lowering, x, moved, {rows, dims[*axis]});
  Type elementType = lowering.resultType(0).getElementType();
  SmallVector<Value> outputs{lowering.empty({rows, k}, elementType),
                             lowering.empty({rows, k}, lowering.builder.getI64Type())};
  auto call = kernel::CallOp::create(lowering.builder, lowering.loc, ValueRange(outputs).getTypes(),
                                     getLibraryKernelName("topk", lowering.modelElementType(0)),
                                     ValueRange{x, getFlag(lowering, "largest", 1)}, outputs);
  moved.back() = k;
  SmallVector<Value> results;
  for (Value result : call.getResults()) {
    result = reshape(lowering, result, {rows, k}, moved);
    results.push_back(transpose(lowering, result, moved, invertPermutationVector(order)));
  }
  return results;
}

//===- ArgMax, ArgMin
//-----------------------------------------------------------------------------===//

static Results lowerArgReduction(NodeLowering &lowering, StringRef kernel) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", 0), dims.size());
  if (!axis || failed(lowering.checkLessEqual(symbols.constant(1), dims[*axis],
                                              "an empty axis has no largest element")))
    return failure();
  AxisView view = getAxisView(symbols, dims, *axis);
  SmallVector<SymExpr> to(dims);
  if (lowering.node.getInt("keepdims", 1))
    to[*axis] = symbols.constant(1);
  else
    to.erase(to.begin() + *axis);
  Value x = reshape(lowering, lowering.operand(0), dims, view.dims());
  SmallVector<SymExpr> positionDims{view.outer, view.inner};
  Value init = lowering.empty(positionDims, lowering.builder.getI64Type());
  Value positions =
      kernel::CallOp::create(lowering.builder, lowering.loc, init.getType(),
                             getLibraryKernelName(kernel, lowering.modelElementType(0)),
                             ValueRange{x, getFlag(lowering, "select_last_index", 0)}, init)
          .getResult(0);
  Value result = reshape(lowering, positions, positionDims, to);
  if (!result)
    return failure();
  return SmallVector<Value>{result};
}

static Results lowerArgMax(NodeLowering &lowering) { return lowerArgReduction(lowering, "argmax"); }

static Results lowerArgMin(NodeLowering &lowering) { return lowerArgReduction(lowering, "argmin"); }

//===- Hardmax
//------------------------------------------------------------------------------------===//

/// 1 at the first of the largest elements along the axis, else 0.
static Results lowerHardmax(NodeLowering &lowering) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  std::optional<int64_t> axis =
      lowering.normalizeAxis(lowering.node.getInt("axis", -1), dims.size());
  if (!axis)
    return failure();
  AxisView axisView = getAxisView(symbols, dims, *axis);
  if (failed(lowering.checkLessEqual(symbols.constant(1), axisView.axis,
                                     "an empty axis has no largest element")))
    return failure();
  Type type = lowering.resultType(0).getElementType();
  SmallVector<SymExpr> view = axisView.dims(), places{view[0], view[2]};
  Value x = reshape(lowering, lowering.operand(0), dims, view);
  if (!x)
    return failure();
  Value init = lowering.empty(places, lowering.builder.getI64Type());
  Value first = kernel::CallOp::create(
                    lowering.builder, lowering.loc, init.getType(),
                    getLibraryKernelName("argmax", lowering.modelElementType(0)),
                    ValueRange{x, lowering.scalarInt(lowering.builder.getI1Type(), 0)}, init)
                    .getResult(0);
  SmallVector<SymExpr> column{view[0], symbols.constant(1), view[2]};
  first = reshape(lowering, first, places, column);
  Value one = lowering.scalar(type, 1), zero = lowering.scalar(type, 0);
  Value result =
      emitElementwise(lowering, BroadcastOperand{first, column}, view, type,
                      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                        Value place = linalg::IndexOp::create(b, loc, 1);
                        place = arith::IndexCastOp::create(b, loc, b.getI64Type(), place);
                        Value isHere =
                            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, place, args[0]);
                        return arith::SelectOp::create(b, loc, isHere, one, zero);
                      });
  return SmallVector<Value>{reshape(lowering, result, view, dims)};
}

//===- CumSum, CumProd
//----------------------------------------------------------------------------===//

/// The operand as [outer, axis, inner], with an axis that may be known at run time only; refuses
/// the node (and returns failure) if it is not one number.
static FailureOr<AxisView> getComputedAxisView(NodeLowering &lowering, unsigned axisOperand) {
  SymContext &symbols = lowering.symbols;
  ArrayRef<SymExpr> dims = lowering.dims(0);
  int64_t rank = dims.size();
  std::optional<ArrayRef<SymExpr>> axes = lowering.elements(axisOperand);
  if (!axes || axes->size() != 1)
    return lowering.refuse("the axis is not one number");
  std::optional<SymExpr> axis = lowering.normalizeAxis((*axes)[0], rank);
  if (!axis)
    return failure();
  AxisView view = getAxisView(symbols, dims, rank - 1);
  for (int64_t d = 0; d < rank; ++d) {
    SymExpr isHere = symbols.eq(*axis, symbols.constant(d));
    AxisView here = getAxisView(symbols, dims, d);
    view = {symbols.select(isHere, here.outer, view.outer),
            symbols.select(isHere, here.axis, view.axis),
            symbols.select(isHere, here.inner, view.inner)};
  }
  return view;
}

static Results lowerCumulation(NodeLowering &lowering, StringRef kernel) {
  ArrayRef<SymExpr> dims = lowering.dims(0);
  if (dims.empty())
    return lowering.refuse("a scalar has no axis");
  FailureOr<AxisView> axisView = getComputedAxisView(lowering, 1);
  if (failed(axisView))
    return failure();
  SmallVector<SymExpr> view = axisView->dims();
  Value x = reshape(lowering, lowering.operand(0), dims, view);
  if (!x)
    return failure();
  Value init = lowering.empty(view, lowering.resultType(0).getElementType());
  Value sums =
      kernel::CallOp::create(
          lowering.builder, lowering.loc, init.getType(),
          getLibraryKernelName(kernel, lowering.modelElementType(0)),
          ValueRange{x, getFlag(lowering, "exclusive", 0), getFlag(lowering, "reverse", 0)}, init)
          .getResult(0);
  return SmallVector<Value>{reshape(lowering, sums, view, dims)};
}

static Results lowerCumSum(NodeLowering &lowering) { return lowerCumulation(lowering, "cumsum"); }

static Results lowerCumProd(NodeLowering &lowering) { return lowerCumulation(lowering, "cumprod"); }

void moec::addSortingHandlers(NodeHandlerTable &table) {
  table.add("ArgMax", 11, lowerArgMax);
  table.add("ArgMin", 11, lowerArgMin);
  table.add("CumProd", 26, lowerCumProd);
  table.add("CumSum", 11, lowerCumSum);
  table.add("Hardmax", 13, lowerHardmax);
  table.add("TopK", 10, lowerTopK);
  addNonZeroHandlers(table);
  addUniqueHandlers(table);
}

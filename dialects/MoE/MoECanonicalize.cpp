//===- MoECanonicalize.cpp - What operations of the moe dialect are simplified to --------===//
//
// Only what gives the same numbers, the sign of a zero aside.
//
//===------------------------------------------------------------------------------------------===//
#include "VerifyShapes.h"
#include "dialects/MoE/MoEOps.h"

#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace moec::moe;

/// Whether all elements of a constant are that number.
static bool isAll(Value value, double number) {
  DenseElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)) || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().convertToDouble() == number;
  // Booleans are 0 and 1.
  return isa<IntegerType>(elements.getElementType()) &&
         elements.getSplatValue<APInt>().getZExtValue() == number;
}

/// Drops an optional operand that is `number` throughout.
template <typename Op>
static bool dropIf(Op op, PatternRewriter &rewriter, MutableOperandRange operand, double number) {
  if (operand.empty() || !isAll(OperandRange(operand).front(), number))
    return false;
  rewriter.modifyOpInPlace(op, [&] { operand.clear(); });
  return true;
}

//===- Linear layers and what stands between them ----------------------------------------===//

LogicalResult LinearOp::canonicalize(LinearOp op, PatternRewriter &rewriter) {
  return success(dropIf(op, rewriter, op.getBiasMutable(), 0));
}

LogicalResult BlockLinearOp::canonicalize(BlockLinearOp op, PatternRewriter &rewriter) {
  bool changed = dropIf(op, rewriter, op.getBiasMutable(), 0);
  std::optional<ArrayRef<int64_t>> shuffle = op.getShuffle();
  if (shuffle && *shuffle == ArrayRef(llvm::to_vector(llvm::seq<int64_t>(0, shuffle->size())))) {
    rewriter.modifyOpInPlace(op, [&] { op.removeShuffleAttr(); });
    changed = true;
  }
  return success(changed);
}

LogicalResult GroupedLinearOp::canonicalize(GroupedLinearOp op, PatternRewriter &rewriter) {
  return success(dropIf(op, rewriter, op.getBiasMutable(), 0));
}

/// Zero points that are all the same are an attribute.
LogicalResult DequantizeOp::canonicalize(DequantizeOp op, PatternRewriter &rewriter) {
  DenseIntElementsAttr points;
  if (!op.getZeroPoints() || !matchPattern(op.getZeroPoints(), m_Constant(&points)) ||
      !points.isSplat())
    return failure();
  bool isUnsigned = elementOf(op.getZeroPoints()).isUnsignedInteger();
  APInt point = points.getSplatValue<APInt>();
  rewriter.modifyOpInPlace(op, [&] {
    op.setZero(isUnsigned ? point.getZExtValue() : point.getSExtValue());
    op.getZeroPointsMutable().clear();
  });
  return success();
}

LogicalResult NormOp::canonicalize(NormOp op, PatternRewriter &rewriter) {
  bool changed = dropIf(op, rewriter, op.getScaleMutable(), 1);
  changed |= dropIf(op, rewriter, op.getBiasMutable(), 0);
  return success(changed);
}

/// Nothing changes what is not negative.
OpFoldResult ActivationOp::fold(FoldAdaptor) {
  if (getKind() == ActivationKind::Identity)
    return getInput();
  auto inner = getInput().getDefiningOp<ActivationOp>();
  bool isReLU =
      getKind() == ActivationKind::ReLU && inner &&
      (inner.getKind() == ActivationKind::ReLU || inner.getKind() == ActivationKind::ReLUSquared);
  return isReLU ? getInput() : Value();
}

LogicalResult GLUOp::canonicalize(GLUOp op, PatternRewriter &rewriter) {
  if (!op.getLimit() || !op.getLimit()->isInfinity())
    return failure();
  rewriter.modifyOpInPlace(op, [&] { op.removeLimitAttr(); });
  return success();
}

//===- Attention -------------------------------------------------------------------------===//

LogicalResult AttentionOp::canonicalize(AttentionOp op, PatternRewriter &rewriter) {
  bool changed = false;
  // A mask that hides nothing and adds nothing.
  if (Value mask = op.getMask(); mask && isAll(mask, isa<FloatType>(elementOf(mask)) ? 0 : 1)) {
    rewriter.modifyOpInPlace(op, [&] {
      op.getMaskMutable().clear();
      op.removeHiddenAttr();
    });
    changed = true;
  }
  // No query is further than the number of keys from the first one.
  int64_t keys = shapeOf(op.getKey())[2];
  if (op.getWindow() > 0 && !ShapedType::isDynamic(keys) &&
      static_cast<int64_t>(op.getWindow()) >= keys) {
    rewriter.modifyOpInPlace(op, [&] { op.setWindow(0); });
    changed = true;
  }
  return success(changed);
}

LogicalResult LinearAttentionOp::canonicalize(LinearAttentionOp op, PatternRewriter &rewriter) {
  bool changed = dropIf(op, rewriter, op.getDecayMutable(), 1);
  changed |= dropIf(op, rewriter, op.getStateMutable(), 0);
  return success(changed);
}

//===- Routers and experts ---------------------------------------------------------------===//

LogicalResult RouteOp::canonicalize(RouteOp op, PatternRewriter &rewriter) {
  bool changed = dropIf(op, rewriter, op.getSelectionBiasMutable(), 0);
  changed |= dropIf(op, rewriter, op.getAliveMutable(), 1);
  // All groups are among the best.
  if (op.getGroups() > 1 && op.getTopGroups() == op.getGroups()) {
    rewriter.modifyOpInPlace(op, [&] {
      op.setGroups(1);
      op.setTopGroups(1);
      op.setGroupTop(1);
    });
    changed = true;
  }
  if (op.getScore() == ScoreFunction::Identity && op.getSelectLogits()) {
    rewriter.modifyOpInPlace(op, [&] { op.setSelectLogits(false); });
    changed = true;
  }
  return success(changed);
}

/// The table of parameter p; empty: expert e has row e.
static ArrayRef<int64_t> getTable(ExpertsOp op, int64_t p) {
  std::optional<ArrayAttr> tables = op.getTables();
  return tables ? cast<DenseI64ArrayAttr>((*tables)[p]).asArrayRef() : ArrayRef<int64_t>();
}

/// Tables that say what holds without them.
static bool simplifyTables(ExpertsOp op, PatternRewriter &rewriter) {
  if (!op.getTables())
    return false;
  SmallVector<Attribute> tables(op.getTables()->getValue());
  for (int64_t p = 0; p < op.getNumParameters(); ++p) {
    SmallVector<int64_t> plain;
    for (auto [i, segment] : llvm::enumerate(op.getSegmentsOf(p)))
      for (int64_t row = 0; row < shapeOf(segment)[0]; ++row)
        plain.append({static_cast<int64_t>(i), row});
    if (getTable(op, p) == ArrayRef(plain))
      tables[p] = rewriter.getDenseI64ArrayAttr({});
  }
  bool isEmpty =
      llvm::all_of(tables, [](Attribute table) { return cast<DenseI64ArrayAttr>(table).empty(); });
  if (!isEmpty && ArrayRef(tables) == op.getTables()->getValue())
    return false;
  rewriter.modifyOpInPlace(op, [&] {
    if (isEmpty)
      op.removeTablesAttr();
    else
      op.setTablesAttr(rewriter.getArrayAttr(tables));
  });
  return true;
}

/// Parameters that the body does not use and that make no expert null.
static bool dropUnusedParameters(ExpertsOp op, PatternRewriter &rewriter) {
  bool changed = false;
  for (int64_t p = op.getNumParameters(); p-- > 0;) {
    if (!op.getBodyParameter(p).use_empty() || llvm::is_contained(getTable(op, p), -1))
      continue;
    rewriter.modifyOpInPlace(op, [&] {
      SmallVector<int64_t> segments(op.getSegments());
      int64_t first = 0;
      for (int64_t i = 0; i < p; ++i)
        first += segments[i];
      op.getParametersMutable().erase(first, segments[p]);
      op.getBody().front().eraseArgument(p + 1);
      segments.erase(segments.begin() + p);
      op.setSegments(segments);
      if (std::optional<ArrayAttr> given = op.getTables()) {
        SmallVector<Attribute> tables(given->getValue());
        tables.erase(tables.begin() + p);
        op.setTablesAttr(rewriter.getArrayAttr(tables));
      }
    });
    changed = true;
  }
  return changed;
}

LogicalResult ExpertsOp::canonicalize(ExpertsOp op, PatternRewriter &rewriter) {
  bool changed = simplifyTables(op, rewriter);
  changed |= dropUnusedParameters(op, rewriter);
  if (op.getWeights() && isAll(op.getWeights(), 1)) {
    rewriter.modifyOpInPlace(op, [&] {
      op.getWeightsMutable().clear();
      op.setWeighInputs(false);
    });
    changed = true;
  }
  return success(changed);
}

//===- Coarser routing -------------------------------------------------------------------===//

/// Puts the operations of a region in place of its operation, where nobody sees other types.
static LogicalResult inlineRegion(Operation *op, Region &region, ValueRange inputs,
                                  PatternRewriter &rewriter) {
  Block &block = region.front();
  Operation *yield = block.getTerminator();
  if (block.getArgumentTypes() != inputs.getTypes() ||
      yield->getOperandTypes() != op->getResultTypes())
    return failure();
  rewriter.inlineBlockBefore(&block, op, inputs);
  SmallVector<Value> results(yield->getOperands());
  rewriter.eraseOp(yield);
  rewriter.replaceOp(op, results);
  return success();
}

/// One region for all.
LogicalResult SelectOp::canonicalize(SelectOp op, PatternRewriter &rewriter) {
  for (auto [i, region] : llvm::enumerate(op.getChoices()))
    if (op.getChoices().size() == 1 || isAll(op.getWhich(), i))
      return inlineRegion(op, region, op.getInputs(), rewriter);
  return failure();
}

LogicalResult SubsetOp::canonicalize(SubsetOp op, PatternRewriter &rewriter) {
  Block &body = op.getBody().front();
  // No row changes.
  if ((isAll(op.getMask(), 0) || body.getTerminator()->getOperand(0) == body.getArgument(0)) &&
      op.getInput().getType() == op.getResult().getType()) {
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
  return isAll(op.getMask(), 1) ? inlineRegion(op, op.getBody(), op.getInput(), rewriter)
                                : failure();
}

#include "passes/Conversion/ONNXToLinalg/Reshaping.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace moec;

static constexpr StringLiteral kOtherCount = "the new shape has another number of elements";

namespace {

/// Dimensions of both shapes, in order, whose sizes have the same product.
struct Group {
  ReassociationIndices from, to;
  SymExpr size;
};

} // namespace

/// The smallest group that starts at dimensions i and j; its numbers of dimensions, or
/// std::nullopt.
static std::optional<std::pair<int64_t, int64_t>>
findGroup(SymContext &symbols, ArrayRef<SymExpr> from, ArrayRef<SymExpr> to) {
  int64_t m = from.size(), n = to.size();
  for (int64_t total = 2; total <= m + n; ++total)
    for (int64_t a = std::max<int64_t>(1, total - n); a <= std::min(m, total - 1); ++a) {
      SymExpr size = symbols.product(from.take_front(a));
      if (size && size == symbols.product(to.take_front(total - a)))
        return std::pair(a, total - a);
    }
  return std::nullopt;
}

/// Groups that cover both shapes; std::nullopt if their products are not provably equal. Both ranks
/// are at least 1.
static std::optional<SmallVector<Group>> matchShapes(SymContext &symbols, ArrayRef<SymExpr> from,
                                                     ArrayRef<SymExpr> to) {
  SmallVector<Group> groups;
  int64_t i = 0, j = 0, m = from.size(), n = to.size();
  auto isUnit = [](SymExpr size) { return size.isConstant(1); };
  while (i < m && j < n) {
    auto found = findGroup(symbols, from.drop_front(i), to.drop_front(j));
    if (!found)
      return std::nullopt;
    auto [a, b] = *found;
    Group group;
    group.size = symbols.product(from.slice(i, a));
    for (int64_t end = i + a; i < end; ++i)
      group.from.push_back(i);
    for (int64_t end = j + b; j < end; ++j)
      group.to.push_back(j);
    groups.push_back(std::move(group));
  }
  // What remains on one side are sizes of 1; they join the last group.
  if (!llvm::all_of(from.drop_front(i), isUnit) || !llvm::all_of(to.drop_front(j), isUnit))
    return std::nullopt;
  for (; i < m; ++i)
    groups.back().from.push_back(i);
  for (; j < n; ++j)
    groups.back().to.push_back(j);
  return groups;
}

/// The type of a tensor of `type` with groups of dimensions taken as one. A size is static where
/// all of its group are, although the expressions may know more (0 times anything).
static RankedTensorType getCollapsedType(RankedTensorType type,
                                         ArrayRef<ReassociationIndices> groups) {
  SmallVector<int64_t> shape;
  for (const ReassociationIndices &group : groups) {
    int64_t size = 1;
    for (int64_t i : group) {
      bool isDynamic = ShapedType::isDynamic(size) || type.isDynamicDim(i);
      size = isDynamic ? ShapedType::kDynamic : size * type.getDimSize(i);
    }
    shape.push_back(size);
  }
  return RankedTensorType::get(shape, type.getElementType());
}

static Value collapse(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> to,
                      ArrayRef<ReassociationIndices> groups) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value collapsed = tensor::CollapseShapeOp::create(lowering.builder, lowering.loc,
                                                    getCollapsedType(type, groups), tensor, groups);
  return lowering.castTo(collapsed, lowering.tensorType(to, type.getElementType()));
}

static Value expand(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> to,
                    ArrayRef<ReassociationIndices> groups) {
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  RankedTensorType type = lowering.tensorType(to, elementType);
  tensor = lowering.castTo(tensor, getCollapsedType(type, groups));
  return tensor::ExpandShapeOp::create(lowering.builder, lowering.loc, type, tensor, groups,
                                       lowering.sizes(to));
}

/// A reshape through one dimension, after a check that the sizes' products agree.
static Value reshapeThroughLine(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> from,
                                ArrayRef<SymExpr> to) {
  SymContext &symbols = lowering.symbols;
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  SymExpr size = symbols.product(from), newSize = symbols.product(to);
  if (!size || !newSize) {
    (void)lowering.refuse("the sizes are too large");
    return {};
  }
  // Constant factors that rule each other out are beyond what the operations below can express.
  int64_t factor = 1;
  for (SymExpr dim : to)
    factor *= dim.getConstant().value_or(1);
  if (auto count = size.getConstant();
      count && (factor == 0 ? *count != 0 : *count % factor != 0)) {
    (void)lowering.refuse("a tensor of " + Twine(*count) +
                          " elements does not fit the requested shape");
    return {};
  }
  if (failed(lowering.checkEqual(size, newSize, kOtherCount)))
    return {};
  if (from.size() != 1) {
    ReassociationIndices all = llvm::to_vector<2>(llvm::seq<int64_t>(0, from.size()));
    tensor = from.empty() ? expand(lowering, tensor, {symbols.constant(1)}, {})
                          : collapse(lowering, tensor, {size}, {all});
  }
  if (to.empty()) {
    tensor = lowering.castTo(tensor, RankedTensorType::get({1}, elementType));
    return collapse(lowering, tensor, {}, {});
  }
  bool isStatic = llvm::all_of(to, [](SymExpr dim) { return dim.getConstant().has_value(); });
  int64_t lineSize = isStatic ? factor : ShapedType::kDynamic;
  tensor = lowering.castTo(tensor, RankedTensorType::get({lineSize}, elementType));
  if (to.size() == 1)
    return lowering.castTo(tensor, lowering.tensorType(to, elementType));
  ReassociationIndices all = llvm::to_vector<2>(llvm::seq<int64_t>(0, to.size()));
  return expand(lowering, tensor, to, {all});
}

Value moec::reshape(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> from,
                    ArrayRef<SymExpr> to) {
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  tensor = lowering.castTo(tensor, lowering.tensorType(from, elementType));
  if (from == to)
    return tensor;
  auto isUnit = [](SymExpr size) { return size.isConstant(1); };
  auto isZero = [](SymExpr size) { return size.isConstant(0); };
  if (llvm::any_of(from, isZero) || llvm::any_of(to, isZero)) {
    SymContext &symbols = lowering.symbols;
    if (failed(lowering.checkEqual(symbols.product(from), symbols.product(to), kOtherCount)))
      return {};
    return lowering.empty(to, elementType);
  }
  if (to.empty() && llvm::all_of(from, isUnit))
    return collapse(lowering, tensor, to, {});
  if (from.empty() && llvm::all_of(to, isUnit))
    return expand(lowering, tensor, to, {});
  std::optional<SmallVector<Group>> groups;
  if (!from.empty() && !to.empty())
    groups = matchShapes(lowering.symbols, from, to);
  if (!groups)
    return reshapeThroughLine(lowering, tensor, from, to);
  SmallVector<SymExpr> middle;
  SmallVector<ReassociationIndices> fromGroups, toGroups;
  for (Group &group : *groups) {
    middle.push_back(group.size);
    fromGroups.push_back(std::move(group.from));
    toGroups.push_back(std::move(group.to));
  }
  if (middle.size() != from.size())
    tensor = collapse(lowering, tensor, middle, fromGroups);
  if (middle.size() != to.size())
    tensor = expand(lowering, tensor, to, toGroups);
  return tensor;
}

SmallVector<SymExpr> moec::permute(ArrayRef<SymExpr> dims, ArrayRef<int64_t> permutation) {
  return llvm::map_to_vector(permutation, [&](int64_t i) { return dims[i]; });
}

Value moec::transpose(NodeLowering &lowering, Value tensor, ArrayRef<SymExpr> dims,
                      ArrayRef<int64_t> permutation) {
  SmallVector<SymExpr> to = permute(dims, permutation);
  SmallVector<int64_t> moving;
  llvm::copy_if(permutation, std::back_inserter(moving),
                [&](int64_t i) { return !dims[i].isConstant(1); });
  if (llvm::is_sorted(moving))
    return reshape(lowering, tensor, dims, to);
  Type elementType = cast<RankedTensorType>(tensor.getType()).getElementType();
  tensor = lowering.castTo(tensor, lowering.tensorType(dims, elementType));
  Value init = lowering.empty(to, elementType);
  return linalg::TransposeOp::create(lowering.builder, lowering.loc, tensor, init, permutation)
      ->getResult(0);
}

AxisView moec::getAxisView(SymContext &symbols, ArrayRef<SymExpr> dims, int64_t axis) {
  return {symbols.product(dims.take_front(axis)), dims[axis],
          symbols.product(dims.drop_front(axis + 1))};
}

std::optional<AxisOperand> moec::getAxisOperand(NodeLowering &lowering) {
  AxisOperand result{lowering.operand(0), SmallVector<SymExpr>(lowering.dims(0))};
  if (lowering.node.getOnnxAttr("axis")) {
    std::optional<int64_t> axis =
        lowering.normalizeAxis(lowering.node.getInt("axis", 0), result.dims.size());
    if (!axis)
      return std::nullopt;
    result.axis = *axis;
    return result;
  }
  SymExpr count = lowering.symbols.product(result.dims);
  result.tensor = reshape(lowering, result.tensor, result.dims, count);
  result.dims = {count};
  return result;
}

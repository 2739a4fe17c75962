#include "LinearEditing.h"

#include "passes/Raising/EraseUnused.h"

using namespace mlir;
using namespace moec;

moe::ExpertsOp moec::getExpertsOfParameter(Value weight) {
  auto argument = dyn_cast<BlockArgument>(weight);
  if (!argument || argument.getArgNumber() == 0)
    return {};
  return dyn_cast<moe::ExpertsOp>(argument.getOwner()->getParentOp());
}

static int64_t getParameterNumber(Value weight) {
  return cast<BlockArgument>(weight).getArgNumber() - 1;
}

SmallVector<Value> moec::getSegments(Value weight) {
  moe::ExpertsOp experts = getExpertsOfParameter(weight);
  if (!experts)
    return {weight};
  return experts.getSegmentsOf(getParameterNumber(weight));
}

/// Parameter `at` is given by `segments`, after `table`; one that was there moves up. Without
/// segments, that parameter is taken out.
static void setParameter(moe::ExpertsOp experts, int64_t at, ArrayRef<Value> segments,
                         Attribute table) {
  Builder builder(experts.getContext());
  SmallVector<Value> parameters;
  SmallVector<int64_t> counts(experts.getSegments());
  for (int64_t p = 0, count = counts.size(); p < count; ++p) {
    if (p == at)
      llvm::append_range(parameters, segments);
    if (p != at || !segments.empty())
      llvm::append_range(parameters, experts.getSegmentsOf(p));
  }
  if (at == static_cast<int64_t>(counts.size()))
    llvm::append_range(parameters, segments);
  SmallVector<Attribute> tables;
  if (ArrayAttr all = experts.getTablesAttr())
    tables.assign(all.begin(), all.end());
  if (segments.empty()) {
    counts.erase(counts.begin() + at);
    if (!tables.empty())
      tables.erase(tables.begin() + at);
  } else {
    counts.insert(counts.begin() + at, segments.size());
    if (!tables.empty())
      tables.insert(tables.begin() + at, table);
  }
  experts.getParametersMutable().assign(parameters);
  experts.setSegments(counts);
  if (!tables.empty())
    experts.setTablesAttr(builder.getArrayAttr(tables));
}

Value moec::bindSegments(ArrayRef<Value> segments, Value weight) {
  moe::ExpertsOp experts = getExpertsOfParameter(weight);
  if (!experts)
    return segments.front();
  int64_t p = getParameterNumber(weight);
  ArrayAttr tables = experts.getTablesAttr();
  setParameter(experts, p + 1, segments, tables ? tables[p] : Attribute());
  auto type = cast<RankedTensorType>(segments.front().getType());
  // Of experts that differ in size the sizes are known at run time only.
  SmallVector<int64_t> shape(type.getShape().drop_front());
  for (Value segment : segments)
    for (auto [size, own] :
         llvm::zip_equal(shape, cast<RankedTensorType>(segment.getType()).getShape().drop_front()))
      size = size == own ? size : ShapedType::kDynamic;
  return experts.getBody().front().insertArgument(
      p + 2, RankedTensorType::get(shape, type.getElementType()), weight.getLoc());
}

void moec::dropWeight(Value weight) {
  if (!weight.use_empty())
    return;
  SmallVector<Value> segments = getSegments(weight);
  if (moe::ExpertsOp experts = getExpertsOfParameter(weight)) {
    int64_t p = getParameterNumber(weight);
    setParameter(experts, p, {}, {});
    experts.getBody().front().eraseArgument(p + 1);
  }
  eraseUnusedDefinitions(segments);
}

RankedTensorType moec::getSegmentType(Value weight, Value segment, int64_t blocks, int64_t depth,
                                      int64_t columns) {
  auto type = cast<RankedTensorType>(segment.getType());
  SmallVector<int64_t> shape;
  if (getExpertsOfParameter(weight))
    shape.push_back(type.getDimSize(0));
  if (blocks > 1)
    shape.push_back(blocks);
  shape.append({depth, columns});
  return RankedTensorType::get(shape, type.getElementType());
}

Value moec::createLinear(OpBuilder &builder, Location loc, Value input, Value weight, Value bias,
                         ArrayRef<int64_t> shuffle) {
  auto inputType = cast<RankedTensorType>(input.getType());
  ArrayRef<int64_t> sizes = cast<RankedTensorType>(weight.getType()).getShape();
  SmallVector<int64_t> shape(inputType.getShape());
  shape.back() = sizes.back() * (sizes.size() == 3 ? sizes[0] : 1);
  auto type = RankedTensorType::get(shape, inputType.getElementType());
  if (sizes.size() == 2)
    return moe::LinearOp::create(builder, loc, type, input, weight, bias, /*transposed=*/false);
  return moe::BlockLinearOp::create(builder, loc, type, input, weight, bias,
                                    shuffle.empty() ? DenseI64ArrayAttr()
                                                    : builder.getDenseI64ArrayAttr(shuffle));
}

LayerCost moec::getLinearCost(Operation *linear) {
  if (auto blocks = dyn_cast<moe::BlockLinearOp>(linear))
    return getCost(blocks);
  return getCost(cast<moe::LinearOp>(linear));
}

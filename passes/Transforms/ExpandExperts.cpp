//===- ExpandExperts.cpp - Experts as products of rows in order by expert ----------------===//
#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Transforms/ExpertWidths.h"
#include "passes/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"

namespace moec {
#define GEN_PASS_DEF_EXPANDEXPERTSPASS
#include "passes/Transforms/Passes.h.inc"

using namespace mlir;

namespace {

/// Rows of a known width; with `isAnyWidth` also those whose width differs from expert to expert.
RankedTensorType asRows(Value value, bool isAnyWidth) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  bool isRows = type && type.getRank() == 2 && (isAnyWidth || !type.isDynamicDim(1));
  return isRows ? type : RankedTensorType();
}

/// The width of rows, or of what each of them is multiplied or added with.
Type withWidth(Type type, int64_t width) {
  SmallVector<int64_t> shape(cast<RankedTensorType>(type).getShape());
  shape.back() = width;
  return RankedTensorType::get(shape, cast<RankedTensorType>(type).getElementType());
}

/// A linear layer in a body: MatMul of a matrix is one too. Of a block-diagonal one the weight is a
/// stack of matrices.
struct Linear {
  Value input, weight, bias;
  bool transposed = false;
  int64_t blocks = 1;
  ArrayRef<int64_t> shuffle = {};

  /// Of the weight.
  int64_t getRank() const { return cast<RankedTensorType>(weight.getType()).getRank(); }
};

std::optional<Linear> matchLinear(Operation *op) {
  if (auto linear = dyn_cast<moe::LinearOp>(op); linear && linear.isPlain())
    return Linear{linear.getInput(), linear.getWeight(), linear.getBias(), linear.getTransposed()};
  if (auto linear = dyn_cast<moe::BlockLinearOp>(op))
    return Linear{linear.getInput(),
                  linear.getWeight(),
                  linear.getBias(),
                  false,
                  linear.getWeight().getType().getDimSize(0),
                  linear.getShuffle().value_or(ArrayRef<int64_t>())};
  auto node = dyn_cast<onnx::NodeOp>(op);
  if (node && node.getQualifiedName() == "MatMul")
    return Linear{node->getOperand(0), node->getOperand(1), Value()};
  return std::nullopt;
}

/// The matrices of all experts' blocks, [n·b, K, N] of [n, b, K, N].
Value flattenStack(Spelling &s, Value stack) {
  auto type = cast<RankedTensorType>(stack.getType());
  int64_t count = type.getDimSize(0) * type.getDimSize(1);
  Value flat = s.reshape(stack, {count, type.getDimSize(2), type.getDimSize(3)});
  flat.setType(RankedTensorType::get({count, type.getDimSize(2), type.getDimSize(3)},
                                     type.getElementType()));
  return flat;
}

/// Column i of a matrix becomes that of number shuffle[i].
Value shuffleColumns(Spelling &s, Value rows, ArrayRef<int64_t> shuffle) {
  // Most shuffles swap the axes of a grid of runs, (j, i, r) to (i, j, r): a transposition.
  int64_t size = shuffle.size(), run = 1;
  while (run < size && shuffle[run] == shuffle[0] + run)
    ++run;
  int64_t step = run < size ? shuffle[run] : 0; // from (0, 0) to (1, 0) of the grid
  if (step > 0 && step % run == 0 && size % step == 0) {
    int64_t inner = step / run, outer = size / step;
    bool isGrid = true;
    for (int64_t i = 0; i < size; ++i) {
      int64_t column = i / run % outer, row = i / run / outer;
      isGrid &= shuffle[i] == (column * inner + row) * run + i % run;
    }
    if (isGrid)
      return s.reshape(s.transpose(s.reshape(rows, {-1, outer, inner, run}), {0, 2, 1, 3}),
                       {-1, size});
  }
  return s.gather(rows, s.ints(shuffle), 1);
}

/// A block-diagonal layer outside of experts is one expert that has all rows.
void expandBlockLinear(moe::BlockLinearOp op) {
  OpBuilder builder(op);
  Spelling s(builder, op.getLoc());
  RankedTensorType type = op.getResult().getType();
  ArrayRef<int64_t> weight = op.getWeight().getType().getShape();
  int64_t width = weight[0] * weight[2], count = ShapedType::kDynamic;
  if (type.hasStaticShape() && width > 0)
    count = type.getNumElements() / width;
  Value rows = s.reshape(op.getInput(), {-1, weight[0] * weight[1]});
  rows.setType(RankedTensorType::get({count, weight[0] * weight[1]}, type.getElementType()));
  Value offsets = s.concat({s.ints({0}), s.sizeOf(rows, 0)}, 0);
  offsets.setType(RankedTensorType::get(2, builder.getI64Type()));
  Value y = moe::GroupedLinearOp::create(
      builder, op.getLoc(), RankedTensorType::get({count, width}, type.getElementType()), rows,
      offsets, op.getWeight(), nullptr, false, weight[0], nullptr);
  if (std::optional<ArrayRef<int64_t>> shuffle = op.getShuffle())
    y = shuffleColumns(s, y, *shuffle);
  if (op.getBias())
    y = s.add(y, op.getBias());
  if (type.getRank() != 2) {
    int64_t rank = type.getRank();
    Value leading = s.node("Shape", 21, op.getInput(), s.tensorOf(builder.getI64Type()),
                           {s.attribute("end", rank - 1), s.attribute("start", int64_t(0))});
    y = s.reshape(y, s.concat({leading, s.ints({width})}, 0));
  }
  y.setType(type);
  op.getResult().replaceAllUsesWith(y);
  op.erase();
}

class Expansion {
public:
  Expansion(moe::ExpertsOp op, OpBuilder &builder) : op(op), s(builder, op.getLoc()) {}

  /// Why the body is not one of linear layers and of what works by rows; empty if it is.
  std::string check();
  void expand();

private:
  bool isParameter(Value value) { return parameterOf(value).has_value(); }
  /// The parameter that a value of the body is.
  std::optional<int64_t> parameterOf(Value value) {
    auto argument = dyn_cast_or_null<BlockArgument>(value);
    if (!argument || argument.getOwner() != &op.getBody().front() || argument.getArgNumber() == 0)
      return std::nullopt;
    return argument.getArgNumber() - 1;
  }
  bool usesAsLinear(Operation *user);
  bool usesAsVector(Operation *user);
  void numberExperts();
  /// Whether parameters may differ in sizes.
  bool isRagged() { return widths.has_value(); }
  /// The type of a value of the body for all rows: as wide as the widest expert's.
  Type getType(Value inBody) {
    std::optional<int64_t> widest = widths ? widths->getWidest(inBody) : std::nullopt;
    return widest ? withWidth(inBody.getType(), *widest) : inBody.getType();
  }
  Value renumber(Value experts);
  SmallVector<Value> getStack(int64_t p);
  /// A parameter that is a vector, of the distinct experts, [n, N].
  Value getVectors(int64_t p);
  Value getRowsOf(int64_t p);
  Value expandLinear(const Linear &linear, Type result, IRMapping &mapping);

  moe::ExpertsOp op;
  Spelling s;
  /// Which of the operation's experts the dispatched ones are, and the reverse (−1: null).
  SmallVector<int64_t> distinct, numbers;
  std::optional<ExpertWidths> widths; ///< if experts may differ in size
  Value experts, order, offsets, expertOfRow;
};

bool Expansion::usesAsLinear(Operation *user) {
  std::optional<Linear> linear = matchLinear(user);
  if (!linear || isParameter(linear->input) || !isParameter(linear->weight) ||
      !asRows(linear->input, isRagged()) || !asRows(user->getResult(0), isRagged()))
    return false;
  return linear->getRank() == (isa<moe::BlockLinearOp>(user) ? 3 : 2) && linear->blocks > 0 &&
         (!linear->bias || isParameter(linear->bias));
}

/// Each row of a matrix with the expert's vector.
bool Expansion::usesAsVector(Operation *user) {
  auto node = dyn_cast<onnx::NodeOp>(user);
  if (!node || !llvm::is_contained({"Add", "Sub", "Mul", "Div"}, node.getQualifiedName()))
    return false;
  for (Value operand : node->getOperands()) {
    RankedTensorType rows = asRows(operand, isRagged());
    if (isParameter(operand) ? cast<RankedTensorType>(operand.getType()).getRank() != 1
                             : !rows || !rows.isDynamicDim(0))
      return false;
  }
  return true;
}

std::string Expansion::check() {
  bool hasSizes = true, isUniform = true;
  for (int64_t p = 0; p < op.getNumParameters(); ++p) {
    isUniform &= cast<RankedTensorType>(op.getBodyParameter(p).getType()).hasStaticShape();
    for (Value segment : op.getSegmentsOf(p))
      hasSizes &= cast<RankedTensorType>(segment.getType()).hasStaticShape();
  }
  if (!hasSizes)
    return "the sizes of its parameters are known at run time only";
  numberExperts();
  if (distinct.empty())
    return "all its experts are null";
  if (!isUniform)
    widths.emplace(op, distinct);
  for (BlockArgument argument : op.getBody().front().getArguments().drop_front())
    for (Operation *user : argument.getUsers())
      if (!usesAsLinear(user) && !usesAsVector(user))
        return ("a parameter of the body is used by '" + user->getName().getStringRef() +
                "', not as the matrix or the bias of a linear layer over rows")
            .str();
  return widths ? widths->measure() : "";
}

/// Experts that share all rows are one; null ones are none.
void Expansion::numberExperts() {
  SmallVector<SmallVector<std::pair<int64_t, int64_t>>> known;
  for (int64_t e = 0, count = op.getNumExperts(); e < count; ++e) {
    SmallVector<std::pair<int64_t, int64_t>> rows;
    bool isNull = false;
    for (int64_t p = 0; p < op.getNumParameters(); ++p) {
      auto row = op.getRow(p, e);
      isNull |= !row;
      rows.push_back(row.value_or(std::pair<int64_t, int64_t>(-1, -1)));
    }
    auto *same = rows.empty() ? known.begin() : llvm::find(known, rows);
    if (isNull) {
      numbers.push_back(-1);
      continue;
    }
    numbers.push_back(same - known.begin());
    if (same == known.end()) {
      known.push_back(rows);
      distinct.push_back(e);
    }
  }
}

Value Expansion::renumber(Value numbered) {
  Type type = RankedTensorType::get(op.getExperts().getType().getShape(), s.builder.getI64Type());
  Value result = s.cast(numbered, s.builder.getI64Type());
  if (numbers != llvm::to_vector(llvm::seq<int64_t>(0, numbers.size()))) {
    Value isEmpty = s.compare("Less", 13, result, s.intScalar(0));
    Value known = s.where(isEmpty, s.intScalar(0), result);
    result = s.where(isEmpty, s.intScalar(-1), s.gather(s.ints(numbers), known, 0));
  }
  result.setType(cast<TensorType>(type));
  return result;
}

/// Parameter p of the distinct experts, [n, …] each: whole segments, and runs of rows of others.
SmallVector<Value> Expansion::getStack(int64_t p) {
  SmallVector<Value> result;
  for (size_t i = 0; i < distinct.size();) {
    auto [segment, row] = *op.getRow(p, distinct[i]);
    int64_t end = row + 1;
    while (++i < distinct.size() && *op.getRow(p, distinct[i]) == std::pair(segment, end))
      ++end;
    Value from = op.getSegmentsOf(p)[segment];
    SmallVector<int64_t> shape(cast<RankedTensorType>(from.getType()).getShape());
    if (row == 0 && end == shape[0]) {
      result.push_back(from);
      continue;
    }
    shape[0] = end - row;
    Value part = s.slice(from, row, end, 0);
    part.setType(RankedTensorType::get(shape, getElementType(from)));
    result.push_back(part);
  }
  return result;
}

Value Expansion::getVectors(int64_t p) {
  SmallVector<Value> stack = getStack(p);
  auto type = cast<RankedTensorType>(getType(op.getBodyParameter(p)));
  for (Value &part : stack) {
    auto partType = cast<RankedTensorType>(part.getType());
    // What follows a narrower expert's is read by nobody.
    int64_t missing = type.getDimSize(0) - partType.getDimSize(1);
    if (missing == 0)
      continue;
    part = s.node("Pad", 13, {part, s.ints({0, 0, 0, missing})},
                  withWidth(partType, type.getDimSize(0)));
  }
  if (stack.size() == 1)
    return stack[0];
  Value all = s.concat(stack, 0);
  all.setType(RankedTensorType::get({static_cast<int64_t>(distinct.size()), type.getDimSize(0)},
                                    type.getElementType()));
  return all;
}

/// Parameter p, a vector, for each row.
Value Expansion::getRowsOf(int64_t p) {
  if (!expertOfRow) {
    Value flat = s.gather(s.reshape(experts, {-1}), order, 0);
    expertOfRow = s.where(s.compare("Less", 13, flat, s.intScalar(0)), s.intScalar(0), flat);
  }
  return s.gather(getVectors(p), expertOfRow, 0);
}

Value Expansion::expandLinear(const Linear &linear, Type result, IRMapping &mapping) {
  Value bias = linear.bias ? getVectors(*parameterOf(linear.bias)) : Value();
  SmallVector<Value> weights = getStack(*parameterOf(linear.weight));
  for (Value &weight : weights)
    weight = linear.getRank() == 3 ? flattenStack(s, weight) : weight;
  Value input = mapping.lookupOrDefault(linear.input);
  if (linear.shuffle.empty())
    return moe::GroupedLinearOp::create(s.builder, s.loc, result, input, offsets, weights, bias,
                                        linear.transposed, linear.blocks, nullptr);
  Value y = moe::GroupedLinearOp::create(s.builder, s.loc, result, input, offsets, weights, nullptr,
                                         linear.transposed, linear.blocks, nullptr);
  y = shuffleColumns(s, y, linear.shuffle);
  if (linear.bias)
    y = s.add(y, getRowsOf(*parameterOf(linear.bias)));
  y.setType(cast<RankedTensorType>(result));
  return y;
}

void Expansion::expand() {
  constexpr int64_t kDynamic = ShapedType::kDynamic;
  Type i64 = s.builder.getI64Type();
  experts = renumber(op.getExperts());
  ArrayRef<int64_t> slots = op.getExperts().getType().getShape();
  int64_t count = ShapedType::isDynamic(slots[0]) || ShapedType::isDynamic(slots[1])
                      ? kDynamic
                      : slots[0] * slots[1];
  RankedTensorType tokensType = op.getTokens().getType();
  auto rowsType =
      RankedTensorType::get({count, tokensType.getDimSize(1)}, tokensType.getElementType());
  auto dispatch = moe::DispatchOp::create(
      s.builder, s.loc, rowsType, RankedTensorType::get({count}, i64),
      RankedTensorType::get({static_cast<int64_t>(distinct.size()) + 1}, i64), op.getTokens(),
      experts, distinct.size());
  order = dispatch.getOrder();
  offsets = dispatch.getOffsets();
  Value rows = dispatch.getRows(), weights = op.getWeights();
  if (op.getWeighInputs()) {
    Value own = s.gather(s.reshape(s.cast(weights, rowsType.getElementType()), {-1}), order, 0);
    rows = s.mul(rows, s.unsqueeze(own, {1}));
    rows.setType(rowsType);
  }
  if (!weights || op.getWeighInputs()) {
    weights = s.cast(s.compare("Equal", 19, experts, experts), rowsType.getElementType());
    weights.setType(RankedTensorType::get(slots, rowsType.getElementType()));
  }
  IRMapping mapping;
  Block &body = op.getBody().front();
  mapping.map(op.getBodyTokens(), rows);
  for (Operation &inner : body.without_terminator()) {
    if (usesAsLinear(&inner)) {
      mapping.map(inner.getResult(0),
                  expandLinear(*matchLinear(&inner), getType(inner.getResult(0)), mapping));
      continue;
    }
    IRMapping own(mapping);
    for (Value operand : inner.getOperands())
      if (std::optional<int64_t> p = parameterOf(operand))
        own.map(operand, getRowsOf(*p));
    Operation *clone = s.builder.clone(inner, own);
    for (auto [old, made] : llvm::zip(inner.getResults(), clone->getResults()))
      made.setType(getType(old));
    mapping.map(inner.getResults(), clone->getResults());
  }
  Value y = mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
  Value result = moe::CombineOp::create(s.builder, s.loc, op.getResult().getType(), y, order,
                                        offsets, weights);
  op.getResult().replaceAllUsesWith(result);
  op.erase();
}

struct ExpandExperts : impl::ExpandExpertsPassBase<ExpandExperts> {
  void runOnOperation() override {
    SmallVector<moe::ExpertsOp> found;
    getOperation()->walk([&](moe::ExpertsOp op) { found.push_back(op); });
    for (moe::ExpertsOp op : found) {
      OpBuilder builder(op);
      Expansion expansion(op, builder);
      if (std::string reason = expansion.check(); !reason.empty()) {
        op.emitRemark("every expert is computed for every token: ") << reason;
        continue;
      }
      expansion.expand();
    }
    // Of what is outside now, in experts that stay as they are it is spelled with them.
    SmallVector<moe::BlockLinearOp> blocks;
    getOperation()->walk([&](moe::BlockLinearOp op) {
      if (op.getWeight().getType().hasStaticShape() && op.getWeight().getType().getDimSize(0) > 0 &&
          !op->getParentOfType<moe::ExpertsOp>())
        blocks.push_back(op);
    });
    for (moe::BlockLinearOp op : blocks)
      expandBlockLinear(op);
  }
};

} // namespace
} // namespace moec

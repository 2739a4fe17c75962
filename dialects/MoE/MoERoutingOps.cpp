#include "VerifyShapes.h"
#include "dialects/MoE/MoEOps.h"

using namespace mlir;
using namespace moec::moe;

//===- Routers
//------------------------------------------------------------------------------------===//

LogicalResult RouteOp::verify() {
  if (failed(verifyRank(*this, "logits", getLogits(), 2)))
    return failure();
  Shape logits = shapeOf(getLogits());
  int64_t experts = logits[1], k = getK();
  if (ShapedType::isDynamic(experts))
    return emitOpError("has a number of experts that is known at run time only");
  if (k > experts)
    return emitOpError() << "chooses " << k << " of " << experts << " experts";
  SmallVector<int64_t> chosen{logits[0], k};
  if (failed(verifyShape(*this, "weights", getWeights(), chosen)) ||
      failed(verifyShape(*this, "experts", getExperts(), chosen)))
    return failure();
  if (getSelectionBias() && failed(verifyBroadcast(*this, "bias", getSelectionBias(), logits)))
    return failure();
  if (getAlive()) {
    if (failed(verifyBroadcast(*this, "alive", getAlive(), logits)) ||
        failed(verifyElementType(*this, "alive", getAlive(), IntegerType::get(getContext(), 1))))
      return failure();
  }
  if (static_cast<bool>(getExternal()) != (getWeight() == RouteWeight::External))
    return emitOpError() << "has " << (getExternal() ? "" : "no ")
                         << "external weights, but its weight is '"
                         << stringifyRouteWeight(getWeight()) << "'";
  if (getExternal() && failed(verifyShape(*this, "external", getExternal(), logits)))
    return failure();
  int64_t groups = getGroups(), topGroups = getTopGroups(), groupTop = getGroupTop();
  if (groups < 1 || experts % groups)
    return emitOpError() << "cuts " << experts << " experts into " << groups << " groups";
  if (topGroups < 1 || topGroups > groups)
    return emitOpError() << "chooses " << topGroups << " of " << groups << " groups";
  if (groupTop < 1 || groupTop > experts / groups)
    return emitOpError() << "sums the " << groupTop << " best of groups of " << experts / groups;
  if (static_cast<bool>(getJitter()) != (getScore() == ScoreFunction::SparseMixer))
    return emitOpError("has 'jitter' without the score 'sparsemixer', or the reverse");
  if (getJitter() && (getSelectionBias() || getAlive() || groups > 1))
    return emitOpError("has the score 'sparsemixer', which chooses by logits alone, and a bias, "
                       "experts that are not alive, or groups");
  if (std::optional<int64_t> capacity = getCapacity(); capacity && *capacity < 0)
    return emitOpError() << "has a capacity of " << *capacity;
  return success();
}

LogicalResult ChooseTokensOp::verify() {
  if (failed(verifyRank(*this, "scores", getScores(), 2)) ||
      failed(verifyRank(*this, "weights", getWeights(), 2)) ||
      failed(verifyShape(*this, "tokens", getTokens(), shapeOf(getWeights()))))
    return failure();
  if (int64_t rank = shapeOf(getCapacity()).size())
    return emitOpError() << "capacity has rank " << rank << ", expected a scalar";
  return verifyShape(*this, "weights", getWeights(),
                     {shapeOf(getScores())[1], shapeOf(getWeights())[1]});
}

//===- Experts
//------------------------------------------------------------------------------------===//

OperandRange ExpertsOp::getSegmentsOf(int64_t p) {
  ArrayRef<int64_t> segments = getSegments();
  int64_t begin = 0;
  for (int64_t count : segments.take_front(p))
    begin += count;
  return getParameters().slice(begin, segments[p]);
}

std::optional<std::pair<int64_t, int64_t>> ExpertsOp::getRow(int64_t p, int64_t e) {
  if (std::optional<ArrayAttr> tables = getTables()) {
    ArrayRef<int64_t> table = cast<DenseI64ArrayAttr>((*tables)[p]).asArrayRef();
    if (!table.empty()) {
      if (table[2 * e] < 0)
        return std::nullopt;
      return std::pair(table[2 * e], table[2 * e + 1]);
    }
  }
  for (auto [i, segment] : llvm::enumerate(getSegmentsOf(p))) {
    int64_t rows = shapeOf(segment)[0];
    if (e < rows)
      return std::pair(static_cast<int64_t>(i), e);
    e -= rows;
  }
  return std::nullopt;
}

static LogicalResult verifySegments(ExpertsOp op) {
  int64_t total = 0;
  for (int64_t count : op.getSegments()) {
    if (count < 1)
      return op.emitOpError() << "has a parameter of " << count << " segments, expected at least 1";
    total += count;
  }
  if (total != static_cast<int64_t>(op.getParameters().size()))
    return op.emitOpError() << "names " << total << " segments, but has "
                            << op.getParameters().size();
  std::optional<ArrayAttr> tables = op.getTables();
  if (tables && static_cast<int64_t>(tables->size()) != op.getNumParameters())
    return op.emitOpError() << "has " << tables->size() << " tables for " << op.getNumParameters()
                            << " parameters";
  for (int64_t p = 0; p < op.getNumParameters(); ++p) {
    int64_t rows = 0;
    for (Value segment : op.getSegmentsOf(p)) {
      if (shapeOf(segment).empty() || ShapedType::isDynamic(shapeOf(segment)[0]))
        return op.emitOpError() << "a segment of parameter " << p << " has shape "
                                << toString(shapeOf(segment))
                                << ", expected a known number of rows";
      rows += shapeOf(segment)[0];
    }
    ArrayRef<int64_t> table =
        tables ? cast<DenseI64ArrayAttr>((*tables)[p]).asArrayRef() : ArrayRef<int64_t>();
    if (table.empty()) {
      if (rows != static_cast<int64_t>(op.getNumExperts()))
        return op.emitOpError() << "parameter " << p << " has " << rows << " rows for "
                                << op.getNumExperts() << " experts";
      continue;
    }
    if (table.size() != 2 * op.getNumExperts())
      return op.emitOpError() << "the table of parameter " << p << " has " << table.size()
                              << " numbers, expected two for each of " << op.getNumExperts()
                              << " experts";
    for (size_t i = 0; i < table.size(); i += 2) {
      int64_t segment = table[i], row = table[i + 1];
      if (segment == -1 && row == -1)
        continue;
      if (segment < 0 || segment >= op.getSegments()[p] || row < 0 ||
          row >= shapeOf(op.getSegmentsOf(p)[segment])[0])
        return op.emitOpError() << "the table of parameter " << p << " places expert " << i / 2
                                << " at segment " << segment << ", row " << row
                                << ", which is not there";
    }
  }
  return success();
}

LogicalResult ExpertsOp::verify() {
  if (failed(verifyRank(*this, "tokens", getTokens(), 2)) ||
      failed(verifyRank(*this, "experts", getExperts(), 2)) ||
      failed(verifyRank(*this, "result", getResult(), 2)))
    return failure();
  int64_t count = shapeOf(getTokens())[0];
  if (!mayEqual(shapeOf(getExperts())[0], count))
    return emitOpError() << "has " << count << " tokens, but experts for "
                         << shapeOf(getExperts())[0];
  if (!mayEqual(shapeOf(getResult())[0], count))
    return emitOpError() << "has " << count << " tokens, but results for "
                         << shapeOf(getResult())[0];
  if (getWeights() && failed(verifyShape(*this, "weights", getWeights(), shapeOf(getExperts()))))
    return failure();
  if (getWeighInputs() && !getWeights())
    return emitOpError("weighs its inputs, but has no weights");
  return verifySegments(*this);
}

LogicalResult ExpertsOp::verifyRegions() {
  Block &block = getBody().front();
  if (static_cast<int64_t>(block.getNumArguments()) != getNumParameters() + 1)
    return emitOpError() << "the body has " << block.getNumArguments()
                         << " arguments, expected tokens and " << getNumParameters()
                         << " parameters";
  for (BlockArgument argument : block.getArguments())
    if (!isa<RankedTensorType>(argument.getType()))
      return emitOpError() << "argument " << argument.getArgNumber() << " of the body is "
                           << argument.getType() << ", expected a ranked tensor";
  constexpr int64_t kDynamic = ShapedType::kDynamic;
  if (failed(verifyShape(*this, "argument 0 of the body", block.getArgument(0),
                         {kDynamic, shapeOf(getTokens())[1]})))
    return failure();
  for (int64_t p = 0; p < getNumParameters(); ++p)
    for (Value segment : getSegmentsOf(p)) {
      BlockArgument argument = block.getArgument(p + 1);
      if (!mayEqual(shapeOf(argument), shapeOf(segment).drop_front()) ||
          elementOf(argument) != elementOf(segment))
        return emitOpError() << "argument " << p + 1 << " of the body is " << argument.getType()
                             << ", but a segment has rows of "
                             << toString(shapeOf(segment).drop_front()) << " "
                             << elementOf(segment);
    }
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getNumOperands() != 1)
    return emitOpError("the body does not end with a 'moe.yield' of one value");
  return verifyShape(*this, "the value that the body yields", yield.getOperand(0),
                     {kDynamic, shapeOf(getResult())[1]});
}

//===- Experts in order
//---------------------------------------------------------------------------===//

LogicalResult DispatchOp::verify() {
  if (failed(verifyRank(*this, "tokens", getTokens(), 2)) ||
      failed(verifyRank(*this, "experts", getExperts(), 2)))
    return failure();
  Shape tokens = shapeOf(getTokens()), experts = shapeOf(getExperts());
  if (!mayEqual(tokens[0], experts[0]))
    return emitOpError() << "has " << tokens[0] << " tokens, but experts for " << experts[0];
  int64_t slots = ShapedType::isDynamic(experts[0]) || ShapedType::isDynamic(experts[1])
                      ? ShapedType::kDynamic
                      : experts[0] * experts[1];
  if (failed(verifyShape(*this, "rows", getRows(), {slots, tokens[1]})) ||
      failed(verifyShape(*this, "order", getOrder(), {slots})) ||
      failed(
          verifyShape(*this, "offsets", getOffsets(), {static_cast<int64_t>(getNumExperts()) + 1})))
    return failure();
  return success();
}

int64_t GroupedLinearOp::getDepthOf(Value weight) {
  return shapeOf(weight)[getTransposed() ? 2 : 1];
}
int64_t GroupedLinearOp::getWidthOf(Value weight) {
  return shapeOf(weight)[getTransposed() ? 1 : 2];
}

bool GroupedLinearOp::isRagged() {
  Shape first = shapeOf(getWeights()[0]).drop_front();
  return llvm::any_of(getWeights(),
                      [&](Value weight) { return !mayEqual(shapeOf(weight).drop_front(), first); });
}

LogicalResult GroupedLinearOp::verify() {
  if (failed(verifyRank(*this, "input", getInput(), 2)) ||
      failed(verifyRank(*this, "offsets", getOffsets(), 1)))
    return failure();
  if (getWeights().empty())
    return emitOpError("has no weights");
  Shape input = shapeOf(getInput());
  int64_t experts = 0, in = 0, out = 0, blocks = getBlocks();
  for (Value weight : getWeights()) {
    if (failed(verifyRank(*this, "weight", weight, 3)))
      return failure();
    Shape shape = shapeOf(weight);
    if (ShapedType::isDynamic(shape[0]))
      return emitOpError("has a number of experts that is known at run time only");
    if (shape[0] % blocks != 0)
      return emitOpError() << "has " << shape[0] << " weights in a row for experts with " << blocks
                           << " blocks each";
    experts += shape[0] / blocks;
    // The largest, unless one is known at run time only.
    auto take = [&](int64_t &largest, int64_t size) {
      if (ShapedType::isDynamic(size) || ShapedType::isDynamic(largest))
        largest = ShapedType::kDynamic;
      else
        largest = std::max(largest, size * blocks);
    };
    take(in, getDepthOf(weight));
    take(out, getWidthOf(weight));
  }
  if (!isRagged() && !mayEqual(in, input[1]))
    return emitOpError() << "input has " << input[1] << " features, but a weight has shape "
                         << toString(shapeOf(getWeights()[0]))
                         << (getTransposed() ? " (transposed)" : "");
  if (isRagged()) {
    if (blocks > 1)
      return emitOpError("has blocks of weights that differ in sizes");
    if (getEpilogue())
      return emitOpError("has an epilogue and weights that differ in sizes");
    for (Value weight : getWeights())
      if (llvm::any_of(shapeOf(weight), ShapedType::isDynamic))
        return emitOpError("has weights that differ in sizes, and one of shape ")
               << toString(shapeOf(weight));
    if (!mayEqual(in, input[1]))
      return emitOpError() << "input has " << input[1]
                           << " features, but the largest of its weights takes " << in;
  }
  if (failed(verifyShape(*this, "offsets", getOffsets(), {experts + 1})))
    return failure();
  if (getBias() && failed(verifyShape(*this, "bias", getBias(), {experts, out})))
    return failure();
  if (blocks > 1 && getEpilogue() && getEpilogue()->getGated())
    return emitOpError("has a gate in blocks, whose halves are no part of each");
  if (getEpilogue() && !getEpilogue()->keepsZero())
    return emitOpError(
        "has an epilogue that makes another number of zero: rows of no expert are zero");
  FailureOr<int64_t> width = verifyEpilogue(*this, getEpilogueAttr(), out);
  if (failed(width))
    return failure();
  return verifyShape(*this, "result", getResult(), {input[0], *width});
}

LogicalResult CombineOp::verify() {
  if (failed(verifyRank(*this, "rows", getRows(), 2)) ||
      failed(verifyRank(*this, "order", getOrder(), 1)) ||
      failed(verifyRank(*this, "offsets", getOffsets(), 1)) ||
      failed(verifyRank(*this, "weights", getWeights(), 2)))
    return failure();
  Shape rows = shapeOf(getRows()), weights = shapeOf(getWeights());
  if (failed(verifyShape(*this, "order", getOrder(), {rows[0]})))
    return failure();
  return verifyShape(*this, "result", getResult(), {weights[0], rows[1]});
}

//===- Coarser routing
//----------------------------------------------------------------------------===//

/// The body's arguments and yielded values have the types of `inputs` and `results` but for the
/// number of rows.
static LogicalResult verifyRowRegion(Operation *op, Region &region, ValueRange inputs,
                                     ValueRange results) {
  Block &block = region.front();
  auto sameButRows = [](Value a, Value b) {
    return isa<RankedTensorType>(a.getType()) && !shapeOf(a).empty() && !shapeOf(b).empty() &&
           mayEqual(shapeOf(a).drop_front(), shapeOf(b).drop_front()) &&
           elementOf(a) == elementOf(b);
  };
  if (block.getNumArguments() != inputs.size())
    return op->emitOpError() << "a region has " << block.getNumArguments() << " arguments for "
                             << inputs.size() << " inputs";
  for (auto [argument, input] : llvm::zip(block.getArguments(), inputs))
    if (!sameButRows(argument, input))
      return op->emitOpError() << "argument " << argument.getArgNumber() << " of a region is "
                               << argument.getType() << " for an input " << input.getType();
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield || yield.getNumOperands() != results.size())
    return op->emitOpError() << "a region does not end with a 'moe.yield' of " << results.size()
                             << " values";
  for (auto [value, result] : llvm::zip(yield.getOperands(), results))
    if (!sameButRows(value, result))
      return op->emitOpError() << "a region yields " << value.getType() << " for a result "
                               << result.getType();
  return success();
}

LogicalResult SelectOp::verify() {
  if (failed(verifyRank(*this, "which", getWhich(), 1)))
    return failure();
  if (getChoices().empty())
    return emitOpError("has no regions");
  for (Region &region : getChoices())
    if (failed(verifyRowRegion(*this, region, getInputs(), getResults())))
      return failure();
  return success();
}

LogicalResult SubsetOp::verify() {
  if (failed(verifyRank(*this, "mask", getMask(), 1)) ||
      failed(verifyElementType(*this, "mask", getMask(), IntegerType::get(getContext(), 1))))
    return failure();
  if (shapeOf(getInput()).empty() || !mayEqual(shapeOf(getInput())[0], shapeOf(getMask())[0]))
    return emitOpError() << "input has shape " << toString(shapeOf(getInput())) << " for a mask of "
                         << shapeOf(getMask())[0] << " rows";
  if (failed(verifyShape(*this, "result", getResult(), shapeOf(getInput()))))
    return failure();
  return verifyRowRegion(*this, getBody(), getInput(), getResult());
}

void ObserveOp::getEffects(SmallVectorImpl<MemoryEffects::EffectInstance> &effects) {
  effects.emplace_back(MemoryEffects::Write::get());
}

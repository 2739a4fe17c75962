//===- MergeFactors.cpp - One product instead of two ----------------------------------------===//
#include "DecisionLog.h"
#include "LinearEditing.h"
#include "WeightEditor.h"
#include "moec/Numerics/Factorization.h"
#include "passes/Compression/Passes.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/GlobPattern.h"

namespace moec {
#define GEN_PASS_DEF_MERGEFACTORSPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

constexpr StringLiteral kPass = "merge-factors";

/// A linear layer as blocks; moe.linear is of one.
struct Blocks {
  Operation *op;
  Value input, weight, bias;
  ArrayRef<int64_t> shuffle;
  bool transposed = false;
  int64_t count = 1, depth = 0, columns = 0; ///< of blocks; of each

  int64_t numInputs() const { return count * depth; }
  int64_t numOutputs() const { return count * columns; }
  int64_t numParameters() const { return count * depth * columns; }

  /// The weight that is one matrix, [numInputs, numOutputs], from one as it is stored.
  std::vector<float> toMatrix(ArrayRef<float> stored) const {
    if (!transposed)
      return expandBlocks(stored, count, depth, columns, shuffle);
    std::vector<float> result(stored.size());
    for (int64_t row = 0; row < depth; ++row)
      for (int64_t column = 0; column < columns; ++column)
        result[row * columns + column] = stored[column * depth + row];
    return result;
  }
};

/// None for other operations, and for weights whose sizes are not known.
std::optional<Blocks> matchBlocks(Operation *op) {
  Blocks result{op, {}, {}, {}, {}};
  if (auto linear = dyn_cast_or_null<moe::LinearOp>(op)) {
    result.input = linear.getInput();
    result.weight = linear.getWeight();
    result.bias = linear.getBias();
    result.transposed = linear.getTransposed();
    result.depth = linear.getInWidth();
    result.columns = linear.getOutWidth();
  } else if (auto blocks = dyn_cast_or_null<moe::BlockLinearOp>(op)) {
    ArrayRef<int64_t> shape = blocks.getWeight().getType().getShape();
    result.input = blocks.getInput();
    result.weight = blocks.getWeight();
    result.bias = blocks.getBias();
    result.shuffle = blocks.getShuffle().value_or(ArrayRef<int64_t>());
    result.count = shape[0];
    result.depth = shape[1];
    result.columns = shape[2];
  } else {
    return std::nullopt;
  }
  bool isKnown = cast<RankedTensorType>(result.weight.getType()).hasStaticShape();
  return isKnown ? std::optional(result) : std::nullopt;
}

/// Two layers without anything between them, or outside of experts, where `experts` is null.
struct Pair {
  Blocks first, second;
  moe::ExpertsOp experts;
  std::string name;

  Operation *place() { return experts ? experts.getOperation() : second.op; }
};

class MergeFactors : public impl::MergeFactorsPassBase<MergeFactors> {
public:
  using MergeFactorsPassBase::MergeFactorsPassBase;

  void runOnOperation() override {
    llvm::Expected<llvm::GlobPattern> pattern = llvm::GlobPattern::create(layers);
    if (!pattern)
      return fail("'layers': " + llvm::toString(pattern.takeError()));
    for (auto [name, value] :
         {std::pair("tokens", tokens.getValue()), std::pair("balance", balance.getValue())})
      if (value < 1)
        return fail(llvm::formatv("'{0}' is {1}, expected 1 or more", name, value).str());
    if (launch < 0)
      return fail(llvm::formatv("'launch' is {0}, expected 0 or more", launch.getValue()).str());
    FailureOr<WeightEditor> editor = WeightEditor::open(getOperation());
    if (failed(editor))
      return signalPassFailure();
    // What is merged may be the first of another pair: the first ones go first.
    SmallVector<Operation *> seconds;
    llvm::DenseMap<Operation *, std::string> names;
    for (MoELayer &layer : getMoELayers(getOperation()))
      names[layer.experts] = layer.name;
    getOperation().walk([&](Operation *op) { seconds.push_back(op); });
    for (Operation *op : seconds) {
      std::optional<Pair> pair = matchPair(op);
      if (!pair)
        continue;
      pair->name = pair->experts ? names[pair->experts] : getNodeName(op).str();
      if (pair->name.empty())
        pair->name = "linear";
      if (pattern->match(pair->name) && failed(mergePair(*editor, *pair)))
        return signalPassFailure();
    }
  }

private:
  void fail(const Twine &message) {
    emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
    signalPassFailure();
  }

  static std::optional<Pair> matchPair(Operation *op) {
    std::optional<Blocks> second = matchBlocks(op);
    std::optional<Blocks> first =
        second ? matchBlocks(second->input.getDefiningOp()) : std::nullopt;
    if (!first || !first->op->getResult(0).hasOneUse() ||
        first->op->getBlock() != second->op->getBlock() ||
        first->numOutputs() != second->numInputs())
      return std::nullopt;
    moe::ExpertsOp experts = getExpertsOfParameter(second->weight);
    if (getExpertsOfParameter(first->weight) != experts)
      return std::nullopt;
    return Pair{*first, *second, experts, ""};
  }

  /// What a product takes, in bytes that are read in the same time.
  double getCost(Pair pair, int64_t inputs, int64_t outputs, int64_t parameters) const;
  /// Fails on errors only; a pair that is left is logged.
  LogicalResult mergePair(WeightEditor &editor, Pair &pair);
  /// The merged weights, one for each segment of the pair's; fails with the reason.
  llvm::Expected<SmallVector<Value>> multiply(WeightEditor &editor, OpBuilder &builder, Pair pair);
};

double MergeFactors::getCost(Pair pair, int64_t inputs, int64_t outputs, int64_t parameters) const {
  double rows = tokens, weights = 1;
  if (pair.experts) {
    int64_t k = pair.experts.getExperts().getType().getDimSize(1);
    rows *= ShapedType::isDynamic(k) ? 1 : k;
    weights = std::min<double>(rows, pair.experts.getNumExperts());
  }
  auto type = cast<RankedTensorType>(pair.second.weight.getType());
  double elementBytes = type.getElementTypeBitWidth() / 8.0;
  double bytes = (weights * parameters + rows * (inputs + outputs)) * elementBytes;
  double flops = 2.0 * rows * parameters;
  return launch + std::max(bytes, flops / balance);
}

llvm::Expected<SmallVector<Value>> MergeFactors::multiply(WeightEditor &editor, OpBuilder &builder,
                                                          Pair pair) {
  auto [first, second, experts, name] = pair;
  SmallVector<Value> firstSegments = getSegments(first.weight);
  SmallVector<Value> secondSegments = getSegments(second.weight), result;
  auto count = [](Value segment) {
    return cast<RankedTensorType>(segment.getType()).getDimSize(0);
  };
  auto tableOf = [](moe::ExpertsOp op, Value weight) {
    ArrayAttr tables = op.getTablesAttr();
    return tables ? tables[cast<BlockArgument>(weight).getArgNumber() - 1] : Attribute();
  };
  if (experts &&
      (tableOf(experts, first.weight) != tableOf(experts, second.weight) ||
       !llvm::equal(llvm::map_range(firstSegments, count), llvm::map_range(secondSegments, count))))
    return llvm::createStringError("experts share one factor and not the other");
  for (auto [firstSegment, secondSegment] : llvm::zip(firstSegments, secondSegments)) {
    llvm::Expected<WeightTensor> a = editor.read(firstSegment);
    if (!a)
      return a.takeError();
    llvm::Expected<WeightTensor> b = editor.read(secondSegment);
    if (!b)
      return b.takeError();
    std::vector<float> products;
    llvm::ArrayRef<float> as = a->values, bs = b->values;
    for (; !as.empty();
         as = as.drop_front(first.numParameters()), bs = bs.drop_front(second.numParameters()))
      llvm::append_range(
          products, multiplyMatrices(first.toMatrix(as.take_front(first.numParameters())),
                                     second.toMatrix(bs.take_front(second.numParameters())),
                                     first.numInputs(), first.numOutputs(), second.numOutputs()));
    FailureOr<Value> merged = editor.write(
        builder, second.op->getLoc(), (getWeightName(secondSegment, name) + ".merged").str(),
        getSegmentType(second.weight, secondSegment, 1, first.numInputs(), second.numOutputs()),
        products);
    if (failed(merged))
      return llvm::createStringError("the product cannot be stored");
    result.push_back(*merged);
  }
  return result;
}

LogicalResult MergeFactors::mergePair(WeightEditor &editor, Pair &pair) {
  auto [first, second, experts, name] = pair;
  auto refuse = [&](const Twine &reason) {
    logRefusal(pair.place(), kPass, name, reason);
    return success();
  };
  int64_t inputs = first.numInputs(), middle = first.numOutputs(), outputs = second.numOutputs();
  double two = getCost(pair, inputs, middle, first.numParameters()) +
               getCost(pair, middle, outputs, second.numParameters());
  double one = getCost(pair, inputs, outputs, inputs * outputs);
  std::string numbers =
      llvm::formatv("for {0} tokens two products with {1} parameters cost {2:f0}, one with {3} "
                    "costs {4:f0}",
                    tokens.getValue(), first.numParameters() + second.numParameters(), two,
                    inputs * outputs, one);
  if (!always && two <= one)
    return refuse(numbers);
  if (first.bias)
    return refuse("the first of the two layers has a bias");
  if (!first.weight.hasOneUse() || !second.weight.hasOneUse())
    return refuse("a weight has other uses");

  Decision decision;
  decision.pass = kPass;
  decision.layer = name;
  if (experts) {
    decision.before = moec::getCost(experts);
  } else {
    decision.before = getLinearCost(first.op);
    decision.before += getLinearCost(second.op);
  }
  OpBuilder builder(pair.place());
  llvm::Expected<SmallVector<Value>> merged = multiply(editor, builder, pair);
  if (!merged)
    return refuse(llvm::toString(merged.takeError()));
  builder.setInsertionPoint(second.op);
  Value weight = bindSegments(*merged, second.weight);
  Value result = createLinear(builder, second.op->getLoc(), first.input, weight, second.bias, {});
  result.setType(cast<RankedTensorType>(second.op->getResult(0).getType()));
  second.op->getResult(0).replaceAllUsesWith(result);
  second.op->erase();
  first.op->erase();
  dropWeight(first.weight);
  dropWeight(second.weight);

  Builder attributes(&getContext());
  if (always) {
    decision.options.set("always", attributes.getBoolAttr(true));
  } else {
    decision.options.set("tokens", attributes.getI64IntegerAttr(tokens));
    decision.options.set("launch", attributes.getI64IntegerAttr(launch));
    decision.options.set("balance", attributes.getI64IntegerAttr(balance));
  }
  decision.after = experts ? moec::getCost(experts) : getLinearCost(result.getDefiningOp());
  decision.reason = "'" + name + "' is one linear layer of " + std::to_string(inputs) + " x " +
                    std::to_string(outputs) + " again: " + numbers;
  logDecision(experts ? experts.getOperation() : result.getDefiningOp(), decision);
  return success();
}

} // namespace
} // namespace moec

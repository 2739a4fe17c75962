//===- MergeFactors.cpp - One product instead of two ----------------------------------------===//
#include "DecisionLog.h"
#include "LayerPattern.h"
#include "LinearEditing.h"
#include "WeightEditor.h"
#include "moec/Numerics/Factorization.h"
#include "passes/Compression/Passes.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

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
  if (auto linear = dyn_cast_or_null<moe::LinearOp>(op); linear && linear.isPlain()) {
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
    llvm::Expected<LayerPattern> pattern = LayerPattern::create(layers);
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
    fixLayerNames(getOperation());
    // Layers go by the names of what they were factors of.
    SmallVector<Operation *> seconds;
    getOperation().walk([&](Operation *op) {
      if (!isa<moe::ExpertsOp, moe::LinearOp, moe::BlockLinearOp>(op))
        return;
      std::string name = getName(op);
      bool isWanted = pattern->match(name);
      if (auto experts = op->getParentOfType<moe::ExpertsOp>())
        isWanted |= pattern->match(getName(experts));
      if (isWanted && !isa<moe::ExpertsOp>(op))
        seconds.push_back(op);
    });
    if (!pattern->checkAllMatched([&](const Twine &message) { fail(message); }))
      return;
    // What is merged may be the first of another pair: the first ones go first.
    for (Operation *op : seconds) {
      std::optional<Pair> pair = matchPair(op);
      if (!pair)
        continue;
      pair->name = getName(pair->experts ? pair->experts.getOperation() : op);
      if (failed(mergePair(*editor, *pair)))
        return signalPassFailure();
    }
    log.attachTo(getOperation());
  }

private:
  void fail(const Twine &message) {
    emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
    signalPassFailure();
  }

  /// Of a layer, or of what it is the second factor of.
  static std::string getName(Operation *op) {
    std::optional<LayerLabel> label = getLayerLabel(op->getLoc());
    StringRef name = label ? StringRef(label->name) : getNodeName(op);
    name.consume_back(kSecondFactor);
    return name.empty() ? "linear" : name.str();
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
  /// Weights and biases, one of each for each segment of the pair's weights.
  struct Merged {
    SmallVector<Value> weights, biases;
  };
  /// Those of the pair in one; without biases where the second's serves. Fails with the reason.
  llvm::Expected<Merged> multiply(WeightEditor &editor, OpBuilder &builder, Pair pair);

  DecisionLog log{kPass};
};

/// The numbers of a bias of `count` layers, `width` each; all 0 for none.
llvm::Expected<std::vector<float>> readBias(WeightEditor &editor, Value bias, int64_t count,
                                            int64_t width) {
  std::vector<float> result(count * width, 0);
  if (!bias)
    return result;
  llvm::Expected<WeightTensor> stored = editor.read(bias);
  if (!stored)
    return stored.takeError();
  // One number may serve for all columns.
  int64_t own = stored->getNumElements() / count;
  if (own != width && own != 1)
    return llvm::createStringError("a bias has another size than its layer's outputs");
  for (int64_t i = 0; i < count * width; ++i)
    result[i] = stored->values[own == width ? i : i / width * own];
  return result;
}

/// The table of the parameter that a value is.
Attribute getTable(moe::ExpertsOp op, Value parameter) {
  ArrayAttr tables = op.getTablesAttr();
  return tables ? tables[cast<BlockArgument>(parameter).getArgNumber() - 1] : Attribute();
}

/// Whether two parameters have as many experts in each segment, and share rows in the same way.
bool haveSameRows(moe::ExpertsOp op, Value a, Value b) {
  auto count = [](Value segment) {
    return cast<RankedTensorType>(segment.getType()).getDimSize(0);
  };
  return getExpertsOfParameter(a) == op && getExpertsOfParameter(b) == op &&
         getTable(op, a) == getTable(op, b) &&
         llvm::equal(llvm::map_range(getSegments(a), count),
                     llvm::map_range(getSegments(b), count));
}

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

llvm::Expected<MergeFactors::Merged> MergeFactors::multiply(WeightEditor &editor,
                                                            OpBuilder &builder, Pair pair) {
  auto [first, second, experts, name] = pair;
  if (experts && !haveSameRows(experts, first.weight, second.weight))
    return llvm::createStringError("experts share one factor and not the other");
  // (x A + b) B + c = x AB + (b B + c)
  SmallVector<Value> firstBiases, secondBiases;
  if (first.bias)
    for (auto [bias, segments] :
         {std::pair(first.bias, &firstBiases), std::pair(second.bias, &secondBiases)}) {
      if (bias && (experts ? !haveSameRows(experts, bias, second.weight)
                           : bool(getExpertsOfParameter(bias))))
        return llvm::createStringError("experts share a bias and not the weights, or the other "
                                       "way round");
      if (bias)
        *segments = getSegments(bias);
    }
  Merged result;
  int64_t middle = first.numOutputs(), outputs = second.numOutputs();
  Location loc = second.op->getLoc();
  for (auto [i, firstSegment, secondSegment] :
       llvm::enumerate(getSegments(first.weight), getSegments(second.weight))) {
    llvm::Expected<WeightTensor> a = editor.read(firstSegment);
    if (!a)
      return a.takeError();
    llvm::Expected<WeightTensor> b = editor.read(secondSegment);
    if (!b)
      return b.takeError();
    int64_t count = a->getNumElements() / first.numParameters();
    std::vector<float> products, firstBias, bias;
    if (first.bias) {
      llvm::Expected<std::vector<float>> read = readBias(editor, firstBiases[i], count, middle);
      if (!read)
        return read.takeError();
      firstBias = std::move(*read);
      read = readBias(editor, second.bias ? secondBiases[i] : Value(), count, outputs);
      if (!read)
        return read.takeError();
      bias = std::move(*read);
    }
    for (int64_t m = 0; m < count; ++m) {
      auto partOf = [m](llvm::ArrayRef<float> all, int64_t size) {
        return all.slice(m * size, size);
      };
      std::vector<float> matrix = second.toMatrix(partOf(b->values, second.numParameters()));
      llvm::append_range(products,
                         multiplyMatrices(first.toMatrix(partOf(a->values, first.numParameters())),
                                          matrix, first.numInputs(), middle, outputs));
      if (!first.bias)
        continue;
      std::vector<float> moved =
          multiplyMatrices(partOf(firstBias, middle), matrix, 1, middle, outputs);
      for (int64_t n = 0; n < outputs; ++n)
        bias[m * outputs + n] += moved[n];
    }
    StringRef weightName = getWeightName(secondSegment, name);
    RankedTensorType type =
        getSegmentType(second.weight, secondSegment, 1, first.numInputs(), outputs);
    FailureOr<Value> merged =
        editor.write(builder, loc, (weightName + ".merged").str(), type, products);
    if (failed(merged))
      return llvm::createStringError("the product cannot be stored");
    result.weights.push_back(*merged);
    if (!first.bias)
      continue;
    SmallVector<int64_t> shape{outputs};
    if (experts)
      shape.insert(shape.begin(), count);
    auto biasType =
        RankedTensorType::get(shape, cast<RankedTensorType>(first.bias.getType()).getElementType());
    merged = editor.write(builder, loc, (weightName + ".merged_bias").str(), biasType, bias);
    if (failed(merged))
      return llvm::createStringError("the bias cannot be stored");
    result.biases.push_back(*merged);
  }
  return result;
}

LogicalResult MergeFactors::mergePair(WeightEditor &editor, Pair &pair) {
  auto [first, second, experts, name] = pair;
  auto refuse = [&](const Twine &reason) {
    log.refuse(pair.place(), name, reason);
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
  if (!first.weight.hasOneUse() || !second.weight.hasOneUse())
    return refuse("a weight has other uses");

  Decision decision;
  decision.layer = name;
  if (experts) {
    decision.before = moec::getCost(experts);
  } else {
    decision.before = getLinearCost(first.op);
    decision.before += getLinearCost(second.op);
  }
  OpBuilder builder(pair.place());
  llvm::Expected<Merged> merged = multiply(editor, builder, pair);
  if (!merged)
    return refuse(llvm::toString(merged.takeError()));
  builder.setInsertionPoint(second.op);
  Value weight = bindSegments(merged->weights, second.weight), bias = second.bias;
  if (!merged->biases.empty())
    bias = bindSegments(merged->biases, weight);
  Location loc = second.op->getLoc();
  if (std::optional<LayerLabel> label = getLayerLabel(loc))
    loc = withLayerLabel(loc, {getName(second.op), label->kind});
  Value result = createLinear(builder, loc, first.input, weight, bias, {});
  result.setType(cast<RankedTensorType>(second.op->getResult(0).getType()));
  second.op->getResult(0).replaceAllUsesWith(result);
  second.op->erase();
  first.op->erase();
  llvm::SmallSetVector<Value, 4> unused;
  for (Value old : {first.weight, second.weight, first.bias, second.bias})
    if (old && unused.insert(old))
      dropWeight(old);

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
  log.add(experts ? experts.getOperation() : result.getDefiningOp(), decision);
  return success();
}

} // namespace
} // namespace moec

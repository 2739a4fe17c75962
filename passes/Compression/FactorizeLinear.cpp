//===- FactorizeLinear.cpp - Two small products instead of one ------------------------------===//
#include "DecisionLog.h"
#include "LayerPattern.h"
#include "LinearEditing.h"
#include "WeightEditor.h"
#include "WeightReaders.h"
#include "moec/Numerics/Factorization.h"
#include "passes/Compression/Passes.h"

#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace moec {
#define GEN_PASS_DEF_FACTORIZELINEARPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

constexpr StringLiteral kPass = "factorize-linear";

/// Numbers of 32 bits in the widest register that kernels use, and the share of a rank that may go
/// to fill registers.
constexpr int64_t kRegister = 16;
constexpr double kLeftToRegisters = 0.03;

/// Both factors of each weight of a stack, and how far they are from it.
struct FactorStacks {
  std::vector<float> first, second;
  double squaredError = 0, squaredNorm = 0;
};

/// The weights of a stack, [n, K, N] or [n, N, K] if transposed.
llvm::Expected<FactorStacks> factorizeStack(llvm::ArrayRef<float> weights, bool transposed,
                                            const FactorShape &shape) {
  FactorStacks result;
  int64_t size = shape.depth * shape.columns;
  std::vector<float> turned(transposed ? size : 0);
  for (; !weights.empty(); weights = weights.drop_front(size)) {
    llvm::ArrayRef<float> weight = weights.take_front(size);
    if (transposed) {
      for (int64_t row = 0; row < shape.depth; ++row)
        for (int64_t column = 0; column < shape.columns; ++column)
          turned[row * shape.columns + column] = weight[column * shape.depth + row];
      weight = turned;
    }
    llvm::Expected<Factors> factors = factorize(weight, shape);
    if (!factors)
      return factors.takeError();
    llvm::append_range(result.first, factors->first);
    llvm::append_range(result.second, factors->second);
    result.squaredError += factors->squaredError;
    result.squaredNorm += factors->squaredNorm;
  }
  return result;
}

class FactorizeLinear : public impl::FactorizeLinearPassBase<FactorizeLinear> {
public:
  using FactorizeLinearPassBase::FactorizeLinearPassBase;

  void runOnOperation() override {
    llvm::Expected<LayerPattern> pattern = LayerPattern::create(layers);
    if (!pattern)
      return fail("'layers': " + llvm::toString(pattern.takeError()));
    if (failed(checkOptions()))
      return signalPassFailure();
    FailureOr<WeightEditor> editor = WeightEditor::open(getOperation());
    if (failed(editor))
      return signalPassFailure();
    fixLayerNames(getOperation());
    std::vector<LinearLayer> found = getLinearLayers(getOperation());
    llvm::erase_if(found, [&](LinearLayer &layer) { return !pattern->match(layer.name); });
    if (!pattern->checkAllMatched([&](const Twine &message) { fail(message); }))
      return;
    llvm::erase_if(found, [&](LinearLayer &layer) { return !isAsked(layer.kind); });
    findOtherUses(found);
    for (LinearLayer &layer : found)
      if (failed(factorizeLayer(*editor, layer)))
        return signalPassFailure();
    log.attachTo(getOperation());
  }

private:
  void fail(const Twine &message) {
    emitError(UnknownLoc::get(&getContext())) << kPass << ": " << message;
    signalPassFailure();
  }
  LogicalResult checkOptions();
  bool isAsked(LinearKind kind) {
    if (kinds.empty())
      return kind != LinearKind::Router && kind != LinearKind::Head;
    return llvm::is_contained(kinds, stringifyLinearKind(kind));
  }

  /// Notes which layers have weights that others than these layers read, or in another order: these
  /// would be kept beside the factors.
  void findOtherUses(llvm::ArrayRef<LinearLayer> asked);
  /// Fails on errors only; a layer that is left is logged.
  LogicalResult factorizeLayer(WeightEditor &editor, LinearLayer &layer);
  using Shapes = SmallVector<FactorShape, 1>;
  /// The shapes of the factors of each segment of the weight: all the same, unless experts differ
  /// in size. Fails, with the reason, if the layer is to be left.
  llvm::Expected<Shapes> chooseShapes(moe::LinearOp linear);
  llvm::Expected<FactorShape> chooseShape(int64_t depth, int64_t columns);
  /// Why factors of these shapes are not worth it; empty if they are, or were asked for.
  std::string getLoss(moe::LinearOp linear, ArrayRef<FactorShape> shapes);

  DecisionLog log{kPass};
  llvm::SmallPtrSet<Operation *, 8> used; ///< layers whose weights have other uses
};

LogicalResult FactorizeLinear::checkOptions() {
  std::string problem;
  if (form != "lowrank" && form != "blockdense" && form != "monarch")
    problem = "'form' is '" + form + "', expected lowrank, blockdense or monarch";
  else if (!(ratio > 0 && ratio <= 1))
    problem = llvm::formatv("'ratio' is {0}, expected more than 0, up to 1", ratio.getValue());
  else if (rank < 0)
    problem = llvm::formatv("'rank' is {0}, expected 0 or more", rank.getValue());
  else if (blocks < 2)
    problem = llvm::formatv("'blocks' is {0}, expected 2 or more", blocks.getValue());
  for (const std::string &kind : kinds)
    if (!llvm::is_contained({"experts", "attention", "router", "head", "ffn"}, kind))
      problem = "'kinds' has '" + kind + "', expected experts, attention, router, head or ffn";
  if (problem.empty())
    return success();
  fail(problem);
  return failure();
}

void FactorizeLinear::findOtherUses(llvm::ArrayRef<LinearLayer> asked) {
  used.clear();
  llvm::DenseMap<Operation *, bool> layers; // whether the stored weight is transposed
  auto isTransposed = [](moe::LinearOp linear) {
    bool result = linear.getTransposed();
    // Moves of axes before it; parameters of experts are followed to the experts only.
    for (Value weight = linear.getWeight(); Operation *move = weight.getDefiningOp();
         weight = move->getOperand(0)) {
      auto node = dyn_cast<onnx::NodeOp>(move);
      if (!node || node->getNumOperands() == 0)
        break;
      result ^= node.getOpType() == "Transpose";
    }
    return result;
  };
  for (const LinearLayer &layer : asked)
    layers[layer.linear] = isTransposed(layer.linear);
  WeightReaders readers(getOperation());
  for (const LinearLayer &layer : asked) {
    moe::LinearOp linear = layer.linear;
    auto reads = [&](OpOperand &use) {
      auto other = dyn_cast<moe::LinearOp>(use.getOwner());
      auto it = layers.find(use.getOwner());
      return other && it != layers.end() && use.getOperandNumber() == 1 &&
             it->second == layers[linear];
    };
    bool isOnly = true;
    if (moe::ExpertsOp experts = getExpertsOfParameter(linear.getWeight()))
      isOnly = linear.getWeight().hasOneUse();
    for (Value segment : getSegments(linear.getWeight()))
      for (OpOperand *use : readers.get(segment)) {
        auto experts = dyn_cast<moe::ExpertsOp>(use->getOwner());
        if (!experts || use->getOperandNumber() < experts.getParameters().getBeginOperandIndex()) {
          isOnly &= reads(*use);
          continue;
        }
        // The linear layers in the body that have the parameter.
        int64_t place = use->getOperandNumber() - experts.getParameters().getBeginOperandIndex();
        int64_t p = 0;
        for (int64_t count : experts.getSegments()) {
          if (place < count)
            break;
          place -= count;
          ++p;
        }
        isOnly &= llvm::all_of(experts.getBodyParameter(p).getUses(), reads);
      }
    if (!isOnly)
      used.insert(linear);
  }
}

llvm::Expected<FactorizeLinear::Shapes> FactorizeLinear::chooseShapes(moe::LinearOp linear) {
  if (!linear.getWeight().getType().hasStaticShape() && form != "lowrank")
    return llvm::createStringError("its experts differ in size");
  if (used.contains(linear))
    return llvm::createStringError("its weight has other uses");
  Shapes shapes;
  for (Value segment : getSegments(linear.getWeight())) {
    auto type = cast<RankedTensorType>(segment.getType());
    if (!type.hasStaticShape())
      return llvm::createStringError("the size of its weight is known at run time only");
    auto [depth, columns] = std::pair(type.getDimSize(type.getRank() - 2), type.getShape().back());
    if (linear.getTransposed())
      std::swap(depth, columns);
    llvm::Expected<FactorShape> shape = chooseShape(depth, columns);
    if (!shape)
      return shape.takeError();
    shapes.push_back(*shape);
  }
  return shapes;
}

llvm::Expected<FactorShape> FactorizeLinear::chooseShape(int64_t depth, int64_t columns) {
  FactorShape shape{depth, columns, form == "lowrank" ? 1 : blocks, form == "monarch" ? blocks : 1,
                    0};
  if (shape.depth % shape.inputBlocks != 0 || shape.columns % shape.outputBlocks != 0)
    return llvm::createStringError(
        llvm::formatv("its {0} x {1} weight has no {2} x {3} blocks of one size", shape.depth,
                      shape.columns, shape.inputBlocks, shape.outputBlocks));
  shape.rank = rank > 0 ? std::min<int64_t>(rank, shape.fullRank()) : shape.rankFor(ratio);
  // The columns of the first factor are stored in whole registers.
  int64_t whole = shape.rank - shape.rank % kRegister;
  if (rank == 0 && whole >= (1 - kLeftToRegisters) * shape.rank && whole > 0)
    shape.rank = whole;
  if (shape.rank > 0)
    return shape;
  shape.rank = 1;
  return llvm::createStringError(llvm::formatv(
      "factors of rank 1 already have {0} parameters, its {1} x {2} weight {3}",
      shape.numParameters(), shape.depth, shape.columns, shape.depth * shape.columns));
}

std::string FactorizeLinear::getLoss(moe::LinearOp linear, ArrayRef<FactorShape> shapes) {
  if (rank > 0)
    return "";
  // Of a weight of few bits the factors are of more, and may be larger than it.
  int64_t before = 0, after = 0;
  for (auto [segment, shape] : llvm::zip_equal(getSegments(linear.getWeight()), shapes)) {
    auto type = cast<RankedTensorType>(segment.getType());
    before += getStoredBytes(segment);
    after += type.getNumElements() / (shape.depth * shape.columns) * shape.numParameters() *
             type.getElementTypeBitWidth();
  }
  after /= 8;
  if (after < before)
    return "";
  const FactorShape &first = shapes.front();
  return llvm::formatv("nothing would be saved: factors of rank {0} have {1} bytes, the {2} x {3} "
                       "weight has {4}",
                       first.rank, after, first.depth, first.columns, before);
}

LogicalResult FactorizeLinear::factorizeLayer(WeightEditor &editor, LinearLayer &layer) {
  moe::LinearOp linear = layer.linear;
  Value weight = linear.getWeight();
  moe::ExpertsOp experts = getExpertsOfParameter(weight);
  Operation *place = experts ? experts.getOperation() : linear.getOperation();
  auto refuse = [&](const Twine &reason) {
    log.refuse(place, layer.name, reason);
    return success();
  };
  llvm::Expected<Shapes> shapes = chooseShapes(linear);
  if (!shapes)
    return refuse(llvm::toString(shapes.takeError()));
  if (std::string loss = getLoss(linear, *shapes); !loss.empty())
    return refuse(loss);

  Decision decision;
  decision.layer = layer.name;
  decision.before = experts ? getCost(experts) : getCost(linear);
  OpBuilder builder(place);
  SmallVector<Value> firstSegments, secondSegments;
  double squaredError = 0, squaredNorm = 0;
  for (auto [segment, shape] : llvm::zip_equal(getSegments(weight), *shapes)) {
    llvm::Expected<WeightTensor> tensor = editor.read(segment);
    if (!tensor)
      return refuse("its weight cannot be read: " + llvm::toString(tensor.takeError()));
    llvm::Expected<FactorStacks> stacks =
        factorizeStack(tensor->values, linear.getTransposed(), shape);
    if (!stacks)
      return refuse(llvm::toString(stacks.takeError()));
    squaredError += stacks->squaredError;
    squaredNorm += stacks->squaredNorm;
    std::string name = getWeightName(segment, layer.name).str();
    FailureOr<Value> first = editor.write(builder, linear.getLoc(), name + ".first",
                                          getSegmentType(weight, segment, shape.inputBlocks,
                                                         shape.blockDepth(), shape.firstColumns()),
                                          stacks->first);
    FailureOr<Value> second =
        editor.write(builder, linear.getLoc(), name + ".second",
                     getSegmentType(weight, segment, shape.outputBlocks, shape.secondDepth(),
                                    shape.blockColumns()),
                     stacks->second);
    if (failed(first) || failed(second))
      return failure();
    firstSegments.push_back(*first);
    secondSegments.push_back(*second);
  }

  builder.setInsertionPoint(linear);
  Value second = bindSegments(secondSegments, weight), first = bindSegments(firstSegments, weight);
  auto getLoc = [&](StringRef suffix) {
    LayerLabel label{layer.name + suffix.str(), stringifyLinearKind(layer.kind).str()};
    return withLayerLabel(linear.getLoc(), label);
  };
  Value middle = createLinear(builder, getLoc(kFirstFactor), linear.getInput(), first, nullptr,
                              shapes->front().shuffle());
  Value result = createLinear(builder, getLoc(kSecondFactor), middle, second, linear.getBias(), {});
  result.setType(linear.getResult().getType());
  linear.getResult().replaceAllUsesWith(result);
  linear.erase();
  dropWeight(weight);

  Builder attributes(&getContext());
  decision.options.set("form", attributes.getStringAttr(form));
  decision.options.set("kinds", attributes.getStringAttr(stringifyLinearKind(layer.kind)));
  const FactorShape &shape = shapes->front();
  // Of experts that differ in size a share says what their ranks are.
  if (llvm::all_of(*shapes, [&](const FactorShape &other) { return other.rank == shape.rank; }))
    decision.options.set("rank", attributes.getI64IntegerAttr(shape.rank));
  else
    decision.options.set("ratio", attributes.getF64FloatAttr(ratio));
  if (form != "lowrank")
    decision.options.set("blocks", attributes.getI64IntegerAttr(blocks));
  if (experts) {
    decision.after = getCost(experts);
  } else {
    for (Value factor : {middle, result})
      decision.after += getLinearCost(factor.getDefiningOp());
  }
  decision.relativeError = squaredNorm == 0 ? 0 : std::sqrt(squaredError / squaredNorm);
  bool isWhole = rank == 0 && shape.rank % kRegister == 0 && shape.rankFor(ratio) > shape.rank;
  decision.reason =
      llvm::formatv("'{0}', {1} x {2}, is {3} of rank {4}{7}, {5:f3} of its parameters, with a "
                    "relative error of {6:f4}",
                    layer.name, shape.depth, shape.columns, form, shape.rank,
                    static_cast<double>(shape.numParameters()) / (shape.depth * shape.columns),
                    *decision.relativeError,
                    isWhole ? llvm::formatv(" (of {0}, to fill registers)", shape.rankFor(ratio))
                            : std::string());
  log.add(experts ? experts.getOperation() : result.getDefiningOp(), decision);
  return success();
}

} // namespace
} // namespace moec

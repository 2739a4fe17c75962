#include "passes/Analysis/Match.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"
#include "passes/Raising/EraseUnused.h"
#include "passes/Raising/Passes.h"
#include "passes/Raising/Router.h"

namespace moec {
#define GEN_PASS_DEF_RAISEROUTERSPASS
#include "passes/Raising/Passes.h.inc"

using namespace mlir;

namespace {

/// The k of a TopK over the last axis whose largest values are taken; std::nullopt: it is another.
std::optional<int64_t> getChoiceSize(onnx::NodeOp top) {
  std::optional<int64_t> numExperts = getLastSize(top.getInputs()[0]);
  std::optional<int64_t> k = getLastSize(top->getResult(0));
  bool isChoice = numExperts && k && *k >= 1 && *k <= *numExperts && top.getInt("largest", 1) &&
                  isAlongLastAxis(top, -1) && isa<FloatType>(getElementType(top.getInputs()[0])) &&
                  getShape(top.getInputs()[0])->size() >= 2;
  return isChoice ? k : std::nullopt;
}

bool precedes(Value value, Operation *op) {
  Operation *definition = value.getDefiningOp();
  return !definition ||
         (definition->getBlock() == op->getBlock() && definition->isBeforeInBlock(op));
}

/// The node that stands first.
Operation *getFirst(Value a, Value b) {
  Operation *x = a.getDefiningOp(), *y = b ? b.getDefiningOp() : x;
  return x->getBlock() == y->getBlock() && y->isBeforeInBlock(x) ? y : x;
}

struct RaiseRouters : impl::RaiseRoutersPassBase<RaiseRouters> {
  void runOnOperation() override {
    erased.clear();
    SymbolicShapes before(getOperation());
    shapes = &before;
    for (Block &block : getOperation().getBody()) {
      for (onnx::NodeOp node : llvm::to_vector(block.getOps<onnx::NodeOp>()))
        if (!erased.contains(node) && node.getDomain().empty())
          chooseBeforeSpreading(node);
      raise(block);
    }
    foldChosen();
  }

private:
  /// f(scatter of v into −∞) = scatter of f(v) into 0, for Sigmoid, and for Softmax along the axis.
  void chooseBeforeSpreading(onnx::NodeOp node) {
    bool isSoftmax = node.getOpType() == "Softmax";
    if (!isSoftmax && node.getOpType() != "Sigmoid")
      return;
    onnx::NodeOp scatter = getNode(skipCasts(node.getInputs()[0]), "ScatterElements");
    if (!scatter || scatter.getString("reduction", "none") != "none" ||
        !isAlongLastAxis(scatter, 0) ||
        (isSoftmax && !isAlongLastAxis(node, node.getVersion() < 13 ? 1 : -1)) ||
        getSplat(scatter.getInputs()[0]) != -std::numeric_limits<double>::infinity())
      return;
    auto top = scatter.getInputs()[1].getDefiningOp<onnx::NodeOp>();
    if (!top || top.getOpType() != "TopK" || !getChoiceSize(top) ||
        skipCasts(scatter.getInputs()[2]) != top->getResult(0))
      return;
    OpBuilder builder(node);
    Spelling spelling(builder, node.getLoc());
    Type elementType = getElementType(node->getResult(0));
    auto chosenType = cast<RankedTensorType>(scatter.getInputs()[2].getType()).clone(elementType);
    Value chosen = spelling.cast(scatter.getInputs()[2], elementType);
    chosen.setType(chosenType);
    Value update = spelling.node(node.getOpType(), node.getVersion(), chosen, chosenType,
                                 isSoftmax ? ArrayRef(spelling.attribute("axis", int64_t(-1)))
                                           : ArrayRef<NamedAttribute>());
    int64_t rank = getShape(scatter.getInputs()[0])->size();
    Value shape = spelling.node("Shape", 21, scatter.getInputs()[0],
                                RankedTensorType::get(rank, builder.getI64Type()));
    auto zero = DenseElementsAttr::get(RankedTensorType::get(1, elementType),
                                       Attribute(builder.getZeroAttr(elementType)));
    Value zeros = spelling.node("ConstantOfShape", 21, shape, node->getResult(0).getType(),
                                builder.getNamedAttr("value", zero));
    Value spread =
        spelling.node("ScatterElements", 18, {zeros, scatter.getInputs()[1], update},
                      node->getResult(0).getType(), spelling.attribute("axis", rank - 1));
    node->getResult(0).replaceAllUsesWith(spread);
    erase(node);
  }

  /// From the last choice to the first: what chooses groups for another one goes with it.
  void raise(Block &block) {
    SmallVector<onnx::NodeOp> choices;
    for (auto node : block.getOps<onnx::NodeOp>())
      if (node.getDomain().empty() && isChoice(node.getOpType()))
        choices.push_back(node);
    for (onnx::NodeOp node : llvm::reverse(choices)) {
      if (erased.contains(node))
        continue;
      if (node.getOpType() == "TopK")
        raiseTopK(node);
      else if (node.getOpType() == "ArgMax")
        raiseArgMax(node);
      else if (std::optional<Router> router = matchSparseMixer(node))
        replace(*router);
    }
  }

  /// Routes whose logits are spread from a choice.
  void foldChosen() {
    SmallVector<moe::RouteOp> routes;
    getOperation().walk([&](moe::RouteOp route) {
      Value logits = route.getLogits();
      while (onnx::NodeOp reshape = getNode(logits, "Reshape"))
        logits = reshape.getInputs()[0];
      if (getNode(logits, "ScatterElements"))
        routes.push_back(route);
    });
    if (routes.empty())
      return;
    SymbolicShapes after(getOperation());
    for (moe::RouteOp route : routes)
      if (foldChosenRoute(route, after))
        erase(route);
  }

  static bool isChoice(StringRef opType) {
    return opType == "TopK" || opType == "ArgMax" || opType == "Concat";
  }

  /// Removes what only the replaced value used.
  void erase(Operation *op) {
    if (op && !erased.contains(op))
      eraseUnused(op, [&](Operation *gone) { erased.insert(gone); });
  }

  void raiseTopK(onnx::NodeOp top) {
    std::optional<int64_t> k = getChoiceSize(top);
    if (!k || isa<NoneType>(top->getResult(1).getType()))
      return;
    Router router;
    router.k = *k;
    router.experts = top->getResult(1);
    matchSelection(top.getInputs()[0], router);
    matchWeights(top->getResult(0), top->getResult(1), *shapes, router);
    if (router.external && !precedes(router.external, top)) {
      top.emitRemark()
          << "the weights of the chosen are computed from the choice: not part of the router";
      router.external = router.weights = {};
      router.weight = moe::RouteWeight::Score;
      router.scale = 1;
    }
    replace(router);
  }

  /// Top-1 as ArgMax, beside the ReduceMax of the same scores.
  void raiseArgMax(onnx::NodeOp best) {
    Router router;
    Value scores = skipCasts(best.getInputs()[0]);
    if (!getLastSize(scores) || getShape(scores)->size() < 2 || !isAlongLastAxis(best, 0) ||
        best.getInt("select_last_index", 0) || !matchScore(scores, router.score, router.logits))
      return;
    for (Operation *user : scores.getUsers()) {
      auto max = dyn_cast<onnx::NodeOp>(user);
      bool keepDims = false;
      if (max && max.getDomain().empty() && max.getOpType() == "ReduceMax" &&
          isReductionOfLastAxis(max, keepDims))
        router.weights = max->getResult(0);
    }
    if (!router.weights)
      return;
    router.k = 1;
    router.experts = best->getResult(0);
    replace(router);
  }

  void replace(Router &router) {
    Operation *first = getFirst(router.experts, router.weights);
    // The route stands where the choice stood, and its weights are used further down.
    OpBuilder builder(first);
    Location loc = router.experts.getLoc();
    Spelling spelling(builder, loc);
    auto flatten = [&](Value value) -> Value {
      if (!value || getShape(value)->size() <= 2)
        return value;
      int64_t last = getShape(value)->back();
      auto type = RankedTensorType::get({ShapedType::kDynamic, last}, getElementType(value));
      return spelling.node("Reshape", 21, {value, spelling.ints({-1, last})}, type);
    };
    Value logits = flatten(router.logits), external = flatten(router.external);
    Value bias = router.selectionBias;
    if (bias && getShape(bias)->size() > 2)
      bias = spelling.node("Reshape", 21, {bias, spelling.ints({-1})},
                           RankedTensorType::get({getShape(bias)->back()}, getElementType(bias)));
    SmallVector<int64_t> shape{getShape(logits)->front(), router.k};
    Type weightType = getElementType(router.weights ? router.weights : router.logits);
    auto number = [](double value) { return APFloat(static_cast<float>(value)); };
    auto route = moe::RouteOp::create(
        builder, loc, RankedTensorType::get(shape, weightType),
        RankedTensorType::get(shape, getElementType(router.experts)), logits, bias,
        /*alive=*/Value(), external, router.k, router.score, router.weight, router.selectLogits,
        number(router.epsilon), number(router.scale), router.renormalizeExternal, router.groups,
        router.topGroups, router.groupTop, number(router.excluded),
        /*threshold=*/FloatAttr(), /*capacity=*/IntegerAttr(), /*drop_slots_last=*/false,
        router.jitter ? builder.getF32FloatAttr(*router.jitter) : FloatAttr());
    replaceReshaped(spelling, router, router.experts, route.getExperts());
    if (router.weights)
      replaceReshaped(spelling, router, router.weights, route.getWeights());
    Operation *replaced[] = {router.weights ? router.weights.getDefiningOp() : nullptr,
                             router.experts.getDefiningOp()};
    for (Operation *op : replaced)
      erase(op);
    ++numRaised;
    route.emitRemark() << "a router: " << router.k << " of " << route.getNumExperts()
                       << " experts, score '" << moe::stringifyScoreFunction(router.score)
                       << "', weight '" << moe::stringifyRouteWeight(router.weight) << "'";
  }

  /// Replaces `old`, of shape logits[…, :-1] + [k] (or without k), by the flat `value` [T, k].
  static void replaceReshaped(Spelling &spelling, const Router &router, Value old, Value value) {
    auto type = cast<RankedTensorType>(old.getType());
    if (type.getRank() != 2 || getShape(router.logits)->size() != 2) {
      Value sizes;
      if (type.hasStaticShape() || (type.getRank() == 1 && router.k == 1)) {
        sizes = spelling.ints(type.hasStaticShape() ? type.getShape() : ArrayRef<int64_t>{-1});
      } else {
        int64_t leading = getShape(router.logits)->size() - 1;
        NamedAttribute range[] = {spelling.attribute("end", leading),
                                  spelling.attribute("start", int64_t(0))};
        OpBuilder &builder = spelling.builder;
        sizes = spelling.node("Shape", 21, router.logits,
                              RankedTensorType::get(leading, builder.getI64Type()), range);
        if (type.getRank() > leading)
          sizes = spelling.node("Concat", 13, {sizes, spelling.ints({router.k})},
                                RankedTensorType::get(leading + 1, builder.getI64Type()),
                                spelling.attribute("axis", int64_t(0)));
      }
      value = spelling.node("Reshape", 21, {value, sizes}, type);
    }
    // What was inferred for the node holds for what replaces it.
    old.replaceAllUsesWith(value);
  }

  llvm::DenseSet<Operation *> erased;
  SymbolicShapes *shapes = nullptr; ///< before anything is changed
};

} // namespace
} // namespace moec

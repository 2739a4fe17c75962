#include "passes/Analysis/ModelStructure.h"

#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/Layers.h"

#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace moec;

namespace {

constexpr int kMaxSteps = 32;

/// Whether the weights are divided by their sum, or by a bound where that is smaller, behind the
/// route.
bool isDividedBySum(Value weights, moe::RouteOp route) {
  auto quotient = weights ? skipLayout(weights).getDefiningOp<onnx::NodeOp>() : onnx::NodeOp();
  if (!quotient || quotient.getOpType() != "Div" ||
      skipLayout(quotient.getInputs()[0]) != route.getWeights())
    return false;
  auto bound = skipLayout(quotient.getInputs()[1]).getDefiningOp<onnx::NodeOp>();
  if (bound && (bound.getOpType() == "Clip" || bound.getOpType() == "Max"))
    bound = skipLayout(bound.getInputs()[0]).getDefiningOp<onnx::NodeOp>();
  return bound && bound.getOpType() == "ReduceSum" &&
         skipLayout(bound.getInputs()[0]) == route.getWeights();
}

/// Whether something is done with what was chosen; sampling heads only give it back.
bool choosesMoreThanOutputs(moe::RouteOp route) {
  SmallVector<Value> open{route.getExperts()};
  for (size_t i = 0; i < open.size(); ++i)
    for (Operation *user : open[i].getUsers()) {
      if (user->hasTrait<OpTrait::IsTerminator>())
        continue;
      if (user->getNumResults() == 0 || skipLayout(user->getResult(0)) == user->getResult(0))
        return true;
      open.push_back(user->getResult(0));
    }
  return false;
}

std::string getActivationName(moe::ActivationKind kind, bool isGated) {
  if (!isGated)
    return moe::stringifyActivationKind(kind).str();
  switch (kind) {
  case moe::ActivationKind::SiLU:
    return "swiglu";
  case moe::ActivationKind::GELU:
    return "geglu";
  case moe::ActivationKind::GELUTanh:
    return "geglu_tanh";
  case moe::ActivationKind::ReLU:
    return "reglu";
  default:
    return moe::stringifyActivationKind(kind).str() + "_glu";
  }
}

/// Whether an experts' body is one product, and whether a route's choices are tokens to it.
bool isRoutedProjection(moe::ExpertsOp op) {
  int64_t numProducts = 0;
  for (Operation &inner : op.getBody().front()) {
    if (isa<moe::ActivationOp, moe::GLUOp>(inner))
      return false;
    numProducts += isa<moe::LinearOp>(inner);
  }
  moe::RouteOp route = getRoute(op.getExperts());
  int64_t k = cast<RankedTensorType>(op.getExperts().getType()).getDimSize(1);
  return numProducts == 1 && route && route.getK() > 1 && k == 1;
}

class StructureReader {
public:
  ModelStructure read(ModuleOp module) {
    for (const MoELayer &layer : getMoELayers(module))
      readExperts(layer);
    module.walk([&](moe::AttentionOp op) { readAttention(op); });
    module.walk([&](moe::LinearOp op) {
      if (!op->getParentOfType<moe::ExpertsOp>())
        structure.linearFlopsPerToken += getCost(op).flopsPerToken;
    });
    module.walk([&](moe::BlockLinearOp op) {
      if (!op->getParentOfType<moe::ExpertsOp>())
        structure.linearFlopsPerToken += getCost(op).flopsPerToken;
    });
    module.walk([&](moe::RouteOp route) {
      if (!used.contains(route) && choosesMoreThanOutputs(route))
        structure.unraised.emplace_back(getNodeName(route).str(),
                                        "the experts behind this router are not recognised");
    });
    return std::move(structure);
  }

private:
  void readExperts(const MoELayer &layer);
  void readBody(moe::ExpertsOp op, MoELayerStructure &layer);
  int64_t countShared(moe::ExpertsOp op);
  void readAttention(moe::AttentionOp op);

  ModelStructure structure;
  llvm::SmallPtrSet<Operation *, 16> used; ///< routes that experts follow
};

/// The linear layer that an expert ends with, perhaps before a bias that is the expert's own.
moe::LinearOp getLastLinear(moe::ExpertsOp op) {
  Value value = op.getBody().front().getTerminator()->getOperand(0);
  for (int steps = 0; steps < kMaxSteps; ++steps) {
    value = skipLayout(value);
    if (auto linear = value.getDefiningOp<moe::LinearOp>())
      return linear;
    auto add = value.getDefiningOp<onnx::NodeOp>();
    if (!add || add.getOpType() != "Add")
      return {};
    bool isFirst = skipLayout(add.getInputs()[0]).getDefiningOp<moe::LinearOp>() != nullptr;
    value = add.getInputs()[isFirst ? 0 : 1];
  }
  return {};
}

void StructureReader::readBody(moe::ExpertsOp op, MoELayerStructure &layer) {
  auto countWeight = [&](Value weight) {
    auto argument = dyn_cast<BlockArgument>(skipLayout(weight));
    if (!argument || argument.getOwner() != &op.getBody().front() || argument.getArgNumber() == 0)
      return;
    for (Value segment : op.getSegmentsOf(argument.getArgNumber() - 1)) {
      // The inner width is what the last product sums over.
      auto shape = cast<RankedTensorType>(segment.getType()).getShape();
      moe::LinearOp linear = getLastLinear(op);
      if (linear && linear.getWeight() == weight && shape.size() == 3)
        layer.expertHidden = std::max(layer.expertHidden, shape[linear.getTransposed() ? 2 : 1]);
    }
  };
  op.getBody().walk([&](Operation *inner) {
    if (auto linear = dyn_cast<moe::LinearOp>(inner))
      countWeight(linear.getWeight());
    else if (auto glu = dyn_cast<moe::GLUOp>(inner))
      layer.activation = getActivationName(glu.getKind(), true);
    else if (auto activation = dyn_cast<moe::ActivationOp>(inner))
      layer.activation = getActivationName(activation.getKind(), false);
    else if (auto node = dyn_cast<onnx::NodeOp>(inner); node && node.getOpType() == "MatMul")
      countWeight(node.getInputs()[1]);
  });
}

/// Dense layers beside the experts whose results are added to theirs.
int64_t StructureReader::countShared(moe::ExpertsOp op) {
  Value tokens = skipLayout(op.getTokens()), current = op.getResult();
  // A branch that ends in a linear layer, begins with the same tokens and has linear layers
  // between.
  auto isShared = [&](Value branch) {
    SmallVector<Value> queue{branch};
    llvm::SmallPtrSet<Operation *, 16> seen;
    bool reaches = false;
    int64_t numLinears = 0;
    while (!queue.empty() && seen.size() < kMaxSteps) {
      Value value = skipLayout(queue.pop_back_val());
      if (value == tokens) {
        reaches = true;
        continue;
      }
      Operation *definition = value.getDefiningOp();
      bool isPart =
          definition && (isa<moe::LinearOp, moe::GLUOp, moe::ActivationOp>(definition) ||
                         (isa<onnx::NodeOp>(definition) &&
                          llvm::is_contained({"Mul", "Sigmoid", "Slice", "Split"},
                                             cast<onnx::NodeOp>(definition).getOpType())));
      if (!isPart || !seen.insert(definition).second)
        continue;
      numLinears += isa<moe::LinearOp>(definition);
      for (Value operand : definition->getOperands())
        if (auto type = dyn_cast<RankedTensorType>(operand.getType());
            type && !type.hasStaticShape())
          queue.push_back(operand);
    }
    return reaches && numLinears >= 2;
  };
  int64_t count = 0;
  for (int steps = 0; steps < kMaxSteps && current.hasOneUse(); ++steps) {
    auto node = dyn_cast<onnx::NodeOp>(*current.getUsers().begin());
    if (!node || node->getNumResults() == 0)
      break;
    if (node.getOpType() == "Add") {
      Value other =
          node.getInputs()[skipLayout(node.getInputs()[0]) == skipLayout(current) ? 1 : 0];
      count += isShared(other);
      // The residual comes last: what is added after it is another layer's.
      if (count == 0 && steps > 4)
        break;
    } else if (node.getOpType() != "Reshape" && node.getOpType() != "Cast" &&
               node.getOpType() != "Mul") {
      break;
    }
    current = node->getResult(0);
  }
  return count;
}

void StructureReader::readExperts(const MoELayer &named) {
  moe::ExpertsOp op = named.experts;
  MoELayerStructure layer;
  layer.name = named.name;
  layer.experts = op.getNumExperts();
  int64_t k = cast<RankedTensorType>(op.getExperts().getType()).getDimSize(1);
  layer.topK = ShapedType::isDynamic(k) ? 0 : k;
  if (moe::RouteOp route = getRoute(op.getExperts())) {
    used.insert(route);
    layer.topK = route.getK();
    RouterStructure router;
    router.score = moe::stringifyScoreFunction(route.getScore()).str();
    router.weights = moe::stringifyRouteWeight(route.getWeight()).str();
    if (route.getWeight() == moe::RouteWeight::Score && isDividedBySum(op.getWeights(), route))
      router.weights = moe::stringifyRouteWeight(moe::RouteWeight::Renormalized).str();
    router.bias = bool(route.getSelectionBias());
    router.groups = route.getGroups();
    router.topGroups = route.getTopGroups();
    router.scale = route.getScale().convertToDouble();
    layer.router = router;
  }
  LayerCost cost = getCost(op);
  layer.parameters = cost.parameters;
  layer.bytes = cost.bytes;
  layer.flopsPerToken = cost.flopsPerToken;
  readBody(op, layer);
  bool isProjection = isRoutedProjection(op);
  if (!isProjection)
    layer.sharedExperts = countShared(op);
  structure.linearFlopsPerToken += layer.flopsPerToken;
  structure.idleParameters += layer.parameters - layer.parameters / layer.experts * layer.topK;
  (isProjection ? structure.routedProjections : structure.moeLayers).push_back(std::move(layer));
}

void StructureReader::readAttention(moe::AttentionOp op) {
  AttentionStructure layer;
  layer.name = getNodeName(op).str();
  layer.heads = op.getNumHeads();
  layer.kvHeads = op.getNumKVHeads();
  layer.headDim = op.getHeadSize();
  layer.causal = op.getCausal();
  layer.window = op.getWindow();
  layer.softcap = op.getSoftcap().convertToDouble();
  layer.sinks = bool(op.getSinks());
  // What the mask is known to hide counts as well.
  if (std::optional<DictionaryAttr> hidden = op.getHidden()) {
    layer.causal |= hidden->contains("causal");
    if (auto window = hidden->getAs<IntegerAttr>("window"))
      layer.window = window.getInt();
  }
  structure.attentionLayers.push_back(std::move(layer));
}

} // namespace

ModelStructure moec::analyzeStructure(ModuleOp module) { return StructureReader().read(module); }

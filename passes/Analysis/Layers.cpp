#include "passes/Analysis/Layers.h"

#include "passes/Analysis/LayerLabel.h"
#include "passes/Analysis/Match.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec;

/// How far values are followed.
static constexpr int kMaxSteps = 32;

StringRef moec::getNodeName(Operation *op) {
  auto name = op->getLoc()->findInstanceOf<NameLoc>();
  return name ? name.getName().getValue() : StringRef();
}

static bool isLayout(onnx::NodeOp node) {
  return node && node.getDomain().empty() &&
         llvm::StringSwitch<bool>(node.getOpType())
             .Cases({"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"},
                    true)
             .Default(false);
}

Value moec::skipLayout(Value value) {
  for (int steps = 0; steps < kMaxSteps; ++steps) {
    auto node = value.getDefiningOp<onnx::NodeOp>();
    if (!isLayout(node))
      return value;
    value = node.getInputs()[0];
  }
  return value;
}

moe::RouteOp moec::getRoute(Value experts) {
  for (int steps = 0; steps < kMaxSteps; ++steps) {
    experts = skipLayout(experts);
    if (auto route = experts.getDefiningOp<moe::RouteOp>())
      return route;
    auto where = experts.getDefiningOp<onnx::NodeOp>();
    std::optional<double> otherwise =
        where && where.getOpType() == "Where" ? getSplat(where.getInputs()[2]) : std::nullopt;
    if (!otherwise || *otherwise >= 0)
      return {};
    experts = where.getInputs()[1];
  }
  return {};
}

/// The scope that two node names share: "/model/layers.1/mlp" of its gate and its experts.
static std::string getCommonScope(StringRef a, StringRef b) {
  size_t end = 0;
  for (size_t i = 0; i < std::min(a.size(), b.size()) && a[i] == b[i]; ++i)
    if (a[i] == '/' || a[i] == '.')
      end = i;
  return (end > 0 ? a.take_front(end) : b).str();
}

static bool isScoped(StringRef name) { return name.find_first_of("/.") != StringRef::npos; }

/// The scope of the module that the router's weight belongs to, "model.layers.0.mlp" of
/// "model.layers.0.mlp.gate.weight"; "" if its name does not tell.
static std::string getRouterScope(moe::RouteOp route) {
  auto linear = route ? skipLayout(route.getLogits()).getDefiningOp<moe::LinearOp>() : nullptr;
  auto weight = linear ? skipLayout(linear.getWeight()).getDefiningOp<moe::WeightOp>() : nullptr;
  if (!weight)
    return "";
  StringRef scope = weight.getKey().rsplit('.').first.rsplit('.').first;
  return isScoped(scope) ? scope.str() : "";
}

/// The scope that the parameters' names share, where exporters name nodes by number; "" if none.
static std::string getParameterScope(moe::ExpertsOp op) {
  std::optional<std::string> scope;
  for (Value parameter : op.getParameters()) {
    parameter = skipLayout(parameter);
    if (auto dequantize = parameter.getDefiningOp<moe::DequantizeOp>())
      parameter = skipLayout(dequantize.getCodes());
    auto weight = parameter.getDefiningOp<moe::WeightOp>();
    if (!weight)
      return "";
    StringRef name = weight.getKey();
    scope = getCommonScope(scope ? *scope + "." : name.str(), name);
  }
  return scope && isScoped(*scope) ? *scope : "";
}

std::vector<MoELayer> moec::getMoELayers(ModuleOp module) {
  std::vector<MoELayer> layers;
  LayerNames names;
  module.walk([&](moe::ExpertsOp experts) { names.reserve(experts); });
  module.walk([&](moe::ExpertsOp experts) {
    MoELayer layer{getNodeName(experts).str(), experts, getRoute(experts.getExperts())};
    if (layer.route)
      layer.name = getCommonScope(getNodeName(layer.route), layer.name);
    for (std::string scope : {getRouterScope(layer.route), getParameterScope(experts)})
      if (!isScoped(layer.name) && !scope.empty())
        layer.name = std::move(scope);
    layer.name = names.take(experts, layer.name.empty() ? "experts" : std::move(layer.name));
    layers.push_back(std::move(layer));
  });
  return layers;
}

StringRef moec::stringifyLinearKind(LinearKind kind) {
  switch (kind) {
  case LinearKind::Experts:
    return "experts";
  case LinearKind::Attention:
    return "attention";
  case LinearKind::Router:
    return "router";
  case LinearKind::Head:
    return "head";
  case LinearKind::FFN:
    return "ffn";
  }
  llvm_unreachable("all kinds have names");
}

std::optional<LinearKind> moec::parseLinearKind(StringRef name) {
  for (LinearKind kind : {LinearKind::Experts, LinearKind::Attention, LinearKind::Router,
                          LinearKind::Head, LinearKind::FFN})
    if (name == stringifyLinearKind(kind))
      return kind;
  return std::nullopt;
}

/// Whether a value reaches an operation that `isEnd` without going through another linear layer.
/// Only through what works on one tensor: layout, norms, rotary embeddings, elementwise nodes.
static bool reaches(Value value, llvm::function_ref<bool(OpOperand &)> isEnd) {
  SmallVector<Value> open{value};
  llvm::SmallPtrSet<Operation *, 16> seen;
  while (!open.empty() && seen.size() < kMaxSteps) {
    for (OpOperand &use : open.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      if (isEnd(use))
        return true;
      auto node = dyn_cast<onnx::NodeOp>(user);
      bool passes =
          isa<moe::NormOp, moe::RotaryOp, moe::CacheAppendOp>(user) ||
          (node && (isLayout(node) || llvm::is_contained({"Add", "Clip", "Concat", "Div", "Expand",
                                                          "Mul", "Slice", "Split", "Tanh"},
                                                         node.getOpType())));
      if (passes && seen.insert(user).second)
        llvm::append_range(open, user->getResults());
    }
  }
  return false;
}

/// Whether a value is the result of attention, perhaps with rows that see nothing set to a number.
static bool isAttention(Value value) {
  value = skipLayout(value);
  if (auto where = value.getDefiningOp<onnx::NodeOp>();
      where && where.getQualifiedName() == "Where") {
    bool isFirst = getSplat(where.getInputs()[2]).has_value();
    if (isFirst || getSplat(where.getInputs()[1]))
      value = skipLayout(where.getInputs()[isFirst ? 1 : 2]);
  }
  return value.getDefiningOp<moe::AttentionOp>() != nullptr;
}

static LinearKind classify(moe::LinearOp linear) {
  if (linear->getParentOfType<moe::ExpertsOp>())
    return LinearKind::Experts;
  if (std::optional<LayerLabel> label = getLayerLabel(linear.getLoc()))
    if (std::optional<LinearKind> kind = parseLinearKind(label->kind))
      return *kind;
  // The residual connection leads on, so adding ends the search for queries, keys and values.
  if (isAttention(linear.getInput()))
    return LinearKind::Attention;
  Value result = linear.getResult();
  if (reaches(result, [](OpOperand &use) {
        return isa<moe::RouteOp>(use.getOwner()) && use.getOperandNumber() == 0;
      }))
    return LinearKind::Router;
  if (reaches(result, [](OpOperand &use) { return isa<moe::AttentionOp>(use.getOwner()); }))
    return LinearKind::Attention;
  if (reaches(result, [](OpOperand &use) { return isa<func::ReturnOp>(use.getOwner()); }))
    return LinearKind::Head;
  return LinearKind::FFN;
}

std::vector<LinearLayer> moec::getLinearLayers(ModuleOp module) {
  std::vector<LinearLayer> layers;
  LayerNames names;
  llvm::DenseMap<Operation *, std::string> experts;
  for (MoELayer &layer : getMoELayers(module))
    experts[layer.experts] = layer.name;
  module.walk([&](moe::LinearOp linear) { names.reserve(linear); });
  module.walk([&](moe::LinearOp linear) {
    if (!linear.isPlain())
      return;
    LinearLayer layer{getNodeName(linear).str(), linear, classify(linear), {}};
    if ((layer.experts = linear->getParentOfType<moe::ExpertsOp>()))
      layer.name = experts[layer.experts] + "/linear";
    layer.name = names.take(linear, layer.name.empty() ? "linear" : std::move(layer.name));
    layers.push_back(std::move(layer));
  });
  return layers;
}

/// What is done with a value besides what is done with the hidden state: that is added to,
/// normalised, multiplied by a number, a layer's input. Empty if nothing is. Tables of angles are
/// multiplied by others.
static std::string findOtherUse(Value value) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (isa<moe::NormOp>(user) || (isa<moe::LinearOp>(user) && use.getOperandNumber() == 0))
      continue;
    auto node = dyn_cast<onnx::NodeOp>(user);
    if (!node || !node.getDomain().empty())
      return ("it goes to a " + (node ? node.getQualifiedName() : user->getName().getStringRef()))
          .str();
    StringRef name = node.getOpType();
    bool isScaling =
        (name == "Mul" || name == "Div") && getSplat(node.getInputs()[1 - use.getOperandNumber()]);
    if (isScaling ||
        llvm::is_contained({"Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"}, name)) {
      if (std::string other = findOtherUse(node->getResult(0)); !other.empty())
        return other;
    } else if (!llvm::is_contained({"Add", "LayerNormalization", "RMSNormalization", "Shape"},
                                   name)) {
      return "it goes to a " + name.str();
    }
  }
  return "";
}

/// The matrix that rows are picked from, as it is stored; null for other nodes.
static Value getTableMatrix(onnx::NodeOp node) {
  if (node.getQualifiedName() != "Gather" || node.getInt("axis", 0) != 0)
    return {};
  auto isStored = [](Value value) {
    return isa_and_nonnull<moe::WeightOp, onnx::ConstantOp>(value.getDefiningOp());
  };
  Value table = skipLayout(node.getInputs()[0]);
  if (auto dequantize = table.getDefiningOp<moe::DequantizeOp>())
    table = skipLayout(dequantize.getCodes());
  auto type = dyn_cast<RankedTensorType>(node.getInputs()[0].getType());
  bool isTable = type && type.getRank() == 2 && isa<FloatType>(type.getElementType()) &&
                 isStored(table) && !isStored(node.getInputs()[1]) &&
                 getShape(node->getResult(0)) && !node->use_empty();
  return isTable ? table : Value();
}

std::vector<LookupTable> moec::getLookupTables(ModuleOp module) {
  std::vector<LookupTable> tables;
  LayerNames names;
  SmallVector<std::pair<onnx::NodeOp, Value>> found;
  module.walk([&](onnx::NodeOp node) {
    if (Value matrix = getTableMatrix(node)) {
      found.push_back({node, matrix});
      names.reserve(node);
    }
  });
  for (auto [node, matrix] : found) {
    std::string name = getNodeName(node).str();
    if (auto weight = matrix.getDefiningOp<moe::WeightOp>(); weight && name.empty())
      name = weight.getKey().str();
    tables.push_back({names.take(node, name.empty() ? "embedding" : std::move(name)), node,
                      findOtherUse(node->getResult(0))});
  }
  return tables;
}

void moec::fixLayerNames(ModuleOp module) {
  auto fix = [](Operation *op, LayerLabel label) {
    op->setLoc(withLayerLabel(op->getLoc(), label));
  };
  std::vector<LinearLayer> linears = getLinearLayers(module);
  for (MoELayer &layer : getMoELayers(module))
    fix(layer.experts, {layer.name, ""});
  for (LinearLayer &layer : linears)
    fix(layer.linear, {layer.name, stringifyLinearKind(layer.kind).str()});
  for (LookupTable &table : getLookupTables(module))
    fix(table.gather, {table.name, ""});
}

static int64_t getNumElements(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape() ? type.getNumElements() : 0;
}

int64_t moec::getStoredBytes(Value value) {
  if (auto dequantize = skipLayout(value).getDefiningOp<moe::DequantizeOp>()) {
    int64_t bytes = 0;
    for (Value operand : dequantize->getOperands())
      bytes += getStoredBytes(operand);
    return bytes;
  }
  Type element = cast<RankedTensorType>(value.getType()).getElementType();
  if (!element.isIntOrFloat())
    return 0;
  // Narrow ones are packed, but for Booleans.
  int64_t bits = element.isInteger(1) ? 8 : element.getIntOrFloatBitWidth();
  return llvm::divideCeil(getNumElements(value) * bits, 8);
}

static void addParameter(LayerCost &cost, Value value) {
  cost.parameters += getNumElements(value);
  cost.bytes += getStoredBytes(value);
}

LayerCost moec::getCost(moe::ExpertsOp experts) {
  LayerCost cost;
  for (Value parameter : experts.getParameters())
    addParameter(cost, parameter);
  // Of all experts that are not null, who may share rows.
  int64_t multiplyAdds = 0, numLive = 0;
  auto countWeight = [&](Value weight) {
    auto argument = dyn_cast<BlockArgument>(skipLayout(weight));
    if (!argument || argument.getOwner() != &experts.getBody().front() ||
        argument.getArgNumber() == 0)
      return;
    int64_t p = argument.getArgNumber() - 1, numRows = 0;
    OperandRange segments = experts.getSegmentsOf(p);
    for (int64_t e = 0, count = experts.getNumExperts(); e < count; ++e)
      if (auto row = experts.getRow(p, e)) {
        Value segment = segments[row->first];
        multiplyAdds +=
            getNumElements(segment) / cast<RankedTensorType>(segment.getType()).getDimSize(0);
        ++numRows;
      }
    numLive = std::max(numLive, numRows);
  };
  experts.getBody().walk([&](Operation *op) {
    if (auto linear = dyn_cast<moe::LinearOp>(op))
      countWeight(linear.getWeight());
    else if (auto linear = dyn_cast<moe::BlockLinearOp>(op))
      countWeight(linear.getWeight());
    else if (auto node = dyn_cast<onnx::NodeOp>(op); node && node.getOpType() == "MatMul")
      countWeight(node.getInputs()[1]);
  });
  int64_t k = cast<RankedTensorType>(experts.getExperts().getType()).getDimSize(1);
  if (ShapedType::isDynamic(k))
    k = 0;
  cost.flopsPerToken = 2 * multiplyAdds / std::max<int64_t>(numLive, 1) * k;
  return cost;
}

template <typename LinearOp>
static LayerCost getLinearCost(LinearOp linear) {
  LayerCost cost;
  addParameter(cost, linear.getWeight());
  cost.flopsPerToken = 2 * cost.parameters;
  if (linear.getBias())
    addParameter(cost, linear.getBias());
  return cost;
}

LayerCost moec::getCost(moe::LinearOp linear) { return getLinearCost(linear); }
LayerCost moec::getCost(moe::BlockLinearOp linear) { return getLinearCost(linear); }

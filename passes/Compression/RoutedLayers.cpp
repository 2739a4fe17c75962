#include "RoutedLayers.h"

#include "LayerPattern.h"
#include "dialects/ONNX/ONNXOps.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace moec;

FailureOr<std::vector<MoELayer>> moec::findLayers(ModuleOp module, StringRef pattern,
                                                  llvm::function_ref<void(const Twine &)> report) {
  llvm::Expected<LayerPattern> wanted = LayerPattern::create(pattern);
  if (!wanted) {
    report("'layers': " + llvm::toString(wanted.takeError()));
    return failure();
  }
  fixLayerNames(module);
  std::vector<MoELayer> layers = getMoELayers(module);
  llvm::erase_if(layers, [&](const MoELayer &layer) { return !wanted->match(layer.name); });
  if (!wanted->checkAllMatched(report))
    return failure();
  return layers;
}

FailureOr<std::vector<RoutedLayers>>
moec::findRoutedLayers(ModuleOp module, StringRef pattern,
                       llvm::function_ref<void(const Twine &)> report) {
  FailureOr<std::vector<MoELayer>> layers = findLayers(module, pattern, report);
  if (failed(layers))
    return failure();
  std::vector<RoutedLayers> groups;
  llvm::DenseMap<Operation *, size_t> groupOf;
  for (MoELayer &layer : *layers) {
    Operation *key = layer.route ? layer.route.getOperation() : layer.experts.getOperation();
    auto [it, isNew] = groupOf.insert({key, groups.size()});
    if (isNew)
      groups.emplace_back(std::move(layer));
    else
      groups[it->second].add(std::move(layer));
  }
  return groups;
}

std::string RoutedLayers::getName() const {
  return llvm::join(llvm::map_range(layers, [](const MoELayer &layer) { return layer.name; }),
                    ", ");
}

SmallVector<moe::ExpertsOp> RoutedLayers::getExperts() const {
  return llvm::map_to_vector(layers, [](const MoELayer &layer) { return layer.experts; });
}

std::vector<LayerCost> RoutedLayers::getCosts() const {
  std::vector<LayerCost> costs;
  for (const MoELayer &layer : layers)
    costs.push_back(getCost(layer.experts));
  return costs;
}

SmallVector<OpOperand *> RoutedLayers::getOtherUses() const {
  SmallVector<moe::ExpertsOp> experts = getExperts();
  SmallVector<OpOperand *> others;
  SmallVector<Value> numbers{getRoute().getExperts()};
  while (!numbers.empty())
    for (OpOperand &use : numbers.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      if (auto layer = dyn_cast<moe::ExpertsOp>(user);
          layer && llvm::is_contained(experts, layer) && &use == &layer.getExpertsMutable())
        continue;
      // Numbers still, perhaps without some of them.
      auto node = dyn_cast<onnx::NodeOp>(user);
      unsigned operand = node && node.getOpType() == "Where" ? 1 : 0;
      if (node && node->getNumResults() == 1 && use.getOperandNumber() == operand &&
          getElementTypeOrSelf(node->getResult(0)).isSignlessInteger() &&
          moec::getRoute(node->getResult(0)) == getRoute())
        numbers.push_back(user->getResult(0));
      else
        others.push_back(&use);
    }
  return others;
}

void RoutedLayers::logDecision(DecisionLog &log, llvm::ArrayRef<LayerCost> before,
                               const NamedAttrList &options, const Twine &reason) const {
  for (auto [layer, cost] : llvm::zip_equal(layers, before)) {
    Decision decision;
    decision.layer = layer.name;
    decision.options = options;
    decision.before = cost;
    decision.after = getCost(layer.experts);
    decision.reason = reason.str();
    log.add(layer.experts, decision);
  }
}

void RoutedLayers::logRefusal(DecisionLog &log, const Twine &reason) const {
  for (const MoELayer &layer : layers)
    log.refuse(layer.experts, layer.name, reason);
}

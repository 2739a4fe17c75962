//===- RoutedLayers.h - Layers of experts that share a router ----------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_ROUTEDLAYERS_H
#define MOEC_PASSES_COMPRESSION_ROUTEDLAYERS_H

#include "passes/Compression/DecisionLog.h"

namespace moec {

/// The layers of experts that a pattern of names (LayerPattern.h) matches, in the order of the
/// module. Writes their names down, so that later passes find them by these. Failure after a
/// `report` of each problem.
mlir::FailureOr<std::vector<MoELayer>>
findLayers(mlir::ModuleOp module, llvm::StringRef pattern,
           llvm::function_ref<void(const llvm::Twine &)> report);

/// The layers that one route serves, or one whose router is not known. Experts leave, or change
/// their numbers, in all of them.
class RoutedLayers {
public:
  explicit RoutedLayers(MoELayer first) : layers{std::move(first)} {}

  void add(MoELayer layer) { layers.push_back(std::move(layer)); }
  /// Null where it is not known.
  moe::RouteOp getRoute() const { return layers.front().route; }
  /// The names of all.
  std::string getName() const;
  llvm::SmallVector<moe::ExpertsOp> getExperts() const;
  std::vector<LayerCost> getCosts() const;

  /// What reads the numbers of experts that the route gives, also behind changes of shape and
  /// integer type, and is none of these layers.
  llvm::SmallVector<mlir::OpOperand *> getOtherUses() const;

  /// Adds to a log what was done to each of the layers; `before` is what getCosts gave.
  void logDecision(DecisionLog &log, llvm::ArrayRef<LayerCost> before,
                   const mlir::NamedAttrList &options, const llvm::Twine &reason) const;
  void logRefusal(DecisionLog &log, const llvm::Twine &reason) const;

private:
  std::vector<MoELayer> layers;
};

/// The layers of findLayers by their routes.
mlir::FailureOr<std::vector<RoutedLayers>>
findRoutedLayers(mlir::ModuleOp module, llvm::StringRef pattern,
                 llvm::function_ref<void(const llvm::Twine &)> report);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_ROUTEDLAYERS_H

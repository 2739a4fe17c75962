//===- ModelStructure.h - What a modeller sees in a raised model -------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_MODELSTRUCTURE_H
#define MOEC_PASSES_ANALYSIS_MODELSTRUCTURE_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace moec {

/// A moe.route that experts follow.
struct RouterStructure {
  std::string score, weights; ///< keywords of moe.route: "softmax", "renormalized"
  bool bias = false;          ///< a bias for the choice only
  int64_t groups = 1, topGroups = 1;
  double scale = 1;
};

/// A moe.experts.
struct MoELayerStructure {
  std::string name; ///< what its nodes' names have in common, else its weights'
  int64_t experts = 0, topK = 0;
  int64_t expertHidden = 0;              ///< the largest inner width; 0: not known
  std::string activation;                ///< "swiglu", "geglu", "relu", …; "" if there is none
  std::optional<RouterStructure> router; ///< nothing: the choice is an input, or was not recognised
  int64_t sharedExperts = 0;             ///< dense layers beside the experts, from the same tokens
  int64_t parameters = 0;                ///< of all experts
  int64_t bytes = 0;
  int64_t flopsPerToken = 0; ///< 2 · multiply-adds of the experts of one token
};

/// A moe.attention.
struct AttentionStructure {
  std::string name;
  int64_t heads = 0, kvHeads = 0, headDim = 0;
  bool causal = false;
  int64_t window = 0; ///< 0: none
  double softcap = 0; ///< 0: none
  bool sinks = false;
};

struct ModelStructure {
  std::vector<MoELayerStructure> moeLayers;
  /// Single products inside of something larger, as attention over routed heads has them: each
  /// choice of a token has a row of its own before or after. `expertHidden` is their width.
  std::vector<MoELayerStructure> routedProjections;
  std::vector<AttentionStructure> attentionLayers;
  int64_t linearFlopsPerToken =
      0; ///< of linear layers and the experts of one token; no attention scores
  int64_t idleParameters = 0; ///< of experts that a token does not use
  /// Routers whose experts were not recognised: node and reason.
  std::vector<std::pair<std::string, std::string>> unraised;
};

/// Reads a module after `raise`.
ModelStructure analyzeStructure(mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_MODELSTRUCTURE_H

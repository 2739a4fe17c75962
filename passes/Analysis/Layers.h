//===- Layers.h - The layers of a raised model, by name ----------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_ANALYSIS_LAYERS_H
#define MOEC_PASSES_ANALYSIS_LAYERS_H

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/ONNXOps.h"

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace moec {

/// The name of the node that an operation comes from; "" if it has none.
llvm::StringRef getNodeName(mlir::Operation *op);

/// A value as it was before its shape, type or order of axes changed.
mlir::Value skipLayout(mlir::Value value);

/// The route that numbers of experts come from, perhaps with some of them taken out.
moe::RouteOp getRoute(mlir::Value experts);

/// A moe.experts with its router.
struct MoELayer {
  std::string name; ///< what the names of their nodes have in common; unique in the module
  moe::ExpertsOp experts;
  moe::RouteOp route; ///< null: the choice is an input, or was not recognised
};

/// In the order of the module. Layers of the same name get #2, #3, … behind it; those without one
/// are called `experts`.
std::vector<MoELayer> getMoELayers(mlir::ModuleOp module);

/// What a linear layer is for.
enum class LinearKind {
  Experts,   ///< in the body of moe.experts
  Attention, ///< gives queries, keys or values, or takes the result of attention
  Router,    ///< gives the logits of a moe.route
  Head,      ///< gives an output of the model
  FFN,       ///< any other: dense feed-forward layers, shared experts
};
llvm::StringRef stringifyLinearKind(LinearKind kind);

/// The kind with this name; std::nullopt if none has.
std::optional<LinearKind> parseLinearKind(llvm::StringRef name);

/// A moe.linear whose weight is stored in the model, or a parameter of experts.
struct LinearLayer {
  std::string name; ///< of its node, in experts behind the layer's; unique in the module
  moe::LinearOp linear;
  LinearKind kind;
  moe::ExpertsOp experts; ///< that it lies in, or null
};

/// In the order of the module.
std::vector<LinearLayer> getLinearLayers(mlir::ModuleOp module);

/// A Gather of rows of a stored matrix by numbers that come with the call.
struct LookupTable {
  std::string name; ///< of its node, else of the matrix; unique among tables
  onnx::NodeOp gather;
  /// Why what is found is not a hidden state, as it is of embeddings; empty if it is.
  std::string otherUse;
};

/// In the order of the module.
std::vector<LookupTable> getLookupTables(mlir::ModuleOp module);

/// Writes down what all layers and tables are called, and what linear layers are for: passes that
/// are run later find them by the same names and kinds, whatever has been done to their neighbours.
void fixLayerNames(mlir::ModuleOp module);

/// What a layer takes. FLOPs are two a multiply-add of a matrix; of experts those of one token.
struct LayerCost {
  int64_t parameters = 0, bytes = 0, flopsPerToken = 0;

  LayerCost &operator+=(const LayerCost &other) {
    parameters += other.parameters;
    bytes += other.bytes;
    flopsPerToken += other.flopsPerToken;
    return *this;
  }
};
LayerCost getCost(moe::ExpertsOp experts);
LayerCost getCost(moe::LinearOp linear);
LayerCost getCost(moe::BlockLinearOp linear);

/// Bytes of a weight as it is stored: codes and scales where it is dequantised.
int64_t getStoredBytes(mlir::Value weight);

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_LAYERS_H

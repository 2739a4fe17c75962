//===- ExpertRemoval.h - Experts without some of them ------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_EXPERTREMOVAL_H
#define MOEC_PASSES_COMPRESSION_EXPERTREMOVAL_H

#include "passes/Compression/WeightEditor.h"

namespace moec {

/// How the router takes it that experts are gone.
enum class RouterChange {
  Renumber, ///< their logits go, and the others get new numbers
  Mask,     ///< all logits stay; those of the removed ones cannot be chosen
};

/// All experts but `kept` (ascending) leave a route and the experts that follow it. Fails, with
/// nothing changed, where a parameter is not stored in the model.
llvm::Error keepExperts(WeightEditor &editor, moe::RouteOp route,
                        llvm::ArrayRef<moe::ExpertsOp> layers, llvm::ArrayRef<int64_t> kept,
                        RouterChange change);

/// The place of parameter p of expert e; an expert e has the parameters of expert `places[e]`, none
/// where that is −1. Rows that nobody has any more leave their segments.
llvm::Error placeExperts(WeightEditor &editor, moe::ExpertsOp experts,
                         llvm::ArrayRef<int64_t> places);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_EXPERTREMOVAL_H

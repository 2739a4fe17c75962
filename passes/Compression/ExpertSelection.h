//===- ExpertSelection.h - Experts without some of them, or in another order -------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_EXPERTSELECTION_H
#define MOEC_PASSES_COMPRESSION_EXPERTSELECTION_H

#include "passes/Compression/WeightEditor.h"

namespace moec {

/// How the router takes it that experts are gone.
enum class RouterChange {
  Renumber, ///< their logits go, and the others get new numbers
  Mask,     ///< all logits stay, in their order; those of the removed ones cannot be chosen
};

/// The experts `selected` (each once) are left of those of a route and of the layers that follow
/// it; renumbered, they come in the order in which they are listed. Fails, with nothing changed,
/// where a parameter is not stored in the model.
llvm::Error selectExperts(WeightEditor &editor, moe::RouteOp route,
                          llvm::ArrayRef<moe::ExpertsOp> layers, llvm::ArrayRef<int64_t> selected,
                          RouterChange change);

/// The place of parameter p of expert e; an expert e has the parameters of expert `places[e]`, none
/// where that is −1. Rows that nobody has any more leave their segments; segments, and the rows of
/// each, are in the order in which experts have them first.
llvm::Error placeExperts(WeightEditor &editor, moe::ExpertsOp experts,
                         llvm::ArrayRef<int64_t> places);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_EXPERTSELECTION_H

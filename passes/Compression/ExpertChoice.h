//===- ExpertChoice.h - Which experts matter least ---------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_EXPERTCHOICE_H
#define MOEC_PASSES_COMPRESSION_EXPERTCHOICE_H

#include "passes/Compression/WeightEditor.h"

namespace moec {

/// A vector of `size` numbers, one an expert, that is the same in every run; empty if it is not.
std::vector<float> readVector(WeightEditor &editor, mlir::Value value, int64_t size);

/// The sum of squares of all parameters of each expert, of several layers together. Null experts
/// have 0.
llvm::Expected<std::vector<double>> getSquaredNorms(WeightEditor &editor,
                                                    llvm::ArrayRef<moe::ExpertsOp> layers);

/// Which experts have parameters in all layers, and are not excluded from the choice by a constant.
std::vector<bool> getLiveExperts(WeightEditor &editor, moe::RouteOp route,
                                 llvm::ArrayRef<moe::ExpertsOp> layers);

/// A number from 0 to 1 for each expert, the same for the same seed and layer on every machine.
std::vector<double> getRandomScores(int64_t numExperts, int64_t seed, llvm::StringRef layer);

/// All indices, those of the largest scores first; of equals those with lower indices.
llvm::SmallVector<int64_t> getLargestFirst(llvm::ArrayRef<double> scores);

/// The indices below `size`: those that are named, then the others in their order. Fails where one
/// is not below it, or is named twice; the message goes on behind the name of the list.
llvm::Expected<llvm::SmallVector<int64_t>> putFirst(llvm::ArrayRef<int64_t> named, int64_t size);

/// The indices of the `count` smallest scores, ascending; of equals those with higher indices.
llvm::SmallVector<int64_t> getSmallest(llvm::ArrayRef<double> scores, int64_t count);

/// The same among live experts, of a route in groups: experts that the groups need are passed over,
/// so there may be fewer; a group that would be too small to be rated goes as a whole.
llvm::SmallVector<int64_t> getSmallestInGroups(moe::RouteOp route, const std::vector<bool> &live,
                                               llvm::ArrayRef<double> scores, int64_t count);

/// Whether the groups of a route choose as before among the experts that are left: each group has
/// none, or as many as its rating adds up, so that it can win; and there are groups, and in any of
/// those that may win experts, for k choices.
bool canChooseAnyGroups(moe::RouteOp route, llvm::ArrayRef<int64_t> kept);

/// Experts of which it is proven that no token can choose them, ascending: the model says that they
/// are not alive; or k others have scores so much better, or the same logits and an earlier place.
llvm::SmallVector<int64_t> findIdleExperts(WeightEditor &editor, moe::RouteOp route);

/// For each expert the first one with the same parameters, in bits as the model computes with them;
/// −1 for null experts.
llvm::Expected<llvm::SmallVector<int64_t>> findEqualExperts(WeightEditor &editor,
                                                            moe::ExpertsOp experts);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_EXPERTCHOICE_H

//===- Router.h - A router, as it is recognised ------------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_RAISING_ROUTER_H
#define MOEC_PASSES_RAISING_ROUTER_H

#include "dialects/MoE/MoEOps.h"
#include "passes/Analysis/SymbolicShapes.h"

namespace moec {

/// The operands and attributes of a moe.route, and the values that it replaces.
struct Router {
  mlir::Value logits, selectionBias, external;
  int64_t k = 0;
  moe::ScoreFunction score = moe::ScoreFunction::Identity;
  moe::RouteWeight weight = moe::RouteWeight::Score;
  bool selectLogits = false, renormalizeExternal = false;
  double epsilon = 0, scale = 1;
  int64_t groups = 1, topGroups = 1, groupTop = 1;
  double excluded = -std::numeric_limits<double>::infinity();
  std::optional<double> jitter;

  /// The score before the bias, as a value of the graph: what weights may be gathered from.
  mlir::Value scores;
  /// Replaced by the weights, null if nothing uses them; by the experts' numbers.
  mlir::Value weights, experts;
};

/// Fills in logits, score, bias and groups from the value that the best of are taken.
void matchSelection(mlir::Value selected, Router &router);

/// Fills in weight, epsilon, scale and the value they end in, from the values or indices that were
/// taken.
void matchWeights(mlir::Value topValues, mlir::Value indices, const SymbolicShapes &shapes,
                  Router &router);

/// A value [T, E] that is a score function of another; sets both. False: `value` is no score.
bool matchScore(mlir::Value value, moe::ScoreFunction &score, mlir::Value &logits);

/// The two rounds of PhiMoE's sparse mixer, from the Concat of their indices; std::nullopt if it is
/// something else.
std::optional<Router> matchSparseMixer(onnx::NodeOp concat);

/// Makes one route of `second` and of the one whose choice its logits spread, where it repeats that
/// choice for the sake of an operator that chooses by itself. `second` is then unused.
bool foldChosenRoute(moe::RouteOp second, const SymbolicShapes &shapes);

} // namespace moec

#endif // MOEC_PASSES_RAISING_ROUTER_H

//===- Plan.h - What is to be done to the weights of a model -----------------------------*- C++
//-*-===//
#ifndef MOEC_PIPELINES_PLAN_H
#define MOEC_PIPELINES_PLAN_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"
#include <string>
#include <vector>

namespace moec {

/// A pass and its options, as they are written in a pipeline. Options are those of the pass in
/// `moec-opt --help`.
struct PlanStep {
  std::string pass; ///< without its prefix: "prune-experts"
  /// Globs of the names of layers that the step is for; all layers where there is none.
  std::vector<std::string> layers;
  std::vector<std::pair<std::string, std::string>> options; ///< by name, in order

  /// "moe-prune-experts{ratio=0.25 …}", once for each entry of `layers`, the last first.
  std::vector<std::string> toPipelines() const;
};

/// The steps of a compression, in order:
///
///   {"version": 1,
///    "steps": [{"pass": "prune-experts", "layers": "*.layers.1.*", "ratio": 0.25},
///              {"pass": "prune-experts", "layers": ["model.layers.0.mlp"], "remove": [3, 7]}]}
///
/// `layers` is a glob (`*`, `?`, `[…]`), or a list of names. The other members are options of the
/// pass: numbers, strings, Booleans, lists of numbers.
struct Plan {
  std::vector<PlanStep> steps;

  /// Fails, naming the step and member, where the plan is none. Whether passes and options exist
  /// shows when a pipeline is made of it.
  static llvm::Expected<Plan> fromJson(const llvm::json::Value &json);
  /// A plan in a short form:
  ///
  ///   experts=25%:norm,ffn=lowrank:0.5,weights=int4:group=32
  ///
  /// | key | value | step |
  /// | --- | --- | --- |
  /// | `experts` | `25%`, then `norm`, `random` or `seed=N`; or `exact` | prune-experts |
  /// | `neurons` | `20%`, the same | prune-neurons |
  /// | `ffn`, `attention` | `lowrank`, `blockdense` or `monarch`, then the ratio of parameters |
  /// factorize-linear | | `merge` | the number of tokens | merge-factors | | `weights` | `int8` or
  /// `int4`, then options: `group=32` | quantize-weights |
  ///
  /// Items are separated by commas, what belongs to one by colons; `name=value` behind a colon is
  /// an option of the pass. Steps are in the order of the items.
  static llvm::Expected<Plan> fromShortForm(llvm::StringRef text);

  /// What decisions (see DecisionLog.h) have done, as a plan that does the same again: what was
  /// chosen is named in it.
  static llvm::json::Value replay(const llvm::json::Array &decisions);
};

} // namespace moec

#endif // MOEC_PIPELINES_PLAN_H

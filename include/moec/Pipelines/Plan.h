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
  /// Globs of the names of layers that the step is for, each as passes/Compression/LayerPattern.h
  /// has it; all layers where there is none.
  std::vector<std::string> layers;
  std::vector<std::pair<std::string, std::string>> options; ///< by name, in order

  /// "moe-prune-experts{layers="*.mlp" ratio=0.25}"
  std::string toPipeline() const;
};

/// The steps of a compression, in order:
///
///   {"version": 1,
///    "steps": [{"pass": "prune-experts", "layers": "*.layers.1.*", "ratio": 0.25},
///              {"pass": "prune-experts", "layers": ["model.layers.0.mlp"], "remove": [3, 7]}]}
///
/// `layers` is a glob (`*`, `?`, `[…]`; a backslash takes its meaning from a character, `\xHH` is
/// the character of that code), or a list of names, whatever is in them. The other members are
/// options of the pass: numbers, words, Booleans, and lists of such.
struct Plan {
  std::vector<PlanStep> steps;

  /// Fails where the plan is none, or has passes, options and values that there are not: the error
  /// has a line for each problem, which names the step and member, what was found and what was
  /// expected. Whether layers exist shows when the steps are done.
  static llvm::Expected<Plan> fromJson(const llvm::json::Value &json);
  /// A plan in a short form:
  ///
  ///   experts=25%:norm,ffn=lowrank:0.5,weights=int4:group=32
  ///
  /// | key | value | step |
  /// | --- | --- | --- |
  /// | `experts` | `25%`, then `norm`, `random` or `seed=N`; or `exact` | prune-experts |
  /// | `neurons` | `20%`, the same | prune-neurons |
  /// | `order` | `experts` or `neurons`, then `norm`, `random` or `seed=N` | permute-… |
  /// | `ffn`, `attention` | `lowrank`, `blockdense` or `monarch`, then the ratio of parameters |
  /// factorize-linear | | `merge` | the number of tokens | merge-factors | | `weights` | `int8` or
  /// `int4`, then options: `group=32` | quantize-weights |
  ///
  /// Items are separated by commas, what belongs to one by colons; `name=value` behind a colon is
  /// an option of the pass, `layers` a glob, in which commas and colons are \x2C and \x3A. Steps
  /// are in the order of the items. Fails as fromJson does.
  static llvm::Expected<Plan> fromShortForm(llvm::StringRef text);

  /// What decisions (see DecisionLog.h) have done, as a plan that does the same again: what was
  /// chosen is named in it. Layers that a pass has done the same to are one step.
  static llvm::json::Value replay(const llvm::json::Array &decisions);
};

} // namespace moec

#endif // MOEC_PIPELINES_PLAN_H

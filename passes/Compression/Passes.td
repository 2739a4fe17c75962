#ifndef MOEC_PASSES_COMPRESSION_PASSES_TD
#define MOEC_PASSES_COMPRESSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def KeepWeightsPass : Pass<"moec-keep-weights", "::mlir::ModuleOp"> {
  let summary = "Weights that passes have made go into a file of their own";
  let description = [{
    Until then they are in a file without a name that goes with the process, and the module's `moe.weight_file`
    has an empty path. Those in use are written to OUTPUT.weights, OUTPUT being where the IR goes, and the
    module names that. `moec-opt` runs this after the passes that were asked for.

    Before, with weights that a pass has made:
    ```mlir
    moe.weight_file @file0 "" size 2048
    moe.weight_data @w in @file0[0, 2048] : tensor<512xf32>
    ```
    After, with `output=OUTPUT`:
    ```mlir
    moe.weight_file @file0 "OUTPUT.weights" size 2048
    moe.weight_data @w in @file0[0, 2048] : tensor<512xf32>
    ```
  }];
  let options = [Option<"output", "output", "std::string", "\"-\"", "where the IR is written to">];
}

def PruneExpertsPass : Pass<"moe-prune-experts", "::mlir::ModuleOp"> {
  let summary = "Remove experts";
  let description = [{
    The experts that `remove` names, or a `ratio` of each layer's by `score`: `norm`, those with the smallest
    Frobenius norm of all their weights, or `random`, chosen by `seed` and the layer's name. The rest is numbered
    anew: rows of the parameters, columns of the router and its bias follow, and bytes and FLOPs with them.
    Weights that only the removed experts had are gone.

    What remains decides as it did, as if the removed experts' logits were −∞ before the choice. Weights that are
    renormalised, the softmax of the chosen, or functions of one logit (sigmoid) are those of the full model for
    tokens that never chose a removed expert. With `softmax` scores that are not renormalised the removed logits
    have a share in the denominator: by default (`denominator=keep`) the router keeps their columns, so that the
    weights of the others stay what they were, and only the choice excludes them; with `denominator=drop` the
    columns go and weights grow.

    The columns stay, too, where experts lie in groups, or where the numbers of the chosen are used elsewhere.

    With `exact` nothing is removed that matters: experts that no token can choose (k others have a selection
    bias that scores cannot make up for, or the same logits and an earlier place), and of experts with the same
    parameters all but one, whose rows then serve for all of them. Router and weights stay as they are.

    Why: experts are most of a model's bytes (Lu et al. 2024, "Not all experts are equal", section 3; Lasby et
    al. 2025, "REAP", for why to remove and not to merge). Removing needs no data here; what to remove is better
    known from data.

    Limits: a layer keeps at least the k experts that a token takes, as do the groups that a token may choose.
    Layers whose router is not known are left as they are. Layers with the same router lose the same experts.

    Before:
    ```mlir
    module {
      func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
        %router = onnx.constant dense<[[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]]> : tensor<2x3xf32>
        %up = onnx.constant dense<[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.5], [0.5, 0.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<3x2x2xf32>
        %l = moe.linear %x, %router : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
        %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x3xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
        %y = moe.experts %x to %e weights %w parameters(%up : tensor<3x2x2xf32>) {num_experts = 3 : i64, segments = array<i64: 1>} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32> {
        ^bb0(%t: tensor<?x2xf32>, %u: tensor<2x2xf32>):
          %0 = moe.linear %t, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
          moe.yield %0 : tensor<?x2xf32>
        }
        return %y : tensor<?x2xf32>
      }
    }
    ```
    After, with `ratio=0.34 score=norm`:
    ```mlir
    module {
      func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
        %up = onnx.constant dense<[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]> : tensor<2x2x2xf32>
        %router = onnx.constant dense<[[1.0, 2.0], [0.0, 2.0]]> : tensor<2x2xf32>
        %l = moe.linear %x, %router : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
        %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
        %y = moe.experts %x to %e weights %w parameters(%up : tensor<2x2x2xf32>) {num_experts = 2 : i64, segments = array<i64: 1>} : (tensor<?x2xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x2xf32> {
        ^bb0(%t: tensor<?x2xf32>, %u: tensor<2x2xf32>):
          %0 = moe.linear %t, %u : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
          moe.yield %0 : tensor<?x2xf32>
        }
        return %y : tensor<?x2xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"layers", "layers", "std::string", "\"*\"", "glob of the layers' names, as moec inspect prints them">,
    Option<"ratio", "ratio", "double", "0", "share of each layer's experts to remove, 0 to 1, rounded to whole experts">,
    ListOption<"remove", "remove", "int64_t", "numbers of the experts to remove, instead of a ratio">,
    Option<"score", "score", "std::string", "\"norm\"", "norm or random: which to remove">,
    Option<"seed", "seed", "int64_t", "0", "of the random choice">,
    Option<"denominator", "denominator", "std::string", "\"keep\"",
           "keep or drop: whether removed experts count in a softmax that is not renormalised">,
    Option<"exact", "exact", "bool", "false", "only remove what changes nothing">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
}

#endif // MOEC_PASSES_COMPRESSION_PASSES_TD

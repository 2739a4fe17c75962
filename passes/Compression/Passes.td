#ifndef MOEC_PASSES_COMPRESSION_PASSES_TD
#define MOEC_PASSES_COMPRESSION_PASSES_TD

include "mlir/Pass/PassBase.td"

def FactorizeLinearPass : Pass<"moe-factorize-linear", "::mlir::ModuleOp"> {
  let summary = "Linear layers become two smaller ones in a row";
  let description = [{
    The weight of a linear layer becomes two factors whose product is the nearest to it (Frobenius norm) in a
    form:

    | form | factors of a K x N weight | parameters |
    | --- | --- | --- |
    | `lowrank` | `moe.linear` K x r, `moe.linear` r x N | r (K + N) |
    | `blockdense` | `moe.block_linear` of b blocks K/b x r, `moe.linear` br x N | r (K + bN) |
    | `monarch` | `moe.block_linear` of b blocks K/b x br with a shuffle, `moe.block_linear` of b blocks br x N/b | rb (K + N) |

    The rank r is the highest whose factors have at most `ratio` of the weight's parameters, or the multiple of 16
    below it if that is at most 3 % less, as columns are stored in whole registers; or `rank`, whatever it
    saves, and no more than is needed to be exact. A bias stays with the second factor. In `moe.experts` the
    body gets both layers, and a parameter that is a stack becomes two; all experts of a layer have the same
    rank, so that their products stay grouped.

    Why: parameters, bytes and FLOPs of the layer fall to the ratio, without data (Wei et al. 2024, "Building on
    efficient foundations"; Dao et al. 2022, "Monarch", section 3). What it costs in quality is better known
    from data.

    Limits: layers that would not shrink in bytes (a dequantised weight's factors are not quantised), whose sizes
    are no multiples of `blocks`, whose experts differ in size or whose weight is not stored in the model stay as
    they are, as do those that share a weight with anything but layers of the same step. Routers and heads do, unless `kinds` names them.

    Before:
    ```mlir
    module {
      func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
        %w = onnx.constant dense<1.0> : tensor<4x4xf32>
        %y = moe.linear %x, %w : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
        %z = moe.activation <relu> %y : tensor<?x4xf32>
        return %z : tensor<?x4xf32>
      }
    }
    ```
    After, with `form=lowrank ratio=0.75`:
    ```mlir
    module {
      func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
        %first = onnx.constant dense<1.0> : tensor<4x1xf32>
        %second = onnx.constant dense<1.0> : tensor<1x4xf32>
        %u = moe.linear %x, %first : (tensor<?x4xf32>, tensor<4x1xf32>) -> tensor<?x1xf32>
        %y = moe.linear %u, %second : (tensor<?x1xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
        %z = moe.activation <relu> %y : tensor<?x4xf32>
        return %z : tensor<?x4xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"layers", "layers", "std::string", "\"*\"", "glob of the linear layers' names, as the report has them">,
    ListOption<"kinds", "kinds", "std::string",
               "which of experts, ffn, attention, head and router; the first three if none is given">,
    Option<"form", "form", "std::string", "\"lowrank\"", "lowrank, blockdense or monarch">,
    Option<"ratio", "ratio", "double", "0.5", "share of the parameters that may be left, up to 1">,
    Option<"rank", "rank", "int64_t", "0", "of each block, instead of a ratio; 0: by ratio">,
    Option<"blocks", "blocks", "int64_t", "4", "of the inputs, for monarch of the outputs as well">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
}

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

def MergeFactorsPass : Pass<"moe-merge-factors", "::mlir::ModuleOp"> {
  let summary = "Two linear layers in a row become one where that is cheaper";
  let description = [{
    Two of `moe.linear` and `moe.block_linear` with nothing in between are one `moe.linear` whose weight is the
    product of both, computed in f64: what `moe-factorize-linear` has made, or a model was trained with, in
    experts and outside of them.

    Which is cheaper for `tokens` at a time is told by a rule. A product of R rows with a weight of P parameters
    of s bytes costs, in bytes that are read in the time that it takes,

        launch + max(s (P + R (inputs + outputs)), 2 R P / balance)

    `launch` is what it takes to start and end a parallel loop, `balance` how many FLOPs are done while a byte
    comes from memory. In experts R is the tokens' choices, and the weights of min(R, experts) are read. So few
    rows and small weights are for one product, and factors that save much stay. A remark has the numbers.

    Why: factors below the rank where they save anything, and small ones when decoding, are slower than the
    matrix that they stand for (Wei et al. 2024, "pre-merge").

    A bias of the first layer goes through the second: `(x A + b) B + c` is `x AB + (b B + c)`. Factors that were
    made of a layer have its name again.

    Limits: the first layer has no other use, weights and its bias are stored in the model, experts share rows of
    both or of none. `always` merges whatever it costs.

    Before:
    ```mlir
    module {
      func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
        %first = onnx.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
        %second = onnx.constant dense<[[3.0, 4.0]]> : tensor<1x2xf32>
        %u = moe.linear %x, %first : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
        %y = moe.linear %u, %second : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
        return %y : tensor<?x2xf32>
      }
    }
    ```
    After, with `tokens=1`:
    ```mlir
    module {
      func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
        %w = onnx.constant dense<[[3.0, 4.0], [6.0, 8.0]]> : tensor<2x2xf32>
        %y = moe.linear %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
        return %y : tensor<?x2xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"layers", "layers", "std::string", "\"*\"",
           "glob of the names of layers of experts, and of linear layers outside of them">,
    Option<"tokens", "tokens", "int64_t", "1", "that the model is run with at a time">,
    Option<"launch", "launch", "int64_t", "32768", "cost of a product however small, in bytes">,
    Option<"balance", "balance", "int64_t", "8", "FLOPs that are done in the time in which one byte is read">,
    Option<"always", "always", "bool", "false", "merge whatever it costs">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
}

def PermuteExpertsPass : Pass<"moe-permute-experts", "::mlir::ModuleOp"> {
  let summary = "Bring experts into an order";
  let description = [{
    The experts that `order` names come first, in that order, and the others follow in theirs; or all come by
    `score`: `norm`, those with the largest Frobenius norm of all their weights first, or `random`, by `seed` and
    the layer's name. They have their numbers by their places: columns of the router, its biases and everything
    else that has an entry for each expert follow, and rows of the parameters are stored in that order.

    Why: what is done to neighbours is done to experts that belong together. Layouts by how much experts matter
    (those that a small device holds come first, as in Flextron, Cai et al. 2024, section 3), parts of a model on
    several devices, and segments of experts that become alike in width or precision want an order.

    The model computes what it did: a token's choices come in the order of their scores, and sums over them with
    them. Two things depend on the numbers of experts. The sum in the denominator of a softmax over all experts
    is added up in another order, and differs by rounding. Where two scores of a token are equal, the one with
    the lower number is chosen, and that may be another expert now.

    Limits: where a router chooses groups first, experts that share one must do so afterwards; norms and random
    choices leave groups where they are and order the experts in each. Layers whose router is not known stay as
    they are. Layers with the same router get the same order. What else uses the numbers of experts gets the old
    ones from a table, as the model runs.

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
    After, with `score=norm`:
    ```mlir
    module {
      func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
        %up = onnx.constant dense<[[[5.0, 6.0], [7.0, 8.0]], [[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.5], [0.5, 0.0]]]> : tensor<3x2x2xf32>
        %router = onnx.constant dense<[[2.0, 1.0, 0.0], [2.0, 0.0, 1.0]]> : tensor<2x3xf32>
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
  }];
  let options = [
    Option<"layers", "layers", "std::string", "\"*\"", "glob of the layers' names, as moec inspect prints them">,
    ListOption<"order", "order", "int64_t", "numbers of the experts that come first, instead of a score">,
    Option<"score", "score", "std::string", "\"norm\"", "norm or random: what to order by">,
    Option<"seed", "seed", "int64_t", "0", "of the random choice">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
}

def PermuteNeuronsPass : Pass<"moe-permute-neurons", "::mlir::ModuleOp"> {
  let summary = "Bring inner units of experts into an order";
  let description = [{
    An inner unit of an expert is a column of its first matrices (gate and up) with their biases, a row of its
    last one (down), and what is computed of it by itself between. Of each expert the units that `order` names
    come first, in that order, and the others follow in theirs; or all come by `score`, the largest first:
    `magnitude` (the product of the norms of a unit's columns and row), `norm` (of all of them together), or
    `random`.

    Why: with the units that matter most in front, a prefix of them is the best expert of its width, so that one
    file serves several widths (MatFormer, Devvrit et al. 2023; Flextron, Cai et al. 2024), and blocks of
    neighbours can be cut, quantised or loaded together.

    The model computes what it did, to rounding: the sum over the units is added up in another order.

    A first matrix that holds gate and up side by side, or interleaved, becomes two; moe-fuse-horizontal puts
    them together again.

    Limits: experts whose functions between the matrices mix units, that are quantised already, or have different
    widths already are left as they are, with a remark.

    Before:
    ```mlir
    module {
      func.func @main(%x: tensor<?x1xf32>, %w: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
        %up = onnx.constant dense<[[[1.0, 0.5, 3.0]], [[4.0, 5.0, 0.5]]]> : tensor<2x1x3xf32>
        %down = onnx.constant dense<[[[1.0], [2.5], [3.0]], [[4.0], [5.0], [6.0]]]> : tensor<2x3x1xf32>
        %y = moe.experts %x to %e weights %w parameters(%up, %down : tensor<2x1x3xf32>, tensor<2x3x1xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
        ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x3xf32>, %d: tensor<3x1xf32>):
          %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
          %1 = moe.activation <relu> %0 : tensor<?x3xf32>
          %2 = moe.linear %1, %d : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
          moe.yield %2 : tensor<?x1xf32>
        }
        return %y : tensor<?x1xf32>
      }
    }
    ```
    After, with `score=magnitude`:
    ```mlir
    module {
      func.func @main(%x: tensor<?x1xf32>, %w: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
        %up = onnx.constant dense<[[[3.0, 0.5, 1.0]], [[5.0, 4.0, 0.5]]]> : tensor<2x1x3xf32>
        %down = onnx.constant dense<[[[3.0], [2.5], [1.0]], [[5.0], [4.0], [6.0]]]> : tensor<2x3x1xf32>
        %y = moe.experts %x to %e weights %w parameters(%up, %down : tensor<2x1x3xf32>, tensor<2x3x1xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
        ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x3xf32>, %d: tensor<3x1xf32>):
          %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
          %1 = moe.activation <relu> %0 : tensor<?x3xf32>
          %2 = moe.linear %1, %d : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
          moe.yield %2 : tensor<?x1xf32>
        }
        return %y : tensor<?x1xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"layers", "layers", "std::string", "\"*\"", "glob of the layers' names, as moec inspect prints them">,
    ListOption<"order", "order", "std::string", "units that come first instead, as EXPERT:UNIT">,
    Option<"score", "score", "std::string", "\"magnitude\"", "magnitude, norm or random: what to order by">,
    Option<"seed", "seed", "int64_t", "0", "of the random choice">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
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

    A sparse mixer's softmax always loses them.

    The columns stay, too, where experts lie in groups, or where the numbers of the chosen are used elsewhere. A
    group keeps none of its experts, or as many as its rating adds up, so that it can still win: a `ratio` takes the
    smallest experts of which this leaves enough, at the end whole groups.

    With `exact` nothing is removed that matters: experts that no token can choose (k others have a selection
    bias that scores cannot make up for, or the same logits and an earlier place), and of experts with the same
    parameters all but one, whose rows then serve for all of them. Router and weights stay as they are.

    Why: experts are most of a model's bytes (Lu et al. 2024, "Not all experts are equal", section 3; Lasby et
    al. 2025, "REAP", for why to remove and not to merge). Removing needs no data here; what to remove is better
    known from data.

    Limits: a layer keeps at least the k experts that a token takes, as do the groups that a token may choose.
    Dequantised weights lose rows of codes and scales, also where the codes are moved afterwards (QMoE).
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

def PruneNeuronsPass : Pass<"moe-prune-neurons", "::mlir::ModuleOp"> {
  let summary = "Remove inner units of experts and dense feed-forward layers";
  let description = [{
    An inner unit of an expert is a column of its first matrices (gate and up), a row of its last one (down), and
    what is computed of it by itself between; that of a dense feed-forward layer, which a shared expert is too, the
    same of its linear layers. Such a layer has the name of its last one, and is like a layer of one expert. The
    units that `remove` names go, or a `ratio` of all: those with
    the smallest `score`: `magnitude` (the product of the norms of a unit's columns and row), `norm` (of all of
    them together) or `random`. With
    `scope=expert` each expert loses as many; with `scope=layer` the smallest of the layer go wherever they are,
    and experts become ragged: those of one width are a segment. The number of units that an expert keeps is
    rounded to a `multiple`, at least one of them (by default half of or a whole vector of 16: experts of widths
    that are none of whole vectors are padded in the artifact); `kinds` says which of both kinds of layers are pruned. Codes in groups
    (moe-quantize-weights, int4) want a multiple of theirs, 32: matrices of other depths stay as they are.

    A first matrix that holds gate and up side by side, or interleaved, becomes two; moe-fuse-horizontal puts
    them together again.

    Why: bytes and FLOPs fall with the units, routing stays, and fine grains lose less than whole experts
    (COMPRESSION by magnitude as in Han et al. 2015; structured units as in CAMERA, Xu et al. 2025, who weigh
    them by data).

    Limits: layers whose functions between the matrices mix units, that are quantised already, or have different
    widths already are left as they are, with a remark; dense ones also if a weight is not stored in the model or
    used elsewhere, if others read values of their units, and if no function lies between the linear layers (two
    factors of one).

    Before:
    ```mlir
    module {
      func.func @main(%x: tensor<?x1xf32>, %w: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
        %up = onnx.constant dense<[[[1.0, 0.5, 3.0]], [[4.0, 5.0, 0.5]]]> : tensor<2x1x3xf32>
        %down = onnx.constant dense<[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]> : tensor<2x3x1xf32>
        %y = moe.experts %x to %e weights %w parameters(%up, %down : tensor<2x1x3xf32>, tensor<2x3x1xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
        ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x3xf32>, %d: tensor<3x1xf32>):
          %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x3xf32>) -> tensor<?x3xf32>
          %1 = moe.activation <relu> %0 : tensor<?x3xf32>
          %2 = moe.linear %1, %d : (tensor<?x3xf32>, tensor<3x1xf32>) -> tensor<?x1xf32>
          moe.yield %2 : tensor<?x1xf32>
        }
        return %y : tensor<?x1xf32>
      }
    }
    ```
    After, with `ratio=0.34 multiple=1`:
    ```mlir
    module {
      func.func @main(%x: tensor<?x1xf32>, %w: tensor<?x1xf32>, %e: tensor<?x1xi64>) -> tensor<?x1xf32> {
        %up = onnx.constant dense<[[[1.0, 3.0]], [[4.0, 5.0]]]> : tensor<2x1x2xf32>
        %down = onnx.constant dense<[[[1.0], [3.0]], [[4.0], [5.0]]]> : tensor<2x2x1xf32>
        %y = moe.experts %x to %e weights %w parameters(%up, %down : tensor<2x1x2xf32>, tensor<2x2x1xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x1xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x1xf32> {
        ^bb0(%t: tensor<?x1xf32>, %u: tensor<1x2xf32>, %d: tensor<2x1xf32>):
          %0 = moe.linear %t, %u : (tensor<?x1xf32>, tensor<1x2xf32>) -> tensor<?x2xf32>
          %1 = moe.activation <relu> %0 : tensor<?x2xf32>
          %2 = moe.linear %1, %d : (tensor<?x2xf32>, tensor<2x1xf32>) -> tensor<?x1xf32>
          moe.yield %2 : tensor<?x1xf32>
        }
        return %y : tensor<?x1xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"layers", "layers", "std::string", "\"*\"", "glob of the layers' names, as moec inspect prints them">,
    ListOption<"kinds", "kinds", "std::string", "experts, ffn: of which kinds; both if none is named">,
    Option<"ratio", "ratio", "double", "0", "share of the units to remove, 0 to 1">,
    ListOption<"remove", "remove", "std::string",
               "units to remove instead, as EXPERT:UNIT; expert 0 of dense layers">,
    Option<"score", "score", "std::string", "\"magnitude\"", "magnitude, norm or random: which to remove">,
    Option<"seed", "seed", "int64_t", "0", "of the random choice">,
    Option<"scope", "scope", "std::string", "\"expert\"", "expert or layer: of which the least go">,
    Option<"multiple", "multiple", "int64_t", "0",
           "what the number of units that stay is a multiple of; 0: 8, with scope=layer 16">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
}

def QuantizeWeightsPass : Pass<"moe-quantize-weights", "::mlir::ModuleOp"> {
  let summary = "Store weights as codes and scales";
  let description = [{
    Weights of linear layers and experts, and tables whose rows are looked up, become codes of 8 or 4 bits
    under `moe.dequantize`: one scale for each output (`group=0`), or for each `group` neighbours along the
    input (the default of `int4`, 32). Codes are the nearest to the weight; each scale is the one of 41 shares of its range, 100 % down to
    60 %, that makes the squared error smallest. Of a table that is looked up codes and scales are, too, and
    what was found is dequantised. Products with such weights decode them as they multiply.

    Heads and tables are `outer`, by row, if that is the finer format: rounding them costs as much as rounding
    all of the rest.

    With `asymmetric` codes are unsigned, and each scale has a zero point. `scales=f16` halves the scales'
    bytes; where one would be no normal number, and of weights that are not f16, those of a tensor are f32.

    Why: a weight takes 8, or 4.5 (`format=int4`), of 32 bits, in the file and when it is read, for an error of
    about 0.6 % or 8 %. No data is needed (Frantar et al. 2023, "GPTQ", has this as its baseline, RTN; clipping:
    Lin et al. 2024, "AWQ", section 3).

    What layers share is coded once, where they ask for the same codes; a remark says which weights are stored as
    they were besides, because others read them.

    Limits: routers, norms and biases stay as they are, as do layers whose input is no multiple of `group`,
    block-diagonal ones, and those that are quantised already. Expert parameters that are no matrix of a linear
    layer stay.

    Before:
    ```mlir
    module {
      func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
        %w = onnx.constant dense<[[127.0, 2.0], [-3.0, 254.0]]> : tensor<2x2xf32>
        %y = moe.linear %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
        return %y : tensor<?x2xf32>
      }
    }
    ```
    After, with `format=int8`:
    ```mlir
    module {
      func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
        %c = onnx.constant dense<[[127, 1], [-3, 127]]> : tensor<2x2xi8>
        %s = onnx.constant dense<[[1.0, 2.0]]> : tensor<1x2xf16>
        %w = moe.dequantize %c scales %s {axis = 0 : i64, block = 2 : i64} : (tensor<2x2xi8>, tensor<1x2xf16>) -> tensor<2x2xf32>
        %y = moe.linear %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
        return %y : tensor<?x2xf32>
      }
    }
    ```
  }];
  let options = [
    Option<"layers", "layers", "std::string", "\"*\"", "glob of the layers' names, as moec inspect prints them">,
    ListOption<"kinds", "kinds", "std::string",
               "experts, attention, ffn, head, embedding: of which kinds; all if none is named">,
    Option<"codes", "format", "std::string", "\"int8\"", "int8 or int4">,
    Option<"group", "group", "int64_t", "-1",
           "how many neighbours share a scale, a power of two from 16 on; 0: all inputs of an output; "
           "-1: 0 of int8, 32 of int4">,
    Option<"outer", "outer", "std::string", "\"int8\"", "int8 or int4, the coarsest format of heads and embeddings">,
    Option<"asymmetric", "asymmetric", "bool", "false", "a zero point for each scale">,
    Option<"scales", "scales", "std::string", "\"f16\"", "f16 or f32: the type of scales">,
    Option<"clip", "clip", "bool", "true", "choose ranges by the squared error">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
}

#endif // MOEC_PASSES_COMPRESSION_PASSES_TD

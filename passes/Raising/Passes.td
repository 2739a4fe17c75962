#ifndef MOEC_PASSES_RAISING_PASSES_TD
#define MOEC_PASSES_RAISING_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseAttentionPass : Pass<"moe-raise-attention", "::mlir::func::FuncOp"> {
  let summary = "Attention from products around a softmax";
  let description = [{
    A softmax over the last axis of a product of queries and keys, followed by a product with values, becomes
    `moe.attention`: constant factors wherever they stand become its scale, keys and values that are repeated
    for the heads of a group are taken from before that, a logit more for each head that is cut off afterwards
    becomes its sinks, `c · tanh(s / c)` its softcap, what is added to the scores or replaces them its mask. A
    mask that is proven to hide nothing but later keys, or keys too far back, becomes `causal` and `window`;
    what is proven of another one is stated in `hidden`.

    Why: kernels that read keys in place and skip what is hidden; caches; `moec inspect`.

    Limits: rank 4; the numbers and sizes of heads are static; the weights have no other use. Other ranks and
    Einsum are named in a remark. A row without
    visible keys is zero where it was NaN.

    Before:
    ```mlir
    func.func @main(%q: tensor<?x4x?x16xf32>, %k: tensor<?x4x16x?xf32>, %v: tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32> {
      %c = onnx.constant dense<2.500000e-01> : tensor<f32>
      %0 = onnx.node "MatMul"(%q, %k) version 13 : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
      %1 = onnx.node "Mul"(%0, %c) version 14 : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
      %2 = onnx.node "Softmax"(%1) version 13 {axis = -1 : i64} : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
      %3 = onnx.node "MatMul"(%2, %v) version 13 : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
      return %3 : tensor<?x4x?x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%q: tensor<?x4x?x16xf32>, %k: tensor<?x4x16x?xf32>, %v: tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32> {
      %0 = onnx.node "Transpose"(%k) version 21 {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x4x16x?xf32>) -> tensor<?x4x?x16xf32>
      %1 = moe.attention %q, %0, %v {scale = 2.500000e-01 : f32} : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
      return %1 : tensor<?x4x?x16xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Attention layers">];
}

def RaiseExpertsPass : Pass<"moe-raise-experts", "::mlir::func::FuncOp"> {
  let summary = "Experts from the nodes that run them";
  let description = [{
    The nodes between a `moe.route` and the sum over its experts become `moe.experts`, however the model spells
    them: a loop over experts with masks, lists of tokens, one batched product for all experts, all experts'
    results and those of the chosen out of them, parameters gathered for each slot, slots sorted by expert. From the route outward each value gets a form, an expression
    of token, slot and expert; a sum whose terms cover every expert once closes the layer. The experts' terms
    are then walked side by side: what is the same for all is the input, what differs are parameters. A mask of
    zeros and ones on the choice (a capacity, in whatever way it is counted) makes the experts of the slots that
    it leaves out −1.

    Why: only the experts that a token is routed to have to run.

    Limits: experts whose terms differ in more than their parameters stay, as do sums in which an expert is
    missing. Experts that a token is not routed to are assumed to be finite. Remarks say what was raised and what
    was not, and why.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %router: tensor<4x2xf32>) -> tensor<?x4xf32> {
      %u = onnx.constant dense<2.0> : tensor<2x4x4xf32>
      %one = onnx.constant dense<1> : tensor<1xi64>
      %flat = onnx.constant dense<-1> : tensor<1xi64>
      %column = onnx.constant dense<[-1, 1]> : tensor<2xi64>
      %row = onnx.constant dense<[-1, 1, 4]> : tensor<3xi64>
      %spread = onnx.constant dense<[1, 2, 1]> : tensor<3xi64>
      %slots = onnx.constant dense<[-1, 2, 4]> : tensor<3xi64>
      %l = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
      %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
      %0 = onnx.node "Unsqueeze"(%x, %one) version 13 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1x4xf32>
      %1 = onnx.node "Expand"(%0, %spread) version 13 : (tensor<?x1x4xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
      %2 = onnx.node "Reshape"(%1, %row) version 13 : (tensor<?x2x4xf32>, tensor<3xi64>) -> tensor<?x1x4xf32>
      %3 = onnx.node "Reshape"(%e, %flat) version 13 : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?xi64>
      %4 = onnx.node "Gather"(%u, %3) version 13 {axis = 0 : i64} : (tensor<2x4x4xf32>, tensor<?xi64>) -> tensor<?x4x4xf32>
      %5 = onnx.node "MatMul"(%2, %4) version 13 : (tensor<?x1x4xf32>, tensor<?x4x4xf32>) -> tensor<?x1x4xf32>
      %6 = onnx.node "Squeeze"(%5, %one) version 13 : (tensor<?x1x4xf32>, tensor<1xi64>) -> tensor<?x4xf32>
      %7 = onnx.node "Reshape"(%w, %column) version 13 : (tensor<?x2xf32>, tensor<2xi64>) -> tensor<?x1xf32>
      %8 = onnx.node "Mul"(%6, %7) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
      %9 = onnx.node "Reshape"(%8, %slots) version 13 : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
      %10 = onnx.node "ReduceSum"(%9, %one) version 13 {keepdims = 0 : i64} : (tensor<?x2x4xf32>, tensor<1xi64>) -> tensor<?x4xf32>
      return %10 : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %router: tensor<4x2xf32>) -> tensor<?x4xf32> {
      %u = onnx.constant dense<2.0> : tensor<2x4x4xf32>
      %l = moe.linear %x, %router : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x2xf32>
      %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<identity>, weight = #moe.route_weight<softmax>} : (tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
      %0 = moe.experts %x to %e weights %w parameters(%u : tensor<2x4x4xf32>) {num_experts = 2 : i64, segments = array<i64: 1>} : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32> {
      ^bb0(%t: tensor<?x4xf32>, %p: tensor<4x4xf32>):
        %1 = moe.linear %t, %p : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
        moe.yield %1 : tensor<?x4xf32>
      }
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Layers of experts raised">];
}

def RaiseFusedAttentionPass : Pass<"moe-raise-fused-attention", "::mlir::func::FuncOp"> {
  let summary = "Attention and rotary embedding from the operators that are just that";
  let description = [{
    `Attention` and `RotaryEmbedding` of ONNX, `GroupQueryAttention`, `MultiHeadAttention` and
    `RotaryEmbedding` of ONNX Runtime become `moe.attention` and `moe.rotary`, with nodes around them that
    separate the heads, split packed queries, keys and values, add biases and append to caches. It runs before
    such nodes are expanded, also where nothing else is raised. Of `MultiHeadAttention` keys and values that were
    repeated for their groups of heads are taken as they were, and what its mask hides is noted.

    Why: their definitions are hundreds of nodes, and ONNX Runtime's operators have none.

    Limits: nodes whose scores are results, quantised caches, packed keys (`MultiHeadAttention`) and masks of
    integers stay; so do causal nodes with other numbers of queries than of new keys. A cache of `GroupQueryAttention` is copied.

    Before:
    ```mlir
    func.func @main(%q: tensor<?x4x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32> {
      %y = onnx.node "Attention"(%q, %k, %v) version 24 {scale = 2.500000e-01 : f32} : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32>
      return %y : tensor<?x4x?x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%q: tensor<?x4x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32> {
      %y = moe.attention %q, %k, %v {scale = 2.500000e-01 : f32} : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32>
      return %y : tensor<?x4x?x16xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Nodes">];
}

def RaiseDequantizePass : Pass<"moe-raise-dequantize", "::mlir::func::FuncOp"> {
  let summary = "Quantised weights from DequantizeLinear";
  let description = [{
    A DequantizeLinear of a weight or constant, perhaps cut or moved about, becomes `moe.dequantize`. Zero
    points that are all the same become the attribute `zero`.

    Why: later passes ask what a weight is stored as, and have one operation to look for.

    Limits: codes that are computed when the model runs stay, and so do results of another type than the
    scales.

    Before:
    ```mlir
    func.func @main() -> tensor<4x2xf32> {
      %q = onnx.constant dense<[[1, 2], [3, 4], [5, 6], [7, 15]]> : tensor<4x2xui4>
      %s = onnx.constant dense<[[5.0e-01, 2.5e-01], [1.0, 2.0]]> : tensor<2x2xf32>
      %z = onnx.constant dense<8> : tensor<2x2xui4>
      %0 = onnx.node "DequantizeLinear"(%q, %s, %z) version 21 {axis = 0 : i64, block_size = 2 : i64} : (tensor<4x2xui4>, tensor<2x2xf32>, tensor<2x2xui4>) -> tensor<4x2xf32>
      return %0 : tensor<4x2xf32>
    }
    ```
    After:
    ```mlir
    func.func @main() -> tensor<4x2xf32> {
      %q = onnx.constant dense<[[1, 2], [3, 4], [5, 6], [7, 15]]> : tensor<4x2xui4>
      %s = onnx.constant dense<[[5.0e-01, 2.5e-01], [1.0, 2.0]]> : tensor<2x2xf32>
      %0 = moe.dequantize %q scales %s {axis = 0 : i64, block = 2 : i64, zero = 8 : i64} : (tensor<4x2xui4>, tensor<2x2xf32>) -> tensor<4x2xf32>
      return %0 : tensor<4x2xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Nodes that became moe.dequantize">];
}

def RaiseLinearPass : Pass<"moe-raise-linear", "::mlir::func::FuncOp"> {
  let summary = "Linear layers from matrix products";
  let description = [{
    A MatMul or Gemm whose second operand is a static matrix becomes `moe.linear`: a transposed weight is
    noted, a bias added after it (or Gemm's C) becomes the bias.

    Why: a linear layer is what later passes prune, factor, quantise and merge.

    Limits: a Gemm with alpha or beta other than 1 or a transposed input stays; so does a bias that is no
    vector over the outputs.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
      %0 = onnx.node "Gemm"(%x, %w, %b) version 13 {transB = 1 : i64} : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
      return %0 : tensor<?x8xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
      %0 = moe.linear %x, %w transposed bias %b : (tensor<?x4xf32>, tensor<8x4xf32>, tensor<8xf32>) -> tensor<?x8xf32>
      return %0 : tensor<?x8xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
}

def RaiseRoutersPass : Pass<"moe-raise-routers", "::mlir::func::FuncOp"> {
  let summary = "Routers from the choice of the best scores";
  let description = [{
    A TopK over the last axis with a constant k becomes `moe.route`: back from it to the logits through the
    score function, a bias for the choice only and the choice of groups; on from it to the weights through
    GatherElements of other scores, softmax or sigmoid of the chosen, renormalisation and a constant factor.
    An ArgMax beside a ReduceMax of the same scores is a choice of one; the two rounds of PhiMoE's sparse mixer
    are one route. Leading axes are made one.

    First, a sigmoid or softmax of chosen logits that were spread into −∞ becomes the spread of their sigmoid
    or softmax into 0 (Llama4).

    Last, a route whose logits are log(max(w, least)) of what another route has chosen, spread into a number far
    below them, becomes that other route, renormalised: operators that choose by themselves are made to follow
    a choice this way (LFM2 in com.microsoft.MoE). Where the result of the experts is then multiplied by
    Σw / (Σw + ε) or by Σw, and least is nothing beside ε or one, the factor goes into the route's weights.

    Why: all forms of experts are recognised from the route outwards.

    Limits: what is done to the weights stops at the first node that is something else, or at a value that has
    another use: it stays behind the route. Scores that were computed in half precision are computed in f32.

    Before:
    ```mlir
    func.func @main(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
      %k = onnx.constant dense<2> : tensor<1xi64>
      %axis = onnx.constant dense<-1> : tensor<1xi64>
      %p = onnx.node "Softmax"(%l) version 13 {axis = -1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
      %v, %i = onnx.node "TopK"(%p, %k) version 11 : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
      %s = onnx.node "ReduceSum"(%v, %axis) version 13 : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?x1xf32>
      %w = onnx.node "Div"(%v, %s) version 14 : (tensor<?x2xf32>, tensor<?x1xf32>) -> tensor<?x2xf32>
      return %w, %i : tensor<?x2xf32>, tensor<?x2xi64>
    }
    ```
    After:
    ```mlir
    func.func @main(%l: tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>) {
      %w, %i = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<renormalized>} : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
      return %w, %i : tensor<?x2xf32>, tensor<?x2xi64>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Routers">];
}

def RaiseNormsPass : Pass<"moe-raise-norms", "::mlir::func::FuncOp"> {
  let summary = "Norms from their parts";
  let description = [{
    A value divided by the root of the mean of its squares plus a number becomes `moe.norm <rms>`; if it was
    centred first, `<layer>`. Square as product or power, quotient as product with Reciprocal, 1 / x or a
    power of −1/2; conversions between float types on the way are the norm's own. A factor (and for layer
    norms a summand) that spreads over rows is taken in. So do LayerNormalization, RMSNormalization and
    SimplifiedLayerNormalization over the last axis.

    Why: one loop over a row instead of five over the tensor, and something to fold scales into.

    Limits: the last axis only, of a known size. A norm whose mean or deviation is used elsewhere stays a node.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<4xf32>) -> tensor<?x4xf32> {
      %two = onnx.constant dense<2.0> : tensor<f32>
      %eps = onnx.constant dense<1.0e-6> : tensor<f32>
      %axis = onnx.constant dense<-1> : tensor<1xi64>
      %0 = onnx.node "Pow"(%x, %two) version 15 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
      %1 = onnx.node "ReduceMean"(%0, %axis) version 18 : (tensor<?x4xf32>, tensor<1xi64>) -> tensor<?x1xf32>
      %2 = onnx.node "Add"(%1, %eps) version 14 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
      %3 = onnx.node "Sqrt"(%2) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
      %4 = onnx.node "Reciprocal"(%3) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
      %5 = onnx.node "Mul"(%x, %4) version 14 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
      %6 = onnx.node "Mul"(%w, %5) version 14 : (tensor<4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
      return %6 : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %w: tensor<4xf32>) -> tensor<?x4xf32> {
      %0 = moe.norm <rms> %x scale %w {epsilon = 9.99999997E-7 : f32} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Norms">];
}

def RaiseRotaryPass : Pass<"moe-raise-rotary", "::mlir::func::FuncOp"> {
  let summary = "Rotary embedding from its products";
  let description = [{
    Products of elements and cosines, and of their partners and sines, become `moe.rotary`: x·c + (−x₂, x₁)·s for
    whole heads, or x₁·c − x₂·s beside x₂·c + x₁·s for their halves, where partners are halves of a head or
    neighbours. A rest of the head that is put behind what was rotated is the operation's own. Where cosines and
    sines are there for each element, those of partners are proven to be the same, and one is enough. Heads may
    stand before positions or after, or not be there.

    Why: half as many cosines, and one operation that knows positions from heads.

    Limits: three or four axes; a constant size of heads. Positions are told from heads by their size.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4x7x16xf32>, %f: tensor<1x7x8xf32>) -> tensor<?x4x7x16xf32> {
      %axis = onnx.constant dense<1> : tensor<1xi64>
      %start = onnx.constant dense<0> : tensor<1xi64>
      %half = onnx.constant dense<8> : tensor<1xi64>
      %end = onnx.constant dense<16> : tensor<1xi64>
      %last = onnx.constant dense<3> : tensor<1xi64>
      %ff = onnx.node "Concat"(%f, %f) version 13 {axis = -1 : i64} : (tensor<1x7x8xf32>, tensor<1x7x8xf32>) -> tensor<1x7x16xf32>
      %cc = onnx.node "Cos"(%ff) version 22 : (tensor<1x7x16xf32>) -> tensor<1x7x16xf32>
      %ss = onnx.node "Sin"(%ff) version 22 : (tensor<1x7x16xf32>) -> tensor<1x7x16xf32>
      %c = onnx.node "Unsqueeze"(%cc, %axis) version 21 : (tensor<1x7x16xf32>, tensor<1xi64>) -> tensor<1x1x7x16xf32>
      %s = onnx.node "Unsqueeze"(%ss, %axis) version 21 : (tensor<1x7x16xf32>, tensor<1xi64>) -> tensor<1x1x7x16xf32>
      %1 = onnx.node "Mul"(%x, %c) version 14 : (tensor<?x4x7x16xf32>, tensor<1x1x7x16xf32>) -> tensor<?x4x7x16xf32>
      %x1 = onnx.node "Slice"(%x, %start, %half, %last) version 13 : (tensor<?x4x7x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x7x8xf32>
      %x2 = onnx.node "Slice"(%x, %half, %end, %last) version 13 : (tensor<?x4x7x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x4x7x8xf32>
      %2 = onnx.node "Neg"(%x2) version 13 : (tensor<?x4x7x8xf32>) -> tensor<?x4x7x8xf32>
      %3 = onnx.node "Concat"(%2, %x1) version 13 {axis = -1 : i64} : (tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32>) -> tensor<?x4x7x16xf32>
      %4 = onnx.node "Mul"(%3, %s) version 14 : (tensor<?x4x7x16xf32>, tensor<1x1x7x16xf32>) -> tensor<?x4x7x16xf32>
      %5 = onnx.node "Add"(%1, %4) version 14 : (tensor<?x4x7x16xf32>, tensor<?x4x7x16xf32>) -> tensor<?x4x7x16xf32>
      return %5 : tensor<?x4x7x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4x7x16xf32>, %f: tensor<1x7x8xf32>) -> tensor<?x4x7x16xf32> {
      %0 = onnx.node "Cos"(%f) version 22 : (tensor<1x7x8xf32>) -> tensor<1x7x8xf32>
      %1 = onnx.node "Sin"(%f) version 22 : (tensor<1x7x8xf32>) -> tensor<1x7x8xf32>
      %2 = moe.rotary %x, %0, %1 : (tensor<?x4x7x16xf32>, tensor<1x7x8xf32>, tensor<1x7x8xf32>) -> tensor<?x4x7x16xf32>
      return %2 : tensor<?x4x7x16xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Rotary embeddings">];
}

def RaiseActivationsPass : Pass<"moe-raise-activations", "::mlir::func::FuncOp"> {
  let summary = "Activation functions from their spellings";
  let description = [{
    Products are taken apart into factors, in whatever order they were multiplied: x with sigmoid(alpha·x) is
    SiLU, with (1 + erf(x/√2))/2 GELU, with (1 + tanh(√(2/π)·(x + 0.044715·x³)))/2 its approximation. So are
    x / (1 + exp(−x)), the operators Relu, Swish, Gelu and their relatives, and squared ReLU. One more factor makes
    it `moe.glu`, with clamped operands and an offset where they are as in GPT-OSS. Also in the bodies of experts.

    Why: an activation between two linear layers becomes part of the first one's kernel.

    Limits: constants are accepted to 1e-4. All operands have the same type.

    Before:
    ```mlir
    func.func @main(%g: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = onnx.node "Sigmoid"(%g) version 13 : (tensor<?x4xf32>) -> tensor<?x4xf32>
      %1 = onnx.node "Mul"(%g, %0) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
      %2 = onnx.node "Mul"(%1, %u) version 14 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
      return %2 : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%g: tensor<?x4xf32>, %u: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = moe.glu <silu> %g, %u : tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Activations">];
}

def RaiseFusedExpertsPass : Pass<"moe-raise-fused-experts", "::mlir::func::FuncOp"> {
  let summary = "Routers and experts from ONNX Runtime's MoE operator";
  let description = [{
    A com.microsoft::MoE becomes `moe.route` (softmax over all experts, then the best k) and `moe.experts`. Gate
    and up in one matrix, interleaved or one after the other, are cut apart in the body. Weights that lie
    [in, out], as in old files, are recognised by their sizes.

    Why: the operator has no definition in ONNX, and one form of experts is enough for what follows.

    Limits: weights are static stacks. `use_sparse_mixer` is ignored, as by ONNX Runtime's CPU kernel, with a
    warning. What does not fit together is a remark, and stays.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %l: tensor<?x2xf32>, %a: tensor<2x8x4xf32>, %b: tensor<2x4x8xf32>) -> tensor<?x4xf32> {
      %none = onnx.none
      %0 = onnx.node "com.microsoft::MoE"(%x, %l, %a, %none, %b) version 1 {k = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>, tensor<2x8x4xf32>, none, tensor<2x4x8xf32>) -> tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %l: tensor<?x2xf32>, %a: tensor<2x8x4xf32>, %b: tensor<2x4x8xf32>) -> tensor<?x4xf32> {
      %w, %e = moe.route %l {k = 1 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<score>} : (tensor<?x2xf32>) -> (tensor<?x1xf32>, tensor<?x1xi64>)
      %0 = moe.experts %x to %e weights %w parameters(%a, %b : tensor<2x8x4xf32>, tensor<2x4x8xf32>) {num_experts = 2 : i64, segments = array<i64: 1, 1>} : (tensor<?x4xf32>, tensor<?x1xi64>, tensor<?x1xf32>) -> tensor<?x4xf32> {
      ^bb0(%t: tensor<?x4xf32>, %u: tensor<8x4xf32>, %d: tensor<4x8xf32>):
        %1 = moe.linear %t, %u transposed : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
        %2 = moe.activation <relu> %1 : tensor<?x8xf32>
        %3 = moe.linear %2, %d transposed : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
        moe.yield %3 : tensor<?x4xf32>
      }
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numRaised", "num-raised", "Operators">];
}

#endif // MOEC_PASSES_RAISING_PASSES_TD

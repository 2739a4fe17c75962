#ifndef MOEC_PASSES_RAISING_PASSES_TD
#define MOEC_PASSES_RAISING_PASSES_TD

include "mlir/Pass/PassBase.td"

def RaiseLinearPass : Pass<"moe-raise-linear", "::mlir::func::FuncOp"> {
  let summary = "Linear layers from matrix products with weights";
  let description = [{
    A MatMul or Gemm whose second operand is a matrix of weights becomes `moe.linear`: a transposed weight is
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

#endif // MOEC_PASSES_RAISING_PASSES_TD

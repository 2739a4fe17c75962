#ifndef MOEC_PASSES_TRANSFORMS_PASSES_TD
#define MOEC_PASSES_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

//===- On nodes ---------------------------------------------------------------------------------------===//

def InferTypesPass : Pass<"onnx-infer-types", "::mlir::func::FuncOp"> {
  let summary = "Give values the types that follow from the arguments";
  let description = [{
    One walk over the nodes in order. The ONNX library's inference gives element types and shapes, from
    the operands' types and contents; the symbolic analysis of sizes adds what it proves, and tells the
    library the contents of the shape tensors further down. The function's result types follow.

    Why: files state no types for inner values, or those of one traced run. A stated size is a claim that
    is not believed where the operator says anything about the shape.

    Limits: a node that contradicts the types of its operands, or the element type that the file states,
    is an error; one that the library rejects for what it does not know is a remark. Of operators with
    subgraphs only If is understood.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x6xf32>) -> tensor<*x!onnx.unknown> {
      %shape = onnx.constant dense<[0, 2, -1]> : tensor<3xi64>
      %0 = onnx.node "Reshape"(%x, %shape) version 14 : (tensor<?x6xf32>, tensor<3xi64>) -> tensor<*x!onnx.unknown>
      return %0 : tensor<*x!onnx.unknown>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x6xf32>) -> tensor<?x2x3xf32> {
      %shape = onnx.constant dense<[0, 2, -1]> : tensor<3xi64>
      %0 = onnx.node "Reshape"(%x, %shape) version 14 : (tensor<?x6xf32>, tensor<3xi64>) -> tensor<?x2x3xf32>
      return %0 : tensor<?x2x3xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::onnx::ONNXDialect"];
}

def DiagnoseExportsPass : Pass<"onnx-diagnose-exports", "::mlir::func::FuncOp"> {
  let summary = "Warn of files that an exporter has broken";
  let description = [{
    Warns, in terms of the model, where a file computes something else than the model it was exported from:

    - experts that no token of the traced run was routed to, and that are missing;
    - the number of experts chosen, or of tokens an expert got, in the traced run as constant sizes of a Split;
    - contributions of a token added up by a scatter without reduction although its indices repeat;
    - rotary embeddings with cosines of batch 1.

    Why: such files load and run everywhere, and are wrong or fail for other inputs.

    Limits: changes nothing. What it does not recognise it does not mention.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %slots: tensor<?xi64>) -> (tensor<2x4xf32>, tensor<3x4xf32>) {
      %k = onnx.constant dense<5> : tensor<1xi64>
      %sizes = onnx.constant dense<[2, 3]> : tensor<2xi64>
      %v, %order = onnx.node "TopK"(%slots, %k) version 11 {largest = 0 : i64} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
      %s = onnx.node "Gather"(%x, %order) version 13 : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
      %a, %b = onnx.node "Split"(%s, %sizes) version 18 : (tensor<?x4xf32>, tensor<2xi64>) -> (tensor<2x4xf32>, tensor<3x4xf32>)
      return %a, %b : tensor<2x4xf32>, tensor<3x4xf32>
    }
    ```
    After, with a warning:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %slots: tensor<?xi64>) -> (tensor<2x4xf32>, tensor<3x4xf32>) {
      %k = onnx.constant dense<5> : tensor<1xi64>
      %sizes = onnx.constant dense<[2, 3]> : tensor<2xi64>
      %v, %order = onnx.node "TopK"(%slots, %k) version 11 {largest = 0 : i64} : (tensor<?xi64>, tensor<1xi64>) -> (tensor<?xi64>, tensor<?xi64>)
      %s = onnx.node "Gather"(%x, %order) version 13 : (tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
      %a, %b = onnx.node "Split"(%s, %sizes) version 18 : (tensor<?x4xf32>, tensor<2xi64>) -> (tensor<2x4xf32>, tensor<3x4xf32>)
      return %a, %b : tensor<2x4xf32>, tensor<3x4xf32>
    }
    ```
  }];
}

def FoldShapesPass : Pass<"onnx-fold-shapes", "::mlir::func::FuncOp"> {
  let summary = "Fold shape arithmetic and small constants";
  let description = [{
    Tensors of which the symbolic analysis knows all elements as constants become `onnx.constant`, and one
    that has the same elements as an earlier one, expressions of sizes, is replaced by it. Small constant
    tensors of floats are computed where the operation is one correctly rounded one.

    Why: exporters compute shapes at run time that are known, and the same shape over and over.

    Limits: constants of at most 1 KiB. No function of a mathematical library is computed: its last bit
    is not ours to choose.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x6xf32>) -> (tensor<2xi64>, tensor<2xi64>) {
      %i = onnx.constant dense<1> : tensor<1xi64>
      %s = onnx.node "Shape"(%x) version 15 : (tensor<?x6xf32>) -> tensor<2xi64>
      %n = onnx.node "Gather"(%s, %i) version 13 : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
      %0 = onnx.node "Concat"(%n, %n) version 13 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
      %y = onnx.node "Neg"(%x) version 13 : (tensor<?x6xf32>) -> tensor<?x6xf32>
      %1 = onnx.node "Shape"(%y) version 15 : (tensor<?x6xf32>) -> tensor<2xi64>
      %2 = onnx.node "Add"(%s, %1) version 14 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
      return %0, %2 : tensor<2xi64>, tensor<2xi64>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x6xf32>) -> (tensor<2xi64>, tensor<2xi64>) {
      %s = onnx.node "Shape"(%x) version 15 : (tensor<?x6xf32>) -> tensor<2xi64>
      %0 = onnx.constant dense<6> : tensor<2xi64>
      %2 = onnx.node "Add"(%s, %s) version 14 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
      return %0, %2 : tensor<2xi64>, tensor<2xi64>
    }
    ```
  }];
  let dependentDialects = ["::moec::onnx::ONNXDialect"];
  let statistics = [Statistic<"numConstants", "num-constants", "Tensors that became constants">,
                    Statistic<"numMerged", "num-merged", "Tensors replaced by equal ones">];
}

def SimplifyLayoutPass : Pass<"onnx-simplify-layout", "::mlir::func::FuncOp"> {
  let summary = "Remove nodes that only move elements, or not even that";
  let description = [{
    Removes what gives its operand back: Identity, Cast to the same type, Dropout in inference, Concat of
    one part, Split into one, Reshape, Expand, Tile, Slice, Pad and Transpose that provably change
    nothing. Drops empty parts of Concat. Merges a Transpose into the one before, and Reshape, Flatten,
    Squeeze or Unsqueeze into the ones before. A shape that a Reshape computes becomes a constant where
    that says the same: sizes, 0 for one that the operand has there, and one -1.

    Why: patterns are looked for in what a model computes, not in the layout noise between.

    Limits: what is not proven for all sizes stays. Reshapes stay apart where the shape of the second
    cannot be written in terms of the operand of the first.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4x8xf32>) -> tensor<?x8x4xf32> {
      %axes = onnx.constant dense<0> : tensor<1xi64>
      %shape = onnx.constant dense<[-1, 4, 8]> : tensor<3xi64>
      %0 = onnx.node "Unsqueeze"(%x, %axes) version 13 : (tensor<?x4x8xf32>, tensor<1xi64>) -> tensor<1x?x4x8xf32>
      %1 = onnx.node "Reshape"(%0, %shape) version 14 : (tensor<1x?x4x8xf32>, tensor<3xi64>) -> tensor<?x4x8xf32>
      %2 = onnx.node "Transpose"(%1) version 13 {perm = array<i64: 1, 2, 0>} : (tensor<?x4x8xf32>) -> tensor<4x8x?xf32>
      %3 = onnx.node "Transpose"(%2) version 13 {perm = array<i64: 2, 1, 0>} : (tensor<4x8x?xf32>) -> tensor<?x8x4xf32>
      return %3 : tensor<?x8x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4x8xf32>) -> tensor<?x8x4xf32> {
      %3 = onnx.node "Transpose"(%x) version 13 {perm = array<i64: 0, 2, 1>} : (tensor<?x4x8xf32>) -> tensor<?x8x4xf32>
      return %3 : tensor<?x8x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::onnx::ONNXDialect"];
  let statistics = [Statistic<"numRemoved", "num-removed", "Nodes that gave their operand back">,
                    Statistic<"numMerged", "num-merged", "Nodes merged into one before">];
}

def ExpandContribPass : Pass<"onnx-expand-contrib", "::mlir::ModuleOp"> {
  let summary = "Replace operators of ONNX Runtime by ONNX's own";
  let description = [{
    FusedMatMul, the Gelu family, RotaryEmbedding, SkipLayerNormalization, SkipSimplifiedLayerNormalization
    and SimplifiedLayerNormalization become nodes of ai.onnx. So do MatMulNBits and GatherBlockQuantized with
    constant codes: the bytes of a weight get a second name, under which they are a matrix of 2-, 4- or
    8-bit codes, for DequantizeLinear. Types are inferred on the way.

    Why: what comes after has one spelling to recognise and to lower. No byte of a weight is touched.

    Limits: nodes stay that ai.onnx cannot say: FusedMatMul with transposed batches, packed batches,
    inverse deviations without a mean, float zero points, codes computed when the model runs.

    Before:
    ```mlir
    module {
      moe.weight_file @file0 "/weights" size 2048
      moe.weight_data @w in @file0[0, 2048] : tensor<64x2x16xui8>
      func.func @main(%x: tensor<?x64xf32>, %s: tensor<64x2xf32>) -> tensor<?x64xf32> {
        %w = moe.weight @w : tensor<64x2x16xui8>
        %0 = onnx.node "com.microsoft::MatMulNBits"(%x, %w, %s) version 1 {K = 64 : i64, N = 64 : i64, bits = 4 : i64, block_size = 32 : i64} : (tensor<?x64xf32>, tensor<64x2x16xui8>, tensor<64x2xf32>) -> tensor<?x64xf32>
        return %0 : tensor<?x64xf32>
      }
    }
    ```
    After:
    ```mlir
    module {
      moe.weight_file @file0 "/weights" size 2048
      moe.weight_data @w in @file0[0, 2048] : tensor<64x2x16xui8>
      moe.weight_data @w.codes in @file0[0, 2048] : tensor<64x64xui4>
      func.func @main(%x: tensor<?x64xf32>, %s: tensor<64x2xf32>) -> tensor<?x64xf32> {
        %w = moe.weight @w.codes : tensor<64x64xui4>
        %zero = onnx.constant dense<8> : tensor<64x2xui4>
        %0 = onnx.node "DequantizeLinear"(%w, %s, %zero) version 21 {axis = 1 : i64, block_size = 32 : i64} : (tensor<64x64xui4>, tensor<64x2xf32>, tensor<64x2xui4>) -> tensor<64x64xf32>
        %1 = onnx.node "Transpose"(%0) version 21 {perm = array<i64: 1, 0>} : (tensor<64x64xf32>) -> tensor<64x64xf32>
        %2 = onnx.node "MatMul"(%x, %1) version 13 : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
        return %2 : tensor<?x64xf32>
      }
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
  let statistics = [Statistic<"numExpanded", "num-expanded", "Nodes replaced">];
}

def ExpandExpertsPass : Pass<"moe-expand-experts", "::mlir::func::FuncOp"> {
  let summary = "Experts as products of rows in order by expert";
  let description = [{
    `moe.experts` whose parameters are the matrices and biases of linear layers becomes `moe.dispatch`, its
    body on all rows at once with `moe.grouped_linear` for the linear layers, and `moe.combine`. Experts that
    share all rows of parameters become one expert, null ones empty slots; a vector of each expert's is
    gathered for the rows. Where experts differ in size, rows are as wide as the widest one's, and each is multiplied
    with the matrix that its expert has. `moe.block_linear` is a grouped one with blocks, and outside of experts one of a single
    expert that has all rows.

    Why: an expert runs on the tokens that are routed to it only, and all experts' products are one parallel
    loop.

    Limits: other uses of a parameter keep the operation as it is (a remark says why): it is then spelled, every
    expert on every token. So do, with experts of different sizes, blocks and what takes rows as a whole (a softmax
    over the units).

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %e: tensor<?x2xi64>, %w: tensor<?x2xf32>, %u: tensor<8x4x6xf32>, %d: tensor<8x6x4xf32>) -> tensor<?x4xf32> {
      %y = moe.experts %x to %e weights %w parameters(%u, %d : tensor<8x4x6xf32>, tensor<8x6x4xf32>)
          {num_experts = 8 : i64, segments = array<i64: 1, 1>}
          : (tensor<?x4xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x4xf32> {
      ^bb0(%t: tensor<?x4xf32>, %pu: tensor<4x6xf32>, %pd: tensor<6x4xf32>):
        %0 = moe.linear %t, %pu : (tensor<?x4xf32>, tensor<4x6xf32>) -> tensor<?x6xf32>
        %1 = onnx.node "Relu"(%0) version 14 : (tensor<?x6xf32>) -> tensor<?x6xf32>
        %2 = moe.linear %1, %pd : (tensor<?x6xf32>, tensor<6x4xf32>) -> tensor<?x4xf32>
        moe.yield %2 : tensor<?x4xf32>
      }
      return %y : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>, %e: tensor<?x2xi64>, %w: tensor<?x2xf32>, %u: tensor<8x4x6xf32>, %d: tensor<8x6x4xf32>) -> tensor<?x4xf32> {
      %rows, %order, %offsets = moe.dispatch %x to %e experts 8 : (tensor<?x4xf32>, tensor<?x2xi64>) -> (tensor<?x4xf32>, tensor<?xi64>, tensor<9xi64>)
      %0 = moe.grouped_linear %rows by %offsets, %u : (tensor<?x4xf32>, tensor<9xi64>, tensor<8x4x6xf32>) -> tensor<?x6xf32>
      %1 = onnx.node "Relu"(%0) version 14 : (tensor<?x6xf32>) -> tensor<?x6xf32>
      %2 = moe.grouped_linear %1 by %offsets, %d : (tensor<?x6xf32>, tensor<9xi64>, tensor<8x6x4xf32>) -> tensor<?x4xf32>
      %3 = moe.combine %2, %order by %offsets weights %w : (tensor<?x4xf32>, tensor<?xi64>, tensor<9xi64>, tensor<?x2xf32>) -> tensor<?x4xf32>
      return %3 : tensor<?x4xf32>
    }
    ```
  }];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
}

def ExpandFunctionsPass : Pass<"onnx-expand-functions", "::mlir::func::FuncOp"> {
  let summary = "Replace operators without a handler by their definitions";
  let description = [{
    Nodes that cannot be lowered, but whose operator ONNX defines by other operators, are replaced by that
    definition, until none is left. The new nodes have the location of the node. Types are inferred on
    the way, since definitions depend on them.

    Why: a compiler needs handlers only for operators that are not composed of others, and for those that
    it can do better.

    Limits: a definition that does not exist for the operand types is a remark. More than `max-nodes` new
    nodes are an error.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %0 = onnx.node "MeanVarianceNormalization"(%x) version 13 {axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
      %two = onnx.constant dense<2.000000e+00> : tensor<f32>
      %epsilon = onnx.constant dense<9.99999971E-10> : tensor<f32>
      %mean = onnx.node "ReduceMean"(%x) version 13 {axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?x1xf32>
      %1 = onnx.node "Pow"(%mean, %two) version 13 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
      %2 = onnx.node "Pow"(%x, %two) version 13 : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
      %3 = onnx.node "ReduceMean"(%2) version 13 {axes = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?x1xf32>
      %4 = onnx.node "Sub"(%3, %1) version 13 : (tensor<?x1xf32>, tensor<?x1xf32>) -> tensor<?x1xf32>
      %5 = onnx.node "Sqrt"(%4) version 13 : (tensor<?x1xf32>) -> tensor<?x1xf32>
      %6 = onnx.node "Sub"(%x, %mean) version 13 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
      %7 = onnx.node "Add"(%5, %epsilon) version 13 : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
      %0 = onnx.node "Div"(%6, %7) version 13 : (tensor<?x4xf32>, tensor<?x1xf32>) -> tensor<?x4xf32>
      return %0 : tensor<?x4xf32>
    }
    ```
  }];
  let options = [Option<"maxNodes", "max-nodes", "uint64_t", "4000000",
                        "The most nodes that definitions may add">];
  let dependentDialects = ["::moec::onnx::ONNXDialect"];
  let statistics = [Statistic<"numExpanded", "num-expanded", "Nodes replaced by definitions">];
}

def CheckSupportPass : Pass<"onnx-check-support", "::mlir::func::FuncOp"> {
  let summary = "Verify that every node can be lowered";
  let description = [{
    The contract of the phase `normalize`: there is a handler for every node that is not arithmetic on
    sizes, and the element type and rank of every value are known. Otherwise one error lists everything
    that is missing.

    Why: who brings a model wants to know all of it at once.

    Limits: a handler may still refuse a node for its attributes or operands.

    Before:
    ```mlir
    func.func @main(%x: tensor<?xf32>) {
      %0 = onnx.node "my::Op"(%x) version 1 : (tensor<?xf32>) -> tensor<?xf32>
      return
    }
    ```
    After, beside an error:
    ```mlir
    // error: 1 operator (1 node) is not supported
    // note: 'my::Op' version 1: 1 node ('a'), the first with operands (tensor<?xf32>)
    func.func @main(%x: tensor<?xf32>) {
      %0 = onnx.node "my::Op"(%x) version 1 : (tensor<?xf32>) -> tensor<?xf32>
      return
    }
    ```
  }];
  let dependentDialects = ["::moec::onnx::ONNXDialect"];
}

def TagNodesPass : Pass<"moec-tag-nodes", "::mlir::func::FuncOp"> {
  let summary = "Add operators to the locations of nodes";
  let description = [{
    The location of a node is its name; a string around it says its operator.

    Why: operations keep the location of what they come from through all that follows, so that code can be
    counted by nodes (`moec-instrument-nodes`) although there are none any more.

    Limits: what has no name stays as it is.

    Before:
    ```mlir
    func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
      %0 = onnx.node "Neg"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf32> loc("minus")
      return %0 : tensor<?xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
      %0 = onnx.node "Neg"(%x) version 13 : (tensor<?xf32>) -> tensor<?xf32> loc(fused<"Neg">["minus"])
      return %0 : tensor<?xf32>
    }
    ```
  }];
}

def IntroduceStatePass : Pass<"moe-introduce-state", "::mlir::ModuleOp"> {
  let summary = "Let the session keep caches instead of passing them through its caller";
  let description = [{
    An input and an output of which the output is the input with rows behind it, Concat(past, rows) along an
    axis of unknown size, become a `moe.state`: the input is read from the session, the rows are added in
    place (`moe.cache_append`), and the output is gone.

    Why: a model that gives its caches back as outputs copies all of them at every token.

    Limits: `pairs` names inputs and outputs ("past:present,…"), and it is an error if they are no such pair;
    "auto" takes the pairs that have the names exporters give them (past…, present…), with a remark about
    what was taken and what not. All states grow by the same number of rows, which must follow from the
    sizes of inputs; their other sizes are fixed or sizes of inputs that are left.

    Before:
    ```mlir
    func.func @main(%x: tensor<?x?x4xf32> {onnx.name = "x", onnx.dims = ["b", "s", ""]},
                    %past: tensor<?x?x4xf32> {onnx.name = "past.0", onnx.dims = ["b", "p", ""]})
        -> (tensor<?x?x4xf32> {onnx.name = "y"}, tensor<?x?x4xf32> {onnx.name = "present.0"}) {
      %rows = onnx.node "Neg"(%x) version 13 : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
      %all = onnx.node "Concat"(%past, %rows) version 13 {axis = 1 : i64} : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
      %y = onnx.node "Abs"(%all) version 13 : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
      return %y, %all : tensor<?x?x4xf32>, tensor<?x?x4xf32>
    }
    ```
    After:
    ```mlir
    moe.state @past.0 axis 1 capacity 4096 present "present.0" : tensor<?x?x4xf32>
    func.func @main(%x: tensor<?x?x4xf32> {…}, %past: tensor<?x?x4xf32> {moe.state = @past.0, …})
        -> (tensor<?x?x4xf32> {onnx.name = "y"}) {
      %rows = onnx.node "Neg"(%x) version 13 : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
      %all = moe.cache_append %rows to %past in @past.0 : tensor<?x?x4xf32>, tensor<?x?x4xf32> -> tensor<?x?x4xf32>
      %y = onnx.node "Abs"(%all) version 13 : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
      return %y : tensor<?x?x4xf32>
    }
    ```
  }];
  let options = [
    Option<"pairs", "pairs", "std::string", "\"auto\"",
           "\"auto\", or the names of inputs and outputs: past:present,…">,
    Option<"capacity", "capacity", "int64_t", "4096",
           "Rows that a state has room for, unless its session asks for another number">];
  let dependentDialects = ["::moec::moe::MoEDialect"];
  let statistics = [Statistic<"numStates", "num-states", "Pairs that became state">];
}

def ObserveValuesPass : Pass<"onnx-observe-values", "::mlir::func::FuncOp"> {
  let summary = "Make inner values outputs of the model";
  let description = [{
    The values with the given names, or all values that have one if none is given, become outputs after
    those that the model has. The names of values (`onnx.values`, which the importer keeps when asked) are dropped.

    Why: whoever looks for the node that computes something else than another implementation needs to see
    what is in between. An output is computed whatever is folded or fused around it.

    Limits: values of the public function, not of subgraphs. A name that no node has is an error.

    Before:
    ```mlir
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {onnx.name = "y", onnx.dims = [""]}) {
      %0 = onnx.node "Neg"(%x) version 13 attributes {onnx.values = ["inner"]} : (tensor<4xf32>) -> tensor<4xf32>
      %1 = onnx.node "Abs"(%0) version 13 attributes {onnx.values = ["y"]} : (tensor<4xf32>) -> tensor<4xf32>
      return %1 : tensor<4xf32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<4xf32>) -> (tensor<4xf32> {onnx.dims = [""], onnx.name = "y"},
                                           tensor<4xf32> {onnx.dims = [], onnx.name = "inner"}) {
      %0 = onnx.node "Neg"(%x) version 13 : (tensor<4xf32>) -> tensor<4xf32>
      %1 = onnx.node "Abs"(%0) version 13 : (tensor<4xf32>) -> tensor<4xf32>
      return %1, %0 : tensor<4xf32>, tensor<4xf32>
    }
    ```
  }];
  let options = [ListOption<"values", "values", "std::string", "Names of the values">];
  let dependentDialects = ["::moec::onnx::ONNXDialect"];
}

//===- On anything ------------------------------------------------------------------------------------===//

def ExpandMathPass : Pass<"moec-expand-math"> {
  let summary = "Replace elementary functions by arithmetic";
  let description = [{
    exp, log, tanh, erf, sin, pow and their like, on scalars and on vectors, become polynomials and a
    few operations on bits: no branches, no calls, no tables. f16 and bf16 are computed in f32.

    Why: libm's functions take one number at a time and keep LLVM's vectoriser away; and their results
    differ from one system to the next.

    Limits: sin, cos and tan of f64 stay, and so do functions that processors have (sqrt, floor, …).
    The errors are bounded as dialects/Numerics.md says.

    Before:
    ```mlir
    func.func @f(%x: f32) -> f32 {
      %0 = math.rsqrt %x : f32
      return %0 : f32
    }
    ```
    After:
    ```mlir
    func.func @f(%x: f32) -> f32 {
      %one = arith.constant 1.0 : f32
      %0 = math.sqrt %x : f32
      %1 = arith.divf %one, %0 : f32
      return %1 : f32
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

//===- On tensors -------------------------------------------------------------------------------------===//

def SeparateDestinationsPass : Pass<"moec-separate-destinations", "::mlir::func::FuncOp"> {
  let summary = "Give every writer a destination of its own";
  let description = [{
    Each user of a `tensor.empty` gets one of its own, and each operation that writes over a filled
    tensor gets a fill of its own.

    Why: duplicates are one value after CSE. To bufferization they are then one buffer that hundreds of
    operations write: it compares each of them with all others, which takes most of the compile time of a
    model with many experts, and ends with a copy for each where a fill would do.

    Limits: a filled tensor that is only read stays one.

    Before:
    ```mlir
    func.func @main(%x: tensor<4xf32>, %f: f32) -> (tensor<f32>, tensor<f32>) {
      %e = tensor.empty() : tensor<f32>
      %z = linalg.fill ins(%f : f32) outs(%e : tensor<f32>) -> tensor<f32>
      %a = linalg.reduce { arith.addf } ins(%x : tensor<4xf32>) outs(%z : tensor<f32>) dimensions = [0]
      %b = linalg.reduce { arith.mulf } ins(%x : tensor<4xf32>) outs(%z : tensor<f32>) dimensions = [0]
      return %a, %b : tensor<f32>, tensor<f32>
    }
    ```
    After:
    ```mlir
    func.func @main(%x: tensor<4xf32>, %f: f32) -> (tensor<f32>, tensor<f32>) {
      %e0 = tensor.empty() : tensor<f32>
      %z0 = linalg.fill ins(%f : f32) outs(%e0 : tensor<f32>) -> tensor<f32>
      %a = linalg.reduce { arith.addf } ins(%x : tensor<4xf32>) outs(%z0 : tensor<f32>) dimensions = [0]
      %e1 = tensor.empty() : tensor<f32>
      %z1 = linalg.fill ins(%f : f32) outs(%e1 : tensor<f32>) -> tensor<f32>
      %b = linalg.reduce { arith.mulf } ins(%x : tensor<4xf32>) outs(%z1 : tensor<f32>) dimensions = [0]
      return %a, %b : tensor<f32>, tensor<f32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
  let statistics = [Statistic<"numCloned", "num-cloned", "Tensors made once more for one writer">];
}

include "passes/Transforms/BufferPasses.td"

#endif // MOEC_PASSES_TRANSFORMS_PASSES_TD

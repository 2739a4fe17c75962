#ifndef MOEC_PASSES_OPTIMIZE_PASSES_TD
#define MOEC_PASSES_OPTIMIZE_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseEpiloguesPass : Pass<"moe-fuse-epilogues", "::mlir::func::FuncOp"> {
  let summary = "What follows a product is done by its kernel";
  let description = [{
    The activation behind a `moe.linear` or `moe.grouped_linear`, the gate over the halves of one (as
    `moe-fuse-horizontal` leaves it), and the addition of a residual behind a `moe.linear`, become its `epilogue` and
    `residual`. A `moe.linear` with a bias has it added there, too.

    Why: the kernel does it to a tile of the product that is in the cache, with no loop to start and wait for. A
    row of the product is not written to memory and read again.

    Cost: the tile is passed over once more, in the first-level caches, where the loop behind would have done all of it
    in one pass. A residual pays only if no loop reads the sum anyway: with a norm behind, which takes the addition into
    its loop over rows, it stays there (on moe-mini the other way takes 1.01 to 1.08 of the time). Bias, function and
    residual of a feed-forward network of 768 to 3072 take 0.91 to 1.00 of the time. A gate takes 0.98 to 1.00 from 128
    rows on, but 1.04 to 1.08 of one row on one thread: each item reads two panels that lie apart. So the pipeline
    leaves gates where they are unless it is asked for them.

    Limits: f32 and f64; the weight is stored in the model, as it is or as codes that kernels read; nobody else reads the
    product, or what is between; a residual is known to have the same shape; rows of no expert must stay zero. Each
    number is computed by the same operations in the same order: results are bitwise the same. Remarks say what was
    fused and what was not, and why.

    Before:
    ```mlir
    moe.weight_file @file0 "weights" size 1024
    moe.weight_data @w in @file0[0, 1024] : tensor<16x16xf32>
    func.func @main(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
      %w = moe.weight @w : tensor<16x16xf32>
      %0 = moe.linear %x, %w : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      %1 = onnx.constant dense<8> : tensor<2xi64>
      %2:2 = onnx.node "Split"(%0, %1) version 18 {axis = -1 : i64} : (tensor<?x16xf32>, tensor<2xi64>) -> (tensor<?x8xf32>, tensor<?x8xf32>)
      %3 = moe.glu <silu> %2#0, %2#1 : tensor<?x8xf32>
      return %3 : tensor<?x8xf32>
    }
    ```
    After:
    ```mlir
    moe.weight_file @file0 "weights" size 1024
    moe.weight_data @w in @file0[0, 1024] : tensor<16x16xf32>
    func.func @main(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
      %0 = moe.weight @w : tensor<16x16xf32>
      %1 = onnx.constant dense<8> : tensor<2xi64>
      %2 = moe.linear %x, %0 epilogue <silu, gated = true> : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x8xf32>
      return %2 : tensor<?x8xf32>
    }
    ```
  }];
  let options = [Option<"gates", "gates", "bool", /*default=*/"true",
                        "Gates too, which takes longer for few rows (see Cost)">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "Products whose kernels do what follows them">];
}

def FuseHorizontalPass : Pass<"moe-fuse-horizontal", "::mlir::func::FuncOp"> {
  let summary = "Linear layers of one input become one";
  let description = [{
    `moe.linear` operations of the same input, queries, keys and values or the gate and up layers of a
    feed-forward network, become one whose weight has their columns side by side, and a Split of its result.
    So do `moe.grouped_linear` operations over the same rows and offsets. The weights are not copied: the
    artifact has their columns in one packed matrix (`kernel.packed` with `beside`).

    Why, and the rule of cost: a kernel reads the input once a panel of up to 64 columns, whether panels are of one
    product or of several. So one product saves that its loop starts (and ends, with a barrier) once, and costs that the
    parts lie among others in wider rows: they are read with strides, or copied. It pays in two cases, and is
    done in these: the layers are the gate and what it lets through of one `moe.glu`, which `moe-fuse-epilogues`
    then makes part of the product, so that nobody reads the wider rows (if `gates` is on); or all layers together have no more columns
    than one panel, and take as long as one of them. Queries, keys and values are wider as a rule: fused, moe-mini
    takes 1.02 to 1.11 of the time.

    Limits: each weight is stored in the model, as it is or as codes that kernels read, and used by that layer alone; all
    have one element type (or grid of codes) and lie the same way round; all layers have a bias, or none has. Results are
    bitwise the same. A layer whose result is read whole by another kernel (and so would be copied out of the wider
    rows) is fused only if that costs less than reading its input, one with an activation behind it never: its own
    kernel does that. Remarks say what was fused and what was not, and why.

    Before:
    ```mlir
    moe.weight_file @file0 "weights" size 1024
    moe.weight_data @gate in @file0[0, 512] : tensor<16x8xf32>
    moe.weight_data @up in @file0[512, 512] : tensor<16x8xf32>
    func.func @main(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
      %g = moe.weight @gate : tensor<16x8xf32>
      %u = moe.weight @up : tensor<16x8xf32>
      %0 = moe.linear %x, %g : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
      %1 = moe.linear %x, %u : (tensor<?x16xf32>, tensor<16x8xf32>) -> tensor<?x8xf32>
      %2 = moe.glu <silu> %0, %1 : tensor<?x8xf32>
      return %2 : tensor<?x8xf32>
    }
    ```
    After:
    ```mlir
    moe.weight_file @file0 "weights" size 1024
    moe.weight_data @gate in @file0[0, 512] : tensor<16x8xf32>
    moe.weight_data @up in @file0[512, 512] : tensor<16x8xf32>
    func.func @main(%x: tensor<?x16xf32>) -> tensor<?x8xf32> {
      %0 = moe.weight @gate : tensor<16x8xf32>
      %1 = moe.weight @up : tensor<16x8xf32>
      %2 = onnx.node "Concat"(%0, %1) version 13 {axis = 1 : i64} : (tensor<16x8xf32>, tensor<16x8xf32>) -> tensor<16x16xf32>
      %3 = moe.linear %x, %2 : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
      %4 = onnx.constant dense<8> : tensor<2xi64>
      %5:2 = onnx.node "Split"(%3, %4) version 18 {axis = -1 : i64} : (tensor<?x16xf32>, tensor<2xi64>) -> (tensor<?x8xf32>, tensor<?x8xf32>)
      %6 = moe.glu <silu> %5#0, %5#1 : tensor<?x8xf32>
      return %6 : tensor<?x8xf32>
    }
    ```
  }];
  let options = [Option<"gates", "gates", "bool", /*default=*/"true",
                        "The gate and the up layer of a gated activation become one, however wide">];
  let dependentDialects = ["::moec::moe::MoEDialect", "::moec::onnx::ONNXDialect"];
  let statistics = [Statistic<"numFused", "num-fused", "Linear layers that are part of another">];
}

#endif // MOEC_PASSES_OPTIMIZE_PASSES_TD

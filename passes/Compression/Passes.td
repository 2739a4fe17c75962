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

#endif // MOEC_PASSES_COMPRESSION_PASSES_TD

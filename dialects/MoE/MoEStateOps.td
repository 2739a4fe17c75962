//===- MoEStateOps.td - What a session keeps from call to call -------------------------------------===//
#ifndef MOEC_DIALECTS_MOE_MOESTATEOPS_TD
#define MOEC_DIALECTS_MOE_MOESTATEOPS_TD

include "dialects/MoE/MoEBase.td"
include "mlir/IR/SymbolInterfaces.td"

def MoE_StateOp : MoE_Op<"state", [Symbol]> {
  let summary = "A tensor that a session keeps and that its calls add to";
  let description = [{
    Grows along `axis`, by whole rows, up to `capacity` of them. It is read as the argument of the model's
    function that has the attribute `moe.state`: all rows that earlier calls have added. All states of a
    model have the same number of rows. `present` is the name of the model's output that had them with the
    rows of the call behind.

    ```mlir
    moe.state @past.0.key axis 2 capacity 4096 present "present.0.key" : tensor<?x2x?x32xf32>
    func.func @main(…, %past: tensor<?x2x?x32xf32> {moe.state = @past.0.key}) …
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, I64Attr:$axis, I64Attr:$capacity, StrAttr:$present,
                       TypeAttrOf<AnyRankedTensor>:$type);
  let assemblyFormat = [{
    $sym_name `axis` $axis `capacity` $capacity `present` $present attr-dict `:` $type
  }];
  let hasVerifier = 1;
}

def MoE_CacheAppendOp : MoE_Op<"cache_append", [DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    MemoryEffects<[MemWrite]>]> {
  let summary = "Add rows to a state, in place";
  let description = [{
    `rows` go behind those of `past`, which is the state's argument; the result is all of them. Once a
    state. In terms of ONNX it is Concat(past, rows) along the state's axis; but nothing is copied except
    the rows, and past and result are the same memory.

    ```mlir
    %all = moe.cache_append %rows to %past in @past.0.key
        : tensor<?x2x?x32xf32>, tensor<?x2x?x32xf32> -> tensor<?x2x?x32xf32>
    ```
  }];
  let arguments = (ins AnyTensor:$rows, AnyRankedTensor:$past, FlatSymbolRefAttr:$state);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $rows `to` $past `in` $state attr-dict `:` type($rows) `,` type($past) `->` type($result)
  }];
}

#endif // MOEC_DIALECTS_MOE_MOESTATEOPS_TD

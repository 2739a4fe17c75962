#ifndef MOEC_DIALECTS_MOE_MOEWEIGHTOPS_TD
#define MOEC_DIALECTS_MOE_MOEWEIGHTOPS_TD

include "dialects/MoE/MoEBase.td"
include "mlir/IR/SymbolInterfaces.td"

def MoE_WeightFileOp : MoE_Op<"weight_file", [Symbol]> {
  let summary = "A file that holds weights";
  let description = [{
    `path` is absolute, or relative to the working directory of the compiler. `size` in bytes is
    checked when the file is opened.

    ```mlir
    moe.weight_file @file0 "/models/model.onnx.data" size 35202048
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$path, I64Attr:$size);
  let assemblyFormat = "$sym_name $path `size` $size attr-dict";
  let hasVerifier = 1;
}

def MoE_WeightDataOp : MoE_Op<"weight_data", [Symbol, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "The bytes of one weight: a range of a file";
  let description = [{
    Little-endian, row-major, elements of `type` side by side (sub-byte types packed, low bits first).
    `hash` is the xxh3-64 of the bytes where it is known.

    ```mlir
    moe.weight_data @"model.embed.weight" in @file0[4096, 131072] : tensor<256x128xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, FlatSymbolRefAttr:$file, I64Attr:$offset,
                       I64Attr:$length, TypeAttrOf<AnyRankedTensor>:$type, OptionalAttr<I64Attr>:$hash);
  let assemblyFormat = [{
    $sym_name `in` $file `[` $offset `,` $length `]` (`hash` $hash^)? attr-dict `:` $type
  }];
  let hasVerifier = 1;
}

def MoE_WeightOp : MoE_Op<"weight", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A weight of the model";
  let description = [{
    Names bytes; never holds them. The symbol is a `moe.weight_data`.

    ```mlir
    %w = moe.weight @"model.embed.weight" : tensor<256x128xf32>
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$key);
  let results = (outs AnyStaticShapeTensor:$result);
  let assemblyFormat = "$key attr-dict `:` type($result)";
}

#endif // MOEC_DIALECTS_MOE_MOEWEIGHTOPS_TD

#ifndef MOEC_DIALECTS_ONNX_ONNXOPS_TD
#define MOEC_DIALECTS_ONNX_ONNXOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::moec::onnx";
  let summary = "A carrier for ONNX graphs";
  let description = [{
    One operation per node of an ONNX file, whatever the operator. What an operator means (its schema,
    function body, versions) is asked of the official ONNX library; nothing here is generated per
    operator. See `Rationale.md`.
  }];
  let useDefaultTypePrinterParser = 1;
}

def ONNX_UnknownType : TypeDef<ONNX_Dialect, "Unknown"> {
  let mnemonic = "unknown";
  let summary = "The element type of a tensor of which only that it is one is known";
  let description = [{
    Files state no types for the values inside a graph. `tensor<*x!onnx.unknown>` is what the importer
    gives them where there is no `value_info`, and `onnx-infer-types` replaces.
  }];
}

class ONNX_Op<string mnemonic, list<Trait> traits = []> : Op<ONNX_Dialect, mnemonic, traits>;

/// What flows between nodes: a tensor (of known or unknown rank), or nothing for an absent optional
/// operand or an unused optional result.
def ONNX_Value : AnyTypeOf<[AnyTensor, NoneType], "a tensor or none">;

def ONNX_NodeOp : ONNX_Op<"node", [RecursiveMemoryEffects, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "One node of an ONNX graph";
  let description = [{
    The node's name is the operation's location (a `NameLoc`). `version` is the version of the
    operator's *schema* (its since_version), not of the file's operator set. The operator's own
    attributes are in `onnx_attrs`, a dictionary, so that they never collide with anybody else's:

    | ONNX | here |
    | --- | --- |
    | INT, FLOAT, STRING | `i64` integer, `f32` float, string |
    | INTS, FLOATS, STRINGS | `array<i64: …>`, `array<f32: …>`, array of strings |
    | TENSOR | elements attribute |
    | GRAPH | a region; `region_names` says which attribute |
    | TYPE_PROTO | type |

    An absent optional operand is the value of `onnx.none`; a result without a name has type `none`.
    Trailing absent operands and results are left out.

    Nodes are pure, so equal ones are merged and unused ones removed; random ones (`isRandom`) give
    another value each time, which is modelled as an allocation.

    ```mlir
    %y = onnx.node "Gemm"(%x, %w) version 13 {transB = 1 : i64}
        : (tensor<?x64xf32>, tensor<8x64xf32>) -> tensor<?x8xf32>
    %z = onnx.node "com.microsoft::FusedMatMul"(%x, %w) version 1
        : (tensor<?x64xf32>, tensor<64x8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins
    StrAttr:$op_type,
    DefaultValuedStrAttr<StrAttr, "">:$domain,
    I64Attr:$version,
    DefaultValuedAttr<DictionaryAttr, "{}">:$onnx_attrs,
    OptionalAttr<StrArrayAttr>:$region_names,
    OptionalAttr<DictionaryAttr>:$metadata,
    Variadic<ONNX_Value>:$inputs
  );
  let results = (outs Variadic<ONNX_Value>:$outputs);
  let regions = (region VariadicRegion<AnyRegion>:$bodies);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let builders = [
    OpBuilder<(ins "::mlir::TypeRange":$results, "::llvm::StringRef":$domain,
      "::llvm::StringRef":$opType, "int64_t":$version, "::mlir::ValueRange":$operands,
      CArg<"::llvm::ArrayRef<::mlir::NamedAttribute>", "{}">:$attributes,
      CArg<"unsigned", "0">:$numRegions)>
  ];
  let extraClassDeclaration = [{
    /// "Op" or "domain::Op", as printed.
    std::string getQualifiedName();
    /// The ONNX attribute of that name, or null.
    ::mlir::Attribute getOnnxAttr(::llvm::StringRef name) { return getOnnxAttrs().get(name); }
    /// INT, FLOAT, STRING with the operator's default where absent.
    int64_t getInt(::llvm::StringRef name, int64_t defaultValue);
    float getFloat(::llvm::StringRef name, float defaultValue);
    ::llvm::StringRef getString(::llvm::StringRef name, ::llvm::StringRef defaultValue);
    /// INTS; std::nullopt where absent.
    std::optional<::llvm::ArrayRef<int64_t>> getInts(::llvm::StringRef name);
    /// Operand i, or null if it is absent (out of range or `onnx.none`).
    ::mlir::Value getOptionalOperand(unsigned i);
    /// Whether two runs of the node may give different values: random operators, and Dropout with a
    /// training mode.
    bool isRandom();
    /// The node's name in the model ("" if it has none).
    ::llvm::StringRef getNodeName();
  }];
}

def ONNX_NoneOp : ONNX_Op<"none", [Pure]> {
  let summary = "An absent optional operand";
  let results = (outs NoneType:$result);
  let assemblyFormat = "attr-dict";
  let builders = [OpBuilder<(ins), [{ build($_builder, $_state, $_builder.getNoneType()); }]>];
}

def ONNX_ConstantOp : ONNX_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A small tensor constant";
  let description = [{
    Tensors of at most 1 KiB. Larger ones are `moe.weight`.

    ```mlir
    %0 = onnx.constant dense<[0, 1]> : tensor<2xi64>
    ```
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
}

def ONNX_YieldOp : ONNX_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "The results of a subgraph";
  let arguments = (ins Variadic<ONNX_Value>:$inputs);
  let assemblyFormat = "attr-dict ($inputs^ `:` type($inputs))?";
}

#endif // MOEC_DIALECTS_ONNX_ONNXOPS_TD

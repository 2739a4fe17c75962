#ifndef MOEC_DIALECTS_MOE_MOEBASE_TD
#define MOEC_DIALECTS_MOE_MOEBASE_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MoE_Dialect : Dialect {
  let name = "moe";
  let cppNamespace = "::moec::moe";
  let summary = "Mixture-of-experts models: weights, routers, experts, attention";
  let description = [{
    Operations on tensors with value semantics. Shapes in the descriptions: `T` tokens, `B` batch, `S`
    sequence, `L` keys, `E` experts, `k` experts of a token, `H` model width, `N` outputs of a linear
    layer. What an operation computes is defined by its spelling in ONNX (`convert-moe-to-onnx`), the
    accuracy by Numerics.md. Why the operations are cut as they are: Rationale.md.
  }];
  let useDefaultAttributePrinterParser = 1;
}

class MoE_Op<string mnemonic, list<Trait> traits = []> : Op<MoE_Dialect, mnemonic, traits>;

/// An enumeration that is written as its keyword.
class MoE_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::moec::moe";
  let genSpecializedAttr = 0;
}
class MoE_EnumAttr<MoE_Enum enum, string mnemonic> : EnumAttr<MoE_Dialect, enum, mnemonic> {
  let assemblyFormat = "`<` $value `>`";
}

def MoE_Float : RankedTensorOf<[AnyFloat]>;
def MoE_Int : RankedTensorOf<[AnyInteger, Index]>;
def MoE_Tensor : RankedTensorOf<[AnyType]>;

#endif // MOEC_DIALECTS_MOE_MOEBASE_TD

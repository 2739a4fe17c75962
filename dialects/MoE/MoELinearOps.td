#ifndef MOEC_DIALECTS_MOE_MOELINEAROPS_TD
#define MOEC_DIALECTS_MOE_MOELINEAROPS_TD

include "dialects/MoE/MoEBase.td"

//===- What is done to a product's elements while they are at hand ----------------------------------------===//

def MoE_ActivationKind : MoE_Enum<"ActivationKind", "An elementwise function", [
  I32EnumAttrCase<"Identity", 0, "identity">,
  I32EnumAttrCase<"ReLU", 1, "relu">,
  I32EnumAttrCase<"ReLUSquared", 2, "relu_squared">,
  I32EnumAttrCase<"SiLU", 3, "silu">,
  I32EnumAttrCase<"GELU", 4, "gelu">,
  I32EnumAttrCase<"GELUTanh", 5, "gelu_tanh">,
  I32EnumAttrCase<"Sigmoid", 6, "sigmoid">,
  I32EnumAttrCase<"Tanh", 7, "tanh">]>;

def MoE_EpilogueAttr : AttrDef<MoE_Dialect, "Epilogue"> {
  let mnemonic = "epilogue";
  let summary = "A function of a product's elements that its kernel computes";
  let description = [{
    `moe.activation` of the product, bias included, or with `gated` `moe.glu` of its halves: columns [0, N) are the
    gate, columns [N, 2·N) what it lets through, and the result has N columns. Numbers are as in these operations:
    alpha 1, offset 0 and no limit if they are not given.

    ```mlir
    #moe.epilogue<gelu>
    #moe.epilogue<silu, gated = true, alpha = 1.702 : f32, offset = 1.0 : f32, limit = 7.0 : f32>
    ```
  }];
  let parameters = (ins EnumParameter<MoE_ActivationKind>:$kind, DefaultValuedParameter<"bool", "false">:$gated,
                        OptionalParameter<"::mlir::FloatAttr">:$alpha, OptionalParameter<"::mlir::FloatAttr">:$offset,
                        OptionalParameter<"::mlir::FloatAttr">:$limit);
  let assemblyFormat = "`<` $kind (`,` struct($gated, $alpha, $offset, $limit)^)? `>`";
  let extraClassDeclaration = [{
    /// Whether rows of zeros stay zero.
    bool keepsZero() {
      return getKind() != ActivationKind::Sigmoid || (getGated() && !getOffset());
    }
  }];
  let genVerifyDecl = 1;
}

//===- Linear layers ----------------------------------------------------------------------------------===//

def MoE_LinearOp : MoE_Op<"linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "A linear layer";
  let description = [{
    `y[…, n] = Σ_k x[…, k]·w[k, n] + bias[n]`; with `transposed` the weight is [N, K]. The weight may be
    any value: a `moe.weight`, what is derived from one (transposed, cut, dequantised), or computed.

    With an `epilogue` the result is that function of y (half as wide if it is gated), and `residual`, of the
    result's shape, is added to it: `epilogue(y) + residual`. Only `moe-fuse-epilogues` makes these.

    ```mlir
    %y = moe.linear %x, %w bias %b : (tensor<?x64xf32>, tensor<64x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
    %y = moe.linear %x, %w transposed : (tensor<?x64xf32>, tensor<32x64xf32>) -> tensor<?x32xf32>
    %y = moe.linear %x, %w residual %r epilogue <silu, gated = true>
        : (tensor<?x64xf32>, tensor<64x64xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MoE_Float:$input, MoE_Float:$weight, Optional<MoE_Float>:$bias, Optional<MoE_Float>:$residual,
                       UnitAttr:$transposed, OptionalAttr<MoE_EpilogueAttr>:$epilogue);
  let results = (outs MoE_Float:$result);
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$input, "::mlir::Value":$weight,
                                 "::mlir::Value":$bias, "bool":$transposed), [{
    build($_builder, $_state, result, input, weight, bias, ::mlir::Value(), transposed, EpilogueAttr());
  }]>];
  let assemblyFormat = [{
    $input `,` $weight (`transposed` $transposed^)? (`bias` $bias^)? (`residual` $residual^)?
    (`epilogue` $epilogue^)? attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getInWidth() { return getWeight().getType().getDimSize(getTransposed() ? 1 : 0); }
    /// Of the product, before an epilogue.
    int64_t getOutWidth() { return getWeight().getType().getDimSize(getTransposed() ? 0 : 1); }
    bool isPlain() { return !getEpilogue() && !getResidual(); }
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_BlockLinearOp : MoE_Op<"block_linear", [Pure]> {
  let summary = "A block-diagonal linear layer, perhaps with shuffled outputs";
  let description = [{
    The `b` blocks of the last axis of the input, each of width K, go through matrices of their own:
    weight [b, K, N], input […, b·K], result […, b·N]. With `shuffle` output i is output `shuffle[i]` of the
    layer without. A Monarch matrix (Dao et al. 2022, section 3) is two of these; block-dense one and a
    `moe.linear`.

    ```mlir
    %y = moe.block_linear %x, %w : (tensor<?x64xf32>, tensor<4x16x8xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MoE_Float:$input, MoE_Float:$weight, Optional<MoE_Float>:$bias,
                       OptionalAttr<DenseI64ArrayAttr>:$shuffle);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = [{
    $input `,` $weight (`bias` $bias^)? (`shuffle` $shuffle^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

//===- Quantised values -------------------------------------------------------------------------------===//

def MoE_DequantizeOp : MoE_Op<"dequantize", [Pure, AttrSizedOperandSegments]> {
  let summary = "Values from codes";
  let description = [{
    `(code − zero point) · scale`, or `codebook[code] · scale`. Scales (and zero points) are one number, one
    for each index of `axis` (rank 1), or one for each `block` codes along `axis` (the codes' rank, that axis
    ceil(size / block)), as in ONNX DequantizeLinear-21. Without zero points they are `zero`.

    With `packed = n` the codes are bytes that hold 8/n unsigned codes of n bits each along the last axis,
    low bits first; the result's last axis says how many there are. Weight formats are data: a new grid is
    a codebook, not an operation.

    ```mlir
    %w = moe.dequantize %codes scales %s {axis = 1 : i64, block = 32 : i64, packed = 4 : i64, zero = 8 : i64}
        : (tensor<128x32xui8>, tensor<128x2xf32>) -> tensor<128x64xf32>
    ```
  }];
  let arguments = (ins MoE_Tensor:$codes, MoE_Float:$scales, Optional<MoE_Tensor>:$zero_points,
                       Optional<MoE_Float>:$codebook, DefaultValuedAttr<I64Attr, "-1">:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$block, DefaultValuedAttr<I64Attr, "0">:$packed,
                       DefaultValuedAttr<I64Attr, "0">:$zero);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = [{
    $codes `scales` $scales (`zero_points` $zero_points^)? (`codebook` $codebook^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_QuantizeDynamicOp : MoE_Op<"quantize_dynamic", [Pure]> {
  let summary = "Codes, scales and zero points of activations";
  let description = [{
    Eight-bit codes over the range of the whole tensor, or of each row of the last axis (`per_token`), as in
    ONNX DynamicQuantizeLinear: `scale = (max(x, 0) − min(x, 0)) / 255`,
    `zero point = round(−min(x, 0) / scale)`, unsigned codes. Scales and zero points have the input's leading
    axes if `per_token`, else rank 0.

    ```mlir
    %q, %s, %z = moe.quantize_dynamic %x : tensor<?x64xf32> -> tensor<?x64xui8>, tensor<f32>, tensor<ui8>
    ```
  }];
  let arguments = (ins MoE_Float:$input, UnitAttr:$per_token);
  let results = (outs MoE_Tensor:$codes, MoE_Float:$scale, MoE_Tensor:$zero_point);
  let assemblyFormat = [{
    $input (`per_token` $per_token^)? attr-dict `:` type($input) `->` type($codes) `,` type($scale) `,` type($zero_point)
  }];
  let hasVerifier = 1;
}

//===- Between linear layers --------------------------------------------------------------------------===//

def MoE_NormKind : MoE_Enum<"NormKind", "What a norm divides by", [
  I32EnumAttrCase<"RMS", 0, "rms">, I32EnumAttrCase<"Layer", 1, "layer">]>;

def MoE_NormOp : MoE_Op<"norm", [Pure, AttrSizedOperandSegments]> {
  let summary = "A norm over the last axis";
  let description = [{
    `rms`: `x / sqrt(mean(x²) + epsilon) · scale + bias`; `layer`: the same of `x − mean(x)`. Computed in f32
    at least, whatever the element type. Scale and bias, of any shape that broadcasts to the input's, are
    optional.

    ```mlir
    %y = moe.norm <rms> %x scale %w {epsilon = 1.0e-6 : f32} : (tensor<?x?x64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins MoE_EnumAttr<MoE_NormKind, "norm_kind">:$kind, MoE_Float:$input,
                       Optional<MoE_Float>:$scale, Optional<MoE_Float>:$bias, F32Attr:$epsilon);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = [{
    $kind $input (`scale` $scale^)? (`bias` $bias^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_RotaryOp : MoE_Op<"rotary", [Pure]> {
  let summary = "Rotary position embedding";
  let description = [{
    Of the first `2·R` elements of the last axis, pairs (x₁, x₂) become (x₁·cos − x₂·sin, x₂·cos + x₁·sin); the
    rest stays (Su et al. 2021, section 3.2.2). A pair is elements (i, i + R), with `interleaved` (2i, 2i + 1).
    The input is [B, heads, S, D]; cos and sin are [B | 1, S, R], already taken at the positions and scaled.

    ```mlir
    %r = moe.rotary %q, %cos, %sin : (tensor<?x4x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x4x?x16xf32>
    ```
  }];
  let arguments = (ins MoE_Float:$input, MoE_Float:$cos, MoE_Float:$sin, UnitAttr:$interleaved);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = [{
    $input `,` $cos `,` $sin (`interleaved` $interleaved^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def MoE_ActivationOp : MoE_Op<"activation", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "An activation function";
  let description = [{
    | kind | function |
    | --- | --- |
    | `relu`, `relu_squared` | max(x, 0), its square |
    | `silu` | x·sigmoid(alpha·x); alpha = 1.702 is the quick form of GELU |
    | `gelu` | x·Φ(x), by erf (Hendrycks and Gimpel 2016) |
    | `gelu_tanh` | x/2·(1 + tanh(√(2/π)·(x + 0.044715·x³))) |
    | `sigmoid`, `tanh`, `identity` | themselves |

    ```mlir
    %y = moe.activation <silu> %x : tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MoE_EnumAttr<MoE_ActivationKind, "activation_kind">:$kind, MoE_Float:$input,
                       DefaultValuedAttr<F32Attr, "1.0">:$alpha);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = "$kind $input attr-dict `:` type($input)";
  let hasFolder = 1;
}

def MoE_GLUOp : MoE_Op<"glu", [Pure, AllTypesMatch<["gate", "up", "result"]>]> {
  let summary = "A gated activation";
  let description = [{
    `act(g)·(u + offset)` (Shazeer 2020); with `limit` first `g = min(gate, limit)` and
    `u = clamp(up, −limit, limit)`, else `g = gate` and `u = up`. The clamped SwiGLU of GPT-OSS is
    `silu` with alpha 1.702, limit 7, offset 1. Sizes that are known at run time only may be 1 there, and
    spread.

    ```mlir
    %y = moe.glu <silu> %gate, %up : tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MoE_EnumAttr<MoE_ActivationKind, "activation_kind">:$kind, MoE_Float:$gate, MoE_Float:$up,
                       DefaultValuedAttr<F32Attr, "1.0">:$alpha, DefaultValuedAttr<F32Attr, "0.0">:$offset,
                       OptionalAttr<F32Attr>:$limit);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = "$kind $gate `,` $up attr-dict `:` type($result)";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

#endif // MOEC_DIALECTS_MOE_MOELINEAROPS_TD

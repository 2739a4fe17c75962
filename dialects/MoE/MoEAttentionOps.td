#ifndef MOEC_DIALECTS_MOE_MOEATTENTIONOPS_TD
#define MOEC_DIALECTS_MOE_MOEATTENTIONOPS_TD

include "dialects/MoE/MoEBase.td"

def MoE_AttentionOp : MoE_Op<"attention", [Pure, AttrSizedOperandSegments]> {
  let summary = "Scaled dot-product attention with grouped heads";
  let description = [{
    Query [B, heads, S, D], key [B, kv_heads, L, D], value [B, kv_heads, L, N] → [B, heads, S, N]; heads is a multiple
    of kv_heads, consecutive heads share one. A cache is appended to before (`moe.cache_append`): key and value are
    what is attended to, whole. In this order:

    1. `s = scale · q·kᵀ`, then `softcap · tanh(s / softcap)` if given.
    2. Plus `mask`, a float that broadcasts to [B, heads, S, L]; a boolean mask is −∞ where false.
       `slopes` [heads] (ALiBi, Press et al. 2022) add `slope · (j − i − L + S)`.
    3. `lengths` [B] (integers): keys from there on are hidden. Queries are then the last S of `lengths`
       positions, else the last S of L: query i has position p = i + (lengths | L) − S.
    4. `causal` hides keys j > p; `window` w > 0 hides keys j ≤ p − w.
    5. Softmax over the keys, in f32 at least. `sinks` [heads] are one more logit for each head that has no value.
       A row without visible keys is zero.

    A batch that is known at run time only may be 1 there, and spreads.

    `hidden` is no rule but a fact about `mask` that raising has proven: it hides at least what "causal"
    and "window" say, so that kernels may skip these keys and `moec inspect` can tell. With "assumed" it is what
    the mask is meant to hide: it is computed from a mask that the model is given, and may be otherwise where that
    has not one element for each key, or hides some in between.

    ```mlir
    %y = moe.attention %q, %k, %v {causal, scale = 0.25 : f32}
        : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>) -> tensor<?x4x?x16xf32>
    ```
  }];
  let arguments = (ins MoE_Float:$query, MoE_Float:$key, MoE_Float:$value, Optional<MoE_Tensor>:$mask,
                       Optional<MoE_Float>:$sinks, Optional<MoE_Float>:$slopes, Optional<MoE_Int>:$lengths,
                       F32Attr:$scale, UnitAttr:$causal, DefaultValuedAttr<I64Attr, "0">:$window,
                       DefaultValuedAttr<F32Attr, "0.0">:$softcap, OptionalAttr<DictionaryAttr>:$hidden);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`mask` $mask^)? (`sinks` $sinks^)? (`slopes` $slopes^)? (`lengths` $lengths^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getNumHeads() { return getQuery().getType().getDimSize(1); }
    int64_t getNumKVHeads() { return getKey().getType().getDimSize(1); }
    int64_t getHeadSize() { return getQuery().getType().getDimSize(3); }
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_LinearAttentionOp : MoE_Op<"linear_attention", [Pure, AttrSizedOperandSegments]> {
  let summary = "Attention by an associative state";
  let description = [{
    Query and key [B, heads, S, D] (feature maps already applied), value [B, heads, S, N] → [B, heads, S, N]
    (Katharopoulos et al. 2020, equations 7 to 12). With `causal` `M_i = decay_i·M_{i−1} + k_i v_iᵀ`, from `state`
    [B, heads, D, N] or zero, and `y_i = M_iᵀ q_i`; else M is the sum over all i. With `normalize` y_i is divided by
    `q_i · Σ k_j + epsilon`. `decay` is [B, heads, S]. The second result is the last M.

    ```mlir
    %y, %m = moe.linear_attention %q, %k, %v {causal} : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>,
        tensor<?x4x?x16xf32>) -> (tensor<?x4x?x16xf32>, tensor<?x4x16x16xf32>)
    ```
  }];
  let arguments = (ins MoE_Float:$query, MoE_Float:$key, MoE_Float:$value, Optional<MoE_Float>:$decay,
                       Optional<MoE_Float>:$state, UnitAttr:$causal, UnitAttr:$normalize,
                       DefaultValuedAttr<F32Attr, "0.0">:$epsilon);
  let results = (outs MoE_Float:$result, MoE_Float:$new_state);
  let assemblyFormat = [{
    $query `,` $key `,` $value (`decay` $decay^)? (`state` $state^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

#endif // MOEC_DIALECTS_MOE_MOEATTENTIONOPS_TD

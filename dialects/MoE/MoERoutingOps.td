#ifndef MOEC_DIALECTS_MOE_MOEROUTINGOPS_TD
#define MOEC_DIALECTS_MOE_MOEROUTINGOPS_TD

include "dialects/MoE/MoEBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

//===- Routers ----------------------------------------------------------------------------------------===//

def MoE_ScoreFunction : MoE_Enum<"ScoreFunction", "From logits to scores", [
  I32EnumAttrCase<"Identity", 0, "identity">,
  I32EnumAttrCase<"Softmax", 1, "softmax">,
  I32EnumAttrCase<"Sigmoid", 2, "sigmoid">,
  I32EnumAttrCase<"Softplus", 3, "softplus">,
  I32EnumAttrCase<"SqrtSoftplus", 4, "sqrt_softplus">,
  I32EnumAttrCase<"SparseMixer", 5, "sparsemixer">]>;

def MoE_RouteWeight : MoE_Enum<"RouteWeight", "What a chosen expert is weighted with", [
  I32EnumAttrCase<"Score", 0, "score">,
  I32EnumAttrCase<"Renormalized", 1, "renormalized">,
  I32EnumAttrCase<"Softmax", 2, "softmax">,
  I32EnumAttrCase<"Unit", 3, "unit">,
  I32EnumAttrCase<"External", 4, "external">]>;

def MoE_RouteOp : MoE_Op<"route", [Pure, AttrSizedOperandSegments]> {
  let summary = "Choose experts for each token";
  let description = [{
    From logits [T, E] to the experts of each token [T, k] and their weights [T, k]. Selection and weight are
    independent:

    1. Scores: `score` of the logits, in f32 at least. `sparsemixer` (Liu et al. 2023, as PhiMoE exports it) is
       its own selection too: k rounds of arg-max, each weighted by a softmax over the logits within the
       relative distance 2·`jitter` of the maximum, the winners of earlier rounds excluded.
    2. Selection value: the score, or the logit with `select_logits`; plus `selection_bias` ([E], [1, E] or [T, E]);
       −∞ where `alive` ([E] or [T, E], i1) is false.
    3. Groups: with `groups` G > 1 experts lie in G equal runs; a run is worth the sum of its `group_top` best
       selection values (1: the best); outside the `top_groups` best runs selection values are `excluded`,
       those of experts that are not alive −∞ as before.
    4. The k best; of equals the one with the lower index; best first. With `threshold`, only as many as it
       takes for the sum of their scores to reach it (top-p), at least one. With `capacity` an expert takes that
       many tokens, in order of tokens (`drop_slots_last`: all first choices before all second ones). Slots
       that are not filled have expert −1 and weight 0.
    5. Weights of the chosen: their `score`; `renormalized`, divided by (their sum + `epsilon`); `softmax` of
       their logits; `unit`; `external`, gathered from the operand [T, E], divided by (their sum + `epsilon`) if
       `renormalize_external`. Times `scale`.

    ```mlir
    %w, %e = moe.route %l {k = 2 : i64, score = #moe.score_function<softmax>, weight = #moe.route_weight<renormalized>}
        : (tensor<?x8xf32>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
    ```
  }];
  let arguments = (ins
    MoE_Float:$logits,
    Optional<MoE_Float>:$selection_bias,
    Optional<MoE_Tensor>:$alive,
    Optional<MoE_Float>:$external,
    ConfinedAttr<I64Attr, [IntPositive]>:$k,
    MoE_EnumAttr<MoE_ScoreFunction, "score_function">:$score,
    MoE_EnumAttr<MoE_RouteWeight, "route_weight">:$weight,
    UnitAttr:$select_logits,
    DefaultValuedAttr<F32Attr, "0.0">:$epsilon,
    DefaultValuedAttr<F32Attr, "1.0">:$scale,
    UnitAttr:$renormalize_external,
    DefaultValuedAttr<I64Attr, "1">:$groups,
    DefaultValuedAttr<I64Attr, "1">:$top_groups,
    DefaultValuedAttr<I64Attr, "1">:$group_top,
    DefaultValuedAttr<F32Attr, "-std::numeric_limits<float>::infinity()">:$excluded,
    OptionalAttr<F32Attr>:$threshold,
    OptionalAttr<I64Attr>:$capacity,
    UnitAttr:$drop_slots_last,
    OptionalAttr<F32Attr>:$jitter);
  let results = (outs MoE_Float:$weights, MoE_Int:$experts);
  let assemblyFormat = [{
    $logits (`bias` $selection_bias^)? (`alive` $alive^)? (`external` $external^)? attr-dict
    `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    int64_t getNumExperts() { return getLogits().getType().getDimSize(1); }
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_ChooseTokensOp : MoE_Op<"choose_tokens", [Pure]> {
  let summary = "Choose tokens for each expert";
  let description = [{
    Expert choice (Zhou et al. 2022): of scores [T, E] each expert takes the `C` tokens with the highest, C
    being the results' second size. Gives their scores and their numbers, [E, C]; −1 where T < C.

    ```mlir
    %w, %t = moe.choose_tokens %s, %c : (tensor<?x8xf32>, tensor<i64>) -> (tensor<8x?xf32>, tensor<8x?xi64>)
    ```
  }];
  let arguments = (ins MoE_Float:$scores, MoE_Int:$capacity);
  let results = (outs MoE_Float:$weights, MoE_Int:$tokens);
  let assemblyFormat = "$scores `,` $capacity attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

//===- Experts ----------------------------------------------------------------------------------------===//

def MoE_ExpertsOp : MoE_Op<"experts", [RecursiveMemoryEffects, RecursivelySpeculatable, AttrSizedOperandSegments,
    SingleBlock]> {
  let summary = "Experts on the tokens that are routed to them";
  let description = [{
    `y[t] = Σ_s weights[t, s] · body_e(x[t])` with `e = experts[t, s]`; slots with e = −1 add nothing. The body is
    one expert on its own tokens: its block arguments are these tokens [?, H] and that expert's parameters, its
    `moe.yield` the result [?, N]. Each row of the result depends on the same row of the tokens only. With
    `weigh_inputs` the weight multiplies the token instead: `Σ_s body_e(weights[t, s] · x[t])`. Without weights
    they are one.

    Parameter p of the body is given by `segments[p]` operands, tensors [n, …] of rows that lie one after the
    other: expert e has row e. `tables[p]`, if not empty, has one pair (segment, row) for each expert instead, so
    experts share rows, and a pair (−1, −1) in any table makes an expert null: it adds nothing. Segments may
    differ in inner sizes (ragged experts); the block argument's type is then dynamic there. Dequantisation of
    a segment stays outside.

    ```mlir
    %y = moe.experts %x to %e weights %w parameters(%up, %down : tensor<8x64x32xf32>, tensor<8x32x64xf32>)
        {num_experts = 8 : i64, segments = array<i64: 1, 1>}
        : (tensor<?x64xf32>, tensor<?x2xi64>, tensor<?x2xf32>) -> tensor<?x64xf32> {
    ^bb0(%t: tensor<?x64xf32>, %u: tensor<64x32xf32>, %d: tensor<32x64xf32>):
      %0 = moe.linear %t, %u : (tensor<?x64xf32>, tensor<64x32xf32>) -> tensor<?x32xf32>
      %1 = moe.activation <relu> %0 : tensor<?x32xf32>
      %2 = moe.linear %1, %d : (tensor<?x32xf32>, tensor<32x64xf32>) -> tensor<?x64xf32>
      moe.yield %2 : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins MoE_Float:$tokens, MoE_Int:$experts, Optional<MoE_Float>:$weights,
                       Variadic<MoE_Tensor>:$parameters, ConfinedAttr<I64Attr, [IntPositive]>:$num_experts,
                       DenseI64ArrayAttr:$segments, OptionalAttr<TypedArrayAttrBase<DenseI64ArrayAttr, "tables">>:$tables,
                       UnitAttr:$weigh_inputs);
  let results = (outs MoE_Float:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $tokens `to` $experts (`weights` $weights^)? (`parameters` `(` $parameters^ `:` type($parameters) `)`)? attr-dict
    `:` `(` type($tokens) `,` type($experts) (`,` type($weights)^)? `)` `->` type($result) $body
  }];
  let extraClassDeclaration = [{
    int64_t getNumParameters() { return getSegments().size(); }
    /// The operands that parameter p lies in.
    ::mlir::OperandRange getSegmentsOf(int64_t p);
    /// Where parameter p of expert e lies, (segment, row); std::nullopt if the expert is null.
    std::optional<std::pair<int64_t, int64_t>> getRow(int64_t p, int64_t e);
    ::mlir::BlockArgument getBodyTokens() { return getBody().getArgument(0); }
    ::mlir::BlockArgument getBodyParameter(int64_t p) { return getBody().getArgument(p + 1); }
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
  let hasRegionVerifier = 1;
}

def MoE_YieldOp : MoE_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "The results of a region";
  let arguments = (ins Variadic<MoE_Tensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def MoE_DispatchOp : MoE_Op<"dispatch", [Pure]> {
  let summary = "Order tokens by expert";
  let description = [{
    The T·k slots, in a stable order by expert, empty ones (−1) last: `order` [T·k] has their numbers
    (t·k + s), `rows` [T·k, H] the tokens in that order, `offsets` [E + 1] where each expert's begin; the last is
    the number of filled slots.

    ```mlir
    %r, %o, %f = moe.dispatch %x to %e experts 8
        : (tensor<?x64xf32>, tensor<?x2xi64>) -> (tensor<?x64xf32>, tensor<?xi64>, tensor<9xi64>)
    ```
  }];
  let arguments = (ins MoE_Float:$tokens, MoE_Int:$experts, ConfinedAttr<I64Attr, [IntPositive]>:$num_experts);
  let results = (outs MoE_Float:$rows, MoE_Int:$order, MoE_Int:$offsets);
  let assemblyFormat = [{
    $tokens `to` $experts `experts` $num_experts attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def MoE_GroupedLinearOp : MoE_Op<"grouped_linear", [Pure, AttrSizedOperandSegments]> {
  let summary = "A linear layer of each expert on its own rows";
  let description = [{
    Rows `offsets[e]` to `offsets[e + 1]` of the input [M, K] go through weight e of [E, K, N] (`transposed`: [E, N, K])
    and bias e of [E, N]. Rows from `offsets[E]` on are zero. ONNX's proposed GroupedMatMul with its rows in
    order. Weights may differ in sizes (ragged experts): K and N are then the largest, and an expert with a weight
    [Kₑ, Nₑ] reads the first Kₑ elements of its rows, adds the first Nₑ of its bias, and gives the first Nₑ of the
    result; the others are zero. With `blocks` b each expert has b weights, one after the other, for the blocks of its rows, as in
    `moe.block_linear`: weights [E·b, K, N], input [M, b·K], bias [E, b·N], result [M, b·N].
    An `epilogue` is as in `moe.linear`, and zero of zero: rows from `offsets[E]` on stay zero.

    ```mlir
    %y = moe.grouped_linear %r by %offsets, %w : (tensor<?x64xf32>, tensor<9xi64>, tensor<8x64x32xf32>) -> tensor<?x32xf32>
    ```
  }];
  let arguments = (ins MoE_Float:$input, MoE_Int:$offsets, Variadic<MoE_Float>:$weights, Optional<MoE_Float>:$bias,
                       UnitAttr:$transposed, DefaultValuedAttr<ConfinedAttr<I64Attr, [IntPositive]>, "1">:$blocks,
                       OptionalAttr<MoE_EpilogueAttr>:$epilogue);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = [{
    $input `by` $offsets `,` $weights (`transposed` $transposed^)? (`bias` $bias^)? (`epilogue` $epilogue^)?
    attr-dict `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    /// Of a weight [E, K, N], or [E, N, K] if transposed.
    int64_t getDepthOf(::mlir::Value weight);
    int64_t getWidthOf(::mlir::Value weight);
    /// Whether weights differ in sizes.
    bool isRagged();
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_CombineOp : MoE_Op<"combine", [Pure]> {
  let summary = "Sum the rows of each token";
  let description = [{
    `y[t] = Σ_s weights[t, s] · rows[place of slot t·k + s in order]`, summed in the order of the slots, whatever the
    number of workers. Slots behind the last offset add nothing.

    ```mlir
    %y = moe.combine %r, %order by %offsets weights %w
        : (tensor<?x64xf32>, tensor<?xi64>, tensor<9xi64>, tensor<?x2xf32>) -> tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MoE_Float:$rows, MoE_Int:$order, MoE_Int:$offsets, MoE_Float:$weights);
  let results = (outs MoE_Float:$result);
  let assemblyFormat = [{
    $rows `,` $order `by` $offsets `weights` $weights attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===- Coarser routing --------------------------------------------------------------------------------===//

def MoE_SelectOp : MoE_Op<"select", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock]> {
  let summary = "Route whole requests or sequences to sub-networks";
  let description = [{
    `which` [B] has the number of a region for each index of the leading axis that all inputs and the results
    share; the rows of an index come from its region. A region's block arguments have the inputs' types with
    the rows that chose it. A region that yields its arguments skips the block.

    ```mlir
    %y = moe.select %which (%x : tensor<?x?x64xf32>) : tensor<?xi64> -> tensor<?x?x64xf32> {
    ^bb0(%a: tensor<?x?x64xf32>):
      moe.yield %a : tensor<?x?x64xf32>
    }, {
    ^bb0(%a: tensor<?x?x64xf32>):
      %0 = moe.activation <relu> %a : tensor<?x?x64xf32>
      moe.yield %0 : tensor<?x?x64xf32>
    }
    ```
  }];
  let arguments = (ins MoE_Int:$which, Variadic<MoE_Tensor>:$inputs);
  let results = (outs Variadic<MoE_Tensor>:$results);
  let regions = (region VariadicRegion<SizedRegion<1>>:$choices);
  let assemblyFormat = [{
    $which `(` ($inputs^ `:` type($inputs))? `)` attr-dict `:` type($which) (`->` type($results)^)? $choices
  }];
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_SubsetOp : MoE_Op<"subset", [RecursiveMemoryEffects, RecursivelySpeculatable, SingleBlock]> {
  let summary = "Compute on the rows where a mask holds";
  let description = [{
    The rows of the input [T, …] where `mask` [T] is true, in order, are the block argument; what the body yields
    for them replaces them; the other rows stay. Unlike an expert's body this one may mix its rows (attention
    over a subset of tokens).

    ```mlir
    %y = moe.subset %x where %m : (tensor<?x64xf32>, tensor<?xi1>) -> tensor<?x64xf32> {
    ^bb0(%a: tensor<?x64xf32>):
      %0 = moe.activation <relu> %a : tensor<?x64xf32>
      moe.yield %0 : tensor<?x64xf32>
    }
    ```
  }];
  let arguments = (ins MoE_Tensor:$input, MoE_Tensor:$mask);
  let results = (outs MoE_Tensor:$result);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$input `where` $mask attr-dict `:` functional-type(operands, results) $body";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def MoE_ObserveOp : MoE_Op<"observe", [AllTypesMatch<["input", "result"]>, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "A value whose statistics a calibration run collects";
  let description = [{
    The input, under a name. Survives raising; blocks rewrites across its value only.

    ```mlir
    %y = moe.observe %x, "layers.0.mlp.input" : tensor<?x64xf32>
    ```
  }];
  let arguments = (ins MoE_Tensor:$input, StrAttr:$name);
  let results = (outs MoE_Tensor:$result);
  let assemblyFormat = "$input `,` $name attr-dict `:` type($input)";
}

#endif // MOEC_DIALECTS_MOE_MOEROUTINGOPS_TD

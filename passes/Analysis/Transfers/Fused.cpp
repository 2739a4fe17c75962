//===- Fused.cpp - Transfer functions of normalisations, attention and experts
//--------------------===//
#include "passes/Analysis/Transfers/TransferHelpers.h"

using namespace mlir;
using namespace moec;

namespace {

/// Y like X; Mean and InvStdDev with sizes of 1 from `axis` on.
void transferLayerNormalization(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x)
    return;
  t.setResult(0, x->dims);
  std::optional<int64_t> axis = normalizeAxis(t.node.getInt("axis", -1), x->getRank());
  if (!axis)
    return;
  SymVector dims = x->dims;
  std::fill(dims.begin() + *axis, dims.end(), t.symbols.constant(1));
  t.setResult(1, dims);
  t.setResult(2, dims);
}

/// Output, mean and inverse deviation of each row, and the sum of input, skip and bias.
void transferSkipNormalization(ShapeTransfer &t) {
  const SymbolicValue *x = t.operand(0);
  if (!x || x->getRank() < 1)
    return;
  SymVector rows = x->dims;
  rows.back() = t.symbols.constant(1);
  t.setResult(0, x->dims);
  t.setResult(1, rows);
  t.setResult(2, rows);
  t.setResult(3, x->dims);
}

/// ai.onnx Attention: Q [B, Hq, Sq, D] or [B, Sq, Hq * D], V alike; past along the sequence.
void transferAttention(ShapeTransfer &t) {
  const SymbolicValue *q = t.operand(0), *k = t.operand(1), *v = t.operand(2);
  if (!q || !k || !v || q->getRank() != k->getRank() || q->getRank() != v->getRank())
    return;
  SymExpr heads, kvHeads, length, newLength, keySize, valueSize;
  if (q->getRank() == 4) {
    heads = q->dims[1];
    kvHeads = k->dims[1];
    length = q->dims[2];
    newLength = k->dims[2];
    keySize = k->dims[3];
    valueSize = v->dims[3];
    t.setResult(0, {q->dims[0], heads, length, valueSize});
  } else if (q->getRank() == 3) {
    int64_t numHeads = t.node.getInt("q_num_heads", 0);
    int64_t numKvHeads = t.node.getInt("kv_num_heads", 0);
    if (numHeads <= 0 || numKvHeads <= 0)
      return;
    heads = t.symbols.constant(numHeads);
    kvHeads = t.symbols.constant(numKvHeads);
    length = q->dims[1];
    newLength = k->dims[1];
    keySize = t.symbols.div(k->dims[2], kvHeads);
    valueSize = t.symbols.div(v->dims[2], kvHeads);
    t.setResult(0, {q->dims[0], length, t.symbols.mul(heads, valueSize)});
  } else {
    return;
  }
  SymExpr total = newLength;
  if (t.node.getOptionalOperand(4)) {
    const SymbolicValue *past = t.operand(4);
    total = past && past->getRank() == 4 ? t.symbols.add(past->dims[2], newLength) : SymExpr();
  }
  t.setResult(1, {q->dims[0], kvHeads, total, keySize});
  t.setResult(2, {q->dims[0], kvHeads, total, valueSize});
  t.setResult(3, {q->dims[0], heads, length, total});
}

/// com.microsoft GroupQueryAttention: query [B, S, Hq * D], or packed with keys and values
/// [B, S, (Hq + 2 Hkv) * D]. The presents have the size of a shared buffer or past + S, which only
/// the engine knows: their lengths stay open.
void transferGroupQueryAttention(ShapeTransfer &t) {
  const SymbolicValue *q = t.operand(0);
  int64_t heads = t.node.getInt("num_heads", 0), kvHeads = t.node.getInt("kv_num_heads", 0);
  if (!q || q->getRank() != 3 || heads <= 0 || kvHeads <= 0)
    return;
  bool packed = !t.node.getOptionalOperand(1);
  SymExpr size =
      t.symbols.div(q->dims[2], t.symbols.constant(packed ? heads + 2 * kvHeads : heads));
  t.setResult(0, {q->dims[0], q->dims[1], t.symbols.mul(size, t.symbols.constant(heads))});
  for (unsigned present : {1u, 2u})
    t.setResult(present, {q->dims[0], t.symbols.constant(kvHeads), SymExpr(), size});
}

/// com.microsoft MultiHeadAttention with separate query [B, S, H * D] and value [B, L, H * Dv] (or
/// [B, H, L, Dv] of a cache).
void transferMultiHeadAttention(ShapeTransfer &t) {
  const SymbolicValue *q = t.operand(0), *k = t.operand(1), *v = t.operand(2);
  int64_t numHeads = t.node.getInt("num_heads", 0);
  if (!q || !k || !v || q->getRank() != 3 || numHeads <= 0)
    return;
  SymExpr heads = t.symbols.constant(numHeads);
  if (v->getRank() == 4) {
    t.setResult(0, {q->dims[0], q->dims[1], t.symbols.mul(heads, v->dims[3])});
    return;
  }
  if (v->getRank() != 3 || k->getRank() != 3)
    return;
  t.setResult(0, {q->dims[0], q->dims[1], v->dims[2]});
  SymExpr total = k->dims[1];
  if (t.node.getOptionalOperand(6)) {
    const SymbolicValue *past = t.operand(6);
    total = past && past->getRank() == 4 && !t.node.getOptionalOperand(8)
                ? t.symbols.add(past->dims[2], total)
                : SymExpr();
  }
  t.setResult(1, {q->dims[0], heads, total, t.symbols.div(k->dims[2], heads)});
  t.setResult(2, {q->dims[0], heads, total, t.symbols.div(v->dims[2], heads)});
}

} // namespace

void moec::addFusedTransfers(ShapeTransferTable &table) {
  for (StringRef name :
       {"BatchNormalization", "GroupNormalization", "InstanceNormalization", "LRN",
        "MeanVarianceNormalization", "RMSNormalization", "RotaryEmbedding", "com.microsoft::MoE",
        "com.microsoft::QMoE", "com.microsoft::RotaryEmbedding"})
    table[name] = transferSameShape;
  table["Attention"] = transferAttention;
  table["LayerNormalization"] = table["SimplifiedLayerNormalization"] = transferLayerNormalization;
  table["com.microsoft::GroupQueryAttention"] = transferGroupQueryAttention;
  table["com.microsoft::MultiHeadAttention"] = transferMultiHeadAttention;
  table["com.microsoft::SkipLayerNormalization"] = transferSkipNormalization;
  table["com.microsoft::SkipSimplifiedLayerNormalization"] = transferSkipNormalization;
}

//===- Matrix.cpp - Transfer functions of matrix products and quantisation
//------------------------===//
#include "passes/Analysis/Transfers/TransferHelpers.h"

using namespace mlir;
using namespace moec;

namespace {

/// The sizes of numpy's matmul; std::nullopt for scalars.
std::optional<SymVector> getMatMulDims(SymContext &symbols, ArrayRef<SymExpr> a,
                                       ArrayRef<SymExpr> b) {
  if (a.empty() || b.empty())
    return std::nullopt;
  ArrayRef<SymExpr> batchA = a.drop_back(std::min<size_t>(a.size(), 2));
  ArrayRef<SymExpr> batchB = b.drop_back(std::min<size_t>(b.size(), 2));
  SymVector result = broadcastDims(symbols, batchA, batchB);
  if (a.size() > 1)
    result.push_back(a[a.size() - 2]);
  if (b.size() > 1)
    result.push_back(b.back());
  return result;
}

/// MatMul and its relatives whose second matrix is operand `second`.
template <unsigned second>
void transferMatMul(ShapeTransfer &t) {
  const SymbolicValue *a = t.operand(0), *b = t.operand(second);
  if (!a || !b)
    return;
  if (std::optional<SymVector> dims = getMatMulDims(t.symbols, a->dims, b->dims))
    t.setResult(0, *dims);
}

void transferFusedMatMul(ShapeTransfer &t) {
  const SymbolicValue *a = t.operand(0), *b = t.operand(1);
  if (!a || !b || t.node.getInt("transBatchA", 0) || t.node.getInt("transBatchB", 0))
    return;
  SymVector left = a->dims, right = b->dims;
  if (t.node.getInt("transA", 0) && left.size() > 1)
    std::swap(left[left.size() - 1], left[left.size() - 2]);
  if (t.node.getInt("transB", 0) && right.size() > 1)
    std::swap(right[right.size() - 1], right[right.size() - 2]);
  if (std::optional<SymVector> dims = getMatMulDims(t.symbols, left, right))
    t.setResult(0, *dims);
}

void transferGemm(ShapeTransfer &t) {
  const SymbolicValue *a = t.operand(0), *b = t.operand(1);
  if (!a || !b || a->getRank() != 2 || b->getRank() != 2)
    return;
  t.setResult(0, {a->dims[t.node.getInt("transA", 0) ? 1 : 0],
                  b->dims[t.node.getInt("transB", 0) ? 0 : 1]});
}

/// Einsum without an ellipsis: a size per letter.
void transferEinsum(ShapeTransfer &t) {
  std::string equation;
  for (char c : t.node.getString("equation", ""))
    if (c != ' ')
      equation.push_back(c);
  auto [left, right] = StringRef(equation).split("->");
  if (left.contains('.') || right.contains('.'))
    return;
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != t.node.getInputs().size())
    return;
  SymExpr sizes[256];
  unsigned uses[256] = {};
  for (auto [i, term] : llvm::enumerate(terms)) {
    const SymbolicValue *x = t.operand(i);
    if (!x || x->getRank() != static_cast<int64_t>(term.size()))
      return;
    for (auto [letter, dim] : llvm::zip(term.bytes(), x->dims)) {
      sizes[letter] = uses[letter]++ ? t.symbols.broadcast(sizes[letter], dim) : dim;
    }
  }
  std::string output(right);
  if (!StringRef(equation).contains("->"))
    for (unsigned letter = 0; letter < 256; ++letter)
      if (uses[letter] == 1)
        output.push_back(static_cast<char>(letter));
  SymVector dims;
  for (unsigned char letter : output) {
    if (!uses[letter])
      return;
    dims.push_back(sizes[letter]);
  }
  t.setResult(0, dims);
}

/// The quantised tensor, its scale and its zero point (scalars).
void transferDynamicQuantize(ShapeTransfer &t) {
  copyDims(t, 0, 0);
  t.setResult(1, {});
  t.setResult(2, {});
}

/// A [.., K] times a packed B of N columns, both attributes.
void transferMatMulNBits(ShapeTransfer &t) {
  const SymbolicValue *a = t.operand(0);
  int64_t columns = t.node.getInt("N", 0);
  if (!a || a->getRank() < 1 || columns <= 0)
    return;
  SymVector dims = a->dims;
  dims.back() = t.symbols.constant(columns);
  t.setResult(0, dims);
}

} // namespace

void moec::addMatrixTransfers(ShapeTransferTable &table) {
  table["DequantizeLinear"] = table["QuantizeLinear"] = transferSameShape;
  table["DynamicQuantizeLinear"] = transferDynamicQuantize;
  table["Einsum"] = transferEinsum;
  table["Gemm"] = transferGemm;
  table["MatMul"] = table["MatMulInteger"] = transferMatMul<1>;
  table["QLinearMatMul"] = transferMatMul<3>;
  table["com.microsoft::FusedMatMul"] = transferFusedMatMul;
  table["com.microsoft::MatMulNBits"] = transferMatMulNBits;
}

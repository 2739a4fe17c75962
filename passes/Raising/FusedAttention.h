//===- FusedAttention.h - Nodes that ONNX Runtime and newer ONNX have for attention --------*- C++
//-*-===//
#ifndef MOEC_PASSES_RAISING_FUSEDATTENTION_H
#define MOEC_PASSES_RAISING_FUSEDATTENTION_H

#include "passes/Analysis/Match.h"
#include "passes/Analysis/SymbolicShapes.h"
#include "passes/Conversion/MoEToONNX/Spelling.h"

namespace moec {

/// The type of a value that has this rank; else null. Absent operands have none.
inline mlir::RankedTensorType rankedTypeOf(mlir::Value value, int64_t rank) {
  auto type =
      value ? mlir::dyn_cast<mlir::RankedTensorType>(value.getType()) : mlir::RankedTensorType();
  return type && type.getRank() == rank ? type : mlir::RankedTensorType();
}

/// What becomes a moe.attention.
struct AttentionOperands {
  mlir::Value query, key, value; ///< as the operation takes them
  mlir::Value mask = {}, sinks = {}, lengths = {};
  float scale = 0; ///< 0: 1 / sqrt(head size)
  bool causal = false;
  int64_t window = 0;
  float softcap = 0;
  mlir::DictionaryAttr hidden = {};
};

/// One node. Functions that say false or give null have found what they cannot express; `reason`
/// says what.
class FusedNode {
public:
  /// Results and what replaces them.
  using Replacements = llvm::SmallVector<std::pair<mlir::Value, mlir::Value>>;

  FusedNode(onnx::NodeOp node, SymbolicShapes &shapes, Replacements &replacements)
      : node(node), builder(node), s(builder, node.getLoc()), shapes(shapes),
        replacements(replacements) {}

  bool raise();
  llvm::StringRef reason = "its sizes are not known";

private:
  static constexpr int64_t kDynamic = mlir::ShapedType::kDynamic;

  bool no(llvm::StringRef why) {
    reason = why;
    return false;
  }
  mlir::Value typed(mlir::Value value, llvm::ArrayRef<int64_t> shape) {
    value.setType(mlir::RankedTensorType::get(shape, getElementType(value)));
    return value;
  }

  /// [B, S, heads · D] as [B, heads, S, D], and back.
  mlir::Value splitHeads(mlir::Value x, int64_t heads);
  mlir::Value mergeHeads(mlir::Value x);
  mlir::Value toInts(mlir::Value x) { return s.reshape(s.cast(x, builder.getI64Type()), {-1}); }
  mlir::Value maximum(mlir::Value a, mlir::Value b) {
    return s.node("Max", 13, {a, b}, s.tensorOf(builder.getI64Type()));
  }
  mlir::Value rotate(mlir::Value x, mlir::Value cosines, mlir::Value sines, mlir::Value positions,
                     bool interleaved);
  mlir::Value attend(AttentionOperands &operands);
  bool isPresent(unsigned result) {
    return result < node->getNumResults() &&
           mlir::isa<mlir::TensorType>(node->getResult(result).getType());
  }
  bool isUsed(unsigned result) { return isPresent(result) && !node->getResult(result).use_empty(); }
  void replace(unsigned result, mlir::Value value) {
    if (isPresent(result))
      replacements.emplace_back(node->getResult(result), value);
  }

  // In FusedAttention.cpp.
  bool raiseRotary(bool isContrib);
  bool raiseAttention();
  mlir::Value padMask(mlir::Value mask, mlir::Value keys);
  // In FusedGroupQuery.cpp.
  bool raiseGroupQuery();
  /// `past` with `update` at `starts` [B], made longer to `total` [1] where it is too short.
  mlir::Value writeCache(mlir::Value past, mlir::Value update, mlir::Value starts,
                         mlir::Value total);
  mlir::Value normalizeHeads(mlir::Value x, mlir::Value weight);
  // In FusedMultiHead.cpp.
  bool raiseMultiHead();
  /// [B, heads, L, x] of [B, L, heads · x], if it was that; else null.
  mlir::Value findHeads(mlir::Value x, int64_t heads);
  /// Keys and values as they were before heads were repeated for their groups.
  void shareHeads(AttentionOperands &operands);
  mlir::Value addRow(mlir::Value x, mlir::Value bias, int64_t begin, int64_t end);
  mlir::Value getPaddingMask(mlir::Value padding, mlir::Value keys);

  onnx::NodeOp node;
  mlir::OpBuilder builder;
  Spelling s;
  SymbolicShapes &shapes;
  Replacements &replacements;
};

} // namespace moec

#endif // MOEC_PASSES_RAISING_FUSEDATTENTION_H

//===- SymbolicShapes.h - Sizes of all tensors of a graph, as expressions ----------------*- C++
//-*-===//
//
// What is known of the sizes of the tensors of a graph in the onnx dialect, and of the elements of
// the small integer tensors from which the graph computes sizes, as expressions over the sizes of
// the function's arguments.
//
// Arguments whose dimensions carry the same non-empty name (`onnx.dims`) share an expression: the
// runtime checks that their sizes agree before the model runs. Names are used nowhere else.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_ANALYSIS_SYMBOLICSHAPES_H
#define MOEC_PASSES_ANALYSIS_SYMBOLICSHAPES_H

#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/SymbolicExpr.h"

#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/StringMap.h"

namespace moec {

/// What is known of one tensor.
struct SymbolicValue {
  bool isRanked = false;
  /// One expression a dimension, never null: a size of which nothing is known is the atom
  /// Dim(value, i).
  llvm::SmallVector<SymExpr> dims;
  /// The elements, row-major, of an integer or boolean tensor with a constant number (at most
  /// kMaxElements) of them; never null: an unknown one is the atom Element(value, i). std::nullopt
  /// for every other tensor.
  std::optional<llvm::SmallVector<SymExpr>> elements;

  int64_t getRank() const { return dims.size(); }
  /// The elements, if all are known.
  std::optional<llvm::SmallVector<int64_t>> getConstants() const;
};

/// Tensors with more elements than this are not followed element by element.
inline constexpr int64_t kMaxElements = 64;

class SymbolicShapes;

/// One node, as a transfer function sees it.
class ShapeTransfer {
public:
  ShapeTransfer(SymbolicShapes &shapes, SymContext &symbols, onnx::NodeOp node)
      : symbols(symbols), node(node), shapes(shapes) {}

  SymContext &symbols;
  onnx::NodeOp node;

  /// What is known of operand i; nullptr if the operand is absent or of unknown rank.
  const SymbolicValue *operand(unsigned i) const;
  /// The elements of operand i; std::nullopt if it is absent or they are not followed.
  std::optional<llvm::ArrayRef<SymExpr>> elements(unsigned i) const;
  /// The elements of operand i if all are constants.
  std::optional<llvm::SmallVector<int64_t>> constants(unsigned i) const;

  /// States what is known of result i. A null expression stands for an unknown size or element.
  void setResult(unsigned i, llvm::ArrayRef<SymExpr> dims,
                 std::optional<llvm::ArrayRef<SymExpr>> elements = std::nullopt);

private:
  SymbolicShapes &shapes;
};

/// Transfer functions say nothing about what they do not know: results that are not set get the
/// sizes of their types, and atoms where these are dynamic.
using ShapeTransferFn = void (*)(ShapeTransfer &);

/// The transfer functions by qualified operator name ("Add", "com.microsoft::MoE"). One
/// `add…Transfers` a family, each in its own file.
using ShapeTransferTable = llvm::StringMap<ShapeTransferFn>;
const ShapeTransferTable &getShapeTransfers();
void addElementwiseTransfers(ShapeTransferTable &table);
void addMovementTransfers(ShapeTransferTable &table);
void addIndexingTransfers(ShapeTransferTable &table);
void addReductionTransfers(ShapeTransferTable &table);
void addMatrixTransfers(ShapeTransferTable &table);
void addFusedTransfers(ShapeTransferTable &table);
void addGeneratorTransfers(ShapeTransferTable &table);

/// The analysis of one function, in one walk in program order. Does not follow later changes.
class SymbolicShapes {
public:
  explicit SymbolicShapes(mlir::FunctionOpInterface function);

  /// In place of the analysis of each operation calls `visit`, which calls `update`, perhaps after
  /// it has changed the types of the results. The operands, and the regions of the operation, have
  /// been visited before.
  using Visitor = llvm::function_ref<void(mlir::Operation *, SymbolicShapes &)>;
  SymbolicShapes(mlir::FunctionOpInterface function, Visitor visit);

  /// States what follows for the results of an operation from its operands and the present types of
  /// its results.
  void update(mlir::Operation *op);

  SymContext &getSymbols() { return symbols; }

  /// What is known of a value of tensor type.
  const SymbolicValue &get(mlir::Value value) const;

  /// The static type that follows: `value`'s type with every size that is a constant expression.
  /// Unranked where the rank is unknown.
  mlir::TensorType getRefinedType(mlir::Value value) const;

  /// Whether an operation gives nothing but small integer tensors whose elements are expressions of
  /// something else: no code has to be generated for it.
  bool isExpression(mlir::Operation *op);

private:
  friend class ShapeTransfer;
  void analyzeArguments(mlir::FunctionOpInterface function);
  void analyzeRegion(mlir::Region &region, Visitor visit);
  void set(mlir::Value value, llvm::ArrayRef<SymExpr> dims,
           std::optional<llvm::ArrayRef<SymExpr>> elements);
  void updateMoE(mlir::Operation *op); ///< in Transfers/MoE.cpp
  void setFromType(mlir::Value value);
  void setFromConstant(mlir::Value value, mlir::ElementsAttr constant);

  SymContext symbols;
  llvm::DenseMap<mlir::Value, SymbolicValue> values;
};

} // namespace moec

#endif // MOEC_PASSES_ANALYSIS_SYMBOLICSHAPES_H

//===- Spelling.h - Operations of the moe dialect as ONNX nodes ---------------------------*- C++
//-*-===//
//
// The spelling of an operation is its definition: plain, on all tokens and all experts, in f32
// where the operation says so. What is faster is checked against it.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_MOETOONNX_SPELLING_H
#define MOEC_PASSES_CONVERSION_MOETOONNX_SPELLING_H

#include "dialects/MoE/MoEOps.h"
#include "dialects/ONNX/ONNXOps.h"

#include "llvm/ADT/StringMap.h"

namespace moec {

/// Makes nodes of the default domain. Their results have no shape yet where none is given:
/// `onnx-infer-types` finds it.
class Spelling {
public:
  Spelling(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  mlir::OpBuilder &builder;
  mlir::Location loc;

  /// `version` is that of the operator's schema.
  mlir::Value node(llvm::StringRef opType, int64_t version, mlir::ValueRange operands,
                   mlir::Type result, llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  /// A tensor of that element type and of unknown shape.
  mlir::Type tensorOf(mlir::Type elementType);
  mlir::NamedAttribute attribute(llvm::StringRef name, int64_t value);
  mlir::NamedAttribute attribute(llvm::StringRef name, float value);
  mlir::NamedAttribute attribute(llvm::StringRef name, llvm::ArrayRef<int64_t> value);

  /// A vector of 64-bit integers; a scalar.
  mlir::Value ints(llvm::ArrayRef<int64_t> values);
  mlir::Value intScalar(int64_t value);
  /// A scalar of a float type.
  mlir::Value scalar(mlir::Type elementType, double value);
  /// An absent optional operand where `value` is null.
  mlir::Value optional(mlir::Value value);

  // The nodes that spellings are mostly made of; the first operand gives the element type.
  mlir::Value add(mlir::Value a, mlir::Value b) { return same("Add", 14, {a, b}); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return same("Sub", 14, {a, b}); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return same("Mul", 14, {a, b}); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return same("Div", 14, {a, b}); }
  mlir::Value matmul(mlir::Value a, mlir::Value b) { return same("MatMul", 13, {a, b}); }
  mlir::Value unary(llvm::StringRef opType, int64_t version, mlir::Value x) {
    return same(opType, version, {x});
  }
  mlir::Value where(mlir::Value condition, mlir::Value a, mlir::Value b);
  /// "Equal", "Less", …: a tensor of booleans.
  mlir::Value compare(llvm::StringRef opType, int64_t version, mlir::Value a, mlir::Value b);
  mlir::Value cast(mlir::Value x, mlir::Type elementType);
  /// The number of an element type in TensorProto.DataType.
  static int64_t getDataType(mlir::Type type);
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape) {
    return reshape(x, ints(shape));
  }
  mlir::Value reshape(mlir::Value x, mlir::Value shape);
  mlir::Value unsqueeze(mlir::Value x, llvm::ArrayRef<int64_t> axes);
  /// Elements [begin, end) along an axis.
  mlir::Value slice(mlir::Value x, int64_t begin, int64_t end, int64_t axis, int64_t step = 1);
  mlir::Value concat(mlir::ValueRange parts, int64_t axis);
  mlir::Value gather(mlir::Value x, mlir::Value indices, int64_t axis);
  /// "ReduceSum", "ReduceMax", … over axes as an operand.
  mlir::Value reduce(llvm::StringRef opType, int64_t version, mlir::Value x,
                     llvm::ArrayRef<int64_t> axes, bool keepDims);
  /// The sizes of a tensor, [rank]; one of them, [1].
  mlir::Value shapeOf(mlir::Value x);
  mlir::Value sizeOf(mlir::Value x, int64_t axis);

private:
  mlir::Value same(llvm::StringRef opType, int64_t version, mlir::ValueRange operands);
};

/// The function of a product's elements, of type `type`, as operations of their own.
mlir::Value applyEpilogue(moe::EpilogueAttr epilogue, mlir::Value product,
                          mlir::RankedTensorType type, Spelling &s);

/// Makes the nodes in place of an operation and gives its results; failure after an error.
using SpellFn = llvm::FailureOr<llvm::SmallVector<mlir::Value>> (*)(mlir::Operation *, Spelling &);

/// By operation name, "moe.linear".
using SpellingTable = llvm::StringMap<SpellFn>;
void addAttentionSpellings(SpellingTable &table);
void addExpertSpellings(SpellingTable &table);
void addLinearAttentionSpellings(SpellingTable &table);
void addLinearSpellings(SpellingTable &table);
void addQuantizedSpellings(SpellingTable &table);
void addRoutingSpellings(SpellingTable &table);

/// Adapts a function on an operation class to the table.
template <typename Op, llvm::FailureOr<llvm::SmallVector<mlir::Value>> (*spell)(Op, Spelling &)>
void addSpelling(SpellingTable &table) {
  table[Op::getOperationName()] = [](mlir::Operation *op, Spelling &spelling) {
    return spell(llvm::cast<Op>(op), spelling);
  };
}

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_MOETOONNX_SPELLING_H

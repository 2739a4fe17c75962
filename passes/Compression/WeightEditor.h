//===- WeightEditor.h - Reading the weights of a module, and making new ones -------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_WEIGHTEDITOR_H
#define MOEC_PASSES_COMPRESSION_WEIGHTEDITOR_H

#include "dialects/MoE/MoEOps.h"
#include "dialects/MoE/ModuleWeights.h"

#include "mlir/IR/BuiltinOps.h"
#include <vector>

namespace moec {

/// A tensor in memory, row-major.
struct WeightTensor {
  llvm::SmallVector<int64_t> shape;
  std::vector<float> values;

  int64_t getNumElements() const { return values.size(); }
};

/// Reads what is stored in a module, and stores more. Large models have more weights than there is
/// memory: read one, write one, let both go.
class WeightEditor {
public:
  /// Errors are emitted at the module.
  static mlir::FailureOr<WeightEditor> open(mlir::ModuleOp module);

  /// The numbers that `value` has whenever the model runs: a constant or weight, or what is made
  /// of such by moving, cutting, stacking, converting and dequantising. Types are static; numbers
  /// are rounded as the model rounds them. Codes of integer types come as they are. Fails where
  /// something else takes part, and says what.
  llvm::Expected<WeightTensor> read(mlir::Value value);

  /// A new weight with `values`, rounded to the element type (f32, f16, bf16, f64, i8, ui8, i64),
  /// as a value at the builder's place. Its symbol is `name`, or one like it; what has been written
  /// before with the same type and bytes is that weight, so that layers which shared one share what
  /// comes of it. Small ones are constants, as in imported models.
  mlir::FailureOr<mlir::Value> write(mlir::OpBuilder &builder, mlir::Location loc,
                                     llvm::StringRef name, mlir::RankedTensorType type,
                                     llvm::ArrayRef<float> values);
  /// Whether small ones are weights, too: what is packed beside larger ones has to be.
  void setStoresSmall(bool stores) { storesSmall = stores; }
  /// The same of bytes as they are to be stored.
  mlir::FailureOr<mlir::Value> writeBytes(mlir::OpBuilder &builder, mlir::Location loc,
                                          llvm::StringRef name, mlir::RankedTensorType type,
                                          llvm::ArrayRef<char> bytes);

private:
  WeightEditor(mlir::ModuleOp module, ModuleWeights &weights)
      : module(module), weights(&weights), symbols(module) {}

  llvm::Expected<llvm::ArrayRef<char>> getBytes(moe::WeightOp weight);
  llvm::Expected<llvm::ArrayRef<char>> getBytes(moe::WeightDataOp data);
  /// Stores bytes under a symbol in the module.
  mlir::FailureOr<moe::WeightDataOp> store(mlir::Location loc, llvm::StringRef name,
                                           mlir::RankedTensorType type, llvm::ArrayRef<char> bytes);

  mlir::ModuleOp module;
  ModuleWeights *weights;
  bool storesSmall = false;
  mlir::SymbolTable symbols;
  mlir::Operation *last = nullptr; ///< declaration of a weight or file; null before the first store
  moe::WeightFileOp file;          ///< that bytes were stored in last
  /// What was written, by hash and type.
  llvm::DenseMap<std::pair<uint64_t, mlir::Type>, llvm::SmallVector<moe::WeightDataOp, 1>> written;
};

/// A name for a weight that replaces `value`: the symbol of the weight behind it, else `otherwise`.
llvm::StringRef getWeightName(mlir::Value value, llvm::StringRef otherwise);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_WEIGHTEDITOR_H

//===- RuntimeCalls.h - Calls of the runtime from generated code -------------------------*- C++
//-*-===//
//
// The declarations of moec_rt/kernel_abi.h in the LLVM dialect.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_CONVERSION_MOECTOLLVM_RUNTIMECALLS_H
#define MOEC_PASSES_CONVERSION_MOECTOLLVM_RUNTIMECALLS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringSet.h"

namespace moec {

/// The symbol of the function the runtime calls (moec_rt_entry).
inline constexpr llvm::StringLiteral kEntryName = "moec_entry";

/// `moec_rt_buffer` as an LLVM type.
mlir::Type getBufferType(mlir::MLIRContext *context);

/// Emits calls; declares functions and strings in the module on first use.
class RuntimeCalls {
public:
  explicit RuntimeCalls(mlir::ModuleOp module);

  mlir::Value emitAlloc(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value context,
                        mlir::Value bytes);
  void emitFree(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value context,
                mlir::Value memory);
  /// `sizes` points to the sizes, of which there are `numSizes`; where the result's entries start
  /// is stored as a pointer to `offsets`.
  mlir::Value emitPlan(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value context,
                       int64_t numSizes, llvm::ArrayRef<int32_t> entries, mlir::Value sizes,
                       mlir::Value offsets);
  mlir::Value emitPlace(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value context,
                        mlir::Value entry, mlir::Value bytes);
  void emitAppendState(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value context,
                       mlir::Value rows);
  void emitParallel(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value context,
                    mlir::Value task, mlir::Value arguments, mlir::Value count, mlir::Value grain);
  /// `node` is the address of the node's name, as an i64; by default the name is the location's.
  void emitFail(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value context, mlir::Value node,
                llvm::StringRef message);
  /// `function` is one of moec_rt_profile_*, `number` its count or stretch, `work` what follows.
  void emitProfile(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef function,
                   mlir::Value context, int64_t number, mlir::ValueRange work = {});
  /// The address of the text, which ends with a zero.
  mlir::Value emitString(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef text);
  /// The address of the first byte of the packed weights.
  mlir::Value emitWeights(mlir::OpBuilder &builder, mlir::Location loc);

private:
  void declare(llvm::StringRef name, mlir::Type result, llvm::ArrayRef<mlir::Type> arguments);
  mlir::Value emitCall(mlir::OpBuilder &builder, mlir::Location loc, llvm::StringRef name,
                       mlir::Type result, mlir::ValueRange operands);
  /// Whether there is no such symbol yet; there is one from now on.
  bool isNew(llvm::StringRef symbol) { return symbols.insert(symbol).second; }

  mlir::ModuleOp module;
  llvm::StringSet<> symbols; ///< A search of the module for each would be quadratic.
};

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_MOECTOLLVM_RUNTIMECALLS_H

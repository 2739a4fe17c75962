//===- ModuleWeights.h - The files behind the weights of a module ------------------------*- C++
//-*-===//
#ifndef MOEC_DIALECTS_MOE_MODULEWEIGHTS_H
#define MOEC_DIALECTS_MOE_MODULEWEIGHTS_H

#include "moec/Weights/WeightStore.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace moec {

/// The `moe.weight_file` operations of a module, and the store that holds what they name.
class ModuleWeights {
public:
  explicit ModuleWeights(std::unique_ptr<WeightStore> store) : store(std::move(store)) {}

  /// Opens the files that a module names. Fails where one is missing, has another size, or was not
  /// kept.
  static llvm::Expected<ModuleWeights> open(mlir::ModuleOp module, WeightStoreOptions options = {});

  WeightStore &getStore() const { return *store; }

  /// Declares a file of the store in the module, once; returns its symbol.
  llvm::StringRef declare(mlir::ModuleOp module, uint32_t file);
  /// The number of a declared file in the store.
  std::optional<uint32_t> lookup(llvm::StringRef symbol) const;

  /// To be called before the module's IR is written to `output`. Weights that were decoded or made
  /// are in no file of their own yet: they go into OUTPUT.weights (OUTPUT.2.weights if the module
  /// has weights in a file of that name), which the module names then. For "-", standard output,
  /// there is a warning: the module has an empty path for them, so that it can be read again but
  /// not compiled. Errors are emitted at the module.
  mlir::LogicalResult keepBeside(mlir::ModuleOp module, llvm::StringRef output);

private:
  std::unique_ptr<WeightStore> store;
  llvm::StringMap<uint32_t> files;                   ///< by symbol
  llvm::DenseMap<uint32_t, llvm::StringRef> symbols; ///< of declared files; keys of `files`
};

/// The weights of a module on its way through the compiler, for whoever reads them or makes new
/// ones. They are opened when they are first asked for, unless the importer has set them, and kept
/// by the context until they are closed. Fails, with an error, if they cannot be
/// opened.
mlir::FailureOr<ModuleWeights *> getModuleWeights(mlir::ModuleOp module);
/// Those that are open already; null if none are.
ModuleWeights *findModuleWeights(mlir::ModuleOp module);
void setModuleWeights(mlir::ModuleOp module, ModuleWeights weights);
/// Forgets them, before the module goes.
void closeModuleWeights(mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_DIALECTS_MOE_MODULEWEIGHTS_H

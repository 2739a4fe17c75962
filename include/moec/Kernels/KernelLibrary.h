//===- KernelLibrary.h - Kernels written as MLIR text
//---------------------------------------------===//
//
// Algorithms that are no loop nests over tensors (top-k, sorting, scatter, running sums), as
// functions on row-major buffers with dynamic sizes. What each kernel takes and computes stands at
// the head of its text, lib/Kernels/Library/<base>.mlir.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_KERNELS_KERNELLIBRARY_H
#define MOEC_KERNELS_KERNELLIBRARY_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringRef.h"
#include <string>

namespace moec {

/// The module with the kernel `name` of the library: one function of that name, without calls. Null
/// if the library has no such kernel.
///
/// A name is `<base>_<type>`, with a type of MLIR's spelling (`topk_f32`, `scatter_add_i64`);
/// `ui8`, `ui16`, … for integers that are compared without a sign, stored as i8, i16, …
///
/// The arith, func, memref, par and scf dialects must be loaded into the context.
mlir::OwningOpRef<mlir::ModuleOp> instantiateLibraryKernel(mlir::MLIRContext &context,
                                                           llvm::StringRef name);

/// The name of kernel `base` for elements of a type as in the model (signless, `ui8`, `f16`, …).
std::string getLibraryKernelName(llvm::StringRef base, mlir::Type elementType);

/// The bases of all kernels, in alphabetical order.
llvm::ArrayRef<llvm::StringRef> getLibraryKernelBases();

} // namespace moec

#endif // MOEC_KERNELS_KERNELLIBRARY_H

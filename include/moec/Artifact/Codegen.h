//===- Codegen.h - from LLVM IR to object code --------------------------------===//
//
// All functions here may run side by side on modules of different contexts.
//
//===----------------------------------------------------------------------===//

#ifndef MOEC_ARTIFACT_CODEGEN_H
#define MOEC_ARTIFACT_CODEGEN_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

namespace llvm {
class Module;
class raw_pwrite_stream;
} // namespace llvm

namespace moec {

struct CpuTarget;
struct Signature;

/// The name of the function behind moec_rt_program::entry, if not said otherwise.
inline constexpr char defaultEntryName[] = "moec_entry";

/// Adds the constant `moec_rt_model_program` that tells the runtime what the model is. `entryName`
/// is a function of this or another module, of type void(ptr context, ptr inputs, ptr outputs); it
/// is declared where missing. Fails if the signature does not verify.
llvm::Error emitProgram(llvm::Module &module, const Signature &signature, uint64_t featureBits,
                        uint64_t weightsSize, llvm::StringRef entryName = defaultEntryName);

enum class CodeKind { Object, Assembly };

/// Verifies the module, sets triple, data layout and per-function target attributes, and runs
/// LLVM's pipeline of `level` (0 to 3; from 2 on with loop and SLP vectorisation). Functions lose
/// any target attributes they had. The module can then be printed (--emit=llvm) or given to
/// emitCode.
llvm::Error optimizeModule(llvm::Module &module, const CpuTarget &target, unsigned level);

/// Emits an optimised module. Changes it: print it before.
llvm::Error emitCode(llvm::Module &module, const CpuTarget &target, unsigned level, CodeKind kind,
                     llvm::raw_pwrite_stream &out);

/// optimizeModule, then emitCode: position-independent, one section per function.
llvm::Error compileToObject(llvm::Module &module, const CpuTarget &target, unsigned level,
                            llvm::SmallVectorImpl<char> &object);

} // namespace moec

#endif // MOEC_ARTIFACT_CODEGEN_H

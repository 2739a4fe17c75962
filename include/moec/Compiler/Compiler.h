//===- Compiler.h - From a model to a shared object --------------------------------------*- C++
//-*-===//
#ifndef MOEC_COMPILER_COMPILER_H
#define MOEC_COMPILER_COMPILER_H

#include "moec/Artifact/Artifact.h"
#include "moec/Pipelines/Phase.h"
#include "moec/Pipelines/Plan.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/raw_ostream.h"
#include <functional>
#include <optional>
#include <string>

namespace moec {

/// What `moec compile` is asked to do.
struct CompileOptions {
  std::string input;  ///< .onnx, .mlir or bytecode; "-" is standard input
  std::string output; ///< the shared object, or the IR of `emit`; "-" is standard output (IR only)
  Phase emit = Phase::Object; ///< stop after this phase
  std::optional<Phase>
      from; ///< the phase the input has gone through; by default import of an ONNX file
  std::string targetCpu = "native";
  bool raise = true; ///< recognise routers, experts, attention; else compile the nodes as they are
  bool fuse = true;  ///< in `optimize`, where that is cheaper
  bool fuseGates = false; ///< there, the gates of feed-forward layers, too
  /// What `compress` does; see Plan. Needs a raised model.
  Plan plan;
  /// Where a report of what was done goes, as JSON; empty: nowhere; "-": standard output.
  std::string report;
  /// Where the plan goes that does again what was done; the same.
  std::string savePlan;
  unsigned jobs = 0;              ///< threads; 0: one a CPU
  unsigned optimizationLevel = 3; ///< of LLVM, 0 to 3
  std::string weightsFile;        ///< put the weights into this file beside the artifact instead
  bool allowLinkedWeights = false;
  /// Results of nodes of an ONNX model, by name, that become outputs after those of the model (see
  /// moec/Compiler/ModelValues.h).
  std::vector<std::string> observe;
  /// Let the code count what it does for each node of the model; see moec/Client/Profile.h.
  bool profile = false;
  /// Caches that sessions keep: "auto", or INPUT:OUTPUT,…; empty: none. For a model that has not
  /// gone through `normalize`.
  std::string state;
  int64_t contextSize = 4096; ///< rows that a session's state has room for
  LinkOptions link;           ///< where linker and runtime are
  /// Where IR goes whose output is "-".
  llvm::raw_ostream *standardOutput = nullptr;
  /// Told the name of each phase as it starts; may be empty.
  std::function<void(llvm::StringRef)> progress;
};

/// Compiles. Diagnostics go to the context's handlers, at the model's nodes; the output is replaced
/// at once or not at all.
llvm::LogicalResult compile(const CompileOptions &options, mlir::MLIRContext &context);

} // namespace moec

#endif // MOEC_COMPILER_COMPILER_H

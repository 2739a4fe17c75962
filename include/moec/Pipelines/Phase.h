//===- Phase.h - The way of a model through the compiler ---------------------------------*- C++
//-*-===//
#ifndef MOEC_PIPELINES_PHASE_H
#define MOEC_PIPELINES_PHASE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace moec {

/// The phases, in order. `moec compile --emit=PHASE` stops after one.
enum class Phase {
  Import,
  Normalize,
  Raise,
  Compress,
  Optimize,
  Lower,
  Bufferize,
  LLVM,
  Object,
};

struct PhaseInfo {
  Phase phase;
  llvm::StringLiteral name;
  /// The form of the program afterwards.
  llvm::StringLiteral contract;
};

inline constexpr PhaseInfo kPhases[] = {
    {Phase::Import, "import",
     "one onnx.node per node of the file, weights by reference, functions of the model inlined"},
    {Phase::Normalize, "normalize",
     "types and shapes known as far as they can be, arithmetic on shapes folded, every operator "
     "supported"},
    {Phase::Raise, "raise",
     "routers, experts, attention, norms and linear layers are moe operations; the rest onnx.node"},
    {Phase::Compress, "compress",
     "the same operations with other weights and structure, as a plan says; without one as before"},
    {Phase::Optimize, "optimize",
     "experts are rows in order by expert and products of them; the last form that holds for every "
     "target"},
    {Phase::Lower, "lower",
     "linalg, tensor, scf and kernel operations on tensors; elementwise chains fused"},
    {Phase::Bufferize, "bufferize",
     "buffers that are allocated and freed, kernels linked, loops and tasks"},
    {Phase::LLVM, "llvm", "the LLVM dialect"},
    {Phase::Object, "object", "a shared object"},
};

inline const PhaseInfo &getPhaseInfo(Phase phase) { return kPhases[static_cast<unsigned>(phase)]; }

inline std::optional<Phase> parsePhase(llvm::StringRef name) {
  for (const PhaseInfo &info : kPhases)
    if (info.name == name)
      return info.phase;
  return std::nullopt;
}

} // namespace moec

#endif // MOEC_PIPELINES_PHASE_H

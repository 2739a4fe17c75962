#include "dialects/MoE/ModuleWeights.h"
#include "passes/Compression/Passes.h"

namespace moec {
#define GEN_PASS_DEF_KEEPWEIGHTSPASS
#include "passes/Compression/Passes.h.inc"

using namespace mlir;

namespace {

struct KeepWeights : impl::KeepWeightsPassBase<KeepWeights> {
  using KeepWeightsPassBase::KeepWeightsPassBase;

  void runOnOperation() override {
    // Where no pass has opened the weights, none was made.
    if (ModuleWeights *weights = findModuleWeights(getOperation()))
      if (failed(weights->keepBeside(getOperation(), output)))
        signalPassFailure();
  }
};

} // namespace
} // namespace moec

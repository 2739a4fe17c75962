//===- ModelSummary.h - What is in a model ---------------------------------------------*- C++
//-*-===//
#ifndef MOEC_FRONTEND_MODELSUMMARY_H
#define MOEC_FRONTEND_MODELSUMMARY_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace moec {

/// An input or output as the model declares it.
struct TensorSummary {
  std::string name;
  std::string type;               ///< "float32"; "" if the model does not say
  bool ranked = false;            ///< whether `shape` is known
  std::vector<std::string> shape; ///< sizes, names of sizes, or "?"
};

struct ModelSummary {
  std::string producer;                                ///< "" if the model does not say
  std::vector<std::pair<std::string, int64_t>> opsets; ///< domain and version
  std::vector<TensorSummary> inputs, outputs;
  std::vector<std::pair<std::string, int64_t>> operators; ///< nodes by operator, most first
  int64_t nodes = 0;                                      ///< those of subgraphs included
  int64_t parameterTensors = 0;
  int64_t parameters =
      0; ///< elements of weights and of floating-point constants that are no scalars
  int64_t parameterBytes = 0;
};

/// Summarises a module after `import`.
ModelSummary summarizeModel(mlir::ModuleOp module);

} // namespace moec

#endif // MOEC_FRONTEND_MODELSUMMARY_H

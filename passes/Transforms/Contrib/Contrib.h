//===- Contrib.h - ONNX Runtime's operators in terms of ONNX's -----------------------------*- C++
//-*-===//
//
// What they mean is in ONNX Runtime's docs/ContribOperators.md and its CPU kernels.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_PASSES_TRANSFORMS_CONTRIB_CONTRIB_H
#define MOEC_PASSES_TRANSFORMS_CONTRIB_CONTRIB_H

#include "passes/Conversion/MoEToONNX/Spelling.h"

#include "mlir/IR/BuiltinOps.h"

namespace moec {

/// Small and large constants whose bytes hold codes.
class CodedWeights {
public:
  explicit CodedWeights(mlir::ModuleOp module) : symbols(module) {}

  /// The bytes of `value`, a constant or a weight of 8-bit integers, as unsigned codes of `bits`
  /// bits each, low bits first: a constant of the sizes [rows, number of codes / rows]. Null if it
  /// is no such value. Weights stay where they are: a name more for the same bytes.
  mlir::Value read(Spelling &s, mlir::Value value, int64_t rows, unsigned bits);

private:
  mlir::SymbolTable symbols;
  llvm::DenseMap<std::pair<mlir::StringAttr, mlir::Type>, mlir::StringAttr> names;
};

/// Makes nodes in place of one and gives its results (null for those of type none). std::nullopt
/// where the node cannot be expressed so; what was made until then is not used.
using ExpandFn = std::optional<llvm::SmallVector<mlir::Value>> (*)(onnx::NodeOp, Spelling &,
                                                                   CodedWeights &);

/// By qualified operator name.
using ExpansionTable = llvm::StringMap<ExpandFn>;
void addLayerExpansions(ExpansionTable &table);
void addCodedExpansions(ExpansionTable &table);

} // namespace moec

#endif // MOEC_PASSES_TRANSFORMS_CONTRIB_CONTRIB_H

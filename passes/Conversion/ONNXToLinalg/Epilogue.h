//===- Epilogue.h - What is done to the elements of a product ----------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_EPILOGUE_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_EPILOGUE_H

#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"

namespace moec {

/// An epilogue as kernels take it (lib/Kernels/MatmulKernel.h).
class LoweredEpilogue {
public:
  /// `attribute` may be null: nothing but biases and residuals are added.
  LoweredEpilogue(NodeLowering &lowering, moe::EpilogueAttr attribute, bool hasBias,
                  bool hasResidual);

  bool isGated() const { return attribute && attribute.getGated(); }
  /// What stands between panels and type in the kernel's name: "bias_silu_glu".
  const std::string &name() const { return name_; }
  /// alpha, offset and limit.
  llvm::SmallVector<mlir::Value> numbers() const;
  /// The result from a product whose bias is added, and a residual, if there is one, element by
  /// element: for what no kernel does. Null, with an error at the operation, if sizes differ.
  mlir::Value emitElements(mlir::Value product, mlir::Value residual,
                           llvm::ArrayRef<SymExpr> dims) const;

private:
  mlir::Value number(mlir::FloatAttr given, double otherwise) const;

  NodeLowering &lowering;
  moe::EpilogueAttr attribute;
  std::string name_;
};

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_EPILOGUE_H

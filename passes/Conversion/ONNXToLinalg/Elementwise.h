//===- Elementwise.h - What the families of elementwise operators share ------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_CONVERSION_ONNXTOLINALG_ELEMENTWISE_H
#define MOEC_PASSES_CONVERSION_ONNXTOLINALG_ELEMENTWISE_H

#include "passes/Conversion/ONNXToLinalg/Broadcast.h"
#include "passes/Conversion/ONNXToLinalg/NodeLowering.h"
#include "passes/Conversion/ONNXToLinalg/ScalarEmitter.h"

namespace moec {

using NodeResults = llvm::FailureOr<llvm::SmallVector<mlir::Value>>;

/// A formula on elements of the compute type of the first of `operands`.
using ElementFormula = llvm::function_ref<mlir::Value(ScalarEmitter &, mlir::ValueRange)>;

/// Result 0 of a node by a formula from the elements of some of its operands, which broadcast to
/// it. Elements come in their compute types; the formula's value is rounded to the result's type.
NodeResults lowerByFormula(NodeLowering &lowering, llvm::ArrayRef<unsigned> operands,
                           ElementFormula formula);

/// … from all operands that are there.
NodeResults lowerByFormula(NodeLowering &lowering, ElementFormula formula);

/// Whether operand i has unsigned elements (Booleans are).
bool isUnsignedOperand(NodeLowering &lowering, unsigned i);

/// A float towards zero as an integer. Where it does not fit, and for NaN: the lowest i32 (targets
/// narrower than 32 bits take its low bits), the lowest i64 for i64 and ui32 (of which ui32 takes
/// the low bits, 0).
mlir::Value emitFloatToInteger(ScalarEmitter &s, mlir::Value x, mlir::IntegerType type,
                               bool isUnsigned);

// One a family, each in its own file.
void addActivationHandlers(NodeHandlerTable &table);
void addBinaryHandlers(NodeHandlerTable &table);
void addCastHandlers(NodeHandlerTable &table);
void addLogicHandlers(NodeHandlerTable &table);
void addUnaryHandlers(NodeHandlerTable &table);

} // namespace moec

#endif // MOEC_PASSES_CONVERSION_ONNXTOLINALG_ELEMENTWISE_H

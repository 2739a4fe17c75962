//===- ShapesFixture.h - The analysis of a function given as text
//-------------------------------------===//
#ifndef MOEC_TEST_UNIT_ANALYSIS_SHAPESFIXTURE_H
#define MOEC_TEST_UNIT_ANALYSIS_SHAPESFIXTURE_H

#include "dialects/ONNX/ONNXOps.h"
#include "passes/Analysis/SymbolicShapes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

namespace moec {

class ShapesFixture : public testing::Test {
protected:
  ShapesFixture() { context.loadDialect<onnx::ONNXDialect, mlir::func::FuncDialect>(); }

  /// Analyses the one function in `source`.
  void analyze(llvm::StringRef source) {
    module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
    ASSERT_TRUE(module);
    function = *module->getOps<mlir::func::FuncOp>().begin();
    shapes = std::make_unique<SymbolicShapes>(function);
  }

  /// What the function returns as result i.
  const SymbolicValue &result(unsigned i = 0) {
    return shapes->get(function.getBody().front().getTerminator()->getOperand(i));
  }
  SymExpr dim(unsigned argument, int64_t i) {
    return shapes->get(function.getArgument(argument)).dims[i];
  }
  SymExpr constant(int64_t value) { return shapes->getSymbols().constant(value); }
  SymContext &symbols() { return shapes->getSymbols(); }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp function;
  std::unique_ptr<SymbolicShapes> shapes;
};

} // namespace moec

#endif // MOEC_TEST_UNIT_ANALYSIS_SHAPESFIXTURE_H

#include "moec/Kernels/Kernels.h"

#include "dialects/Par/ParOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace moec;

namespace {

struct MatmulKernel : testing::Test {
  MatmulKernel() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect, math::MathDialect,
                        memref::MemRefDialect, par::ParDialect, scf::SCFDialect,
                        vector::VectorDialect>();
  }
  MLIRContext context;
  KernelOptions options;
};

TEST_F(MatmulKernel, EveryFormExistsForEveryWidthOfPanels) {
  Builder builder(&context);
  for (Type type : {Type(builder.getF32Type()), Type(builder.getF64Type())}) {
    std::string name = type.isF32() ? "_f32" : "_f64";
    SmallVector<std::string> names{"matmul" + name, "matmul_nt" + name,
                                   "matmul_ragged_packed" + name};
    if (type.isF32())
      for (const char *format : {"i8_none_f16", "ui4_each_f32", "ui4_uniform_bf16"})
        names.push_back("matmul_ragged_coded_" + std::string(format) + name);
    for (int64_t columns : {1, 30, 1000}) {
      std::string panel = "_" + std::to_string(getPanelColumns(type, columns, options));
      for (std::string form :
           {"matmul_packed", "matmul_grouped_packed", "matmul_grouped", "matmul_grouped_nt"})
        names.push_back(form + panel + name);
      for (std::string form : {"matmul_packed", "matmul_grouped_packed"})
        for (std::string epilogue : {"_identity", "_bias_gelu_tanh", "_bias_silu_glu", "_relu_glu"})
          names.push_back(form + panel + epilogue + name);
      names.push_back("matmul_packed" + panel + "_bias_relu_squared_residual" + name);
      for (std::string form : {"matmul_grouped", "matmul_grouped_nt"})
        for (std::string half : {"_f16", "_bf16"})
          names.push_back(form + panel + half + name);
    }
    for (const std::string &kernel : names) {
      OwningOpRef<ModuleOp> module = instantiateKernel(context, kernel, options);
      ASSERT_TRUE(module) << kernel;
      EXPECT_TRUE(succeeded(verify(*module))) << kernel;
      EXPECT_TRUE(module->lookupSymbol(kernel)) << kernel;
    }
  }
}

TEST_F(MatmulKernel, UnknownNamesGiveNothing) {
  for (StringRef name :
       {"matmul_f16", "matmul_packed_f32", "matmul_packed_3_f32", "matmul_grouped_f32",
        "matmul_grouped_3_f32", "matmul_grouped_nt_16", "matmul_grouped_16_i8_f32",
        "matmul_ragged_f32", "matmul_ragged_packed_16_f32", "matmul_ragged_coded_f32",
        "matmul_ragged_coded_i8_none_f16_f64", "matmul_packed_16_mish_f32",
        "matmul_packed_16_silu_", "matmul_grouped_16_silu_f32",
        "matmul_grouped_packed_16_silu_residual_f32", "matmul_packed_16_residual_silu_f32"})
    EXPECT_FALSE(instantiateKernel(context, name, options)) << name.str();
}

} // namespace

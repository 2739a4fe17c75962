#include "moec/Kernels/KernelLibrary.h"

#include "dialects/Par/ParOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Verifier.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace moec;

namespace {

struct KernelLibrary : testing::Test {
  KernelLibrary() {
    context.loadDialect<arith::ArithDialect, func::FuncDialect, memref::MemRefDialect,
                        par::ParDialect, scf::SCFDialect>();
  }
  MLIRContext context;
};

TEST_F(KernelLibrary, EveryKernelExistsForEveryType) {
  for (StringRef base : getLibraryKernelBases())
    for (StringRef type : {"f16", "bf16", "f32", "f64", "i1", "i8", "i16", "i32", "i64", "ui8",
                           "ui16", "ui32", "ui64"}) {
      std::string name = (base + "_" + type).str();
      OwningOpRef<ModuleOp> module = instantiateLibraryKernel(context, name);
      ASSERT_TRUE(module) << name;
      EXPECT_TRUE(succeeded(verify(*module))) << name;
      auto functions = llvm::to_vector(module->getOps<func::FuncOp>());
      ASSERT_EQ(functions.size(), 1u) << name;
      EXPECT_EQ(functions[0].getName().str(), name);
      functions[0].walk([&](func::CallOp call) { ADD_FAILURE() << name << " has a call"; });
    }
}

TEST_F(KernelLibrary, UnknownNamesGiveNothing) {
  for (StringRef name : {"topk", "topk_", "topk_f31", "_f32", "", "no_such_kernel_f32"})
    EXPECT_FALSE(instantiateLibraryKernel(context, name)) << name.str();
}

TEST_F(KernelLibrary, NamesSaySignsOnlyWhereTheModelDoes) {
  Builder builder(&context);
  EXPECT_EQ(getLibraryKernelName("topk", builder.getF32Type()), "topk_f32");
  EXPECT_EQ(getLibraryKernelName("topk", builder.getIntegerType(64)), "topk_i64");
  EXPECT_EQ(getLibraryKernelName("topk", builder.getIntegerType(8, /*isSigned=*/false)),
            "topk_ui8");
}

} // namespace

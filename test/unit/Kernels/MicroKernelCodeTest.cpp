//===- MicroKernelCodeTest.cpp - What the matrix kernels are compiled to
//------------------------===//
//
// Counts in the assembly of every micro-kernel: no vector goes to the stack, and a step along the
// depth is as many multiply-adds as the tile has registers, a load per register of B, a broadcast
// per row of A.
//
//===-----------------------------------------------------------------------------------------===//
#include "moec/Artifact/Codegen.h"
#include "moec/InitAll.h"
#include "moec/Pipelines/Lowering.h"
#include "moec/Target/CpuTarget.h"
#include "moec_rt/kernel_abi.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace moec;
using llvm::StringRef;

namespace {

constexpr StringRef program = R"mlir(
func.func @main(%a: memref<1x?x?x$T>, %b: memref<1x?x?x$T>) -> memref<1x?x?x$T> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %m = memref.dim %a, %c1 : memref<1x?x?x$T>
  %n = memref.dim %b, %c2 : memref<1x?x?x$T>
  %c = memref.alloc(%m, %n) : memref<1x?x?x$T>
  kernel.call @matmul_$T ins(%a, %b : memref<1x?x?x$T>, memref<1x?x?x$T>) outs(%c : memref<1x?x?x$T>)
  return %c : memref<1x?x?x$T>
}
)mlir";

/// With a second matrix of codes, packed in panels of $P columns.
constexpr StringRef codedProgram = R"mlir(
func.func @main(%a: memref<1x?x?xf32>, %b: memref<1x?x?x$Pxi8>, %s: memref<1x?x?x$Px$S>, %zeros: memref<1x?x?x$Pxi8>)
    -> memref<1x?x?xf32> {
  %c1 = arith.constant 1 : index
  %c32 = arith.constant 32 : index
  %zero = arith.constant 8 : i32
  %n = arith.constant 100 : index
  %m = memref.dim %a, %c1 : memref<1x?x?xf32>
  %c = memref.alloc(%m, %n) : memref<1x?x?xf32>
  kernel.call @matmul_coded_$F_$S_$P_f32 ins(%a, %b, %s, $V, %c32
    : memref<1x?x?xf32>, memref<1x?x?x$Pxi8>, memref<1x?x?x$Px$S>, $Z, index) outs(%c : memref<1x?x?xf32>)
  return %c : memref<1x?x?xf32>
}
)mlir";

std::string replace(StringRef source,
                    llvm::ArrayRef<std::pair<StringRef, std::string>> replacements) {
  std::string text = source.str();
  for (const auto &[key, value] : replacements)
    for (size_t at; (at = text.find(key)) != std::string::npos;)
      text.replace(at, key.size(), value);
  return text;
}

/// The assembly of a program for that CPU.
std::string compile(const std::string &text, const CpuTarget &target) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  LoweringOptions options;
  options.vectorBytes = target.vectorBytes;
  options.vectorRegisters = target.vectorRegisters;
  options.fusesMultiplyAdd = target.has(MOEC_FEATURE_FMA);
  mlir::PassManager pm(&context);
  buildBufferizePipeline(pm, options);
  buildLLVMPipeline(pm, options);
  if (!module || mlir::failed(pm.run(*module)))
    return "";
  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> llvmModule = mlir::translateModuleToLLVMIR(*module, llvmContext);
  llvm::SmallString<0> assembly;
  llvm::raw_svector_ostream stream(assembly);
  if (!llvmModule || llvm::errorToBool(optimizeModule(*llvmModule, target, 3)) ||
      llvm::errorToBool(emitCode(*llvmModule, target, 3, CodeKind::Assembly, stream)))
    return "";
  return assembly.str().str();
}

/// The lines of each function whose name starts with "micro_".
std::vector<std::pair<std::string, std::vector<std::string>>> microKernels(StringRef assembly) {
  std::vector<std::pair<std::string, std::vector<std::string>>> result;
  bool inside = false;
  llvm::SmallVector<StringRef, 0> lines;
  assembly.split(lines, '\n');
  for (StringRef line : lines) {
    if (line.starts_with("micro_") && line.contains(':')) {
      result.emplace_back(line.split(':').first.str(), std::vector<std::string>());
      inside = true;
    } else if (line.starts_with(".Lfunc_end")) {
      inside = false;
    } else if (inside) {
      result.back().second.push_back(line.trim().str());
    }
  }
  return result;
}

unsigned count(const std::vector<std::string> &lines, StringRef pattern) {
  llvm::Regex regex(pattern);
  return llvm::count_if(lines, [&](const std::string &line) { return regex.match(line); });
}

class MicroKernelCodeTest : public testing::TestWithParam<std::tuple<const char *, const char *>> {
};

TEST_P(MicroKernelCodeTest, KeepsItsTileInRegisters) {
  auto [type, cpu] = GetParam();
  llvm::Expected<CpuTarget> target = CpuTarget::parse(cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  auto kernels = microKernels(compile(replace(program, {{"$T", type}}), *target));
  ASSERT_FALSE(kernels.empty());
  unsigned elementBytes = StringRef(type) == "f32" ? 4 : 8;
  for (const auto &[name, lines] : kernels) {
    SCOPED_TRACE(name);
    EXPECT_EQ(count(lines, "mov[au]p[sd].*%[xyz]mm[0-9]+, .*\\(%r[sb]p\\)"), 0u)
        << "a vector is spilled";
    EXPECT_EQ(count(lines, "^call"), 0u) << "is no leaf";
    // micro_[masked_]T_COLUMNS_rROWS
    llvm::SmallVector<StringRef> parts;
    StringRef(name).split(parts, '_');
    unsigned columns = 0, rows = 0;
    ASSERT_FALSE(parts[parts.size() - 2].getAsInteger(10, columns));
    ASSERT_FALSE(parts.back().drop_front().getAsInteger(10, rows));
    unsigned vectors = columns * elementBytes / target->vectorBytes;
    if (target->has(MOEC_FEATURE_FMA) && !StringRef(name).contains("masked")) {
      // The loop may be unrolled: a whole number of steps, all alike.
      unsigned fused = count(lines, "vfmadd"), steps = fused / (rows * vectors);
      EXPECT_GE(steps, 1u);
      EXPECT_EQ(fused, steps * rows * vectors);
    }
  }
}

class CodedMicroKernelTest : public MicroKernelCodeTest {};

TEST_P(CodedMicroKernelTest, DecodesInRegisters) {
  auto [format, cpu] = GetParam();
  llvm::Expected<CpuTarget> target = CpuTarget::parse(cpu);
  ASSERT_TRUE(bool(target)) << llvm::toString(target.takeError());
  auto [codes, scale] = StringRef(format).rsplit('_');
  for (unsigned vectors = 1; vectors <= (target->vectorRegisters >= 32 ? 4u : 2u); ++vectors) {
    std::string panel = std::to_string(vectors * target->vectorBytes / 4);
    bool each = codes.ends_with("each");
    auto kernels =
        microKernels(compile(replace(codedProgram, {{"$F", codes.str()},
                                                    {"$S", scale.str()},
                                                    {"$V", each ? "%zeros" : "%zero"},
                                                    {"$Z", each ? "memref<1x?x?x$Pxi8>" : "i32"},
                                                    {"$P", panel}}),
                             *target));
    unsigned numCoded = 0;
    for (const auto &[name, lines] : kernels) {
      SCOPED_TRACE(name);
      numCoded += StringRef(name).contains("coded");
      EXPECT_EQ(count(lines, "mov[au]p[sd].*%[xyz]mm[0-9]+, .*\\(%r[sb]p\\)"), 0u)
          << "a vector is spilled";
      EXPECT_EQ(count(lines, "^call"), 0u) << "is no leaf";
    }
    // Masked and not.
    EXPECT_EQ(numCoded, codes.ends_with("none") ? 8u : 6u);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, CodedMicroKernelTest,
                         testing::Combine(testing::Values("i4_none_f32", "ui4_uniform_f32",
                                                          "ui4_each_f32", "i8_none_f32",
                                                          "ui8_uniform_f32", "ui8_each_bf16"),
                                          testing::Values("x86-64-v3", "x86-64-v4")));
INSTANTIATE_TEST_SUITE_P(Targets, MicroKernelCodeTest,
                         testing::Combine(testing::Values("f32", "f64"),
                                          testing::Values("x86-64", "x86-64-v3", "x86-64-v4")));

} // namespace

#include "moec/Artifact/Codegen.h"
#include "moec/Artifact/Signature.h"
#include "moec/Target/CpuTarget.h"

#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace moec;

namespace {

// x[i] *= 2
const char scaleLoop[] = R"(
define void @scale(ptr noalias %x, i64 %n) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %next, %loop ]
  %p = getelementptr float, ptr %x, i64 %i
  %v = load float, ptr %p
  %w = fmul float %v, 2.0
  store float %w, ptr %p
  %next = add i64 %i, 1
  %done = icmp eq i64 %next, %n
  br i1 %done, label %exit, label %loop
exit:
  ret void
}
)";

std::unique_ptr<Module> parse(LLVMContext &context, StringRef text) {
  SMDiagnostic diagnostic;
  std::unique_ptr<Module> module = parseAssemblyString(text, diagnostic, context);
  EXPECT_TRUE(module) << diagnostic.getMessage().str();
  return module;
}

std::string assembly(StringRef text, StringRef cpu, unsigned level = 2) {
  LLVMContext context;
  std::unique_ptr<Module> module = parse(context, text);
  CpuTarget target = cantFail(CpuTarget::parse(cpu));
  cantFail(optimizeModule(*module, target, level));
  SmallString<0> code;
  raw_svector_ostream stream(code);
  cantFail(emitCode(*module, target, level, CodeKind::Assembly, stream));
  return code.str().str();
}

bool contains(const std::string &text, const char *part) {
  return text.find(part) != std::string::npos;
}

} // namespace

// The registers that a vectorised loop uses are those of the target, at full width.
TEST(Codegen, VectorsOfTheTarget) {
  std::string v1 = assembly(scaleLoop, "x86-64");
  EXPECT_TRUE(contains(v1, "%xmm"));
  EXPECT_FALSE(contains(v1, "%ymm"));
  EXPECT_TRUE(contains(v1, "mulps") || contains(v1, "addps"));
  std::string v3 = assembly(scaleLoop, "x86-64-v3");
  EXPECT_TRUE(contains(v3, "%ymm"));
  EXPECT_FALSE(contains(v3, "%zmm"));
  // This CPU's description prefers 256 bits.
  for (const char *cpu : {"x86-64-v4", "skylake-avx512", "znver4"})
    EXPECT_TRUE(contains(assembly(scaleLoop, cpu), "%zmm")) << cpu;
  EXPECT_FALSE(contains(assembly(scaleLoop, "x86-64-v4", 0), "%zmm"));
}

TEST(Codegen, ObjectHasASectionPerFunction) {
  EXPECT_TRUE(contains(assembly(scaleLoop, "x86-64-v3"), ".text.scale"));
  LLVMContext context;
  std::unique_ptr<Module> module = parse(context, scaleLoop);
  SmallVector<char> object;
  cantFail(compileToObject(*module, cantFail(CpuTarget::parse("x86-64-v3")), 3, object));
  EXPECT_EQ(StringRef(object.data(), 4), "\x7f"
                                         "ELF");
}

TEST(Codegen, TargetAttributesAreReplaced) {
  LLVMContext context;
  std::unique_ptr<Module> module = parse(context, scaleLoop);
  module->getFunction("scale")->addFnAttr("target-features", "+amx-tile,+avx512f");
  cantFail(optimizeModule(*module, cantFail(CpuTarget::parse("x86-64-v3")), 2));
  EXPECT_FALSE(module->getFunction("scale")
                   ->getFnAttribute("target-features")
                   .getValueAsString()
                   .contains("avx512f"));
}

TEST(Codegen, RefusesInvalidModules) {
  LLVMContext context;
  Module module("broken", context);
  auto *function = Function::Create(FunctionType::get(Type::getInt32Ty(context), false),
                                    GlobalValue::ExternalLinkage, "f", module);
  IRBuilder<> builder(BasicBlock::Create(context, "entry", function));
  builder.CreateRetVoid();
  SmallVector<char> object;
  std::string message =
      toString(compileToObject(module, cantFail(CpuTarget::parse("x86-64")), 2, object));
  EXPECT_EQ(message.rfind("the generated LLVM IR is not valid: ", 0), 0u) << message;
  EXPECT_EQ(toString(optimizeModule(module, cantFail(CpuTarget::parse("x86-64")), 7)),
            "no optimisation level 7; expected 0 to 3");
}

TEST(Codegen, ProgramIsAddedOnce) {
  LLVMContext context;
  Module module("m", context);
  Signature signature;
  cantFail(emitProgram(module, signature, 0, 0));
  EXPECT_TRUE(module.getNamedGlobal("moec_rt_model_program")->hasHiddenVisibility());
  EXPECT_TRUE(module.getFunction("moec_entry")->isDeclaration());
  EXPECT_EQ(toString(emitProgram(module, signature, 0, 0)),
            "the module has a moec_rt_model_program already");
  signature.inputs.resize(2);
  EXPECT_EQ(toString(emitProgram(module, signature, 0, 0)), "signature: two inputs named ''");
}

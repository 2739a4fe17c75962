#include "moec/Artifact/Codegen.h"

#include "moec/Target/CpuTarget.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

using namespace llvm;

namespace moec {

namespace {

/// The CPU whose features are the baseline; CpuTarget::features come on top, and the CPU that code
/// is scheduled for is an attribute of functions.
constexpr char baselineCpu[] = "x86-64";

Expected<std::unique_ptr<TargetMachine>> createTargetMachine(const CpuTarget &cpuTarget,
                                                             unsigned level) {
  static const bool initialized = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    return true;
  }();
  (void)initialized;

  const Triple triple(cpuTarget.triple);
  std::string message;
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  if (!target)
    return createStringError(message);
  TargetOptions options;
  options.FunctionSections = true;
  options.DataSections = true;
  std::optional<CodeGenOptLevel> codegenLevel = CodeGenOpt::getLevel(level);
  if (!codegenLevel)
    return createStringError("no optimisation level %u; expected 0 to 3", level);
  return std::unique_ptr<TargetMachine>(
      target->createTargetMachine(triple, baselineCpu, cpuTarget.features, options, Reloc::PIC_,
                                  CodeModel::Small, *codegenLevel));
}

Error verify(const Module &module) {
  std::string message;
  raw_string_ostream stream(message);
  if (!verifyModule(module, &stream))
    return Error::success();
  return createStringError("the generated LLVM IR is not valid: " +
                           StringRef(message).rtrim().str());
}

void setFunctionAttributes(Module &module, const CpuTarget &target) {
  const std::string vectorWidth = std::to_string(target.vectorBytes * 8);
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", baselineCpu);
    function.addFnAttr("target-features", target.features);
    function.addFnAttr("tune-cpu", target.cpu);
    // Some CPUs' descriptions ask for half the width (a question of clock rates years ago).
    function.addFnAttr("prefer-vector-width", vectorWidth);
    function.addFnAttr("min-legal-vector-width", vectorWidth);
  }
}

OptimizationLevel optimizationLevel(unsigned level) {
  switch (level) {
  case 0:
    return OptimizationLevel::O0;
  case 1:
    return OptimizationLevel::O1;
  case 2:
    return OptimizationLevel::O2;
  default:
    return OptimizationLevel::O3;
  }
}

void runPipeline(Module &module, TargetMachine &machine, unsigned level) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = level >= 2;
  tuning.LoopInterleaving = level >= 2;
  tuning.SLPVectorization = level >= 2;
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loopAnalyses;
  FunctionAnalysisManager functionAnalyses;
  CGSCCAnalysisManager cgsccAnalyses;
  ModuleAnalysisManager moduleAnalyses;
  TargetLibraryInfoImpl library(machine.getTargetTriple());
  functionAnalyses.registerPass([&] { return TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(moduleAnalyses);
  builder.registerCGSCCAnalyses(cgsccAnalyses);
  builder.registerFunctionAnalyses(functionAnalyses);
  builder.registerLoopAnalyses(loopAnalyses);
  builder.crossRegisterProxies(loopAnalyses, functionAnalyses, cgsccAnalyses, moduleAnalyses);
  ModulePassManager passes = builder.buildPerModuleDefaultPipeline(optimizationLevel(level));
  passes.run(module, moduleAnalyses);
}

} // namespace

Error optimizeModule(Module &module, const CpuTarget &target, unsigned level) {
  Expected<std::unique_ptr<TargetMachine>> machine = createTargetMachine(target, level);
  if (!machine)
    return machine.takeError();
  module.setTargetTriple((*machine)->getTargetTriple());
  module.setDataLayout((*machine)->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  setFunctionAttributes(module, target);
  if (Error error = verify(module))
    return error;
  runPipeline(module, **machine, level);
  return Error::success();
}

Error emitCode(Module &module, const CpuTarget &target, unsigned level, CodeKind kind,
               raw_pwrite_stream &out) {
  Expected<std::unique_ptr<TargetMachine>> machine = createTargetMachine(target, level);
  if (!machine)
    return machine.takeError();
  legacy::PassManager passes;
  passes.add(new TargetLibraryInfoWrapperPass((*machine)->getTargetTriple()));
  const CodeGenFileType type =
      kind == CodeKind::Object ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
  if ((*machine)->addPassesToEmitFile(passes, out, nullptr, type))
    return createStringError("this LLVM cannot emit code for %s", target.triple.c_str());
  passes.run(module);
  return Error::success();
}

Error compileToObject(Module &module, const CpuTarget &target, unsigned level,
                      SmallVectorImpl<char> &object) {
  if (Error error = optimizeModule(module, target, level))
    return error;
  raw_svector_ostream stream(object);
  return emitCode(module, target, level, CodeKind::Object, stream);
}

} // namespace moec

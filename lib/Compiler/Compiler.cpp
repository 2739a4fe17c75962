#include "moec/Compiler/Compiler.h"

#include "ArtifactWeights.h"
#include "CodePartitions.h"
#include "CompressionReport.h"
#include "ProfileFromIR.h"
#include "SignatureFromIR.h"

#include "dialects/Kernel/KernelOps.h"
#include "dialects/MoE/MoEOps.h"
#include "dialects/MoE/ModuleWeights.h"
#include "moec/Artifact/Codegen.h"
#include "moec/Frontend/LoadModule.h"
#include "moec/Pipelines/Compress.h"
#include "moec/Pipelines/Lowering.h"
#include "moec/Pipelines/Normalize.h"
#include "moec/Pipelines/Optimize.h"
#include "moec/Pipelines/Raise.h"
#include "moec/Support/AtomicFile.h"
#include "passes/Transforms/Passes.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/ThreadPool.h"

using namespace mlir;
using namespace moec;

namespace {

/// One compilation.
class Compilation {
public:
  Compilation(const CompileOptions &options, MLIRContext &context)
      : options(options), context(context) {}
  ~Compilation() {
    if (module)
      closeModuleWeights(*module);
  }

  LogicalResult run() {
    llvm::Expected<CpuTarget> parsed = CpuTarget::parse(options.targetCpu);
    if (!parsed)
      return fail(parsed.takeError());
    target = std::move(*parsed);
    start("import");
    ImportOptions import;
    import.allowLinkedWeights = options.allowLinkedWeights;
    import.keepValueNames = !options.observe.empty();
    module = loadModule(context, options.input, import);
    if (!module)
      return failure();
    Phase done = options.from.value_or(Phase::Import);
    if (options.emit < done)
      return fail("cannot emit '" + getPhaseInfo(options.emit).name +
                  "' of a model that has gone through '" + getPhaseInfo(done).name + "'");
    bool compresses =
        !options.plan.steps.empty() || !options.report.empty() || !options.savePlan.empty();
    if (compresses && options.emit < Phase::Compress)
      return fail("'" + getPhaseInfo(options.emit).name +
                  "' comes before 'compress', which carries out and reports a plan");
    if (!options.plan.steps.empty() && (done >= Phase::Compress || !options.raise))
      return fail("a plan is carried out by 'compress' on a raised model");
    if (!options.state.empty() && done >= Phase::Normalize)
      return fail("state is introduced by 'normalize', which the model has gone through");
    for (const PhaseInfo &info : kPhases) {
      if (info.phase <= done || info.phase > options.emit || info.phase == Phase::Object)
        continue;
      start(info.name);
      if (failed(runPhase(info.phase)))
        return failure();
    }
    return options.emit == Phase::Object ? emitArtifact() : emitIR();
  }

private:
  LogicalResult fail(const Twine &message) {
    return emitError(UnknownLoc::get(&context)) << message;
  }
  LogicalResult fail(llvm::Error error) { return fail(llvm::toString(std::move(error))); }

  void start(StringRef phase) {
    if (options.progress)
      options.progress(phase);
  }

  LogicalResult runPhase(Phase phase) {
    PassManager pm(&context);
    LoweringOptions lowering;
    lowering.vectorBytes = target.vectorBytes;
    lowering.vectorRegisters = target.vectorRegisters;
    lowering.fusesMultiplyAdd = target.has(MOEC_FEATURE_FMA);
    lowering.profile = options.profile;
    NormalizeOptions normalize;
    normalize.state = options.state;
    normalize.contextSize = options.contextSize;
    switch (phase) {
    case Phase::Import:
    case Phase::Object:
      return success();
    case Phase::Normalize:
      if (!options.observe.empty()) {
        ObserveValuesPassOptions observe;
        observe.values.assign(options.observe.begin(), options.observe.end());
        pm.addNestedPass<func::FuncOp>(createObserveValuesPass(observe));
      }
      buildNormalizePipeline(pm, normalize);
      break;
    case Phase::Raise:
      if (options.raise)
        buildRaisePipeline(pm, RaiseOptions());
      break;
    case Phase::Compress:
      return compress(pm);
    case Phase::Optimize: {
      OptimizeOptions optimize;
      optimize.profile = options.profile;
      optimize.fuse = options.fuse;
      optimize.fuseGates = options.fuseGates;
      buildOptimizePipeline(pm, optimize);
      break;
    }
    case Phase::Lower:
      buildLowerPipeline(pm, lowering);
      break;
    case Phase::Bufferize:
      buildBufferizePipeline(pm, lowering);
      break;
    case Phase::LLVM:
      buildLLVMPipeline(pm, lowering);
      break;
    }
    return pm.run(*module);
  }

  LogicalResult compress(PassManager &pm) {
    CompressionReport report(options.input);
    report.measureBefore(*module);
    if (!options.plan.steps.empty()) {
      if (llvm::Error error = buildCompressPipeline(pm, options.plan))
        return fail("plan: " + llvm::toString(std::move(error)));
      if (failed(pm.run(*module)))
        return failure();
    }
    report.measureAfter(*module);
    if (llvm::Error error = report.write(options.report, options.standardOutput))
      return fail(std::move(error));
    if (llvm::Error error = report.writePlan(options.savePlan, options.standardOutput))
      return fail(std::move(error));
    return success();
  }

  LogicalResult emitIR() {
    if (ModuleWeights *weights = findModuleWeights(*module))
      if (failed(weights->keepBeside(*module, options.output)))
        return failure();
    std::string bytes;
    llvm::raw_string_ostream stream(bytes);
    if (StringRef(options.output).ends_with(".mlirbc")) {
      if (failed(writeBytecodeToFile(*module, stream)))
        return fail("cannot write bytecode");
    } else {
      module->print(stream,
                    OpPrintingFlags().enableDebugInfo(/*enable=*/true, /*prettyForm=*/false));
      stream << '\n';
    }
    if (options.output == "-" && options.standardOutput) {
      *options.standardOutput << bytes;
      return success();
    }
    if (llvm::Error error = writeText(options.output, bytes))
      return fail(std::move(error));
    return success();
  }

  LogicalResult emitArtifact() {
    FailureOr<Signature> signature = getSignature(*module);
    if (failed(signature))
      return failure();
    ArtifactRequest request;
    request.signature = std::move(*signature);
    request.target = target;
    request.weightsFile = options.weightsFile;
    request.link = options.link;
    if (std::optional<llvm::json::Array> profile = getProfile(*module))
      request.extra["profile"] = std::move(*profile);
    else if (options.profile)
      return fail("the model was lowered without counters: compile it with --profile from "
                  "'normalize' or before");
    FailureOr<ModuleWeights *> weights = getModuleWeights(*module);
    if (failed(weights) || failed(planWeights(*module, **weights, request)))
      return failure();
    ModelHash hash(**weights, options.input, /*inBackground=*/options.jobs != 1);
    start("object");
    std::vector<SmallVector<char, 0>> objects;
    if (failed(emitObjects(request, objects)))
      return failure();
    for (const SmallVector<char, 0> &object : objects)
      request.objects.push_back(object);
    start("artifact");
    llvm::Expected<Sha256Digest> digest = hash.take();
    if (!digest)
      return fail(digest.takeError());
    request.modelHash = *digest;
    if (llvm::Error error = writeArtifact(request, options.output))
      return fail(std::move(error));
    return success();
  }

  LogicalResult emitObjects(const ArtifactRequest &request,
                            std::vector<SmallVector<char, 0>> &objects) {
    // What describes the weights has no meaning for LLVM.
    for (Operation &op : llvm::make_early_inc_range(*module->getBody()))
      if (isa<kernel::PackedOp, moe::WeightDataOp, moe::WeightFileOp>(op))
        op.erase();
    std::vector<CodePartition> partitions = partitionCode(*module);
    objects.resize(partitions.size());
    std::vector<std::string> errors(partitions.size());
    llvm::DefaultThreadPool threads(llvm::hardware_concurrency(options.jobs));
    for (auto [i, partition] : llvm::enumerate(partitions))
      threads.async([&, i = i, &partition = partition] {
        if (llvm::Error error = emitPartition(partition, request, objects[i]))
          errors[i] = llvm::toString(std::move(error));
      });
    threads.wait();
    for (const std::string &error : errors)
      if (!error.empty())
        return fail(error);
    return success();
  }

  llvm::Error emitPartition(CodePartition &partition, const ArtifactRequest &request,
                            SmallVectorImpl<char> &object) {
    llvm::LLVMContext llvmContext;
    std::unique_ptr<llvm::Module> llvmModule =
        translateModuleToLLVMIR(*partition.module, llvmContext, "model");
    if (!llvmModule)
      return llvm::createStringError("the model cannot be translated to LLVM IR");
    if (partition.isGlue)
      if (llvm::Error error =
              emitProgram(*llvmModule, request.signature, target.featureBits, request.weightsSize))
        return error;
    unsigned level =
        partition.isGlue ? std::min(options.optimizationLevel, 1u) : options.optimizationLevel;
    return compileToObject(*llvmModule, target, level, object);
  }

  const CompileOptions &options;
  MLIRContext &context;
  CpuTarget target;
  OwningOpRef<ModuleOp> module;
};

} // namespace

LogicalResult moec::compile(const CompileOptions &options, MLIRContext &context) {
  return Compilation(options, context).run();
}

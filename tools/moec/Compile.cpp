//===- Compile.cpp - moec compile -------------------------------------------------------------===//
#include "moec/Compiler/Compiler.h"
#include "moec/InitAll.h"
#include "moec/Pipelines/Compress.h"
#include "moec/Support/ErrorContext.h"
#include "tools/moec/Commands.h"
#include "tools/moec/Diagnostics.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/WithColor.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::cli {
namespace {

Expected<Phase> phaseOf(Arguments &arguments, OptionId option, Phase otherwise) {
  if (!arguments.has(option))
    return otherwise;
  std::string name = arguments.value(option);
  if (std::optional<Phase> phase = parsePhase(name))
    return *phase;
  std::string known;
  for (const PhaseInfo &info : kPhases)
    known += (known.empty() ? "" : ", ") + info.name.str();
  return createStringError("'" + name + "' is no phase; the phases are " + known);
}

/// The steps of a file, then those of the short form.
Error readPlans(StringRef path, std::optional<std::string> shortForm, Plan &plan) {
  Error errors = Error::success();
  auto add = [&](Expected<Plan> read) {
    if (read)
      plan.steps.insert(plan.steps.end(), read->steps.begin(), read->steps.end());
    else
      errors = joinErrors(std::move(errors), read.takeError());
  };
  if (!path.empty())
    add(readPlan(path));
  if (shortForm) {
    Expected<Plan> read = Plan::fromShortForm(*shortForm);
    if (!read)
      read = addContext("--compress", read.takeError());
    add(std::move(read));
  }
  return errors;
}

} // namespace

Error runCompile(Arguments &arguments) {
  CompileOptions options;
  options.input = arguments.operand().str();
  options.output = arguments.value(OPT_output);
  options.targetCpu = arguments.value(OPT_target_cpu, "native");
  options.jobs = unsigned(arguments.integer(OPT_jobs, 0, 0, 1024));
  options.optimizationLevel = unsigned(arguments.integer(OPT_optimize, 3, 0, 3));
  options.weightsFile = arguments.value(OPT_weights_file);
  options.raise = !arguments.has(OPT_no_raise);
  options.fuse = !arguments.has(OPT_no_fuse);
  options.fuseGates = arguments.has(OPT_fuse_gates);
  options.state = arguments.value(OPT_state);
  options.contextSize = arguments.integer(OPT_context_size, 4096, 1, int64_t(1) << 40);
  arguments.needs(OPT_context_size, OPT_state);
  options.allowLinkedWeights = arguments.has(OPT_allow_linked_weights);
  options.profile = arguments.has(OPT_count_nodes);
  options.report = arguments.value(OPT_report);
  options.savePlan = arguments.value(OPT_save_plan);
  std::string plan = arguments.value(OPT_plan);
  std::optional<std::string> compress;
  if (arguments.has(OPT_compress))
    compress = arguments.value(OPT_compress);
  if (Error error = arguments.takeError())
    return error;
  Expected<Phase> emit = phaseOf(arguments, OPT_emit, Phase::Object);
  if (!emit)
    return emit.takeError();
  options.emit = *emit;
  Expected<Phase> from = phaseOf(arguments, OPT_from, Phase::Import);
  if (!from)
    return from.takeError();
  if (arguments.has(OPT_from))
    options.from = *from;
  if (Error error = readPlans(plan, compress, options.plan))
    return error;
  if (options.output.empty()) {
    if (options.emit == Phase::Object)
      return createStringError("-o FILE is missing: where should the shared object go?");
    options.output = "-";
  }
  if (options.output == "-" && options.emit == Phase::Object)
    return createStringError("a shared object cannot go to standard output");
  std::optional<Regex> remarks;
  if (arguments.has(OPT_remarks))
    remarks.emplace(".");
  else if (arguments.has(OPT_remarks_eq))
    remarks.emplace(arguments.value(OPT_remarks_eq));
  if (std::string reason; remarks && !remarks->isValid(reason))
    return createStringError("--remarks: '" + arguments.value(OPT_remarks_eq) +
                             "' is no regular expression: " + reason);
  options.standardOutput = &outs();
  bool onTerminal = errs().is_displayed();
  if (onTerminal)
    options.progress = [](StringRef phase) { errs() << "\r\033[K" << phase << " …"; };

  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlir::MLIRContext context(registry, options.jobs == 1 ? mlir::MLIRContext::Threading::DISABLED
                                                        : mlir::MLIRContext::Threading::ENABLED);
  context.printOpOnDiagnostic(false); // users know nodes, not operations
  bool hadError = false;
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
    if (onTerminal)
      errs() << "\r\033[K";
    hadError |= reportDiagnostic(diagnostic, remarks ? &*remarks : nullptr);
  });
  bool failed = mlir::failed(compile(options, context));
  if (onTerminal)
    errs() << "\r\033[K";
  if (!failed)
    return Error::success();
  return hadError
             ? createStringError("'" + options.input + "' was not compiled")
             : createStringError("'" + options.input +
                                 "' was not compiled, without a reason: this is a defect of moec");
}

} // namespace moec::cli

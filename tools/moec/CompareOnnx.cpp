//===- CompareOnnx.cpp - moec run --compare-onnx
//---------------------------------------------------===//
#include "tools/moec/CompareOnnx.h"

#include "tools/moec/Commands.h"
#include "tools/moec/OnnxComparison.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>

using namespace llvm;

namespace moec::cli {
namespace {

std::string describeError(const Difference &difference) {
  return formatv("largest error {0:e2} absolute, {1:e2} relative", difference.maxAbsolute,
                 difference.maxRelative)
      .str();
}

std::string describe(const OnnxComparison &comparison, const ModelOperand &operand) {
  if (operand.kind == ModelOperand::Constant)
    return "that is a constant";
  std::string text = "'" + operand.name + "': ";
  if (operand.kind == ModelOperand::Input)
    return text + "an input of the model";
  const OutputComparison *known = comparison.find(operand.name);
  return text + (known ? "agrees, " + describeError(known->difference) : "was not compared");
}

void print(raw_ostream &os, const OnnxComparison &comparison) {
  os << "compared " << comparison.getNumCompared() << " of " << comparison.getValues().size()
     << " values\n";
  const ModelValue *first = comparison.getFirst();
  if (!first) {
    os << "no value differs\n";
    return;
  }
  const OutputComparison &compared = *comparison.find(first->name);
  os << "the first that differs: '" << first->name << "' of node '" << first->node << "' ("
     << first->op << ")\n  " << compared.problem << "\n  shape " << compared.shape << ", "
     << describeError(compared.difference) << '\n';
  for (const ModelOperand &operand : first->operands)
    os << "  operand " << describe(comparison, operand) << '\n';
}

void writeDifference(json::OStream &json, const Difference &difference) {
  auto write = [&](StringRef key, double number) { // JSON has no infinity
    json.attribute(key, std::isfinite(number) ? json::Value(number) : json::Value(nullptr));
  };
  write("max_abs", difference.maxAbsolute);
  write("max_rel", difference.maxRelative);
  json.attribute("mismatches", difference.mismatches);
}

void printJson(raw_ostream &os, const OnnxComparison &comparison) {
  static constexpr StringLiteral kinds[] = {"input", "value", "constant"};
  const ModelValue *first = comparison.getFirst();
  json::OStream json(os, /*IndentSize=*/2);
  auto writeText = [&](StringRef key, StringRef text) { json.attribute(key, json::fixUTF8(text)); };
  auto writeOperand = [&](const ModelOperand &operand) {
    json.attribute("kind", kinds[operand.kind]);
    if (operand.kind != ModelOperand::Constant)
      writeText("name", operand.name);
    if (const OutputComparison *known = comparison.find(operand.name))
      writeDifference(json, known->difference);
  };
  json.object([&] {
    json.attribute("values", int64_t(comparison.getValues().size()));
    json.attribute("compared", int64_t(comparison.getNumCompared()));
    if (!first)
      return json.attribute("first_difference", nullptr);
    json.attributeObject("first_difference", [&] {
      const OutputComparison &compared = *comparison.find(first->name);
      writeText("value", first->name);
      writeText("node", first->node);
      writeText("operator", first->op);
      writeText("problem", compared.problem);
      writeDifference(json, compared.difference);
      json.attributeArray("operands", [&] {
        for (const ModelOperand &operand : first->operands)
          json.object([&] { writeOperand(operand); });
      });
    });
  });
  os << '\n';
}

/// What is wrong with the outputs; prints them unless JSON is wanted.
Error judgeOutputs(ArrayRef<OutputComparison> outputs, bool prints) {
  Error errors = Error::success();
  for (const OutputComparison &output : outputs) {
    if (prints)
      outs() << output.name << ' ' << output.shape << ": " << describeError(output.difference)
             << (output.problem.empty() ? "" : ": FAILED") << '\n';
    if (!output.problem.empty())
      errors = joinErrors(std::move(errors),
                          createStringError("output '" + output.name + "' " + output.problem));
  }
  return errors;
}

} // namespace

Error runCompareOnnx(Arguments &arguments) {
  OnnxComparison::Request request;
  request.reference = arguments.value(OPT_compare_onnx);
  request.inputs = arguments.required(OPT_inputs);
  request.prefix = arguments.value(OPT_case);
  request.threads = threadsOf(arguments);
  request.tolerance.relative = arguments.number(OPT_rtol, request.tolerance.relative, /*min=*/0);
  request.tolerance.absolute = arguments.number(OPT_atol, request.tolerance.absolute, /*min=*/0);
  request.batch = size_t(arguments.integer(OPT_batch, /*otherwise=*/256, /*min=*/1, 1 << 20));
  bool asJson = arguments.has(OPT_json);
  if (Error error = arguments.takeError())
    return error;
  for (OptionId other : {OPT_calls, OPT_expect, OPT_outputs, OPT_profile})
    if (arguments.has(other))
      return createStringError(flagName(other) + " does not go with --compare-onnx");
  bool isCompiled = !arguments.operand().ends_with(".onnx");
  request.ours = isCompiled ? request.reference : arguments.operand().str();

  Expected<TemporaryFolder> folder = TemporaryFolder::create();
  if (!folder)
    return folder.takeError();
  OnnxComparison comparison(std::move(request), std::move(*folder));
  std::vector<OutputComparison> outputs;
  if (isCompiled) {
    Expected<LoadedModel> model = loadModel(arguments);
    if (!model)
      return model.takeError();
    if (Error error = comparison.compareCompiled(*model).moveInto(outputs))
      return error;
  }
  Error errors = judgeOutputs(outputs, /*prints=*/!asJson);
  if (Error error = comparison.run())
    return joinErrors(std::move(errors), std::move(error));
  asJson ? printJson(outs(), comparison) : print(outs(), comparison);
  if (const ModelValue *first = comparison.getFirst())
    return joinErrors(std::move(errors),
                      createStringError("node '" + first->node +
                                        "' computes something else than in ONNX Runtime"));
  return errors;
}

} // namespace moec::cli

#include "tools/moec/EvaluationReport.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace llvm;

namespace moec::cli {
namespace {

void writeLoss(json::OStream &json, const LossSum &loss) {
  json.attribute("loss", loss.loss());
  json.attribute("perplexity", loss.perplexity());
}

void writeEvaluation(json::OStream &json, const Evaluation &evaluation) {
  writeLoss(json, evaluation.total);
  json.attribute("tokens", evaluation.total.tokens);
  json.attributeObject("labels", [&] {
    for (const auto &[name, loss] : evaluation.labels)
      json.attributeObject(json::fixUTF8(name), [&, &loss = loss] { writeLoss(json, loss); });
  });
}

/// JSON has no NaN.
json::Value numberOrNull(double value) {
  return std::isfinite(value) ? json::Value(value) : json::Value(nullptr);
}

} // namespace

void writeEvaluationJson(raw_ostream &os, const Evaluation &evaluation,
                         const Divergence *divergence) {
  json::OStream json(os, /*IndentSize=*/2);
  json.object([&] {
    writeEvaluation(json, evaluation);
    if (!divergence)
      return;
    json.attributeObject("reference", [&] { writeEvaluation(json, divergence->reference); });
    json.attribute("perplexity_ratio", divergence->perplexityRatio());
    json.attribute("loss_difference", divergence->lossDifference);
    json.attribute("loss_difference_standard_error", numberOrNull(divergence->standardError));
    json.attributeObject("kl_divergence", [&] {
      json.attribute("mean", divergence->klMean);
      json.attribute("median", divergence->klMedian);
      json.attribute("p99", divergence->klP99);
    });
    json.attribute("top1_agreement", divergence->topAgreement);
  });
  os << '\n';
}

void writeEvaluationTable(raw_ostream &os, const Evaluation &evaluation,
                          const Divergence *divergence) {
  size_t width = 5;
  for (const auto &[name, loss] : evaluation.labels)
    width = std::max(width, name.size());
  auto row = [&](StringRef name, const LossSum &loss, const LossSum *reference) {
    os << left_justify(name, width)
       << format("  %8.4f  %10.3f  %9lld", loss.loss(), loss.perplexity(), (long long)loss.tokens);
    if (reference)
      os << format("  %10.3f  %8.4f", reference->perplexity(),
                   std::exp(loss.loss() - reference->loss()));
    os << '\n';
  };
  os << left_justify("", width) << "      loss  perplexity     tokens"
     << (divergence ? "   reference     ratio\n" : "\n");
  row("total", evaluation.total, divergence ? &divergence->reference.total : nullptr);
  for (auto [i, label] : enumerate(evaluation.labels))
    row(label.first, label.second, divergence ? &divergence->reference.labels[i].second : nullptr);
  if (!divergence)
    return;
  os << format("\nloss difference    %+.6f", divergence->lossDifference);
  if (std::isfinite(divergence->standardError))
    os << format(", standard error over rows %.6f", divergence->standardError);
  os << format("\nKL from reference  mean %.6f, median %.6f, p99 %.6f\n", divergence->klMean,
               divergence->klMedian, divergence->klP99)
     << format("top-1 agreement    %.2f %%\n", 100 * divergence->topAgreement);
}

} // namespace moec::cli

//===- Summaries.cpp - What moec inspect prints
//-----------------------------------------------------===//
#include "tools/moec/Summaries.h"

#include "moec/Client/Tensors.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace llvm;

namespace moec::cli {
namespace {

/// Bytes with three digits or so: "35.2 MB".
std::string describeBytes(uint64_t bytes) {
  const char *unit = "bytes";
  double number = double(bytes);
  for (const char *larger : {"kB", "MB", "GB", "TB"}) {
    if (number < 1000)
      break;
    number /= 1000;
    unit = larger;
  }
  std::string text;
  raw_string_ostream(text) << format(bytes < 1000 ? "%.0f %s" : "%.1f %s", number, unit);
  return text;
}

void printTensors(StringRef title, ArrayRef<TensorSummary> tensors) {
  outs() << title << ":\n";
  size_t width = 0;
  for (const TensorSummary &tensor : tensors)
    width = std::max(width, tensor.name.size());
  for (const TensorSummary &tensor : tensors) {
    outs() << "  " << left_justify(tensor.name, width) << "  " << tensor.type;
    if (tensor.ranked)
      outs() << '[' << join(tensor.shape, ", ") << ']';
    outs() << '\n';
  }
}

std::vector<TensorSummary> summarize(ArrayRef<TensorSignature> tensors,
                                     ArrayRef<std::string> symbols) {
  std::vector<TensorSummary> result;
  for (const TensorSignature &tensor : tensors) {
    TensorSummary summary{tensor.name, describeType(tensor.type), /*ranked=*/true, {}};
    for (int64_t size : tensor.shape) {
      std::string text = size >= 0 ? std::to_string(size) : symbols[-1 - size];
      summary.shape.push_back(text.empty() ? "?" : text);
    }
    result.push_back(std::move(summary));
  }
  return result;
}

void printLayers(StringRef title, ArrayRef<MoELayerStructure> layers) {
  if (!layers.empty())
    outs() << title << ":\n";
  for (const MoELayerStructure &layer : layers) {
    outs() << "  " << layer.name << "  " << layer.topK << " of " << layer.experts
           << " experts, width " << layer.expertHidden << ", "
           << (layer.activation.empty() ? "no activation" : layer.activation);
    if (layer.router) {
      outs() << "; router " << layer.router->score << ", " << layer.router->weights;
      if (layer.router->bias)
        outs() << ", biased choice";
      if (layer.router->groups > 1)
        outs() << ", " << layer.router->topGroups << " of " << layer.router->groups << " groups";
      if (layer.router->scale != 1)
        outs() << ", times " << layer.router->scale;
    }
    if (layer.sharedExperts)
      outs() << "; " << layer.sharedExperts << " shared";
    outs() << "; " << describeBytes(layer.bytes) << '\n';
  }
}

void printStructure(const ModelStructure &structure) {
  printLayers("MoE layers", structure.moeLayers);
  printLayers("routed projections", structure.routedProjections);
  if (!structure.attentionLayers.empty())
    outs() << "attention layers:\n";
  for (const AttentionStructure &layer : structure.attentionLayers) {
    outs() << "  " << layer.name << "  " << layer.heads << " heads of " << layer.headDim << ", "
           << layer.kvHeads << " of keys";
    if (layer.causal)
      outs() << ", causal";
    if (layer.window)
      outs() << ", window " << layer.window;
    if (layer.softcap != 0)
      outs() << ", softcap " << layer.softcap;
    if (layer.sinks)
      outs() << ", sinks";
    outs() << '\n';
  }
  if (!structure.unraised.empty())
    outs() << "not recognised:\n";
  for (const auto &[node, reason] : structure.unraised)
    outs() << "  " << node << "  " << reason << '\n';
}

} // namespace

void printModel(StringRef path, const ModelSummary &summary, const ModelStructure &structure) {
  outs() << path << ": a model";
  if (!summary.producer.empty())
    outs() << " by " << summary.producer;
  for (const auto &[domain, version] : summary.opsets)
    outs() << ", " << domain << ' ' << version;
  outs() << '\n';
  printTensors("inputs", summary.inputs);
  printTensors("outputs", summary.outputs);
  outs() << "parameters: " << summary.parameters << " in " << summary.parameterTensors
         << " tensors, " << describeBytes(summary.parameterBytes) << ", "
         << summary.parameters - structure.idleParameters << " used by a token\n";
  printStructure(structure);
  outs() << "operators: " << summary.nodes << " nodes\n";
  for (const auto &[name, count] : summary.operators)
    outs() << format("%7lld  ", (long long)count) << name << '\n';
}

void printArtifact(StringRef path, const ArtifactInfo &info, const json::Object &description) {
  const moec_rt_segment_header &header = info.header;
  outs() << path << ": a compiled model, format " << header.format_major << '.'
         << header.format_minor << '\n';
  printTensors("inputs", summarize(info.signature.inputs, info.signature.symbols));
  printTensors("outputs", summarize(info.signature.outputs, info.signature.symbols));
  if (!info.signature.states.empty()) {
    std::vector<TensorSignature> states(info.signature.states.begin(), info.signature.states.end());
    printTensors("states", summarize(states, info.signature.symbols));
    outs() << "room for: " << info.signature.stateCapacity << " rows of state\n";
  }
  std::string features = formatFeatures(header.features);
  outs() << "target: " << header.target << '\n'
         << "needs: " << (features.empty() ? "nothing beyond the baseline" : features) << '\n'
         << "file: " << describeBytes(info.fileSize) << '\n'
         << "weights: " << describeBytes(header.weights_size);
  if (header.weights_external)
    outs() << " in " << header.weights_file;
  outs() << '\n' << "made of: " << description.getString("model_sha256").value_or("?") << '\n';
}

} // namespace moec::cli

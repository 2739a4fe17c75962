//===- SummariesJson.cpp - What moec inspect prints for machines
//-------------------------------------===//
#include "tools/moec/Summaries.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::cli {
namespace {

void writeTensors(json::OStream &json, StringRef key, ArrayRef<TensorSummary> tensors) {
  json.attributeArray(key, [&] {
    for (const TensorSummary &tensor : tensors)
      json.object([&] {
        json.attribute("name", json::fixUTF8(tensor.name));
        if (tensor.type.empty())
          json.attribute("type", nullptr);
        else
          json.attribute("type", tensor.type);
        if (!tensor.ranked)
          return json.attribute("shape", nullptr);
        json.attributeArray("shape", [&] {
          for (const std::string &size : tensor.shape) {
            int64_t number;
            if (to_integer(size, number, 10))
              json.value(number);
            else
              json.value(json::fixUTF8(size));
          }
        });
      });
  });
}

void writeCounts(json::OStream &json, StringRef key,
                 ArrayRef<std::pair<std::string, int64_t>> counts) {
  json.attributeObject(key, [&] {
    for (const auto &[name, count] : counts)
      json.attribute(json::fixUTF8(name), count);
  });
}

void writeLayers(json::OStream &json, StringRef key, ArrayRef<MoELayerStructure> layers) {
  json.attributeArray(key, [&] {
    for (const MoELayerStructure &layer : layers)
      json.object([&] {
        json.attribute("name", json::fixUTF8(layer.name));
        json.attribute("experts", layer.experts);
        json.attribute("top_k", layer.topK);
        json.attribute("expert_hidden", layer.expertHidden);
        json.attribute("activation", layer.activation);
        if (!layer.router)
          json.attribute("router", nullptr);
        else
          json.attributeObject("router", [&] {
            json.attribute("score", layer.router->score);
            json.attribute("weights", layer.router->weights);
            json.attribute("bias", layer.router->bias);
            json.attribute("groups", layer.router->groups);
            json.attribute("top_groups", layer.router->topGroups);
            json.attribute("scale", layer.router->scale);
          });
        json.attribute("shared_experts", layer.sharedExperts);
        json.attribute("parameters", layer.parameters);
        json.attribute("bytes", layer.bytes);
        json.attribute("flops_per_token", layer.flopsPerToken);
      });
  });
}

void writeStructure(json::OStream &json, const ModelStructure &structure) {
  writeLayers(json, "moe_layers", structure.moeLayers);
  writeLayers(json, "routed_projections", structure.routedProjections);
  json.attributeArray("attention_layers", [&] {
    for (const AttentionStructure &layer : structure.attentionLayers)
      json.object([&] {
        json.attribute("name", json::fixUTF8(layer.name));
        json.attribute("heads", layer.heads);
        json.attribute("kv_heads", layer.kvHeads);
        json.attribute("head_dim", layer.headDim);
        json.attribute("causal", layer.causal);
        json.attribute("window", layer.window);
        json.attribute("softcap", layer.softcap);
        json.attribute("sinks", layer.sinks);
      });
  });
}

} // namespace

void printModelJson(const ModelSummary &summary, const ModelStructure &structure,
                    ArrayRef<DiagnosticRecord> diagnostics) {
  json::OStream json(outs(), /*IndentSize=*/2);
  json.object([&] {
    json.attribute("producer", json::fixUTF8(summary.producer));
    writeCounts(json, "opsets", summary.opsets);
    writeTensors(json, "inputs", summary.inputs);
    writeTensors(json, "outputs", summary.outputs);
    json.attribute("parameter_tensors", summary.parameterTensors);
    json.attribute("parameters", summary.parameters);
    json.attribute("parameter_bytes", summary.parameterBytes);
    json.attribute("active_parameters", summary.parameters - structure.idleParameters);
    json.attribute("flops_per_token", structure.linearFlopsPerToken);
    json.attribute("nodes", summary.nodes);
    writeCounts(json, "operators", summary.operators);
    writeStructure(json, structure);
    json.attributeArray("unraised", [&] {
      for (const auto &[node, reason] : structure.unraised)
        json.object([&] {
          json.attribute("node", json::fixUTF8(node));
          json.attribute("reason", json::fixUTF8(reason));
        });
    });
    json.attributeArray("diagnostics", [&] {
      for (const DiagnosticRecord &record : diagnostics)
        json.object([&] {
          json.attribute("severity", record.severity);
          json.attribute("message", json::fixUTF8(record.message));
          json.attribute("node", json::fixUTF8(record.node));
        });
    });
  });
  outs() << '\n';
}

} // namespace moec::cli

//===- Summaries.h - What moec inspect prints ----------------------------------------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_SUMMARIES_H
#define MOEC_TOOLS_MOEC_SUMMARIES_H

#include "moec/Artifact/Artifact.h"
#include "moec/Frontend/ModelSummary.h"
#include "passes/Analysis/ModelStructure.h"

namespace moec::cli {

/// What was said about a model on the way: "error" or "warning", the text, the node's name.
struct DiagnosticRecord {
  std::string severity, message, node;
};

void printModel(llvm::StringRef path, const ModelSummary &summary, const ModelStructure &structure);
void printModelJson(const ModelSummary &summary, const ModelStructure &structure,
                    llvm::ArrayRef<DiagnosticRecord> diagnostics);

/// `description` is the artifact's JSON.
void printArtifact(llvm::StringRef path, const ArtifactInfo &info,
                   const llvm::json::Object &description);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_SUMMARIES_H

//===- Summaries.h - What moec inspect prints ----------------------------------------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_SUMMARIES_H
#define MOEC_TOOLS_MOEC_SUMMARIES_H

#include "moec/Artifact/Artifact.h"
#include "moec/Frontend/ModelSummary.h"

namespace moec::cli {

void printModel(llvm::StringRef path, const ModelSummary &summary);
void printModelJson(const ModelSummary &summary);

/// `description` is the artifact's JSON.
void printArtifact(llvm::StringRef path, const ArtifactInfo &info,
                   const llvm::json::Object &description);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_SUMMARIES_H

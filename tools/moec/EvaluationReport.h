//===- EvaluationReport.h - What moec evaluate prints -------------------------------------===//
#ifndef MOEC_TOOLS_MOEC_EVALUATIONREPORT_H
#define MOEC_TOOLS_MOEC_EVALUATIONREPORT_H

#include "moec/Client/Divergence.h"

namespace moec::cli {

/// An evaluation, against a reference if there is a `divergence`.
void writeEvaluationJson(llvm::raw_ostream &os, const Evaluation &evaluation,
                         const Divergence *divergence);
void writeEvaluationTable(llvm::raw_ostream &os, const Evaluation &evaluation,
                          const Divergence *divergence);

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_EVALUATIONREPORT_H

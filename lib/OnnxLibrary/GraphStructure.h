//===- GraphStructure.h - Names and order of a graph's nodes -----------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_ONNXLIBRARY_GRAPHSTRUCTURE_H
#define MOEC_LIB_ONNXLIBRARY_GRAPHSTRUCTURE_H

#include "moec/OnnxLibrary/OnnxModel.h"

#include "llvm/Support/Error.h"
#include <string>
#include <vector>

namespace moec {

/// Checks what every later step relies on, in the graph, its subgraphs and the model's functions,
/// within the limits: that names are defined once and used where they are visible; that tensors,
/// types and attributes are well formed; that the domains of nodes are imported; that operands and
/// attributes are those of the operators' schemas (not in functions: they are checked once they
/// have been inlined). Puts nodes into an order in which definitions come before uses, with a
/// warning, and fails where there is none.
///
/// Recursion is bounded by the depth of subgraphs, which is checked first.
llvm::Error checkStructure(::onnx::ModelProto &model, const OnnxLimits &limits,
                           std::vector<std::string> &warnings);

} // namespace moec

#endif // MOEC_LIB_ONNXLIBRARY_GRAPHSTRUCTURE_H

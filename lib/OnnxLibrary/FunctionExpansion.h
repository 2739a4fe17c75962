//===- FunctionExpansion.h - A model's own functions become nodes ------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_ONNXLIBRARY_FUNCTIONEXPANSION_H
#define MOEC_LIB_ONNXLIBRARY_FUNCTIONEXPANSION_H

#include "moec/OnnxLibrary/OnnxModel.h"

#include "llvm/Support/Error.h"

namespace moec {

/// Replaces every call of a function of the model by its nodes. The structure of the model must
/// have been checked. Fails, before anything is expanded, where functions call themselves, call too
/// deep, would become too many nodes, have no place for an operand, or use operators of a version
/// that the model does not have. May throw what the ONNX library throws.
llvm::Error expandFunctions(::onnx::ModelProto &model, const OnnxLimits &limits);

} // namespace moec

#endif // MOEC_LIB_ONNXLIBRARY_FUNCTIONEXPANSION_H

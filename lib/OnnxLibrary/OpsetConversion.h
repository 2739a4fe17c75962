//===- OpsetConversion.h - Old operator sets become newer ones ---------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_ONNXLIBRARY_OPSETCONVERSION_H
#define MOEC_LIB_ONNXLIBRARY_OPSETCONVERSION_H

#include "moec/OnnxLibrary/OnnxModel.h"

#include "llvm/Support/Error.h"

namespace moec {

/// The version of ai.onnx that the model imports; std::nullopt if it does not.
std::optional<int64_t> getOpset(const ::onnx::ModelProto &model);

/// Converts a model whose structure has been checked and whose functions are expanded to
/// kConvertedOpset. Tensors with external data pass through as they are. May throw what the ONNX
/// library throws.
llvm::Error convertOpset(::onnx::ModelProto &model);

} // namespace moec

#endif // MOEC_LIB_ONNXLIBRARY_OPSETCONVERSION_H

//===- ModelChecker.h - What the library's checker thinks of a model ---------------------*- C++
//-*-===//
#ifndef MOEC_LIB_ONNXLIBRARY_MODELCHECKER_H
#define MOEC_LIB_ONNXLIBRARY_MODELCHECKER_H

#include <optional>
#include <string>

namespace onnx {
class ModelProto;
} // namespace onnx

namespace moec {

/// The first finding of the ONNX library's checker, on one line. The structure of the model must
/// have been checked. The checker does not see external data: it looks for the files in the current
/// directory, whatever the model's is.
std::optional<std::string> findFault(::onnx::ModelProto &model);

} // namespace moec

#endif // MOEC_LIB_ONNXLIBRARY_MODELCHECKER_H

//===- UnsupportedKinds.h - Values that are no tensors of numbers ------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_FRONTEND_ONNX_UNSUPPORTEDKINDS_H
#define MOEC_LIB_FRONTEND_ONNX_UNSUPPORTEDKINDS_H

#include <string>
#include <vector>

namespace onnx {
class ModelProto;
} // namespace onnx

namespace moec {

/// All inputs, outputs, initializers, constants and typed values of the model, subgraphs included,
/// that are of a kind the dialect has not: sequences, optionals, maps, sparse tensors, strings,
/// complex numbers. Each as "input 'x' (a sequence)".
std::vector<std::string> findUnsupportedKinds(const ::onnx::ModelProto &model);

} // namespace moec

#endif // MOEC_LIB_FRONTEND_ONNX_UNSUPPORTEDKINDS_H

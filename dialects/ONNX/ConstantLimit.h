//===- ConstantLimit.h - What is a constant and what a weight ----------------------------*- C++
//-*-===//
#ifndef MOEC_DIALECTS_ONNX_CONSTANTLIMIT_H
#define MOEC_DIALECTS_ONNX_CONSTANTLIMIT_H

#include <cstdint>

namespace moec {

/// Tensors up to this many bytes are `onnx.constant` in the IR, larger ones weights by reference.
inline constexpr int64_t kMaxConstantBytes = 1024;

} // namespace moec

#endif // MOEC_DIALECTS_ONNX_CONSTANTLIMIT_H

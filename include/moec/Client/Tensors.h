//===- Tensors.h - Types and shapes of a compiled model's tensors ------------------------*- C++
//-*-===//
#ifndef MOEC_CLIENT_TENSORS_H
#define MOEC_CLIENT_TENSORS_H

#include "moec/Support/Npy.h"
#include "moec_rt/model.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace moec {

/// The name of a moec_type as NumPy and ONNX spell it ("float32", "bfloat16"), or "type N".
std::string describeType(int32_t type);

/// Bytes of one element; 0 for a type that this version does not know.
int64_t bytesOfType(int32_t type);

bool isIntegerType(int32_t type);
bool isFloatType(int32_t type);

/// The type of a model's tensor in .npy files. NumPy has no bfloat16: such values travel as uint16.
NpyKind npyKindOf(int32_t type);

llvm::ArrayRef<int64_t> shapeOf(const moec_tensor &tensor);
llvm::ArrayRef<int64_t> shapeOf(const moec_tensor_info &info);
int64_t numElements(const moec_tensor &tensor);

/// A dense tensor over memory of the caller's. `shape` has at most MOEC_MAX_RANK sizes.
moec_tensor makeTensor(const void *data, int32_t type, llvm::ArrayRef<int64_t> shape);

/// "[1, 8, 4096]".
std::string describeShape(llvm::ArrayRef<int64_t> shape);
/// "[batch, seq, 4096]": named symbols by name, others "?".
std::string describeShape(const moec_tensor_info &info, const moec_model_info &model);

/// Indices of inputs or outputs by name.
std::optional<int32_t> findInput(const moec_model_info &model, llvm::StringRef name);
std::optional<int32_t> findOutput(const moec_model_info &model, llvm::StringRef name);

} // namespace moec

#endif // MOEC_CLIENT_TENSORS_H

//===- TensorProto.h - Element types and small tensors to and from ONNX messages --------------*-
// C++
//-*-===//
//
// | ONNX | here |
// | --- | --- |
// | FLOAT16, BFLOAT16, FLOAT, DOUBLE, FLOAT8…, FLOAT4E2M1 | f16, bf16, f32, f64, f8…, f4E2M1FN |
// | INT2 … INT64 | signless i2 … i64 |
// | UINT2 … UINT64 | ui2 … ui64 |
// | BOOL | i1 |
// | UNDEFINED | !onnx.unknown |
//
// Strings and complex numbers have no type here.
//
//===------------------------------------------------------------------------------------------------===//
#ifndef MOEC_DIALECTS_ONNX_TENSORPROTO_H
#define MOEC_DIALECTS_ONNX_TENSORPROTO_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/Error.h"

namespace onnx {
class TensorProto;
} // namespace onnx

namespace moec::onnx {

/// The element type of a TensorProto::DataType; null if there is none here.
mlir::Type getElementType(mlir::MLIRContext *context, int32_t dataType);
/// The TensorProto::DataType of an element type; 0 (UNDEFINED) for !onnx.unknown and types that
/// ONNX has not.
int32_t getDataType(mlir::Type elementType);

/// The tensor as an attribute. Fails for external data, types without an equivalent, and payloads
/// that do not have the size of the shape.
llvm::Expected<mlir::DenseElementsAttr> importTensor(mlir::MLIRContext *context,
                                                     const ::onnx::TensorProto &tensor);
/// The attribute as a tensor with raw data.
llvm::Expected<::onnx::TensorProto> exportTensor(mlir::ElementsAttr elements);

} // namespace moec::onnx

#endif // MOEC_DIALECTS_ONNX_TENSORPROTO_H

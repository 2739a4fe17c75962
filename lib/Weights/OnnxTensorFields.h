//===- OnnxTensorFields.h - Fields and element types of TensorProto -------------===//
//
// From onnx.proto of ONNX 1.23.
//
//===----------------------------------------------------------------------------===//
#ifndef MOEC_LIB_WEIGHTS_ONNXTENSORFIELDS_H
#define MOEC_LIB_WEIGHTS_ONNXTENSORFIELDS_H

#include "WireReader.h"

#include "llvm/ADT/STLExtras.h"

#include <cstdint>
#include <iterator>

namespace moec::tensor_proto {

/// Numbers of fields.
enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloatData = 4,
  kInt32Data = 5,
  kInt64Data = 7,
  kName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
  kNumFields = 15,
};
/// Numbers of types that need care.
inline constexpr uint64_t kString = 8, kBool = 9;

/// A TensorProto::DataType: the bits of an element, and the field that may hold elements beside
/// raw_data.
struct ElementType {
  const char *name;
  unsigned bits;
  uint32_t field;
};
/// By number.
inline constexpr ElementType kElementTypes[] = {
    {"undefined", 0, 0},
    {"float", 32, kFloatData},
    {"uint8", 8, kInt32Data},
    {"int8", 8, kInt32Data},
    {"uint16", 16, kInt32Data},
    {"int16", 16, kInt32Data},
    {"int32", 32, kInt32Data},
    {"int64", 64, kInt64Data},
    {"string", 0, 0},
    {"bool", 8, kInt32Data},
    {"float16", 16, kInt32Data},
    {"double", 64, kDoubleData},
    {"uint32", 32, kUint64Data},
    {"uint64", 64, kUint64Data},
    {"complex64", 64, kFloatData},
    {"complex128", 128, kDoubleData},
    {"bfloat16", 16, kInt32Data},
    {"float8e4m3fn", 8, kInt32Data},
    {"float8e4m3fnuz", 8, kInt32Data},
    {"float8e5m2", 8, kInt32Data},
    {"float8e5m2fnuz", 8, kInt32Data},
    {"uint4", 4, kInt32Data},
    {"int4", 4, kInt32Data},
    {"float4e2m1", 4, kInt32Data},
    {"float8e8m0", 8, kInt32Data},
    {"uint2", 2, kInt32Data},
    {"int2", 2, kInt32Data},
    {"float6e2m3", 6, kInt32Data},
    {"float6e3m2", 6, kInt32Data},
};

/// A data field: its name, and how an entry is encoded.
struct DataField {
  uint32_t number;
  const char *name;
  WireType entryType; ///< Bytes for raw_data, the others are repeated numbers
};
inline constexpr DataField kDataFields[] = {
    {kRawData, "raw_data", WireType::Bytes},         {kFloatData, "float_data", WireType::Fixed32},
    {kInt32Data, "int32_data", WireType::Varint},    {kInt64Data, "int64_data", WireType::Varint},
    {kDoubleData, "double_data", WireType::Fixed64}, {kUint64Data, "uint64_data", WireType::Varint},
};

inline const DataField *findDataField(uint32_t number) {
  const DataField *field =
      llvm::find_if(kDataFields, [&](const DataField &field) { return field.number == number; });
  return field == std::end(kDataFields) ? nullptr : field;
}

} // namespace moec::tensor_proto

#endif // MOEC_LIB_WEIGHTS_ONNXTENSORFIELDS_H

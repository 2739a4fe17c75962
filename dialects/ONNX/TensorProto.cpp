#include "dialects/ONNX/TensorProto.h"

#include "dialects/ONNX/ONNXOps.h"

#include "mlir/IR/BuiltinTypes.h"
#include "onnx/onnx_pb.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace moec::onnx;
using ::onnx::TensorProto;

namespace {

llvm::Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// Bytes of an element in memory (MLIR keeps narrow ones in a byte each).
unsigned getStorageSize(Type elementType) {
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8);
}

/// Elements of fewer than 8 bits, packed low bits first, to a byte each.
std::vector<char> unpack(StringRef packed, unsigned width, int64_t count) {
  std::vector<char> result(count);
  unsigned perByte = 8 / width;
  for (int64_t i = 0; i < count; ++i)
    result[i] = (packed[i / perByte] >> (i % perByte * width)) & ((1 << width) - 1);
  return result;
}

std::string pack(ArrayRef<char> elements, unsigned width) {
  unsigned perByte = 8 / width;
  std::string result(llvm::divideCeil(elements.size(), perByte), '\0');
  for (auto [i, element] : llvm::enumerate(elements))
    result[i / perByte] |= (element & ((1 << width) - 1)) << (i % perByte * width);
  return result;
}

/// The payload that a typed field holds, as raw little-endian bytes.
template <typename To, typename Field>
std::string toBytes(const Field &field) {
  std::string result;
  for (auto value : field) {
    To element = static_cast<To>(value);
    result.append(reinterpret_cast<const char *>(&element), sizeof(element));
  }
  return result;
}

std::string getTypedPayload(const TensorProto &tensor) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return toBytes<float>(tensor.float_data());
  case TensorProto::DOUBLE:
    return toBytes<double>(tensor.double_data());
  case TensorProto::INT64:
    return toBytes<int64_t>(tensor.int64_data());
  case TensorProto::UINT64:
    return toBytes<uint64_t>(tensor.uint64_data());
  case TensorProto::UINT32:
    return toBytes<uint32_t>(tensor.uint64_data());
  case TensorProto::INT32:
    return toBytes<int32_t>(tensor.int32_data());
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return toBytes<uint16_t>(tensor.int32_data());
  default: // 8 bits, and packed narrower ones
    return toBytes<uint8_t>(tensor.int32_data());
  }
}

} // namespace

Type moec::onnx::getElementType(MLIRContext *context, int32_t dataType) {
  auto integer = [&](unsigned width, IntegerType::SignednessSemantics sign) {
    return IntegerType::get(context, width, sign);
  };
  switch (dataType) {
  case TensorProto::UNDEFINED:
    return UnknownType::get(context);
  case TensorProto::FLOAT:
    return Float32Type::get(context);
  case TensorProto::DOUBLE:
    return Float64Type::get(context);
  case TensorProto::FLOAT16:
    return Float16Type::get(context);
  case TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case TensorProto::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case TensorProto::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case TensorProto::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case TensorProto::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case TensorProto::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case TensorProto::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case TensorProto::BOOL:
    return integer(1, IntegerType::Signless);
  case TensorProto::INT2:
    return integer(2, IntegerType::Signless);
  case TensorProto::INT4:
    return integer(4, IntegerType::Signless);
  case TensorProto::INT8:
    return integer(8, IntegerType::Signless);
  case TensorProto::INT16:
    return integer(16, IntegerType::Signless);
  case TensorProto::INT32:
    return integer(32, IntegerType::Signless);
  case TensorProto::INT64:
    return integer(64, IntegerType::Signless);
  case TensorProto::UINT2:
    return integer(2, IntegerType::Unsigned);
  case TensorProto::UINT4:
    return integer(4, IntegerType::Unsigned);
  case TensorProto::UINT8:
    return integer(8, IntegerType::Unsigned);
  case TensorProto::UINT16:
    return integer(16, IntegerType::Unsigned);
  case TensorProto::UINT32:
    return integer(32, IntegerType::Unsigned);
  case TensorProto::UINT64:
    return integer(64, IntegerType::Unsigned);
  default:
    return {};
  }
}

int32_t moec::onnx::getDataType(Type elementType) {
  MLIRContext *context = elementType.getContext();
  for (int32_t type = TensorProto::FLOAT; type <= TensorProto::DataType_MAX; ++type)
    if (Type candidate = getElementType(context, type); candidate && candidate == elementType)
      return type;
  return TensorProto::UNDEFINED;
}

llvm::Expected<DenseElementsAttr> moec::onnx::importTensor(MLIRContext *context,
                                                           const TensorProto &tensor) {
  Type elementType = getElementType(context, tensor.data_type());
  if (!elementType || isa<UnknownType>(elementType))
    return makeError("tensor '" + tensor.name() + "' has element type " +
                     Twine(tensor.data_type()) + ", which is not supported");
  if (tensor.data_location() == TensorProto::EXTERNAL)
    return makeError("tensor '" + tensor.name() +
                     "' is over 1 KiB or in an external file, which only weights may be");
  int64_t count = 1;
  bool isPossible = true;
  for (int64_t dim : tensor.dims())
    isPossible = isPossible && dim >= 0 && !llvm::MulOverflow(count, dim, count);
  if (int64_t bytes; !isPossible || llvm::MulOverflow<int64_t>(count, 8, bytes))
    return makeError("tensor '" + tensor.name() + "' has an impossible shape");
  std::string payload = tensor.has_raw_data() ? tensor.raw_data() : getTypedPayload(tensor);
  unsigned width = elementType.getIntOrFloatBitWidth();
  bool isPacked = width < 8 && width > 1;
  uint64_t expected = isPacked ? llvm::divideCeil(static_cast<uint64_t>(count), 8 / width)
                               : static_cast<uint64_t>(count) * getStorageSize(elementType);
  if (payload.size() != expected)
    return makeError("tensor '" + tensor.name() + "' has " + Twine(payload.size()) +
                     " bytes, expected " + Twine(expected));
  auto type = RankedTensorType::get(ArrayRef<int64_t>(tensor.dims().data(), tensor.dims_size()),
                                    elementType);
  if (width == 1) {
    SmallVector<bool> values;
    for (char byte : payload)
      values.push_back(byte != 0);
    return DenseElementsAttr::get(type, values);
  }
  if (isPacked)
    return DenseElementsAttr::getFromRawBuffer(type, unpack(payload, width, count));
  return DenseElementsAttr::getFromRawBuffer(type, ArrayRef<char>(payload.data(), payload.size()));
}

llvm::Expected<TensorProto> moec::onnx::exportTensor(ElementsAttr elements) {
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  int32_t dataType = getDataType(elements.getElementType());
  if (!dense || dataType == TensorProto::UNDEFINED)
    return makeError("a constant of this kind has no equivalent in ONNX");
  TensorProto tensor;
  tensor.set_data_type(dataType);
  for (int64_t dim : elements.getShapedType().getShape())
    tensor.add_dims(dim);
  Type elementType = elements.getElementType();
  unsigned width = elementType.getIntOrFloatBitWidth();
  std::string payload;
  if (width == 1) {
    for (bool value : dense.getValues<bool>())
      payload.push_back(value);
  } else {
    ArrayRef<char> raw = dense.getRawData();
    for (int64_t i = 0, copies = dense.isSplat() ? dense.getNumElements() : 1; i < copies; ++i)
      payload.append(raw.data(), raw.size());
    if (width < 8)
      payload = pack(payload, width);
  }
  tensor.set_raw_data(std::move(payload));
  return tensor;
}

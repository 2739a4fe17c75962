#include "WeightElements.h"

#include "moec/Support/Float16.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/ErrorHandling.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace moec;

template <typename T>
static T load(llvm::ArrayRef<char> bytes, int64_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

/// An integer of `width` bits, sign-extended if it is signed.
static float loadInteger(llvm::ArrayRef<char> bytes, int64_t index, unsigned width,
                         bool isUnsigned) {
  uint64_t bits = 0;
  if (width < 8)
    bits = (static_cast<uint8_t>(bytes[index * width / 8]) >> (index * width % 8)) &
           ((1u << width) - 1);
  else
    std::memcpy(&bits, bytes.data() + index * (width / 8), width / 8);
  if (isUnsigned || width == 1)
    return static_cast<float>(bits);
  return static_cast<float>(llvm::SignExtend64(bits, width));
}

float ElementReader::operator[](int64_t index) const {
  if (element.isF32())
    return load<float>(bytes, index);
  if (element.isF64())
    return static_cast<float>(load<double>(bytes, index));
  if (element.isF16())
    return floatFromHalf(load<uint16_t>(bytes, index));
  if (element.isBF16())
    return floatFromBfloat16(load<uint16_t>(bytes, index));
  if (auto type = dyn_cast<IntegerType>(element))
    return loadInteger(bytes, index, type.getWidth() == 1 ? 8 : type.getWidth(),
                       type.isUnsigned() || type.getWidth() == 1);
  auto type = cast<FloatType>(element); // eight bits
  llvm::APInt bits(type.getWidth(), static_cast<uint8_t>(bytes[index]));
  return static_cast<float>(llvm::APFloat(type.getFloatSemantics(), bits).convertToDouble());
}

/// The bits of the nearest value of a float type.
static uint64_t encodeFloat(float value, FloatType type) {
  llvm::APFloat converted(value);
  bool losesInfo;
  converted.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  return converted.bitcastToAPInt().getZExtValue();
}

std::string moec::encodeElements(llvm::ArrayRef<float> values, Type element) {
  if (element.isF32())
    return std::string(reinterpret_cast<const char *>(values.data()), values.size() * 4);
  if (unsigned width = element.getIntOrFloatBitWidth(); width < 8) {
    std::string packed(llvm::divideCeil(values.size() * width, 8), 0);
    for (auto [i, value] : llvm::enumerate(values)) {
      unsigned code = static_cast<unsigned>(std::llrint(value)) & ((1u << width) - 1);
      packed[i * width / 8] = static_cast<char>(packed[i * width / 8] | code << i * width % 8);
    }
    return packed;
  }
  unsigned size = element.getIntOrFloatBitWidth() / 8;
  std::string bytes(values.size() * size, 0);
  for (auto [i, value] : llvm::enumerate(values)) {
    uint64_t bits = 0;
    if (auto type = dyn_cast<FloatType>(element))
      bits = encodeFloat(value, type);
    else
      bits = static_cast<uint64_t>(std::llrint(value));
    std::memcpy(bytes.data() + i * size, &bits, size);
  }
  return bytes;
}

void moec::roundElements(std::vector<float> &values, Type element) {
  if (element.isF32() || element.isF64())
    return;
  auto type = cast<FloatType>(element);
  for (float &value : values) {
    llvm::APInt bits(type.getWidth(), encodeFloat(value, type));
    value = static_cast<float>(llvm::APFloat(type.getFloatSemantics(), bits).convertToDouble());
  }
}

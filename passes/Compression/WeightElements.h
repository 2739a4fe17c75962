//===- WeightElements.h - Stored elements as numbers -------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_WEIGHTELEMENTS_H
#define MOEC_PASSES_COMPRESSION_WEIGHTELEMENTS_H

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace moec {

/// Elements of a type as a file of weights has them: little-endian, sub-byte ones packed, low bits
/// first.
class ElementReader {
public:
  ElementReader(llvm::ArrayRef<char> bytes, mlir::Type element) : bytes(bytes), element(element) {}

  float operator[](int64_t index) const;

private:
  llvm::ArrayRef<char> bytes;
  mlir::Type element;
};

/// Numbers as elements of a type of whole bytes; to nearest, ties to even.
std::string encodeElements(llvm::ArrayRef<float> values, mlir::Type element);

/// What is left of numbers that are stored as `element`.
void roundElements(std::vector<float> &values, mlir::Type element);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_WEIGHTELEMENTS_H

//===- Npy.h - Arrays in NumPy's .npy format ---------------------------------------------*- C++
//-*-===//
//
// The format is described in NEP 1 (versions 1.0 to 3.0 of the header are read, 1.0 is written).
//
//===----------------------------------------------------------------------------------------------===//
#ifndef MOEC_SUPPORT_NPY_H
#define MOEC_SUPPORT_NPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdint>
#include <memory>
#include <string>

namespace moec {

/// Kinds of elements; the types of little-endian .npy files that models exchange.
enum class NpyKind : uint8_t {
  Bool,
  Int8,
  Int16,
  Int32,
  Int64,
  UInt8,
  UInt16,
  UInt32,
  UInt64,
  Float16,
  Float32,
  Float64,
  Unicode ///< `<U…`: fixed-length strings of 32-bit code points
};

/// Type, order and shape: what the header of a .npy file says.
struct NpyHeader {
  NpyKind kind = NpyKind::Float32;
  int64_t elementSize = 4; ///< bytes; of a Unicode element 4 per code point
  bool fortranOrder = false;
  llvm::SmallVector<int64_t, 4> shape;

  int64_t numElements() const;
  int64_t numBytes() const { return numElements() * elementSize; }
  bool isInteger() const { return kind >= NpyKind::Int8 && kind <= NpyKind::UInt64; }
  /// As NumPy spells it: "float32", "int64", "str".
  llvm::StringRef typeName() const;
};

/// Size in bytes of one element; of Unicode, of one code point.
int64_t npyElementSize(NpyKind kind);

/// The largest header that is read; real ones have about a hundred bytes.
constexpr int64_t maxNpyHeaderSize = 64 * 1024;

/// The most elements and bytes an array may have.
constexpr int64_t maxNpyBytes = int64_t(1) << 40;

/// Bytes before the header's text, from the magic on; `prefix` holds the first 12 bytes of the file
/// or all of a shorter one. Fails on another magic, version or a header above maxNpyHeaderSize. The
/// result is the position of the data.
llvm::Expected<int64_t> npyDataOffset(llvm::StringRef prefix);

/// Parses the header in the first npyDataOffset bytes of a file. Sizes are checked: no dimension is
/// negative, and numBytes() does not overflow and is at most maxNpyBytes. Big-endian, structured
/// and object types are errors.
llvm::Expected<NpyHeader> parseNpyHeader(llvm::StringRef bytes);

/// Magic, version and header, padded to a multiple of 64 bytes; the data follows.
std::string writeNpyHeader(const NpyHeader &header);

/// An array in memory, row-major (Fortran order is transposed when read), aligned to 64 bytes.
class NpyArray {
public:
  NpyArray() = default;
  /// Uninitialised memory for an array as `header` says, in row-major order. Null when out of
  /// memory.
  static llvm::Expected<NpyArray> allocate(const NpyHeader &header);

  NpyKind kind() const { return header.kind; }
  llvm::ArrayRef<int64_t> shape() const { return header.shape; }
  int64_t rank() const { return header.shape.size(); }
  int64_t numElements() const { return header.numElements(); }
  llvm::StringRef typeName() const { return header.typeName(); }
  bool isInteger() const { return header.isInteger(); }

  llvm::MutableArrayRef<char> bytes() {
    return {buffer->getBufferStart(), buffer->getBufferSize()};
  }
  llvm::ArrayRef<char> bytes() const { return {buffer->getBufferStart(), buffer->getBufferSize()}; }
  char *data() const { return buffer->getBufferStart(); }
  /// The elements as T, which must be the type of the kind.
  template <typename T>
  llvm::ArrayRef<T> elements() const {
    return {reinterpret_cast<const T *>(buffer->getBufferStart()), size_t(numElements())};
  }

  /// Element `index` of a Unicode array as UTF-8.
  std::string stringAt(int64_t index) const;
  /// Element `index` of a boolean or integer array; UInt64 wraps.
  int64_t integerAt(int64_t index) const;

  /// Rearranges data that was read in the order of the file: Fortran order becomes row-major,
  /// booleans become 0 or 1.
  llvm::Error normalize();

private:
  NpyHeader header;
  std::unique_ptr<llvm::WritableMemoryBuffer> buffer;
};

} // namespace moec

#endif // MOEC_SUPPORT_NPY_H

//===- WireReader.h - Fields of a protobuf message ------------------------------===//
//
// https://protobuf.dev/programming-guides/encoding. Offsets count from the start of the file.
//
//===----------------------------------------------------------------------------===//
#ifndef MOEC_LIB_WEIGHTS_WIREREADER_H
#define MOEC_LIB_WEIGHTS_WIREREADER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <limits>

namespace moec {

/// Groups (3 and 4) are not among them: ONNX has none.
enum class WireType : uint8_t { Varint = 0, Fixed64 = 1, Bytes = 2, Fixed32 = 5 };

/// Reads a varint and moves `position` behind it; false if there is none of at most 64 bits before
/// `end`.
inline bool readVarint(const char *&position, const char *end, uint64_t &value) {
  if (position != end && *position >= 0) {
    value = *position++;
    return true;
  }
  value = 0;
  for (unsigned shift = 0; shift < 64 && position != end; shift += 7) {
    const uint64_t byte = static_cast<uint8_t>(*position++);
    if (shift == 63 && byte > 1)
      return false;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80)
      return true;
  }
  return false;
}

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::Varint;
  uint64_t begin = 0;       ///< of the tag
  uint64_t lengthBegin = 0; ///< of what follows the tag: a length, if the type is Bytes
  uint64_t valueBegin = 0;
  uint64_t end = 0;
  uint64_t varint = 0; ///< if the type is Varint

  uint64_t size() const { return end - valueBegin; }
};

/// The fields of one message, one after the other. Messages within are not entered.
class WireReader {
public:
  WireReader(llvm::ArrayRef<char> file, uint64_t begin, uint64_t end)
      : file(file.data()), position(begin), end(end) {}

  /// The next field; false at the end of the message and where it is broken.
  bool next(WireField &field) {
    if (position == end)
      return false;
    field.begin = position;
    const char *at = file + position;
    const char *const stop = file + end;
    uint64_t tag;
    if (!readVarint(at, stop, tag) || tag > std::numeric_limits<uint32_t>::max())
      return fail("the tag of a field is no 32-bit number");
    field.number = tag >> 3;
    field.lengthBegin = field.valueBegin = at - file;
    if (field.number == 0)
      return fail("a field has the number 0");
    uint64_t size = 0;
    switch (tag & 7) {
    case static_cast<int>(WireType::Varint):
      if (!readVarint(at, stop, field.varint))
        return fail("a varint is too long or does not end");
      size = at - file - field.valueBegin;
      break;
    case static_cast<int>(WireType::Fixed64):
      size = 8;
      break;
    case static_cast<int>(WireType::Fixed32):
      size = 4;
      break;
    case static_cast<int>(WireType::Bytes):
      if (!readVarint(at, stop, size))
        return fail("the length of a field is too long or does not end");
      field.valueBegin = at - file;
      break;
    case 3:
    case 4:
      return fail("a field is a group, which ONNX does not use");
    default:
      return fail("a field has a wire type that does not exist");
    }
    if (size > end - field.valueBegin)
      return fail("a field goes beyond the end of its message");
    field.type = static_cast<WireType>(tag & 7);
    field.end = position = field.valueBegin + size;
    return true;
  }

  bool hasFailed() const { return failure != nullptr; }
  /// Where it is broken: at the tag of the field in question.
  llvm::Error takeError() const {
    return llvm::createStringError("at byte " + llvm::Twine(position) + ": " + failure);
  }

private:
  bool fail(const char *message) {
    failure = message;
    return false;
  }

  const char *file;
  uint64_t position, end;
  const char *failure = nullptr;
};

} // namespace moec

#endif // MOEC_LIB_WEIGHTS_WIREREADER_H

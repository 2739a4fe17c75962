//===- Npy.cpp - Arrays in NumPy's .npy format
//-----------------------------------------------------===//
#include "moec/Support/Npy.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"

#include <cstring>
#include <optional>

using namespace llvm;

namespace moec {
namespace {

struct KindInfo {
  NpyKind kind;
  StringLiteral code; ///< NumPy's kind character and size, without the byte order
  StringLiteral name;
  int64_t size;
};

constexpr KindInfo kinds[] = {
    {NpyKind::Bool, "b1", "bool", 1},       {NpyKind::Int8, "i1", "int8", 1},
    {NpyKind::Int16, "i2", "int16", 2},     {NpyKind::Int32, "i4", "int32", 4},
    {NpyKind::Int64, "i8", "int64", 8},     {NpyKind::UInt8, "u1", "uint8", 1},
    {NpyKind::UInt16, "u2", "uint16", 2},   {NpyKind::UInt32, "u4", "uint32", 4},
    {NpyKind::UInt64, "u8", "uint64", 8},   {NpyKind::Float16, "f2", "float16", 2},
    {NpyKind::Float32, "f4", "float32", 4}, {NpyKind::Float64, "f8", "float64", 8},
    {NpyKind::Unicode, "U", "str", 4},
};

const KindInfo &infoOf(NpyKind kind) { return kinds[size_t(kind)]; }

constexpr StringLiteral magic = "\x93NUMPY";

Error malformed(const Twine &what) { return createStringError("malformed .npy header: " + what); }

/// A reader of the header's text, a Python dictionary literal with three known keys.
class HeaderParser {
public:
  explicit HeaderParser(StringRef text) : rest(text) {}

  Expected<NpyHeader> parse() {
    if (!consume("{"))
      return malformed("no dictionary");
    while (!consume("}")) {
      std::optional<StringRef> key = parseString();
      if (!key || !consume(":"))
        return malformed("expected a key and a colon");
      if (Error error = parseValue(*key))
        return error;
      if (!consume(",") && !rest.ltrim().starts_with("}"))
        return malformed("expected a comma or the end of the dictionary");
    }
    if (!rest.trim().empty())
      return malformed("text behind the dictionary");
    if (!hasType || !hasOrder || !hasShape)
      return malformed("needs the keys descr, fortran_order and shape");
    return std::move(header);
  }

private:
  bool consume(StringRef token) {
    rest = rest.ltrim();
    return rest.consume_front(token);
  }

  std::optional<StringRef> parseString() {
    rest = rest.ltrim();
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"'))
      return std::nullopt;
    size_t end = rest.find(rest.front(), 1);
    if (end == StringRef::npos)
      return std::nullopt;
    StringRef value = rest.slice(1, end);
    rest = rest.drop_front(end + 1);
    return value;
  }

  Error parseValue(StringRef key) {
    if (key == "descr" && !hasType) {
      hasType = true;
      std::optional<StringRef> type = parseString();
      if (!type)
        return createStringError("structured arrays are not supported");
      return parseType(*type);
    }
    if (key == "fortran_order" && !hasOrder) {
      hasOrder = true;
      header.fortranOrder = consume("True");
      if (!header.fortranOrder && !consume("False"))
        return malformed("fortran_order is neither True nor False");
      return Error::success();
    }
    if (key == "shape" && !hasShape) {
      hasShape = true;
      return parseShape();
    }
    return malformed("unexpected key '" + key.take_front(64) + "'");
  }

  Error parseType(StringRef type) {
    StringRef code = type;
    if (code.starts_with(">") && !code.ends_with("1"))
      return createStringError("big-endian type '" + type.take_front(32) + "' is not supported");
    if (!code.empty() && StringRef("<|=>").contains(code.front()))
      code = code.drop_front();
    if (code.consume_front("U")) {
      header.kind = NpyKind::Unicode;
      int64_t length;
      if (code.getAsInteger(10, length) || length < 0 || length > 1 << 20)
        return malformed("string length '" + code.take_front(32) + "'");
      header.elementSize = 4 * length;
      return Error::success();
    }
    for (const KindInfo &info : kinds) {
      if (info.kind == NpyKind::Unicode || info.code != code)
        continue;
      header.kind = info.kind;
      header.elementSize = info.size;
      return Error::success();
    }
    return createStringError("type '" + type.take_front(32) +
                             "' is not supported; bool, integer, float16 to float64 and str are");
  }

  Error parseShape() {
    if (!consume("("))
      return malformed("the shape is not a tuple");
    while (!consume(")")) {
      rest = rest.ltrim();
      StringRef digits = rest.take_while([](char c) { return isDigit(c) || c == '-'; });
      int64_t size;
      if (digits.getAsInteger(10, size) || size < 0)
        return malformed("dimension '" + rest.take_front(24) + "'");
      rest = rest.drop_front(digits.size());
      header.shape.push_back(size);
      if (header.shape.size() > 32)
        return malformed("more than 32 dimensions");
      if (!consume(",") && !rest.ltrim().starts_with(")"))
        return malformed("expected a comma or the end of the shape");
    }
    return Error::success();
  }

  StringRef rest;
  NpyHeader header;
  bool hasType = false, hasOrder = false, hasShape = false;
};

/// Fails unless the product of sizes stays within maxNpyBytes even with zero dimensions left out,
/// so that no partial product can overflow anywhere else.
Error checkSize(const NpyHeader &header) {
  int64_t bytes = std::max<int64_t>(header.elementSize, 1);
  for (int64_t size : header.shape)
    if (size != 0 && (__builtin_mul_overflow(bytes, size, &bytes) || bytes > maxNpyBytes))
      return createStringError("the array is larger than " + Twine(maxNpyBytes >> 30) + " GiB");
  return Error::success();
}

} // namespace

int64_t npyElementSize(NpyKind kind) { return infoOf(kind).size; }

StringRef NpyHeader::typeName() const { return infoOf(kind).name; }

int64_t NpyHeader::numElements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Expected<int64_t> npyDataOffset(StringRef prefix) {
  if (!prefix.starts_with(magic) || prefix.size() < 12)
    return createStringError("not a .npy file");
  int major = prefix[6];
  if (major < 1 || major > 3)
    return createStringError(".npy version " + Twine(major) + " is not supported");
  int64_t size = major == 1 ? 10 + int64_t(support::endian::read16le(prefix.data() + 8))
                            : 12 + int64_t(support::endian::read32le(prefix.data() + 8));
  if (size > maxNpyHeaderSize)
    return malformed("has " + Twine(size) + " bytes");
  return size;
}

Expected<NpyHeader> parseNpyHeader(StringRef bytes) {
  Expected<int64_t> size = npyDataOffset(bytes);
  if (!size)
    return size.takeError();
  if (int64_t(bytes.size()) < *size)
    return createStringError("the .npy header is truncated");
  StringRef text = bytes.slice(bytes[6] == 1 ? 10 : 12, *size);
  Expected<NpyHeader> header = HeaderParser(text).parse();
  if (!header)
    return header.takeError();
  if (Error error = checkSize(*header))
    return std::move(error);
  return header;
}

std::string writeNpyHeader(const NpyHeader &header) {
  const KindInfo &info = infoOf(header.kind);
  std::string text = "{'descr': '";
  text += header.elementSize == 1 ? '|' : '<';
  text += info.code;
  if (header.kind == NpyKind::Unicode)
    text += itostr(header.elementSize / 4);
  text += "', 'fortran_order': False, 'shape': (";
  for (int64_t size : header.shape)
    text += itostr(size) + (header.shape.size() == 1 ? "," : ", ");
  if (header.shape.size() > 1)
    text.resize(text.size() - 2);
  text += "), }";
  constexpr size_t prefixSize = 10, alignment = 64;
  size_t total = alignTo(prefixSize + text.size() + 1, alignment);
  text.resize(total - prefixSize - 1, ' ');
  text += '\n';

  std::string result = magic.str();
  result += '\x01';
  result += '\x00';
  char length[2];
  support::endian::write16le(length, uint16_t(text.size()));
  result.append(length, 2);
  return result + text;
}

Expected<NpyArray> NpyArray::allocate(const NpyHeader &header) {
  NpyArray array;
  array.header = header;
  array.buffer =
      WritableMemoryBuffer::getNewUninitMemBuffer(size_t(header.numBytes()), "", Align(64));
  if (!array.buffer)
    return createStringError("out of memory: " + Twine(header.numBytes()) + " bytes for an array");
  return std::move(array);
}

std::string NpyArray::stringAt(int64_t index) const {
  const char *begin = data() + index * header.elementSize;
  std::string result;
  for (int64_t i = 0; i < header.elementSize / 4; ++i) {
    uint32_t codePoint = support::endian::read32le(begin + 4 * i);
    if (codePoint == 0)
      break; // NumPy pads with zeros
    char utf8[UNI_MAX_UTF8_BYTES_PER_CODE_POINT];
    char *end = utf8;
    if (!ConvertCodePointToUTF8(codePoint, end))
      result += "\xef\xbf\xbd";
    else
      result.append(utf8, end);
  }
  return result;
}

int64_t NpyArray::integerAt(int64_t index) const {
  switch (header.kind) {
  case NpyKind::Bool:
  case NpyKind::UInt8:
    return elements<uint8_t>()[index];
  case NpyKind::Int8:
    return elements<int8_t>()[index];
  case NpyKind::Int16:
    return elements<int16_t>()[index];
  case NpyKind::UInt16:
    return elements<uint16_t>()[index];
  case NpyKind::Int32:
    return elements<int32_t>()[index];
  case NpyKind::UInt32:
    return elements<uint32_t>()[index];
  case NpyKind::Int64:
  case NpyKind::UInt64:
    return elements<int64_t>()[index];
  default:
    llvm_unreachable("integerAt of an array that has no integers");
  }
}

Error NpyArray::normalize() {
  if (header.kind == NpyKind::Bool)
    for (char &byte : bytes())
      byte = byte != 0;
  if (!header.fortranOrder)
    return Error::success();
  header.fortranOrder = false;
  if (rank() < 2 || numElements() == 0)
    return Error::success();

  Expected<NpyArray> rowMajor = allocate(header);
  if (!rowMajor)
    return rowMajor.takeError();
  SmallVector<int64_t> strides(rank()), index(rank(), 0);
  int64_t stride = header.elementSize;
  for (auto [size, s] : zip(header.shape, strides)) {
    s = stride;
    stride *= size;
  }
  int64_t source = 0;
  for (int64_t i = 0, count = numElements(); i < count; ++i) {
    std::memcpy(rowMajor->data() + i * header.elementSize, data() + source, header.elementSize);
    for (int64_t dim = rank() - 1; dim >= 0; --dim) {
      source += strides[dim];
      if (++index[dim] < header.shape[dim])
        break;
      source -= strides[dim] * header.shape[dim];
      index[dim] = 0;
    }
  }
  buffer = std::move(rowMajor->buffer);
  return Error::success();
}

} // namespace moec

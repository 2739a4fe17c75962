#include "OnnxTensorScan.h"

#include "OnnxTensorFields.h"
#include "WireReader.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>

using namespace llvm;
using namespace moec;
using namespace moec::tensor_proto;

/// Whether the parser takes this as an occurrence of the field; other wire types are unknown fields
/// to it.
static bool isOccurrence(const DataField &data, const WireField &field) {
  return field.type == WireType::Bytes || field.type == data.entryType;
}

static unsigned fixedBytes(WireType type) { return type == WireType::Fixed32 ? 4 : 8; }

namespace {

/// All occurrences of one data field together.
struct DataSummary {
  uint64_t occurrences = 0;
  uint64_t encodedBytes = 0;
  uint64_t entries = 0; ///< numbers; bytes of raw_data
  WireField last;
};

class TensorScanner {
public:
  TensorScanner(WeightStore &store, uint32_t file, ArrayRef<char> bytes, uint64_t begin,
                uint64_t end)
      : store(store), file(file), bytes(bytes), begin(begin), end(end) {}

  Expected<std::optional<TensorExtraction>> run(uint64_t maxInlineBytes);

private:
  Error summarize();
  Error addDims(const WireField &field);
  Error addData(const DataField &data, const WireField &field);
  void multiplyDim(int64_t dim);
  Error checkSize() const;
  uint64_t payloadBytes() const;
  SmallVector<std::pair<uint64_t, uint64_t>, 4> findRemoved() const;
  Expected<WeightRange> extract();
  Expected<WeightRange> copyFixed();
  Expected<WeightRange> decodeVarints();
  Error decodeVarint(uint64_t value);
  Error flush(size_t limit);

  /// Errors name the tensor; `at` is where the trouble is.
  Error fail(uint64_t at, const Twine &message) const {
    std::string text;
    raw_string_ostream stream(text);
    stream << "at byte " << at << ": tensor '";
    printEscapedString(name.take_front(256), stream);
    stream << "' " << message;
    return createStringError(text);
  }

  const char *at(uint64_t offset) const { return bytes.data() + offset; }

  WeightStore &store;
  uint32_t file;
  ArrayRef<char> bytes;
  uint64_t begin, end;

  StringRef name;
  uint64_t dataType = 0;
  uint64_t numElements = 1; ///< saturated
  bool hasNegativeDim = false, hasOverflow = false, hasZeroDim = false;
  bool hasSegment = false, isExternal = false;
  DataSummary summaries[kNumFields];

  const DataField *data = nullptr; ///< the one that is not empty
  const ElementType *type = nullptr;

  /// For decodeVarints.
  std::vector<char> buffer;
  uint64_t numDecoded = 0;
  unsigned pendingBits = 0;
  uint32_t pending = 0;
  std::optional<WeightStore::SpillWriter> writer;
};

} // namespace

void TensorScanner::multiplyDim(int64_t dim) {
  hasNegativeDim |= dim < 0;
  hasZeroDim |= dim == 0;
  hasOverflow |= __builtin_mul_overflow(numElements, static_cast<uint64_t>(dim), &numElements);
}

Error TensorScanner::addDims(const WireField &field) {
  if (field.type == WireType::Varint)
    multiplyDim(field.varint);
  if (field.type != WireType::Bytes)
    return Error::success();
  const char *position = at(field.valueBegin);
  while (position != at(field.end)) {
    uint64_t value;
    if (!readVarint(position, at(field.end), value))
      return fail(field.begin, "has dims that are no varints");
    multiplyDim(value);
  }
  return Error::success();
}

Error TensorScanner::addData(const DataField &data, const WireField &field) {
  DataSummary &summary = summaries[data.number];
  ++summary.occurrences;
  summary.encodedBytes += field.size();
  summary.last = field;
  if (data.entryType == WireType::Bytes) {
    summary.entries = field.size();
  } else if (field.type == data.entryType) {
    ++summary.entries;
  } else if (data.entryType == WireType::Varint) {
    // Each varint ends with the only byte of it that is not negative.
    const ArrayRef<char> chunk = bytes.slice(field.valueBegin, field.size());
    if (!chunk.empty() && chunk.back() < 0)
      return fail(field.begin, Twine("has ") + data.name + " that does not end with a varint");
    summary.entries += count_if(chunk, [](char c) { return c >= 0; });
  } else {
    if (field.size() % fixedBytes(data.entryType))
      return fail(field.begin, Twine("has ") + data.name + " of " + Twine(field.size()) +
                                   " bytes, expected a multiple of " +
                                   Twine(fixedBytes(data.entryType)));
    summary.entries += field.size() / fixedBytes(data.entryType);
  }
  return Error::success();
}

Error TensorScanner::summarize() {
  WireReader reader(bytes, begin, end);
  for (WireField field; reader.next(field);) {
    const bool isVarint = field.type == WireType::Varint;
    const bool isBytes = field.type == WireType::Bytes;
    if (const DataField *data = findDataField(field.number)) {
      if (isOccurrence(*data, field))
        if (Error error = addData(*data, field))
          return error;
    } else if (field.number == kDims) {
      if (Error error = addDims(field))
        return error;
    } else if (field.number == kDataType && isVarint) {
      dataType = static_cast<uint32_t>(field.varint);
    } else if (field.number == kName && isBytes) {
      name = StringRef(at(field.valueBegin), field.size());
    } else if (field.number == kSegment && isBytes) {
      hasSegment = true;
    } else if (field.number == kExternalData && isBytes) {
      isExternal = true;
    } else if (field.number == kDataLocation && isVarint) {
      isExternal |= field.varint != 0;
    }
  }
  return reader.hasFailed() ? reader.takeError() : Error::success();
}

/// The size of the payload once it is decoded.
uint64_t TensorScanner::payloadBytes() const {
  const uint64_t entries = summaries[data->number].entries;
  switch (data->number) {
  case kRawData:
    return entries;
  case kFloatData:
    return entries * 4;
  case kInt32Data:
    // An entry holds one element, or a byte of smaller ones, except that 6-bit floats stand alone.
    return type->bits == 6 ? divideCeil(entries * 6, 8) : entries * std::max(type->bits / 8, 1u);
  case kUint64Data:
    return entries * (type->bits / 8);
  default:
    return entries * 8;
  }
}

Error TensorScanner::checkSize() const {
  if (hasNegativeDim)
    return fail(begin, "has a negative size in its shape");
  uint64_t elements = hasZeroDim ? 0 : numElements, bits;
  if (!hasZeroDim && (hasOverflow || __builtin_mul_overflow(elements, type->bits, &bits)))
    return fail(begin, "has a shape of more elements than can be counted");
  const uint64_t expected = divideCeil(elements * type->bits, 8);
  const uint64_t found = payloadBytes();
  // Entries of 6 bits are padded: compare their number.
  const bool isSame = type->bits == 6 && data->number == kInt32Data
                          ? summaries[kInt32Data].entries == elements
                          : found == expected;
  if (!isSame)
    return fail(begin, Twine("has ") + Twine(found) + " bytes in " + data->name +
                           ", but its shape of " + Twine(elements) + " elements of " + type->name +
                           " needs " + Twine(expected));
  return Error::success();
}

SmallVector<std::pair<uint64_t, uint64_t>, 4> TensorScanner::findRemoved() const {
  SmallVector<std::pair<uint64_t, uint64_t>, 4> removed;
  WireReader reader(bytes, begin, end);
  for (WireField field; reader.next(field);) {
    if (!findDataField(field.number) && field.number != kDataLocation)
      continue;
    if (!removed.empty() && removed.back().second == field.begin)
      removed.back().second = field.end;
    else
      removed.emplace_back(field.begin, field.end);
  }
  return removed;
}

static constexpr size_t kBufferBytes = size_t(1) << 20;

Error TensorScanner::flush(size_t limit) {
  if (buffer.size() <= limit)
    return Error::success();
  Error error = writer->write(buffer);
  buffer.clear();
  return error;
}

/// Numbers of fixed width that are not in one piece.
Expected<WeightRange> TensorScanner::copyFixed() {
  WireReader reader(bytes, begin, end);
  for (WireField field; reader.next(field);) {
    if (field.number != data->number || !isOccurrence(*data, field))
      continue;
    buffer.insert(buffer.end(), at(field.valueBegin), at(field.end));
    if (Error error = flush(kBufferBytes))
      return error;
  }
  if (Error error = flush(0))
    return error;
  return writer->finish();
}

/// Appends one entry. Elements are taken in both their signed and their unsigned reading, as
/// writers use both, as long as no bit is lost.
Error TensorScanner::decodeVarint(uint64_t value) {
  // What protobuf makes of an int32 field.
  const int64_t number =
      data->number == kInt32Data ? static_cast<int32_t>(value) : static_cast<int64_t>(value);
  const unsigned entryBits = type->bits < 8 && type->bits != 6 ? 8 : type->bits;
  const bool fits = dataType == kBool            ? number == 0 || number == 1
                    : entryBits == 6             ? isUIntN(6, number)
                    : type->field == kUint64Data ? entryBits == 64 || isUIntN(entryBits, value)
                                                 : entryBits == 64 || isIntN(entryBits, number) ||
                                                       isUIntN(entryBits, number);
  if (!fits)
    return fail(begin, Twine("has ") + Twine(number) + " as entry " + Twine(numDecoded) + " of " +
                           data->name + ", which is no " + type->name);
  ++numDecoded;
  if (entryBits != 6) {
    char encoded[8];
    support::endian::write64le(encoded, number);
    buffer.insert(buffer.end(), encoded, encoded + entryBits / 8);
    return flush(kBufferBytes);
  }
  pending |= static_cast<uint32_t>(number) << pendingBits;
  for (pendingBits += 6; pendingBits >= 8; pendingBits -= 8, pending >>= 8)
    buffer.push_back(static_cast<char>(pending));
  return flush(kBufferBytes);
}

Expected<WeightRange> TensorScanner::decodeVarints() {
  WireReader reader(bytes, begin, end);
  for (WireField field; reader.next(field);) {
    if (field.number != data->number || !isOccurrence(*data, field))
      continue;
    for (const char *position = at(field.valueBegin); position != at(field.end);) {
      uint64_t value;
      if (!readVarint(position, at(field.end), value))
        return fail(position - bytes.data(),
                    Twine("has a varint of over 64 bits in ") + data->name);
      if (Error error = decodeVarint(value))
        return error;
    }
  }
  if (pendingBits)
    buffer.push_back(static_cast<char>(pending));
  if (Error error = flush(0))
    return error;
  return writer->finish();
}

Expected<WeightRange> TensorScanner::extract() {
  const DataSummary &summary = summaries[data->number];
  const bool isVarint = data->entryType == WireType::Varint;
  if (!isVarint && summary.occurrences == 1)
    return WeightRange{file, summary.last.valueBegin, summary.last.size()};
  Expected<WeightStore::SpillWriter> started = store.startSpill(payloadBytes());
  if (!started)
    return started.takeError();
  writer.emplace(*started);
  return isVarint ? decodeVarints() : copyFixed();
}

Expected<std::optional<TensorExtraction>> TensorScanner::run(uint64_t maxInlineBytes) {
  if (Error error = summarize())
    return error;
  if (summaries[kRawData].occurrences > 1)
    return fail(summaries[kRawData].last.begin, "has raw_data twice");
  for (const DataField &field : kDataFields) {
    if (summaries[field.number].entries == 0)
      continue;
    if (data)
      return fail(begin, Twine("has both ") + data->name + " and " + field.name);
    data = &field;
  }
  if (!data || dataType == kString)
    return std::nullopt;
  if (isExternal)
    return fail(begin, Twine("has both ") + data->name + " and external data");
  if (dataType != 0 && dataType < std::size(kElementTypes))
    type = &kElementTypes[dataType];
  const uint64_t size = type ? payloadBytes() : summaries[data->number].encodedBytes;
  if (size <= maxInlineBytes)
    return std::nullopt;

  if (!type)
    return fail(begin, "has the element type " + Twine(dataType) + ", which ONNX does not define");
  if (hasSegment)
    return fail(begin, "is a segment of a tensor, which is not supported");
  if (data->number != kRawData && data->number != type->field)
    return fail(begin, Twine("has elements of ") + type->name + " in " + data->name +
                           ", expected raw_data or " + findDataField(type->field)->name);
  if (Error error = checkSize())
    return error;
  Expected<WeightRange> range = extract();
  if (!range)
    return range.takeError();
  return TensorExtraction{{*range}, findRemoved()};
}

Expected<std::optional<TensorExtraction>> moec::scanOnnxTensor(WeightStore &store, uint32_t file,
                                                               ArrayRef<char> bytes, uint64_t begin,
                                                               uint64_t end,
                                                               uint64_t maxInlineBytes) {
  return TensorScanner(store, file, bytes, begin, end).run(maxInlineBytes);
}

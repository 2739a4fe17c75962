#include "moec/Weights/OnnxWireScan.h"

#include "OnnxTensorScan.h"
#include "WireReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/RandomNumberGenerator.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace moec;

static constexpr StringLiteral kLocationPrefix = "moec:";

namespace {
/// Messages that contain tensors, and tensors.
enum class Message { None, Model, Graph, Function, TrainingInfo, Node, Attribute, Sparse, Tensor };
} // namespace

/// The message that a field holds (onnx.proto); None if there are no tensors in it.
static Message getNested(Message message, uint32_t field) {
  switch (message) {
  case Message::Model:
    return field == 7    ? Message::Graph
           : field == 20 ? Message::TrainingInfo
           : field == 25 ? Message::Function
                         : Message::None;
  case Message::Graph:
    return field == 1    ? Message::Node
           : field == 5  ? Message::Tensor
           : field == 15 ? Message::Sparse
                         : Message::None;
  case Message::Function:
    return field == 7 ? Message::Node : field == 11 ? Message::Attribute : Message::None;
  case Message::TrainingInfo:
    return field == 1 || field == 2 ? Message::Graph : Message::None;
  case Message::Node:
    return field == 5 ? Message::Attribute : Message::None;
  case Message::Attribute:
    return field == 5 || field == 10    ? Message::Tensor
           : field == 6 || field == 11  ? Message::Graph
           : field == 22 || field == 23 ? Message::Sparse
                                        : Message::None;
  case Message::Sparse:
    return field == 1 || field == 2 ? Message::Tensor : Message::None;
  case Message::Tensor:
  case Message::None:
    return Message::None;
  }
  llvm_unreachable("all messages are covered");
}

/// Whether a field with tensors below occurs at most once. The parser merges further occurrences
/// into the first, fields of two tensors into one: no writer does that. (Graphs may come in parts,
/// as their tensors are repeated fields.)
static bool isSingular(Message message, uint32_t field) {
  return message == Message::Sparse ||
         (message == Message::Attribute && (field == 5 || field == 22));
}

namespace {

/// Replaces bytes [begin, end) of the file by a piece of Skeletonizer::text.
struct Edit {
  uint64_t begin, end;
  uint64_t textBegin, textLength;
};

/// A message that is being walked.
struct Frame {
  Message message;
  WireField field; ///< of the enclosing message
  WireReader reader;
  int64_t growth = 0; ///< of its contents, by edits
  uint32_t seen = 0;  ///< bit i: the singular field i
};

class Skeletonizer {
public:
  Skeletonizer(WeightStore &store, uint32_t file, ArrayRef<char> bytes,
               const OnnxWireLimits &limits)
      : store(store), file(file), bytes(bytes), limits(limits) {}

  Expected<OnnxSkeleton> run();

private:
  Error enter(Frame &parent, const WireField &field, Message message);
  Error visitTensor(Frame &parent, const WireField &field);
  /// Corrects the length of a message in front of its contents.
  void grow(Frame &parent, const WireField &field, int64_t growth);
  void edit(uint64_t begin, uint64_t end, StringRef replacement);
  std::string makeReference() const;
  std::string assemble();

  Error fail(const WireField &field, const Twine &message) const {
    return createStringError("at byte " + Twine(field.begin) + ": " + message);
  }

  WeightStore &store;
  uint32_t file;
  ArrayRef<char> bytes;
  const OnnxWireLimits &limits;
  OnnxSkeleton skeleton;
  std::vector<Frame> stack;
  std::vector<Edit> edits;
  std::string text; ///< of all edits
};

} // namespace

static void appendVarint(uint64_t value, std::string &out) {
  uint8_t encoded[10];
  out.append(reinterpret_cast<const char *>(encoded), encodeULEB128(value, encoded));
}

static void appendBytesField(uint32_t number, StringRef value, std::string &out) {
  appendVarint(number << 3 | static_cast<uint32_t>(WireType::Bytes), out);
  appendVarint(value.size(), out);
  out.append(value.begin(), value.end());
}

void Skeletonizer::edit(uint64_t begin, uint64_t end, StringRef replacement) {
  edits.push_back({begin, end, text.size(), replacement.size()});
  text.append(replacement.begin(), replacement.end());
}

void Skeletonizer::grow(Frame &parent, const WireField &field, int64_t growth) {
  if (growth == 0)
    return;
  std::string length;
  appendVarint(field.size() + growth, length);
  edit(field.lengthBegin, field.valueBegin, length);
  parent.growth += growth + static_cast<int64_t>(length.size()) -
                   static_cast<int64_t>(field.valueBegin - field.lengthBegin);
}

/// The fields of a TensorProto that refer to the newest payload.
std::string Skeletonizer::makeReference() const {
  const std::string location =
      (kLocationPrefix + skeleton.nonce + ":" + Twine(skeleton.payloads.size() - 1)).str();
  std::string entry, fields;
  appendBytesField(/*key*/ 1, "location", entry);
  appendBytesField(/*value*/ 2, location, entry);
  appendBytesField(/*external_data*/ 13, entry, fields);
  appendVarint(/*data_location*/ 14 << 3, fields);
  appendVarint(/*EXTERNAL*/ 1, fields);
  return fields;
}

Error Skeletonizer::visitTensor(Frame &parent, const WireField &field) {
  ++skeleton.numTensors;
  Expected<std::optional<TensorExtraction>> extraction =
      scanOnnxTensor(store, file, bytes, field.valueBegin, field.end, limits.maxInlineBytes);
  if (!extraction)
    return extraction.takeError();
  if (!*extraction)
    return Error::success();
  skeleton.payloads.push_back((*extraction)->payload);
  int64_t growth = 0;
  for (auto [begin, end] : (*extraction)->removed) {
    edit(begin, end, "");
    growth -= end - begin;
  }
  const std::string reference = makeReference();
  edit(field.end, field.end, reference);
  grow(parent, field, growth + reference.size());
  return Error::success();
}

Error Skeletonizer::enter(Frame &parent, const WireField &field, Message message) {
  if (stack.size() > limits.maxDepth)
    return fail(field, "messages are nested deeper than " + Twine(limits.maxDepth));
  if (isSingular(parent.message, field.number)) {
    if (parent.seen >> field.number & 1)
      return fail(field, "field " + Twine(field.number) +
                             " of an attribute or sparse tensor occurs twice, expected one tensor");
    parent.seen |= uint32_t(1) << field.number;
  }
  if (message == Message::Tensor)
    return visitTensor(parent, field);
  if (message == Message::Node && ++skeleton.numNodes > limits.maxNodes)
    return fail(field, "the model has more than " + Twine(limits.maxNodes) + " nodes");
  stack.push_back({message, field, WireReader(bytes, field.valueBegin, field.end)});
  return Error::success();
}

std::string Skeletonizer::assemble() {
  // Edits of a message come before that of its length.
  llvm::sort(edits, [](const Edit &a, const Edit &b) { return a.begin < b.begin; });
  std::string result;
  result.reserve(bytes.size() + stack.front().growth);
  uint64_t position = 0;
  for (const Edit &edit : edits) {
    result.append(bytes.data() + position, edit.begin - position);
    result.append(text, edit.textBegin, edit.textLength);
    position = edit.end;
  }
  result.append(bytes.data() + position, bytes.size() - position);
  return result;
}

Expected<OnnxSkeleton> Skeletonizer::run() {
  uint8_t random[16];
  if (std::error_code error = getRandomBytes(random, sizeof(random)))
    return createStringError("cannot get random numbers: " + error.message());
  skeleton.nonce = toHex(random, /*LowerCase=*/true);

  WireField whole;
  whole.end = bytes.size();
  stack.push_back({Message::Model, whole, WireReader(bytes, 0, bytes.size())});
  while (true) {
    Frame &frame = stack.back();
    WireField field;
    if (frame.reader.next(field)) {
      if (field.type != WireType::Bytes)
        continue;
      const Message nested = getNested(frame.message, field.number);
      if (nested != Message::None)
        if (Error error = enter(frame, field, nested))
          return error;
      continue;
    }
    if (frame.reader.hasFailed())
      return frame.reader.takeError();
    if (stack.size() == 1)
      break;
    const Frame done = stack.back();
    stack.pop_back();
    grow(stack.back(), done.field, done.growth);
  }
  skeleton.bytes = assemble();
  return std::move(skeleton);
}

std::optional<uint32_t> OnnxSkeleton::payloadIndex(StringRef location) const {
  uint32_t index;
  if (!location.consume_front(kLocationPrefix) || nonce.empty() || !location.consume_front(nonce) ||
      !location.consume_front(":") || location.getAsInteger(10, index) || index >= payloads.size())
    return std::nullopt;
  return index;
}

bool moec::isOnnxModel(ArrayRef<char> bytes) {
  WireReader reader(bytes, 0, bytes.size());
  bool hasGraph = false;
  for (WireField field; reader.next(field);)
    hasGraph |=
        field.type == WireType::Bytes && getNested(Message::Model, field.number) == Message::Graph;
  return hasGraph && !reader.hasFailed();
}

Expected<OnnxSkeleton> moec::scanOnnxModel(WeightStore &store, uint32_t file,
                                           const OnnxWireLimits &limits) {
  Expected<ArrayRef<char>> bytes = store.bytes(file);
  if (!bytes)
    return bytes.takeError();
  if (bytes->size() > limits.maxBytes)
    return createStringError("the file has " + Twine(bytes->size()) + " bytes, the limit is " +
                             Twine(limits.maxBytes));
  return Skeletonizer(store, file, *bytes, limits).run();
}

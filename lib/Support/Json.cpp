//===- Json.cpp - Reading JSON that others wrote
//---------------------------------------------------===//
#include "moec/Support/Json.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace moec {
namespace {

/// The deepest nesting of brackets outside of strings; exact for valid JSON.
unsigned nestingOf(StringRef text) {
  unsigned depth = 0, deepest = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '[' || c == '{'))
      deepest = std::max(deepest, ++depth);
    else if (!inString && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return deepest;
}

} // namespace

Expected<json::Value> parseJson(StringRef text, unsigned maxDepth) {
  if (unsigned depth = nestingOf(text); depth > maxDepth)
    return createStringError("JSON nested " + Twine(depth) + " deep, more than " + Twine(maxDepth));
  return json::parse(text);
}

Expected<json::Value> readJsonFile(StringRef path, uint64_t maxBytes) {
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status))
    return createStringError(code, path + ": " + code.message());
  if (!sys::fs::is_regular_file(status))
    return createStringError(path + ": not a regular file");
  if (status.getSize() > maxBytes)
    return createStringError(path + ": " + Twine(status.getSize()) + " bytes of JSON, more than " +
                             Twine(maxBytes));
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer =
      MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return createStringError(buffer.getError(), path + ": " + buffer.getError().message());
  Expected<json::Value> value = parseJson((*buffer)->getBuffer());
  if (!value)
    return createStringError(path + ": " + toString(value.takeError()));
  return value;
}

} // namespace moec

//===- PreTokenizer.cpp - Splitting text into words for byte-pair encoding
//-------------------------===//
#include "PreTokenizer.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

#include <algorithm>

using namespace llvm;

namespace moec {
namespace {

struct CodePointRange {
  uint32_t low, high;
};

#include "UnicodeRanges.inc"

enum class Class { Letter, Number, Space, Other, End };

bool isIn(ArrayRef<CodePointRange> ranges, uint32_t c) {
  const CodePointRange *range =
      partition_point(ranges, [c](const CodePointRange &r) { return r.high < c; });
  return range != ranges.end() && range->low <= c;
}

bool isSpace(uint32_t c) {
  return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

Class classOf(uint32_t c) {
  if (c < 0x80)
    return isAlpha(char(c))   ? Class::Letter
           : isDigit(char(c)) ? Class::Number
           : isSpace(c)       ? Class::Space
                              : Class::Other;
  if (isSpace(c))
    return Class::Space;
  if (isIn(letterRanges, c))
    return Class::Letter;
  return isIn(numberRanges, c) ? Class::Number : Class::Other;
}

bool isLineEnd(uint32_t c) { return c == '\r' || c == '\n'; }

/// Finds the end of the word that starts at a position: the alternatives of the expressions in
/// order.
class WordScanner {
public:
  WordScanner(StringRef text, SplitStyle style) : text(text), style(style) {}

  size_t endOfWord(size_t begin) const {
    if (size_t end = contraction(begin))
      return end;
    CodePoint first = codePointAt(text, begin);
    Class firstClass = classOf(first.value);
    size_t second = begin + first.size;
    Class secondClass = classAt(second);
    bool gpt2 = style == SplitStyle::Gpt2;

    // GPT-2 takes one blank before a word, the others anything that is no letter, number or line
    // end.
    bool mayPrecede = gpt2 ? first.value == ' '
                           : (firstClass == Class::Space || firstClass == Class::Other) &&
                                 !isLineEnd(first.value);
    if (firstClass == Class::Letter || (mayPrecede && secondClass == Class::Letter))
      return skip(second, Class::Letter);
    if (firstClass == Class::Number)
      return gpt2 ? skip(second, Class::Number)
                  : skip(second, Class::Number, style == SplitStyle::Llama3 ? 2 : 0);
    if (gpt2 && first.value == ' ' && secondClass == Class::Number)
      return skip(second, Class::Number);
    if (firstClass == Class::Other || (first.value == ' ' && secondClass == Class::Other)) {
      size_t end = skip(second, Class::Other);
      while (!gpt2 && end < text.size() && isLineEnd(text[end]))
        ++end;
      return end;
    }
    return endOfSpace(begin);
  }

private:
  Class classAt(size_t position) const {
    return position < text.size() ? classOf(codePointAt(text, position).value) : Class::End;
  }

  size_t skip(size_t position, Class wanted, size_t most = size_t(-1)) const {
    for (; most > 0 && classAt(position) == wanted; --most)
      position += codePointAt(text, position).size;
    return position;
  }

  /// 's|'t|'re|'ve|'m|'ll|'d, in any case but for GPT-2; 0 if there is none.
  size_t contraction(size_t begin) const {
    for (StringRef suffix : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      StringRef found = text.substr(begin, suffix.size());
      if (style == SplitStyle::Gpt2 ? found == suffix : found.equals_insensitive(suffix))
        return begin + suffix.size();
    }
    return 0;
  }

  /// \s*[\r\n]+ (not GPT-2), \s+(?!\S), \s+: up to the last line end; else all but the last
  /// character if a word follows, which takes that one.
  size_t endOfSpace(size_t begin) const {
    size_t end = begin, last = begin, afterLineEnd = 0;
    while (classAt(end) == Class::Space) {
      CodePoint c = codePointAt(text, end);
      last = end;
      end += c.size;
      if (isLineEnd(c.value))
        afterLineEnd = end;
    }
    if (style != SplitStyle::Gpt2 && afterLineEnd)
      return afterLineEnd;
    return end == text.size() || last == begin ? end : last;
  }

  StringRef text;
  SplitStyle style;
};

} // namespace

StringRef gpt2Regex() {
  return R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
}

std::optional<SplitStyle> splitStyleOf(StringRef regex) {
  constexpr StringLiteral head = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})";
  constexpr StringLiteral tail = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  if (regex == gpt2Regex())
    return SplitStyle::Gpt2;
  if (!regex.consume_front(head) || !regex.consume_back(tail))
    return std::nullopt;
  if (regex.empty())
    return SplitStyle::Qwen2;
  if (regex == "{1,3}")
    return SplitStyle::Llama3;
  return std::nullopt;
}

std::vector<StringRef> splitWords(StringRef text, SplitStyle style) {
  std::vector<StringRef> words;
  if (style == SplitStyle::None) {
    if (!text.empty())
      words.push_back(text);
    return words;
  }
  WordScanner scanner(text, style);
  for (size_t begin = 0; begin < text.size();) {
    size_t end = scanner.endOfWord(begin);
    words.push_back(text.slice(begin, end));
    begin = end;
  }
  return words;
}

bool isUtf8(StringRef text) {
  const UTF8 *begin = text.bytes_begin();
  return isLegalUTF8String(&begin, text.bytes_end());
}

CodePoint codePointAt(StringRef text, size_t position) {
  auto byte = [&](size_t i) { return uint32_t(uint8_t(text[position + i])); };
  uint32_t first = byte(0);
  if (first < 0x80)
    return {first, 1};
  if (first < 0xe0)
    return {(first & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (first < 0xf0)
    return {(first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f),
          4};
}

} // namespace moec

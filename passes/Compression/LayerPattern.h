//===- LayerPattern.h - Which layers a pass is for ---------------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_LAYERPATTERN_H
#define MOEC_PASSES_COMPRESSION_LAYERPATTERN_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/GlobPattern.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace moec {

/// The value of a pass's option `layers`: globs of names, separated by commas. `*`, `?` and `[…]`
/// are as in file names. A backslash takes its meaning from the character behind it, and `\xHH` is
/// the character of that code, with which any name can be written where commas, braces, quotes or
/// blanks have a meaning of their own.
class LayerPattern {
public:
  static llvm::Expected<LayerPattern> create(llvm::StringRef text);

  /// Whether one of the globs matches.
  bool match(llvm::StringRef name);

  /// After `match` was asked about all layers there are: whether each glob but `*` has matched one.
  /// Calls `report` with a message for each that has not, with the names that are most like it.
  bool checkAllMatched(llvm::function_ref<void(const llvm::Twine &)> report) const;

private:
  struct Glob {
    std::unique_ptr<std::string> text; ///< the pattern refers to it
    llvm::GlobPattern pattern;
    bool isMatched = false;
  };

  std::vector<Glob> globs;
  std::map<std::string, bool> exact; ///< names, and whether they have matched
  std::vector<std::string> names;    ///< that were asked for
};

/// A glob that matches this name alone, whatever is in it, as an option of a pass can hold it.
std::string escapeLayerName(llvm::StringRef name);
/// A single glob as an option of a pass can hold it.
std::string escapeLayerGlob(llvm::StringRef glob);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_LAYERPATTERN_H

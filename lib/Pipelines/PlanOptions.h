//===- PlanOptions.h - The options that steps of a plan have -----------------------------*- C++
//-*-===//
#ifndef MOEC_LIB_PIPELINES_PLANOPTIONS_H
#define MOEC_LIB_PIPELINES_PLANOPTIONS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/JSON.h"
#include <limits>
#include <string>

namespace moec {

/// What values an option of a pass takes: those of passes/Compression/Passes.td, as a plan is
/// checked before anything is done. `layers`, which all passes have, is none of them.
struct PlanOption {
  enum Kind {
    Flag,
    Integer, ///< from `least` on
    Share,   ///< a number from 0 to 1; in text also as a percentage
    PositiveShare,
    Word,  ///< one of `words`
    Group, ///< -1, 0 or a power of two from 16 on
    Unit,  ///< EXPERT:UNIT
  };

  llvm::StringRef name;
  Kind kind = Flag;
  bool isList = false;
  int64_t least = std::numeric_limits<int64_t>::min();
  llvm::ArrayRef<llvm::StringRef> words = {};

  /// What a value must be, as messages say it.
  std::string describe() const;
  /// The value as a pipeline has it; std::nullopt if it is none of this option.
  std::optional<std::string> print(const llvm::json::Value &value) const;
  /// The value that a text stands for; the text itself if it stands for none.
  llvm::json::Value parse(llvm::StringRef text) const;

private:
  std::optional<std::string> printOne(const llvm::json::Value &value) const;
};

struct PlanPass {
  llvm::StringRef name; ///< without "moe-"
  llvm::ArrayRef<PlanOption> options;

  const PlanOption *find(llvm::StringRef option) const;
};

/// The passes that a plan can have.
llvm::ArrayRef<PlanPass> getPlanPasses();
const PlanPass *findPlanPass(llvm::StringRef name);

} // namespace moec

#endif // MOEC_LIB_PIPELINES_PLANOPTIONS_H

//===- UnitChoice.h - Which inner units of experts matter ---------------------------------*- C++
//-*-===//
#ifndef MOEC_PASSES_COMPRESSION_UNITCHOICE_H
#define MOEC_PASSES_COMPRESSION_UNITCHOICE_H

#include "InnerUnits.h"

namespace moec {

/// A score of each unit of each expert by what `score` says: `magnitude`, `norm`, or `random` by
/// the seed and the layer's name. Null experts have none.
std::vector<std::vector<double>>
getUnitScores(llvm::ArrayRef<std::vector<UnitMagnitude>> magnitudes, llvm::StringRef score,
              int64_t seed, llvm::StringRef layer);

/// The units that entries EXPERT:UNIT of an option name, of each expert in their order. Fails, with
/// the option's and the layer's name, where there is no such unit.
llvm::Expected<std::vector<llvm::SmallVector<int64_t>>>
readUnits(llvm::ArrayRef<std::string> entries, llvm::StringRef option, llvm::StringRef layer,
          int64_t numExperts, int64_t numUnits);

} // namespace moec

#endif // MOEC_PASSES_COMPRESSION_UNITCHOICE_H

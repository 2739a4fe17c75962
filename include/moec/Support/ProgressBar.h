//===- ProgressBar.h - How far a long piece of work is ---------------------------------*- C++
//-*-===//
#ifndef MOEC_SUPPORT_PROGRESSBAR_H
#define MOEC_SUPPORT_PROGRESSBAR_H

#include "llvm/Support/raw_ostream.h"

#include <chrono>
#include <string>

namespace moec {

/// One line on a terminal that is drawn over and over and is gone at the end:
///   evaluate [=========>          ]  47 %, 12 s left
class ProgressBar {
public:
  using Clock = std::chrono::steady_clock;

  /// Work that ends within `delay` shows nothing. `enabled` says whether `os` is a terminal.
  ProgressBar(llvm::raw_ostream &os, llvm::StringRef label, bool enabled,
              Clock::duration delay = std::chrono::seconds(1));
  ~ProgressBar();
  ProgressBar(const ProgressBar &) = delete;

  /// Draws at most ten times a second; cheap otherwise.
  void update(int64_t done, int64_t total);

private:
  llvm::raw_ostream &os;
  std::string label;
  bool enabled;
  bool drawn = false;
  Clock::time_point start, next;
};

} // namespace moec

#endif // MOEC_SUPPORT_PROGRESSBAR_H

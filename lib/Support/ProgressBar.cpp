//===- ProgressBar.cpp - How far a long piece of work is
//---------------------------------------------===//
#include "moec/Support/ProgressBar.h"

#include "llvm/Support/Format.h"

#include <algorithm>

using namespace llvm;

namespace moec {

/// Carriage return and "erase to the end of the line".
static constexpr StringLiteral eraseLine = "\r\x1b[K";

ProgressBar::ProgressBar(raw_ostream &os, StringRef label, bool enabled, Clock::duration delay)
    : os(os), label(label), enabled(enabled), start(Clock::now()), next(start + delay) {}

ProgressBar::~ProgressBar() {
  if (!drawn)
    return;
  os << eraseLine;
  os.flush();
}

void ProgressBar::update(int64_t done, int64_t total) {
  Clock::time_point now = Clock::now();
  if (!enabled || now < next || total <= 0)
    return;
  next = now + std::chrono::milliseconds(100);
  drawn = true;

  constexpr int width = 40;
  done = std::clamp<int64_t>(done, 0, total);
  double fraction = double(done) / double(total);
  int filled = int(fraction * width);
  os << eraseLine << label << " [" << std::string(filled, '=');
  if (filled < width)
    os << '>' << std::string(width - filled - 1, ' ');
  os << format("] %3d %%", int(fraction * 100));
  if (done > 0) {
    double elapsed = std::chrono::duration<double>(now - start).count();
    os << format(", %.0f s left", elapsed * (1 - fraction) / fraction);
  }
  os.flush();
}

} // namespace moec

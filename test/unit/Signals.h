//===- Signals.h - Signals that tests send to processes ----------------------------------*- C++
//-*-===//
#ifndef MOEC_TEST_UNIT_SIGNALS_H
#define MOEC_TEST_UNIT_SIGNALS_H

#include <csignal>

namespace moec {

inline bool hasIgnored(int signal) {
  struct sigaction action;
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Whoever started the program may have had a signal ignored, and then it ends nothing. Asked before
// LLVM installs handlers, which in the end do what was done before them.
inline const bool ignoresInterrupt = hasIgnored(SIGINT), ignoresTermination = hasIgnored(SIGTERM);

inline bool isIgnored(int signal) {
  return (signal == SIGINT && ignoresInterrupt) || (signal == SIGTERM && ignoresTermination);
}

} // namespace moec

#endif // MOEC_TEST_UNIT_SIGNALS_H

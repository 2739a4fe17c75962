//===- OpenBeneath.h - Open a file below a directory and nowhere else -----------===//
#ifndef MOEC_LIB_WEIGHTS_OPENBENEATH_H
#define MOEC_LIB_WEIGHTS_OPENBENEATH_H

#include <string>

namespace moec {

/// Opens a path (relative, without "..") below a directory for reading, without blocking and
/// without following a symbolic link anywhere; -1 and errno if that fails, ELOOP or EXDEV where the
/// way goes over a link. By openat2, where the kernel has it.
int openBeneath(int directory, const std::string &path);

/// The same step by step, for kernels (or sandboxes) without openat2.
int openBeneathByComponents(int directory, const std::string &path);

} // namespace moec

#endif // MOEC_LIB_WEIGHTS_OPENBENEATH_H

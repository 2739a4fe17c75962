//===- ProfileRequest.h - moec run --profile ---------------------------------------------*- C++
//-*-===//
#ifndef MOEC_TOOLS_MOEC_PROFILEREQUEST_H
#define MOEC_TOOLS_MOEC_PROFILEREQUEST_H

#include "moec/Client/Profile.h"
#include "tools/moec/CommandLine.h"

namespace moec::cli {

/// Whether and how a profile is to be written.
class ProfileRequest {
public:
  explicit ProfileRequest(Arguments &arguments);

  /// Fails if the format has no such name.
  llvm::Error check() const;
  bool isWanted() const { return !path.empty(); }
  bool takesStandardOutput() const { return path == "-"; }
  /// Writes the file, and to standard output a short table.
  llvm::Error write(const Session &session, int64_t calls, double wallMs) const;

private:
  std::string path, format;
};

} // namespace moec::cli

#endif // MOEC_TOOLS_MOEC_PROFILEREQUEST_H

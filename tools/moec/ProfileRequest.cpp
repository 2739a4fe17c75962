#include "tools/moec/ProfileRequest.h"

#include "moec/Support/AtomicFile.h"

#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace moec::cli {

ProfileRequest::ProfileRequest(Arguments &arguments) : path(arguments.value(OPT_profile)) {
  arguments.needs(OPT_profile_format, OPT_profile);
  format = arguments.value(OPT_profile_format,
                           StringRef(path).ends_with(".trace.json") ? "trace" : "json");
}

Error ProfileRequest::check() const {
  if (format == "json" || format == "trace")
    return Error::success();
  return createStringError("--profile-format: expected json or trace, found '" + format + "'");
}

Error ProfileRequest::write(const Session &session, int64_t calls, double wallMs) const {
  Expected<Profile> profile = readProfile(session);
  if (!profile)
    return profile.takeError();
  std::string text;
  raw_string_ostream os(text);
  if (format == "trace")
    writeProfileTrace(os, *profile);
  else
    writeProfileJson(os, *profile, calls, wallMs);
  if (takesStandardOutput()) {
    outs() << text;
    return Error::success();
  }
  if (Error error = writeText(path, text))
    return error;
  printProfile(outs(), *profile, calls, /*most=*/10);
  return Error::success();
}

} // namespace moec::cli

// Counters of a session whose model was compiled for a profile.
#ifndef MOEC_RT_LIB_CORE_PROFILE_H
#define MOEC_RT_LIB_CORE_PROFILE_H

#include "moec_rt/model.h"

namespace moec::rt {

class Profile {
public:
  /// The start of a call. False when there is no memory for the records, which live as long as the
  /// session.
  bool start(int64_t count);
  /// `regions` counts the session's parallel loops so far.
  void begin(int64_t stretch, int64_t regions);
  void end(int64_t stretch, int64_t regions, int64_t flops, int64_t bytes);
  void destroy();

  int64_t size() const { return count; }
  const moec_profile_record *data() const { return records; }

private:
  moec_profile_record *records = nullptr;
  int64_t count = 0;
  int64_t callStart = 0;
  // Of the stretch that runs.
  int64_t startTime = 0;
  int64_t startRegions = 0;
};

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_PROFILE_H

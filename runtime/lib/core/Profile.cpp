#include "core/Profile.h"

#include <stdlib.h>
#include <time.h>

namespace moec::rt {

static int64_t now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return int64_t(time.tv_sec) * 1000000000 + time.tv_nsec;
}

bool Profile::start(int64_t newCount) {
  if (!records) {
    records = (moec_profile_record *)calloc(newCount + 1, sizeof(moec_profile_record));
    if (!records)
      return false;
    count = newCount;
  }
  callStart = now();
  return true;
}

void Profile::begin(int64_t stretch, int64_t regions) {
  startRegions = regions;
  startTime = now();
  records[stretch].last_start = startTime - callStart;
}

void Profile::end(int64_t stretch, int64_t regions, int64_t flops, int64_t bytes) {
  moec_profile_record &record = records[stretch];
  record.last_nanoseconds = now() - startTime;
  record.nanoseconds += record.last_nanoseconds;
  record.flops += flops;
  record.bytes += bytes;
  record.parallel_regions += regions - startRegions;
  ++record.calls;
}

void Profile::destroy() { free(records); }

} // namespace moec::rt

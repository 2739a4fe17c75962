// The part of the file behind the linked image: header, JSON, weights.
#ifndef MOEC_RT_LIB_CORE_SEGMENT_H
#define MOEC_RT_LIB_CORE_SEGMENT_H

#include "core/Message.h"
#include "moec_rt/kernel_abi.h"

namespace moec::rt {

/// Finds and checks the segment of this shared object. Reads a page, whatever the size of the
/// weights. The header is followed by everything that it describes.
moec_status findSegment(const moec_rt_segment_header *&header, Message &message);

/// A weights file, mapped.
struct WeightsFile {
  void *mapping = nullptr;
  size_t size = 0;
  const char *weights = nullptr;

  /// Maps `path`, or with NULL the file that the header names, beside the shared object, and checks
  /// that it was made with it.
  moec_status map(const char *path, const moec_rt_segment_header &header, Message &message);
  void unmap();
};

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_SEGMENT_H

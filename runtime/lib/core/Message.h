// Text of a failure, in a buffer of fixed size: reporting must not allocate.
#ifndef MOEC_RT_LIB_CORE_MESSAGE_H
#define MOEC_RT_LIB_CORE_MESSAGE_H

#include "moec_rt/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace moec::rt {

struct Message {
  char text[MOEC_MESSAGE_SIZE] = "";

  /// Sets the text, cut off where it does not fit, and returns `status`.
  __attribute__((format(printf, 3, 4))) moec_status fail(moec_status status, const char *format,
                                                         ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return status;
  }

  void clear() { text[0] = 0; }

  /// Copies the text into a caller's buffer, which may be NULL or too short.
  void copyTo(char *buffer, size_t size) const {
    if (buffer && size > 0)
      snprintf(buffer, size, "%s", text);
  }
};

/// Whether an options struct of the caller's version has `member`.
#define MOEC_RT_HAS(options, member)                                                               \
  ((options) &&                                                                                    \
   (options)->size >= offsetof(__typeof__(*(options)), member) + sizeof((options)->member))

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_MESSAGE_H

// What this machine's CPU and operating system can run.
#ifndef MOEC_RT_LIB_CPU_FEATURES_H
#define MOEC_RT_LIB_CPU_FEATURES_H

#include "core/Message.h"

namespace moec::rt {

/// moec_rt_feature bits that code may use here: the CPU has them, and the operating system saves
/// the registers they need.
uint64_t detectFeatures();

/// Fails with the names of those of `needed` that the machine lacks.
moec_status checkFeatures(uint64_t needed, Message &message);

} // namespace moec::rt

#endif // MOEC_RT_LIB_CPU_FEATURES_H

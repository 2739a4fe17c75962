#include "cpu/Features.h"

#include "moec_rt/kernel_abi.h"

#include <cpuid.h>

namespace moec::rt {

namespace {

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

/// All zero where the CPU does not have the leaf.
Registers cpuid(unsigned leaf, unsigned subleaf = 0) {
  Registers r;
  if (!__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx))
    r = Registers();
  return r;
}

/// The state components that the operating system saves (XCR0).
uint64_t savedStates() {
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

bool bit(unsigned value, int index) { return value >> index & 1; }

} // namespace

uint64_t detectFeatures() {
  const Registers basic = cpuid(1), extended = cpuid(7), more = cpuid(7, 1),
                  amd = cpuid(0x80000001);
  uint64_t features = 0;
  auto add = [&](bool present, uint64_t feature) { features |= present ? feature : 0; };

  const unsigned v2 = 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23;
  add((basic.ecx & v2) == v2 && bit(amd.ecx, 0), MOEC_FEATURE_X86_64_V2);
  add(bit(basic.ecx, 22), MOEC_FEATURE_MOVBE);
  add(bit(extended.ebx, 3), MOEC_FEATURE_BMI1);
  add(bit(extended.ebx, 8), MOEC_FEATURE_BMI2);
  add(bit(amd.ecx, 5), MOEC_FEATURE_LZCNT);
  add(bit(extended.ecx, 8), MOEC_FEATURE_GFNI);

  const bool hasXgetbv = bit(basic.ecx, 27);
  const uint64_t saved = hasXgetbv ? savedStates() : 0;
  const uint64_t ymmStates = 0x6, zmmStates = 0xe6;
  if ((saved & ymmStates) == ymmStates) {
    add(bit(basic.ecx, 28), MOEC_FEATURE_AVX);
    add(bit(basic.ecx, 12), MOEC_FEATURE_FMA);
    add(bit(basic.ecx, 29), MOEC_FEATURE_F16C);
    add(bit(extended.ebx, 5), MOEC_FEATURE_AVX2);
    add(bit(more.eax, 4), MOEC_FEATURE_AVXVNNI);
  }
  if ((saved & zmmStates) == zmmStates) {
    add(bit(extended.ebx, 16), MOEC_FEATURE_AVX512F);
    add(bit(extended.ebx, 17), MOEC_FEATURE_AVX512DQ);
    add(bit(extended.ebx, 28), MOEC_FEATURE_AVX512CD);
    add(bit(extended.ebx, 30), MOEC_FEATURE_AVX512BW);
    add(bit(extended.ebx, 31), MOEC_FEATURE_AVX512VL);
    add(bit(extended.ecx, 1), MOEC_FEATURE_AVX512VBMI);
    add(bit(extended.ecx, 6), MOEC_FEATURE_AVX512VBMI2);
    add(bit(extended.ecx, 11), MOEC_FEATURE_AVX512VNNI);
    add(bit(extended.ecx, 12), MOEC_FEATURE_AVX512BITALG);
    add(bit(extended.ecx, 14), MOEC_FEATURE_AVX512VPOPCNTDQ);
    add(bit(extended.edx, 23), MOEC_FEATURE_AVX512FP16);
    add(bit(more.eax, 5), MOEC_FEATURE_AVX512BF16);
  }
  return features;
}

moec_status checkFeatures(uint64_t needed, Message &message) {
  uint64_t missing = needed & ~detectFeatures();
  if (!missing)
    return MOEC_OK;
  char names[MOEC_MESSAGE_SIZE] = "";
  size_t length = 0;
  auto append = [&](const char *name) {
    if (length < sizeof names)
      length += snprintf(names + length, sizeof names - length, "%s%s", length ? ", " : "", name);
  };
#define MOEC_RT_FEATURE(name, bit, text)                                                           \
  if (missing & MOEC_FEATURE_##name)                                                               \
    append(text);                                                                                  \
  missing &= ~(uint64_t)MOEC_FEATURE_##name;
  MOEC_RT_FEATURES(MOEC_RT_FEATURE)
#undef MOEC_RT_FEATURE
  if (missing)
    append("features this runtime does not know");
  return message.fail(MOEC_UNSUPPORTED_CPU,
                      "the model needs CPU features that this machine lacks: "
                      "%.400s",
                      names);
}

} // namespace moec::rt

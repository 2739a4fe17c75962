#include "cpu/Features.h"
#include "moec_rt/kernel_abi.h"

#include <gtest/gtest.h>

using namespace moec::rt;

// The compiler's builtin reads CPUID by itself.
TEST(Features, AgreeWithTheCompilersLibrary) {
  const uint64_t features = detectFeatures();
  __builtin_cpu_init();
  EXPECT_EQ(bool(features & MOEC_FEATURE_AVX2), bool(__builtin_cpu_supports("avx2")));
  EXPECT_EQ(bool(features & MOEC_FEATURE_FMA), bool(__builtin_cpu_supports("fma")));
  EXPECT_EQ(bool(features & MOEC_FEATURE_BMI2), bool(__builtin_cpu_supports("bmi2")));
  EXPECT_EQ(bool(features & MOEC_FEATURE_AVX512F), bool(__builtin_cpu_supports("avx512f")));
  EXPECT_EQ(bool(features & MOEC_FEATURE_AVX512VNNI), bool(__builtin_cpu_supports("avx512vnni")));
  EXPECT_EQ(bool(features & MOEC_FEATURE_AVX512BF16), bool(__builtin_cpu_supports("avx512bf16")));
  EXPECT_EQ(bool(features & MOEC_FEATURE_GFNI), bool(__builtin_cpu_supports("gfni")));
}

TEST(Features, MissingOnesAreNamed) {
  const uint64_t features = detectFeatures();
  Message message;
  EXPECT_EQ(checkFeatures(features, message), MOEC_OK);
  EXPECT_STREQ(message.text, "");

  EXPECT_EQ(checkFeatures(features | UINT64_C(1) << 60, message), MOEC_UNSUPPORTED_CPU);
  EXPECT_STREQ(message.text, "the model needs CPU features that this machine lacks: features this "
                             "runtime does not know");
  std::string expected;
#define MOEC_RT_FEATURE(name, bit, text)                                                           \
  if (!(features & MOEC_FEATURE_##name))                                                           \
    expected += (expected.empty() ? "" : ", ") + std::string(text);
  MOEC_RT_FEATURES(MOEC_RT_FEATURE)
#undef MOEC_RT_FEATURE
  if (!expected.empty()) {
    EXPECT_EQ(checkFeatures(~UINT64_C(0) >> 41, message), MOEC_UNSUPPORTED_CPU);
    EXPECT_EQ(message.text, "the model needs CPU features that this machine lacks: " + expected);
  }
}

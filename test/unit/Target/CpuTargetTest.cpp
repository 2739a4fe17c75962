#include "moec/Target/CpuTarget.h"

#include "moec_rt/kernel_abi.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <gtest/gtest.h>

using namespace llvm;
using namespace moec;

namespace {

CpuTarget parse(StringRef name) {
  Expected<CpuTarget> target = CpuTarget::parse(name);
  if (!target) {
    ADD_FAILURE() << toString(target.takeError());
    return {};
  }
  return *target;
}

std::vector<std::string> enabledFeatures(StringRef cpu, StringRef features) {
  std::string message;
  const Triple triple("x86_64-unknown-linux-gnu");
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  std::unique_ptr<MCSubtargetInfo> subtarget(target->createMCSubtargetInfo(triple, cpu, features));
  std::vector<std::string> names;
  for (const SubtargetFeatureKV &feature : subtarget->getEnabledProcessorFeatures())
    names.push_back(feature.Key);
  return names;
}

} // namespace

TEST(CpuTarget, LevelsOfX86) {
  CpuTarget v1 = parse("x86-64");
  EXPECT_EQ(v1.featureBits, 0u);
  EXPECT_EQ(v1.features, "");
  EXPECT_EQ(v1.vectorBytes, 16u);
  EXPECT_EQ(v1.vectorRegisters, 16u);

  EXPECT_EQ(parse("x86-64-v2").featureBits, uint64_t(MOEC_FEATURE_X86_64_V2));

  CpuTarget v3 = parse("x86-64-v3");
  EXPECT_TRUE(v3.has(MOEC_FEATURE_AVX2 | MOEC_FEATURE_FMA | MOEC_FEATURE_F16C));
  EXPECT_FALSE(v3.has(MOEC_FEATURE_AVX512F));
  EXPECT_EQ(v3.vectorBytes, 32u);
  EXPECT_EQ(v3.vectorRegisters, 16u);

  CpuTarget v4 = parse("x86-64-v4");
  EXPECT_TRUE(v4.has(MOEC_FEATURE_AVX512F | MOEC_FEATURE_AVX512VL));
  EXPECT_FALSE(v4.has(MOEC_FEATURE_AVX512VNNI));
  EXPECT_EQ(v4.vectorBytes, 64u);
  EXPECT_EQ(v4.vectorRegisters, 32u);
}

TEST(CpuTarget, NamedCpus) {
  CpuTarget zen4 = parse("znver4");
  EXPECT_EQ(zen4.cpu, "znver4");
  EXPECT_TRUE(zen4.has(MOEC_FEATURE_AVX512VNNI | MOEC_FEATURE_AVX512BF16));
  EXPECT_FALSE(zen4.has(MOEC_FEATURE_AVX512FP16));
  EXPECT_TRUE(parse("sapphirerapids").has(MOEC_FEATURE_AVX512FP16 | MOEC_FEATURE_AVXVNNI));
  EXPECT_FALSE(parse("skylake-avx512").has(MOEC_FEATURE_AVX512VNNI));
}

// Whatever the CPU has, LLVM is told of the baseline and the bits, and these imply nothing beyond:
// every feature that is then on is part of the baseline or named by a bit.
TEST(CpuTarget, FeatureStringEnablesNothingButTheBits) {
  StringSet<> known;
  for (const std::string &name : enabledFeatures("x86-64", ""))
    known.insert(name);
  // Implied by SSE4.2 and part of it; register files that come with the vector sets.
  for (StringRef name : {"crc32", "sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16", "sahf"})
    known.insert(name);
#define MOEC_RT_FEATURE(id, bit, text) known.insert(text);
  MOEC_RT_FEATURES(MOEC_RT_FEATURE)
#undef MOEC_RT_FEATURE
  for (StringRef cpu : {"x86-64-v2", "core2", "sandybridge", "haswell", "znver4", "znver5",
                        "sapphirerapids", "skylake-avx512", "knl", "alderlake"}) {
    CpuTarget target = parse(cpu);
    for (const std::string &name : enabledFeatures("x86-64", target.features)) {
      EXPECT_TRUE(known.contains(name)) << cpu.str() << " enables " << name;
#define MOEC_RT_FEATURE(id, bit, text)                                                             \
  if (name == text) {                                                                              \
    EXPECT_TRUE(target.has(MOEC_FEATURE_##id)) << cpu.str() << " enables " << name;                \
  }
      MOEC_RT_FEATURES(MOEC_RT_FEATURE)
#undef MOEC_RT_FEATURE
    }
  }
}

TEST(CpuTarget, DropsBitsWithoutTheirGround) {
  EXPECT_EQ(parse("knl").vectorBytes, 32u);
  EXPECT_FALSE(parse("knl").has(MOEC_FEATURE_AVX512F));
  CpuTarget target = CpuTarget::fromFeatures("x86-64", MOEC_FEATURE_AVX2 | MOEC_FEATURE_BMI1);
  EXPECT_EQ(target.featureBits, uint64_t(MOEC_FEATURE_BMI1));
  EXPECT_EQ(target.features, "+bmi");
}

TEST(CpuTarget, Native) {
  CpuTarget native = parse("native");
  EXPECT_EQ(native.cpu, sys::getHostCPUName().str());
  StringMap<bool> host = sys::getHostCPUFeatures();
  EXPECT_EQ(native.has(MOEC_FEATURE_AVX2), host.lookup("avx2"));
}

TEST(CpuTarget, UnknownNames) {
  for (StringRef name : {"znver99", "", "i386", "pentium4", "x86_64"}) {
    Expected<CpuTarget> target = CpuTarget::parse(name);
    ASSERT_FALSE(bool(target)) << name.str();
    std::string message = toString(target.takeError());
    EXPECT_NE(message.find("unknown target CPU '" + name.str() + "'"), std::string::npos);
    EXPECT_NE(message.find("x86-64-v3"), std::string::npos);
  }
}

TEST(CpuTarget, FormatFeatures) {
  EXPECT_EQ(formatFeatures(0), "");
  EXPECT_EQ(formatFeatures(MOEC_FEATURE_AVX2 | MOEC_FEATURE_FMA), "avx2, fma");
  EXPECT_EQ(formatFeatures(UINT64_C(1) << 60), "unknown features");
}

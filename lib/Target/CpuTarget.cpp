#include "moec/Target/CpuTarget.h"

#include "moec_rt/kernel_abi.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <memory>

using namespace llvm;

namespace moec {

namespace {

constexpr char linuxTriple[] = "x86_64-unknown-linux-gnu";

struct Feature {
  uint64_t bit;
  StringRef name; ///< As moec_rt/kernel_abi.h and messages say it.
  StringRef llvm; ///< LLVM's features, comma separated.
  uint64_t needs; ///< Bits that LLVM's features imply.
};

uint64_t prerequisites(uint64_t bit) {
  switch (bit) {
  case MOEC_FEATURE_AVX:
    return MOEC_FEATURE_X86_64_V2;
  case MOEC_FEATURE_AVX2:
  case MOEC_FEATURE_FMA:
  case MOEC_FEATURE_F16C:
    return MOEC_FEATURE_AVX;
  case MOEC_FEATURE_AVXVNNI:
    return MOEC_FEATURE_AVX2;
  case MOEC_FEATURE_AVX512F:
    // AVX-512 without bytes, words and shorter vectors (Knights Landing) is more than it is worth.
    return MOEC_FEATURE_AVX2 | MOEC_FEATURE_FMA | MOEC_FEATURE_F16C | MOEC_FEATURE_AVX512BW |
           MOEC_FEATURE_AVX512DQ | MOEC_FEATURE_AVX512VL;
  case MOEC_FEATURE_AVX512BW:
  case MOEC_FEATURE_AVX512CD:
  case MOEC_FEATURE_AVX512DQ:
  case MOEC_FEATURE_AVX512VL:
  case MOEC_FEATURE_AVX512VBMI:
  case MOEC_FEATURE_AVX512VBMI2:
  case MOEC_FEATURE_AVX512VNNI:
  case MOEC_FEATURE_AVX512BITALG:
  case MOEC_FEATURE_AVX512VPOPCNTDQ:
  case MOEC_FEATURE_AVX512BF16:
  case MOEC_FEATURE_AVX512FP16:
    return MOEC_FEATURE_AVX512F;
  default:
    return 0;
  }
}

/// In the order of the bits.
ArrayRef<Feature> allFeatures() {
  static const Feature features[] = {
#define MOEC_RT_FEATURE(id, bit, text)                                                             \
  {MOEC_FEATURE_##id, text,                                                                        \
   MOEC_FEATURE_##id == MOEC_FEATURE_X86_64_V2                                                     \
       ? StringRef("sse3,ssse3,sse4.1,sse4.2,popcnt,cx16,sahf")                                    \
       : StringRef(text),                                                                          \
   prerequisites(MOEC_FEATURE_##id)},
      MOEC_RT_FEATURES(MOEC_RT_FEATURE)
#undef MOEC_RT_FEATURE
  };
  return features;
}

/// Calls `visit` for each of LLVM's features behind a bit.
template <typename Visitor>
void forEachLLVMFeature(const Feature &feature, Visitor visit) {
  SmallVector<StringRef> names;
  feature.llvm.split(names, ',');
  for (StringRef name : names)
    visit(name);
}

/// The bits all of whose features are there.
template <typename Predicate>
uint64_t collectBits(Predicate hasFeature) {
  uint64_t bits = 0;
  for (const Feature &feature : allFeatures()) {
    bool complete = true;
    forEachLLVMFeature(feature, [&](StringRef name) { complete &= hasFeature(name); });
    if (complete)
      bits |= feature.bit;
  }
  return bits;
}

std::unique_ptr<MCSubtargetInfo> createSubtarget(StringRef cpu) {
  static const bool initialized = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    return true;
  }();
  (void)initialized;
  std::string message;
  const Triple triple(linuxTriple);
  const Target *target = TargetRegistry::lookupTarget(triple, message);
  // An unknown name makes LLVM print a warning, so ask for names through an instance without one.
  return std::unique_ptr<MCSubtargetInfo>(target ? target->createMCSubtargetInfo(triple, cpu, "")
                                                 : nullptr);
}

Error unknownCpu(StringRef name) {
  return createStringError("unknown target CPU '%s'; expected 'native' or an x86-64 CPU that LLVM "
                           "knows, such as x86-64, x86-64-v2, x86-64-v3, x86-64-v4, haswell, "
                           "skylake-avx512, sapphirerapids, znver3, znver4",
                           name.str().c_str());
}

} // namespace

CpuTarget CpuTarget::fromFeatures(StringRef cpu, uint64_t bits) {
  // Dropping one bit can take the ground from under another.
  uint64_t before;
  do {
    before = bits;
    for (const Feature &feature : allFeatures())
      if ((bits & feature.needs) != feature.needs)
        bits &= ~feature.bit;
  } while (bits != before);

  CpuTarget target;
  target.triple = linuxTriple;
  target.cpu = cpu.str();
  target.featureBits = bits;
  SmallVector<std::string> features;
  for (const Feature &feature : allFeatures())
    if (bits & feature.bit)
      forEachLLVMFeature(feature, [&](StringRef name) { features.push_back(("+" + name).str()); });
  target.features = join(features, ",");
  if (bits & MOEC_FEATURE_AVX512F) {
    target.vectorBytes = 64;
    target.vectorRegisters = 32;
  } else if (bits & MOEC_FEATURE_AVX2) {
    target.vectorBytes = 32;
  }
  return target;
}

Expected<CpuTarget> CpuTarget::parse(StringRef name) {
  if (name == "native") {
    const StringMap<bool> host = sys::getHostCPUFeatures();
    return fromFeatures(sys::getHostCPUName(),
                        collectBits([&](StringRef feature) { return host.lookup(feature); }));
  }
  std::unique_ptr<MCSubtargetInfo> generic = createSubtarget("x86-64");
  if (!generic)
    return createStringError("this LLVM cannot generate x86-64 code");
  if (!generic->isCPUStringValid(name))
    return unknownCpu(name);
  std::unique_ptr<MCSubtargetInfo> subtarget = createSubtarget(name);
  auto hasFeature = [&](StringRef feature) {
    return subtarget->checkFeatures(("+" + feature).str());
  };
  if (!hasFeature("64bit"))
    return unknownCpu(name);
  return fromFeatures(name, collectBits(hasFeature));
}

std::string formatFeatures(uint64_t bits) {
  SmallVector<StringRef> names;
  for (const Feature &feature : allFeatures()) {
    if (bits & feature.bit)
      names.push_back(feature.name);
    bits &= ~feature.bit;
  }
  if (bits)
    names.push_back("unknown features");
  return join(names, ", ");
}

} // namespace moec

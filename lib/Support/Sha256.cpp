#include "moec/Support/Sha256.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/Endian.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

using namespace moec;

// FIPS 180-4, 4.2.2.
alignas(16) static constexpr uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void Sha256::compressPortable(State &state, const uint8_t *blocks, size_t count) {
  using llvm::rotr;
  for (; count > 0; --count, blocks += kBlockBytes) {
    uint32_t w[64];
    for (int t = 0; t < 16; ++t)
      w[t] = llvm::support::endian::read32be(blocks + 4 * t);
    for (int t = 16; t < 64; ++t)
      w[t] = w[t - 16] + (rotr(w[t - 15], 7) ^ rotr(w[t - 15], 18) ^ (w[t - 15] >> 3)) + w[t - 7] +
             (rotr(w[t - 2], 17) ^ rotr(w[t - 2], 19) ^ (w[t - 2] >> 10));
    auto [a, b, c, d, e, f, g, h] = state;
    for (int t = 0; t < 64; ++t) {
      uint32_t t1 =
          h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + kRound[t] + w[t];
      uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      h = g;
      g = f;
      f = e;
      e = d + t1;
      d = c;
      c = b;
      b = a;
      a = t1 + t2;
    }
    const State sum = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; ++i)
      state[i] += sum[i];
  }
}

#if defined(__x86_64__)

/// Intel's SHA extensions want the state as the vectors ABEF and CDGH and do two rounds an
/// instruction.
/// https://www.intel.com/content/www/us/en/developer/articles/technical/intel-sha-extensions.html
__attribute__((target("sha,sse4.1"))) void Sha256::compressX86(State &state, const uint8_t *blocks,
                                                               size_t count) {
  const __m128i toBigEndian = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
  auto *words = reinterpret_cast<__m128i *>(state.data());
  __m128i dcba = _mm_loadu_si128(words), hgfe = _mm_loadu_si128(words + 1);
  __m128i badc = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  __m128i abef = _mm_alignr_epi8(badc, efgh, 8), cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
  for (; count > 0; --count, blocks += kBlockBytes) {
    const __m128i abefBefore = abef, cdghBefore = cdgh;
    __m128i w[4]; // four words each, as a ring
    for (int i = 0; i < 4; ++i)
      w[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(blocks) + i),
                              toBigEndian);
    for (int t = 0; t < 16; ++t) {
      __m128i &oldest = w[t % 4], &newest = w[(t + 3) % 4];
      __m128i input =
          _mm_add_epi32(oldest, _mm_load_si128(reinterpret_cast<const __m128i *>(kRound) + t));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
      __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(oldest, w[(t + 1) % 4]),
                                   _mm_alignr_epi8(newest, w[(t + 2) % 4], 4));
      oldest = _mm_sha256msg2_epu32(next, newest);
    }
    abef = _mm_add_epi32(abef, abefBefore);
    cdgh = _mm_add_epi32(cdgh, cdghBefore);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(words, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(words + 1, _mm_alignr_epi8(dchg, feba, 8));
}

Sha256::Compress Sha256::findCompress() {
  unsigned eax, ebx, ecx, edx;
  const bool hasSse41 = __get_cpuid(1, &eax, &ebx, &ecx, &edx) && (ecx & bit_SSE4_1);
  const bool hasSha = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA);
  return hasSha && hasSse41 ? compressX86 : compressPortable;
}

#else

Sha256::Compress Sha256::findCompress() { return compressPortable; }

#endif

Sha256 Sha256::portable() {
  Sha256 result;
  result.compress = compressPortable;
  return result;
}

void Sha256::update(llvm::ArrayRef<char> data) {
  const size_t used = length % kBlockBytes;
  length += data.size();
  if (used > 0) {
    const size_t count = std::min(kBlockBytes - used, data.size());
    std::memcpy(pending.data() + used, data.data(), count);
    data = data.drop_front(count);
    if (used + count < kBlockBytes)
      return;
    compress(state, pending.data(), 1);
  }
  const size_t whole = data.size() / kBlockBytes;
  compress(state, reinterpret_cast<const uint8_t *>(data.data()), whole);
  data = data.drop_front(whole * kBlockBytes);
  std::copy(data.begin(), data.end(), pending.begin());
}

Sha256Digest Sha256::finish() {
  const uint64_t bits = length * 8;
  static constexpr char padding[kBlockBytes] = {char(0x80)};
  const size_t used = length % kBlockBytes;
  update(llvm::ArrayRef(padding).take_front((used < 56 ? 56 : 120) - used));
  char encoded[8];
  llvm::support::endian::write64be(encoded, bits);
  update(llvm::ArrayRef(encoded));
  Sha256Digest digest;
  for (size_t i = 0; i < state.size(); ++i)
    llvm::support::endian::write32be(digest.data() + 4 * i, state[i]);
  return digest;
}

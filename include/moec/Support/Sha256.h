//===- Sha256.h - SHA-256 of data of any length
//------------------------------------------------===//
//
// LLVM's SHA256 counts bytes in 32 bits and is wrong beyond half a gigabyte; weights are larger.
// Where the CPU has instructions for it, they are used: hashing then keeps up with fast disks.
//
//===------------------------------------------------------------------------------------------===//
#ifndef MOEC_SUPPORT_SHA256_H
#define MOEC_SUPPORT_SHA256_H

#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <cstdint>

namespace moec {

using Sha256Digest = std::array<uint8_t, 32>;

class Sha256 {
public:
  void update(llvm::ArrayRef<char> data);
  void update(llvm::ArrayRef<uint8_t> data) {
    update(llvm::ArrayRef(reinterpret_cast<const char *>(data.data()), data.size()));
  }
  /// The digest of all updates; no more may follow.
  Sha256Digest finish();

  /// What is used whatever the CPU, for tests.
  static Sha256 portable();

  static constexpr size_t kBlockBytes = 64;

private:
  using State = std::array<uint32_t, 8>;
  using Compress = void (*)(State &state, const uint8_t *blocks, size_t count);
  static Compress findCompress();
  static void compressPortable(State &state, const uint8_t *blocks, size_t count);
  static void compressX86(State &state, const uint8_t *blocks, size_t count);

  Compress compress = findCompress();
  State state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  uint64_t length = 0; ///< in bytes
  std::array<uint8_t, kBlockBytes> pending = {};
};

} // namespace moec

#endif // MOEC_SUPPORT_SHA256_H

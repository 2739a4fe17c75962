#include "moec/Weights/WeightHash.h"

using namespace llvm;
using namespace moec;

namespace {

/// What is hashed before its memory is given back.
constexpr uint64_t kStepBytes = uint64_t(16) << 20;

} // namespace

Expected<Sha256Digest> moec::sha256Range(const WeightStore &store, WeightRange range) {
  Expected<ArrayRef<char>> data = store.bytes(range);
  if (!data)
    return data.takeError();
  Sha256 hash;
  for (uint64_t done = 0; done < range.length; done += kStepBytes) {
    const uint64_t length = std::min(kStepBytes, range.length - done);
    hash.update(data->slice(done, length));
    store.release({range.file, range.offset + done, length});
  }
  return hash.finish();
}

Expected<Sha256Digest> moec::sha256Files(const WeightStore &store, ArrayRef<uint32_t> files) {
  Sha256 combined;
  for (uint32_t file : files) {
    Expected<Sha256Digest> digest = sha256Range(store, {file, 0, store.getFile(file).size});
    if (!digest || files.size() == 1)
      return digest;
    combined.update(ArrayRef<uint8_t>(*digest));
  }
  return combined.finish();
}

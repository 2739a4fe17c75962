#include "moec/Weights/WeightHash.h"

#include "llvm/Support/SHA256.h"

using namespace llvm;
using namespace moec;

namespace {

ArrayRef<uint8_t> asBytes(ArrayRef<char> data) {
  return {reinterpret_cast<const uint8_t *>(data.data()), data.size()};
}

} // namespace

Expected<Sha256Digest> moec::sha256Range(const WeightStore &store, WeightRange range) {
  Expected<ArrayRef<char>> data = store.bytes(range);
  if (!data)
    return data.takeError();
  return SHA256::hash(asBytes(*data));
}

Expected<Sha256Digest> moec::sha256Files(const WeightStore &store, ArrayRef<uint32_t> files) {
  SHA256 combined;
  for (uint32_t file : files) {
    Expected<Sha256Digest> digest = sha256Range(store, {file, 0, store.getFile(file).size});
    if (!digest || files.size() == 1)
      return digest;
    combined.update(*digest);
  }
  return combined.final();
}

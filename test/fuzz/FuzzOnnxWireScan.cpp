// Any bytes make a skeleton or an error. Of a skeleton, the payloads can be read, and it has
// nothing left to take out: a second scan gives the same bytes.

#include "moec/Weights/OnnxWireScan.h"

#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

using namespace moec;

namespace {

void require(bool condition) {
  if (!condition)
    std::abort();
}

uint32_t addContents(WeightStore &store, llvm::StringRef contents) {
  const int file = memfd_create("model", MFD_CLOEXEC);
  require(file >= 0 && write(file, contents.data(), contents.size()) == ssize_t(contents.size()));
  llvm::Expected<uint32_t> number = store.addOpenFile(file, "/model.onnx");
  close(file);
  require(bool(number));
  return *number;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  OnnxWireLimits limits;
  limits.maxInlineBytes = 4; // small inputs reach everything
  WeightStore store;
  const uint32_t file = addContents(store, {reinterpret_cast<const char *>(data), size});
  llvm::Expected<OnnxSkeleton> skeleton = scanOnnxModel(store, file, limits);
  if (!skeleton) {
    llvm::consumeError(skeleton.takeError());
    return 0;
  }
  for (const OnnxPayload &payload : skeleton->payloads) {
    llvm::Expected<llvm::ArrayRef<char>> bytes = store.bytes(payload.range);
    require(bool(bytes));
    require(bytes->size() > limits.maxInlineBytes);
    volatile char sink = bytes->front();
    sink = bytes->back();
    (void)sink;
  }
  llvm::Expected<OnnxSkeleton> again =
      scanOnnxModel(store, addContents(store, skeleton->bytes), limits);
  require(bool(again) && again->payloads.empty() && again->bytes == skeleton->bytes);
  require(again->numTensors == skeleton->numTensors && again->numNodes == skeleton->numNodes);
  return 0;
}

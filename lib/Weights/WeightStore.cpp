#include "moec/Weights/WeightStore.h"

#include "moec/Support/AtomicFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace moec;

static constexpr uint64_t kSpillAlignment = 64;
static constexpr uint64_t kMinSpillMapping = uint64_t(64) << 20;
static constexpr size_t kCopyBytes = size_t(4) << 20;

static Error makeError(const Twine &message) { return createStringError(message); }

static Error makeErrnoError(const Twine &message) {
  const int code = errno;
  return createStringError(std::error_code(code, std::generic_category()),
                           message + ": " + std::strerror(code));
}

namespace {

class Descriptor {
public:
  explicit Descriptor(int value = -1) : value(value) {}
  Descriptor(Descriptor &&other) : value(std::exchange(other.value, -1)) {}
  Descriptor &operator=(Descriptor &&other) {
    std::swap(value, other.value);
    return *this;
  }
  ~Descriptor() {
    if (value >= 0)
      close(value);
  }
  int get() const { return value; }

private:
  int value;
};

struct Mapping {
  void *address;
  size_t length;
};

} // namespace

static Expected<Mapping> map(int descriptor, uint64_t length, int flags, const Twine &path) {
  if (length > std::numeric_limits<size_t>::max())
    return makeError("cannot map '" + path + "': " + Twine(length) + " bytes are too many");
  void *address = mmap(nullptr, length, PROT_READ, flags, descriptor, 0);
  if (address == MAP_FAILED)
    return makeErrnoError("cannot map '" + path + "'");
  return Mapping{address, static_cast<size_t>(length)};
}

static Error writeAt(int descriptor, uint64_t offset, ArrayRef<char> data) {
  while (!data.empty()) {
    const ssize_t count = pwrite(descriptor, data.data(), data.size(), offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return makeErrnoError("cannot write a temporary file");
    offset += count;
    data = data.drop_front(count);
  }
  return Error::success();
}

/// Copies `size` bytes from the start of one file to that of another.
static Error copyFile(int from, int to, uint64_t size, StringRef path) {
  std::vector<char> buffer(std::min<uint64_t>(size, kCopyBytes));
  for (uint64_t offset = 0; offset < size;) {
    const size_t wanted = std::min<uint64_t>(buffer.size(), size - offset);
    const ssize_t count = pread(from, buffer.data(), wanted, offset);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return makeErrnoError("cannot read '" + path + "'");
    if (count == 0)
      return makeError("'" + path + "' has shrunk from " + Twine(size) + " to " + Twine(offset) +
                       " bytes while it was read");
    if (Error error = writeAt(to, offset, ArrayRef(buffer.data(), count)))
      return error;
    offset += count;
  }
  return Error::success();
}

/// A file without a name.
static Expected<Descriptor> createTemporary(StringRef directory) {
  SmallString<128> name(directory);
  if (name.empty()) {
    if (const char *fromEnvironment = std::getenv("TMPDIR"))
      name = fromEnvironment;
    if (name.empty())
      sys::path::system_temp_directory(/*ErasedOnReboot=*/true, name);
  }
  Descriptor file(::open(name.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file.get() >= 0)
    return file;
  const SmallString<128> folder = name;
  sys::path::append(name, "moec-XXXXXX");
  name.c_str(); // ends it with a NUL
  file = Descriptor(mkostemp(name.data(), O_CLOEXEC));
  if (file.get() < 0)
    return makeErrnoError("cannot create a temporary file in '" + folder +
                          "' (set TMPDIR to another folder)");
  unlink(name.c_str());
  return file;
}

namespace {

/// What is behind a row of the table. For files, `start` never changes; of a spill file, which
/// grows, older mappings stay valid beside the newest.
struct Entry {
  std::string path;
  uint64_t size = 0;
  const char *start = nullptr;
  uint64_t capacity = 0; ///< bytes from `start` that are mapped
  SmallVector<Mapping, 1> mappings;
  Descriptor spill; ///< open while this is a spill file
  bool isSpill = false;

  ~Entry() {
    for (const Mapping &mapping : mappings)
      munmap(mapping.address, mapping.length);
  }

  std::string name() const { return path.empty() ? "the spill file" : "'" + path + "'"; }

  /// Maps at least the bytes there are, and for a growing file many more, so that the number of
  /// mappings stays small. Bytes behind the end are never touched.
  Error ensureMapped(int descriptor, int flags) {
    if (size <= capacity)
      return Error::success();
    const uint64_t wanted = isSpill ? std::max(kMinSpillMapping, PowerOf2Ceil(size)) : size;
    Expected<Mapping> mapping = map(descriptor, wanted, flags, name());
    if (!mapping)
      return mapping.takeError();
    mappings.push_back(*mapping);
    start = static_cast<const char *>(mapping->address);
    capacity = wanted;
    return Error::success();
  }
};

} // namespace

struct WeightStore::Impl {
  explicit Impl(WeightStoreOptions options) : options(std::move(options)) {}

  Expected<uint32_t> add(int descriptor, StringRef path, std::optional<uint64_t> expectedSize);
  /// Null if there is no such file. Call with the mutex held.
  Entry *find(uint32_t file) { return file < entries.size() ? entries[file].get() : nullptr; }
  uint32_t append(std::unique_ptr<Entry> entry) {
    entries.push_back(std::move(entry));
    return entries.size() - 1;
  }

  WeightStoreOptions options;
  std::mutex mutex;
  std::vector<std::unique_ptr<Entry>> entries;
  std::optional<uint32_t> spillFile;
};

WeightStore::WeightStore(WeightStoreOptions options)
    : impl(std::make_unique<Impl>(std::move(options))) {}
WeightStore::~WeightStore() = default;

Expected<std::unique_ptr<WeightStore>> WeightStore::fromTable(ArrayRef<WeightFile> table,
                                                              WeightStoreOptions options) {
  auto store = std::make_unique<WeightStore>(std::move(options));
  for (const auto &[index, file] : enumerate(table)) {
    if (file.path.empty())
      return makeError("file " + Twine(index) + " of the table of weights has no path: it held " +
                       "decoded weights and was not kept");
    if (Expected<uint32_t> added = store->addFile(file.path, file.size); !added)
      return added.takeError();
  }
  return store;
}

Expected<uint32_t> WeightStore::Impl::add(int descriptor, StringRef path,
                                          std::optional<uint64_t> expectedSize) {
  struct stat status;
  if (fstat(descriptor, &status) != 0)
    return makeErrnoError("cannot read '" + path + "'");
  if (!S_ISREG(status.st_mode))
    return makeError("cannot read '" + path + "': it is not a regular file");
  auto entry = std::make_unique<Entry>();
  entry->path = path.str();
  entry->size = status.st_size;
  if (expectedSize && *expectedSize != entry->size)
    return makeError("'" + path + "' has " + Twine(entry->size) + " bytes, expected " +
                     Twine(*expectedSize) + ": it is not the file that was there before");
  Descriptor copy;
  if (options.untrusted) {
    Expected<Descriptor> temporary = createTemporary(options.temporaryDirectory);
    if (!temporary)
      return temporary.takeError();
    copy = std::move(*temporary);
    if (Error error = copyFile(descriptor, copy.get(), entry->size, path))
      return error;
    descriptor = copy.get();
  }
  if (Error error = entry->ensureMapped(descriptor, MAP_PRIVATE))
    return error;
  std::lock_guard<std::mutex> lock(mutex);
  return append(std::move(entry));
}

Expected<uint32_t> WeightStore::addFile(StringRef path, std::optional<uint64_t> expectedSize) {
  SmallString<256> absolute(path);
  if (std::error_code error = sys::fs::make_absolute(absolute))
    return makeError("cannot read '" + path + "': " + error.message());
  // Not blocking: a pipe without a writer must not hang before it is refused.
  Descriptor file(::open(absolute.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (file.get() < 0)
    return makeErrnoError("cannot read '" + path + "'");
  return impl->add(file.get(), absolute, expectedSize);
}

Expected<uint32_t> WeightStore::addOpenFile(int descriptor, StringRef path) {
  return impl->add(descriptor, path, std::nullopt);
}

uint32_t WeightStore::getNumFiles() const {
  std::lock_guard<std::mutex> lock(impl->mutex);
  return impl->entries.size();
}

WeightFile WeightStore::getFile(uint32_t file) const {
  std::lock_guard<std::mutex> lock(impl->mutex);
  const Entry *entry = impl->find(file);
  return entry ? WeightFile{entry->path, entry->size} : WeightFile();
}

std::vector<WeightFile> WeightStore::getTable() const {
  std::lock_guard<std::mutex> lock(impl->mutex);
  std::vector<WeightFile> table;
  for (const std::unique_ptr<Entry> &entry : impl->entries)
    table.push_back({entry->path, entry->size});
  return table;
}

Expected<ArrayRef<char>> WeightStore::bytes(uint32_t file) const {
  return bytes({file, 0, getFile(file).size});
}

Expected<ArrayRef<char>> WeightStore::bytes(WeightRange range) const {
  std::lock_guard<std::mutex> lock(impl->mutex);
  Entry *entry = impl->find(range.file);
  if (!entry)
    return makeError("there is no weight file " + Twine(range.file) + ", the table has " +
                     Twine(impl->entries.size()));
  if (range.offset > entry->size || range.length > entry->size - range.offset)
    return makeError("offset " + Twine(range.offset) + " and length " + Twine(range.length) +
                     " go beyond the end of " + entry->name() + ", which has " +
                     Twine(entry->size) + " bytes");
  if (entry->isSpill)
    if (Error error = entry->ensureMapped(entry->spill.get(), MAP_SHARED))
      return error;
  return ArrayRef(entry->start + range.offset, range.length);
}

void WeightStore::release(WeightRange range) const {
  Expected<ArrayRef<char>> data = bytes(range);
  if (!data)
    return consumeError(data.takeError());
  // Only whole pages within the range. Nothing is written through the mapping, so what is dropped
  // comes back from the file.
  const uintptr_t pageSize = sys::Process::getPageSizeEstimate();
  const uintptr_t begin = alignTo(reinterpret_cast<uintptr_t>(data->begin()), pageSize);
  const uintptr_t end = alignDown(reinterpret_cast<uintptr_t>(data->end()), pageSize);
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

Expected<WeightStore::SpillWriter> WeightStore::startSpill(uint64_t length) {
  std::lock_guard<std::mutex> lock(impl->mutex);
  if (!impl->spillFile) {
    Expected<Descriptor> temporary = createTemporary(impl->options.temporaryDirectory);
    if (!temporary)
      return temporary.takeError();
    auto entry = std::make_unique<Entry>();
    entry->spill = std::move(*temporary);
    entry->isSpill = true;
    impl->spillFile = impl->append(std::move(entry));
  }
  Entry &entry = *impl->entries[*impl->spillFile];
  const uint64_t offset = alignTo(entry.size, kSpillAlignment);
  if (length > uint64_t(std::numeric_limits<off_t>::max()) - offset)
    return makeError("cannot spill " + Twine(length) + " bytes: they are too many");
  if (ftruncate(entry.spill.get(), offset + length) != 0)
    return makeErrnoError("cannot grow the spill file to " + Twine(offset + length) + " bytes");
  entry.size = offset + length;
  return SpillWriter(*this, {*impl->spillFile, offset, length});
}

Error WeightStore::SpillWriter::write(ArrayRef<char> data) {
  if (data.size() > range.length - written)
    return makeError("more than the announced " + Twine(range.length) + " bytes are spilled");
  int descriptor;
  {
    std::lock_guard<std::mutex> lock(store.impl->mutex);
    descriptor = store.impl->entries[range.file]->spill.get();
  }
  if (Error error = writeAt(descriptor, range.offset + written, data))
    return error;
  written += data.size();
  return Error::success();
}

Expected<WeightRange> WeightStore::SpillWriter::finish() {
  if (written != range.length)
    return makeError("spilled " + Twine(written) + " bytes, announced were " + Twine(range.length));
  return range;
}

Expected<WeightRange> WeightStore::spill(ArrayRef<char> data) {
  Expected<SpillWriter> writer = startSpill(data.size());
  if (!writer)
    return writer.takeError();
  if (Error error = writer->write(data))
    return error;
  return writer->finish();
}

std::optional<uint32_t> WeightStore::getSpillFile() const {
  std::lock_guard<std::mutex> lock(impl->mutex);
  return impl->spillFile;
}

Error WeightStore::persistSpill(StringRef path) {
  const std::optional<uint32_t> file = getSpillFile();
  if (!file)
    return Error::success();
  SmallString<256> absolute(path);
  if (std::error_code error = sys::fs::make_absolute(absolute))
    return makeError("cannot write '" + path + "': " + error.message());
  Expected<ArrayRef<char>> data = bytes(*file);
  if (!data)
    return data.takeError();
  Expected<AtomicFile> output = AtomicFile::create(absolute);
  if (!output)
    return output.takeError();
  if (Error error = output->write(0, *data))
    return error;
  if (Error error = output->commit())
    return error;
  std::lock_guard<std::mutex> lock(impl->mutex);
  impl->entries[*file]->path = absolute.str().str();
  impl->spillFile.reset();
  return Error::success();
}

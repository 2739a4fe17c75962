#include "Format.h"
#include "moec/Artifact/Artifact.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;

namespace moec {

namespace {

constexpr uint64_t maxJSON = UINT64_C(64) << 20;

template <typename... Ts>
Error bad(const char *format, Ts... arguments) {
  return createStringError(format, arguments...);
}

/// Whether [offset, offset + size) lies within `limit` bytes.
bool contains(uint64_t limit, uint64_t offset, uint64_t size) {
  return offset <= limit && size <= limit - offset;
}

/// A regular file, read piece by piece: mapping it would end the process if somebody cut it off.
class InputFile {
public:
  InputFile() = default;
  InputFile(const InputFile &) = delete;
  ~InputFile() {
    if (descriptor >= 0)
      close(descriptor);
  }

  Error open(StringRef path) {
    // Not blocking: a FIFO must not hang.
    descriptor = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (descriptor < 0 || fstat(descriptor, &status) != 0)
      return createStringError(std::error_code(errno, std::generic_category()),
                               std::strerror(errno));
    if (!S_ISREG(status.st_mode))
      return bad("it is not a regular file");
    size = status.st_size;
    return Error::success();
  }

  uint64_t getSize() const { return size; }

  Error read(uint64_t offset, MutableArrayRef<char> bytes) const {
    while (!bytes.empty()) {
      ssize_t count = pread(descriptor, bytes.data(), bytes.size(), offset);
      if (count < 0 && errno == EINTR)
        continue;
      if (count < 0)
        return bad("cannot read it: %s", std::strerror(errno));
      if (count == 0)
        return bad("it was cut off while it was read");
      offset += count;
      bytes = bytes.drop_front(count);
    }
    return Error::success();
  }

  /// The block checksum of a range; holes are not read.
  Expected<uint64_t> checksum(uint64_t begin, uint64_t length) const {
    BlockChecksum sum;
    std::vector<char> block;
    const uint64_t end = begin + length;
    uint64_t nextData = 0;
    for (uint64_t offset = begin; offset < end;) {
      const uint64_t count = std::min<uint64_t>(end - offset, MOEC_CHECKSUM_BLOCK);
      if (nextData <= offset)
        nextData = findData(offset, end);
      if (nextData >= offset + count) {
        sum.addZeros(count);
      } else {
        block.resize(count);
        if (Error error = read(offset, block))
          return error;
        sum.add(block);
      }
      offset += count;
    }
    return sum.finish();
  }

private:
  /// The next byte at or behind `offset` that is not in a hole, at most `end`.
  uint64_t findData(uint64_t offset, uint64_t end) const {
    off_t data = lseek(descriptor, offset, SEEK_DATA);
    if (data >= 0)
      return std::min<uint64_t>(data, end);
    return errno == ENXIO ? end : offset; // Nothing but a hole; else unknown: read it.
  }

  int descriptor = -1;
  uint64_t size = 0;
};

Error checkHeader(const moec_rt_segment_header &header, StringRef magic) {
  if (StringRef(header.magic, sizeof header.magic) != magic)
    return bad("it does not start with the magic of its format");
  if (header.format_major != MOEC_FORMAT_MAJOR)
    return bad("it has format version %d.%d; this moec reads version %d", header.format_major,
               header.format_minor, MOEC_FORMAT_MAJOR);
  if (header.header_size < sizeof header || header.header_size > MOEC_SEGMENT_HEADER_PAGE ||
      header.header_checksum != moec_rt_header_checksum(&header))
    return bad("its header is damaged");
  // Who makes checksums fit can still write nonsense.
  if (header.weights_offset % 64 != 0 || header.weights_external > 1 ||
      header.target[sizeof header.target - 1] != 0 ||
      header.weights_file[sizeof header.weights_file - 1] != 0 ||
      std::strchr(header.weights_file, '/') != nullptr ||
      (header.weights_external == 1) != (header.weights_file[0] != 0))
    return bad("its header makes no sense");
  return Error::success();
}

Error readHeader(const InputFile &file, uint64_t offset, moec_rt_segment_header &header) {
  return file.read(offset, MutableArrayRef(reinterpret_cast<char *>(&header), sizeof header));
}

Error readJSON(const InputFile &file, ArtifactInfo &info) {
  const moec_rt_segment_header &header = info.header;
  if (header.json_size > maxJSON ||
      !contains(info.segmentSize, header.json_offset, header.json_size) ||
      header.json_offset + header.json_size == info.segmentSize)
    return bad("its JSON does not fit");
  std::vector<char> text(header.json_size + 1);
  if (Error error = file.read(info.segmentOffset + header.json_offset, text))
    return error;
  if (text.back() != 0 || BlockChecksum::of(ArrayRef(text).drop_back()) != header.json_checksum)
    return bad("its JSON is damaged");
  info.json.assign(text.data(), header.json_size);
  Expected<json::Value> value = json::parse(info.json);
  if (!value)
    return value.takeError();
  const json::Object *object = value->getAsObject();
  if (!object)
    return bad("its JSON is not an object");
  Expected<Signature> signature = Signature::fromJSON(*object);
  if (!signature)
    return signature.takeError();
  info.signature = std::move(*signature);
  return Error::success();
}

Error verifyExternalWeights(StringRef artifactPath, const moec_rt_segment_header &header) {
  SmallString<128> path(sys::path::parent_path(artifactPath));
  sys::path::append(path, header.weights_file);
  auto located = [&](Error error) {
    return createStringError("weights file '" + path.str() + "': " + toString(std::move(error)));
  };
  InputFile file;
  if (Error error = file.open(path))
    return located(std::move(error));
  if (file.getSize() < MOEC_SEGMENT_HEADER_PAGE)
    return located(bad("it is too short"));
  moec_rt_segment_header own;
  if (Error error = readHeader(file, 0, own))
    return located(std::move(error));
  if (Error error = checkHeader(own, MOEC_WEIGHTS_MAGIC))
    return located(std::move(error));
  if (!contains(file.getSize(), own.weights_offset, own.weights_size))
    return located(bad("it was cut off"));
  if (own.weights_size != header.weights_size || own.weights_checksum != header.weights_checksum)
    return located(bad("it belongs to another model"));
  Expected<uint64_t> checksum = file.checksum(own.weights_offset, own.weights_size);
  if (!checksum)
    return located(checksum.takeError());
  return *checksum == own.weights_checksum ? Error::success() : located(bad("it is damaged"));
}

Error verifyWeights(const InputFile &file, StringRef path, const ArtifactInfo &info) {
  if (info.header.weights_external)
    return verifyExternalWeights(path, info.header);
  Expected<uint64_t> checksum =
      file.checksum(info.segmentOffset + info.header.weights_offset, info.header.weights_size);
  if (!checksum)
    return checksum.takeError();
  return *checksum == info.header.weights_checksum ? Error::success()
                                                   : bad("its weights are damaged");
}

Expected<ArtifactInfo> read(StringRef path, bool verifyContents) {
  InputFile file;
  if (Error error = file.open(path))
    return error;
  auto readAt = [&](uint64_t offset, MutableArrayRef<char> bytes) {
    return file.read(offset, bytes);
  };
  Expected<ElfHeaders> elf = ElfHeaders::read(file.getSize(), readAt);
  if (!elf)
    return elf.takeError();
  Expected<const Elf64_Phdr *> segment = elf->findSegment(readAt);
  if (!segment)
    return segment.takeError();
  if (!*segment)
    return bad("it is a shared object, but not a compiled model, or one that was changed after it "
               "was made (GNU strip cuts the weights off, llvm-strip does not)");

  ArtifactInfo info;
  info.fileSize = file.getSize();
  info.segmentOffset = (*segment)->p_offset;
  info.segmentSize = (*segment)->p_filesz;
  if (Error error = readHeader(file, info.segmentOffset, info.header))
    return error;
  if (Error error = checkHeader(info.header, MOEC_SEGMENT_MAGIC))
    return error;
  if (!info.header.weights_external &&
      !contains(info.segmentSize, info.header.weights_offset, info.header.weights_size))
    return bad("its weights do not fit");
  if (Error error = readJSON(file, info))
    return error;
  if (verifyContents) {
    Expected<uint64_t> checksum = elf->checksumImage(*segment, readAt);
    if (!checksum)
      return checksum.takeError();
    if (*checksum != info.header.image_checksum)
      return bad("its code is damaged");
    if (Error error = verifyWeights(file, path, info))
      return error;
  }
  return info;
}

} // namespace

Expected<ArtifactInfo> readArtifact(StringRef path, bool verifyContents) {
  Expected<ArtifactInfo> info = read(path, verifyContents);
  if (!info)
    return createStringError("'" + path + "': " + toString(info.takeError()));
  return info;
}

} // namespace moec

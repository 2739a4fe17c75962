#include "Format.h"
#include "Linker.h"
#include "moec/Artifact/Artifact.h"
#include "moec/Support/AtomicFile.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

#include <cstring>

using namespace llvm;

namespace moec {

namespace {

/// Readable bytes behind the weights, for vector loads that reach over their end.
constexpr uint64_t tailPadding = 64;
constexpr uint64_t weightsAlignment = 4096;

// --- Weights ------------------------------------------------------------------------------------

/// Collects a stream of bytes into checksum blocks and writes them, zeros as holes.
class WeightsStream {
public:
  WeightsStream(AtomicFile &file, uint64_t start) : file(file), start(start) {
    block.reserve(MOEC_CHECKSUM_BLOCK);
  }

  uint64_t getPosition() const { return position; }

  Error write(ArrayRef<char> bytes) {
    while (!bytes.empty()) {
      ArrayRef<char> part = bytes.take_front(MOEC_CHECKSUM_BLOCK - block.size());
      block.append(part.begin(), part.end());
      position += part.size();
      bytes = bytes.drop_front(part.size());
      if (block.size() == MOEC_CHECKSUM_BLOCK)
        if (Error error = flush())
          return error;
    }
    return Error::success();
  }

  /// Zeros up to `target`, whole blocks at a time.
  Error skipTo(uint64_t target) {
    static constexpr char zeros[4096] = {};
    while (position < target) {
      uint64_t count = target - position;
      if (block.empty() && count >= MOEC_CHECKSUM_BLOCK) {
        checksum.addZeros(MOEC_CHECKSUM_BLOCK);
        position += MOEC_CHECKSUM_BLOCK;
        continue;
      }
      if (Error error = write(ArrayRef(zeros).take_front(std::min<uint64_t>(count, sizeof zeros))))
        return error;
    }
    return Error::success();
  }

  Expected<uint64_t> finish() {
    if (!block.empty())
      if (Error error = flush())
        return error;
    return checksum.finish();
  }

private:
  Error flush() {
    const bool isZero =
        block.front() == 0 && std::memcmp(block.data(), block.data() + 1, block.size() - 1) == 0;
    const uint64_t offset = start + position - block.size();
    if (isZero) {
      checksum.addZeros(block.size());
    } else {
      checksum.add(block);
      if (Error error = file.write(offset, block))
        return error;
    }
    block.clear();
    return Error::success();
  }

  AtomicFile &file;
  const uint64_t start;
  uint64_t position = 0;
  SmallVector<char, 0> block;
  BlockChecksum checksum;
};

/// Entries by offset; fails if they overlap or reach over the end.
Expected<std::vector<const WeightsEntry *>> sortEntries(const ArtifactRequest &request) {
  std::vector<const WeightsEntry *> entries;
  for (const WeightsEntry &entry : request.weights)
    entries.push_back(&entry);
  llvm::sort(entries, [](auto *a, auto *b) {
    return std::pair(a->offset, a->size) < std::pair(b->offset, b->size);
  });
  uint64_t end = 0;
  for (const WeightsEntry *entry : entries) {
    if (entry->offset < end)
      return createStringError("weights: the entry at offset %llu overlaps the one before",
                               static_cast<unsigned long long>(entry->offset));
    if (entry->offset > request.weightsSize || entry->size > request.weightsSize - entry->offset)
      return createStringError("weights: the entry at offset %llu ends behind the end",
                               static_cast<unsigned long long>(entry->offset));
    end = entry->offset + entry->size;
  }
  return entries;
}

/// Writes the packed weights from `start` of the file; returns their checksum.
Expected<uint64_t> writeWeights(const ArtifactRequest &request, AtomicFile &file, uint64_t start) {
  Expected<std::vector<const WeightsEntry *>> entries = sortEntries(request);
  if (!entries)
    return entries.takeError();
  WeightsStream stream(file, start);
  for (const WeightsEntry *entry : *entries) {
    if (Error error = stream.skipTo(entry->offset))
      return error;
    const uint64_t end = entry->offset + entry->size;
    auto sink = [&](ArrayRef<char> bytes) -> Error {
      if (bytes.size() > end - stream.getPosition())
        return createStringError("weights: more than %llu bytes for the entry at offset %llu",
                                 static_cast<unsigned long long>(entry->size),
                                 static_cast<unsigned long long>(entry->offset));
      return stream.write(bytes);
    };
    if (Error error = entry->write(sink))
      return error;
    if (stream.getPosition() != end)
      return createStringError(
          "weights: %llu of %llu bytes for the entry at offset %llu",
          static_cast<unsigned long long>(stream.getPosition() - entry->offset),
          static_cast<unsigned long long>(entry->size),
          static_cast<unsigned long long>(entry->offset));
  }
  if (Error error = stream.skipTo(request.weightsSize))
    return error;
  return stream.finish();
}

// --- Image --------------------------------------------------------------------------------------

/// Turns the program header of the runtime's note into that of a segment at `offset`.
Error addProgramHeader(MutableArrayRef<char> image, uint64_t offset, uint64_t size) {
  auto &file = *reinterpret_cast<Elf64_Ehdr *>(image.data());
  auto *programs = reinterpret_cast<Elf64_Phdr *>(image.data() + file.e_phoff);
  uint64_t addressEnd = 0;
  Elf64_Phdr *spare = nullptr;
  for (Elf64_Phdr &program : MutableArrayRef(programs, file.e_phnum)) {
    if (program.p_type == PT_LOAD) {
      addressEnd = std::max(addressEnd, program.p_vaddr + program.p_memsz);
      spare = nullptr; // The loader wants ascending addresses: only one behind the last will do.
    }
    const auto *note = reinterpret_cast<const Elf64_Nhdr *>(image.data() + program.p_offset);
    if (program.p_type == PT_NOTE && program.p_filesz >= sizeof(*note) + sizeof MOEC_NOTE_NAME &&
        note->n_type == MOEC_NOTE_TYPE && note->n_namesz == sizeof MOEC_NOTE_NAME &&
        std::memcmp(note + 1, MOEC_NOTE_NAME, sizeof MOEC_NOTE_NAME) == 0)
      spare = &program;
  }
  if (!spare)
    return createStringError("the linked image has no program header to spare; is the runtime "
                             "library of another version?");
  const uint64_t address = alignTo(addressEnd, MOEC_SEGMENT_ALIGNMENT);
  *spare = {PT_LOAD, PF_R, offset, address, address, size, size, MOEC_SEGMENT_ALIGNMENT};
  return Error::success();
}

// --- Header and JSON ----------------------------------------------------------------------------

std::string makeJSON(const ArtifactRequest &request) {
  json::Object object = request.extra;
  for (auto &[key, value] : request.signature.toJSON())
    object[key] = std::move(value);
  object["format"] = formatv("{0}.{1}", MOEC_FORMAT_MAJOR, MOEC_FORMAT_MINOR).str();
  object["target"] = json::Object{{"triple", request.target.triple}, {"cpu", request.target.cpu}};
  SmallVector<StringRef> names;
  const std::string features = formatFeatures(request.target.featureBits);
  StringRef(features).split(names, ", ", -1, /*KeepEmpty=*/false);
  object["features"] = json::Array(names);
  object["model_sha256"] = toHex(request.modelHash, /*LowerCase=*/true);
  object["weights_size"] = request.weightsSize;
  if (!request.weightsFile.empty())
    object["weights_file"] = request.weightsFile;
  return formatv("{0}", json::Value(std::move(object)));
}

/// All but offsets and checksums.
moec_rt_segment_header makeHeader(const ArtifactRequest &request) {
  moec_rt_segment_header header = {};
  std::memcpy(header.magic, MOEC_SEGMENT_MAGIC, sizeof header.magic);
  header.format_major = MOEC_FORMAT_MAJOR;
  header.format_minor = MOEC_FORMAT_MINOR;
  header.header_size = sizeof header;
  header.features = request.target.featureBits;
  header.weights_size = request.weightsSize;
  header.weights_external = !request.weightsFile.empty();
  std::memcpy(header.model_hash, request.modelHash.data(), sizeof header.model_hash);
  const std::string target = request.target.cpu + " " + request.target.triple;
  std::memcpy(header.target, target.data(), std::min(target.size(), sizeof header.target - 1));
  std::memcpy(header.weights_file, request.weightsFile.data(), request.weightsFile.size());
  return header;
}

Error writeHeader(AtomicFile &file, uint64_t offset, moec_rt_segment_header &header) {
  header.header_checksum = moec_rt_header_checksum(&header);
  return file.write(offset, ArrayRef(reinterpret_cast<const char *>(&header), sizeof header));
}

Expected<AtomicFile> writeWeightsFile(const ArtifactRequest &request, StringRef artifactPath,
                                      uint64_t &checksum) {
  SmallString<128> path(sys::path::parent_path(artifactPath));
  sys::path::append(path, request.weightsFile);
  if (path == artifactPath)
    return createStringError("the weights file and the artifact are the same file '%s'",
                             path.c_str());
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  moec_rt_segment_header header = makeHeader(request);
  std::memcpy(header.magic, MOEC_WEIGHTS_MAGIC, sizeof header.magic);
  header.weights_offset = MOEC_SEGMENT_HEADER_PAGE;
  Expected<uint64_t> sum = writeWeights(request, *file, header.weights_offset);
  if (!sum)
    return sum.takeError();
  checksum = header.weights_checksum = *sum;
  if (Error error = writeHeader(*file, 0, header))
    return error;
  if (Error error = file->setSize(header.weights_offset + header.weights_size + tailPadding))
    return error;
  return file;
}

Error check(const ArtifactRequest &request) {
  if (Error error = request.signature.verify())
    return error;
  const std::string &name = request.weightsFile;
  if (name.size() >= sizeof moec_rt_segment_header().weights_file ||
      name.find('/') != std::string::npos || name.find('\0') != std::string::npos || name == "." ||
      name == "..")
    return createStringError("the weights file '%s' is not a base name of at most 255 bytes",
                             name.c_str());
  return Error::success();
}

} // namespace

Error writeArtifact(const ArtifactRequest &request, StringRef path) {
  if (Error error = check(request))
    return error;
  // First what takes no time, so that a destination that cannot be written is found out at once.
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  Expected<std::vector<char>> image = linkImage(request.objects, request.link);
  if (!image)
    return image.takeError();

  const std::string json = makeJSON(request);
  moec_rt_segment_header header = makeHeader(request);
  header.json_offset = MOEC_SEGMENT_HEADER_PAGE;
  header.json_size = json.size();
  header.json_checksum = BlockChecksum::of(json);
  uint64_t segmentSize = header.json_offset + header.json_size + 1;
  std::optional<AtomicFile> weightsFile;
  if (!header.weights_external) {
    header.weights_offset = alignTo(segmentSize, weightsAlignment);
    segmentSize = header.weights_offset + header.weights_size;
  }
  segmentSize = alignTo(segmentSize + tailPadding, tailPadding);

  const uint64_t segmentOffset = alignTo(image->size(), MOEC_SEGMENT_ALIGNMENT);
  auto read = [&](uint64_t offset, MutableArrayRef<char> bytes) {
    std::memcpy(bytes.data(), image->data() + offset, bytes.size());
    return Error::success();
  };
  Expected<ElfHeaders> before = ElfHeaders::read(image->size(), read);
  if (!before)
    return joinErrors(createStringError("the linked image is not usable"), before.takeError());
  Expected<uint64_t> imageChecksum = before->checksumImage(nullptr, read);
  if (!imageChecksum)
    return imageChecksum.takeError();
  header.image_checksum = *imageChecksum;
  if (Error error = addProgramHeader(*image, segmentOffset, segmentSize))
    return error;

  if (header.weights_external) {
    Expected<AtomicFile> beside = writeWeightsFile(request, path, header.weights_checksum);
    if (!beside)
      return beside.takeError();
    weightsFile.emplace(std::move(*beside));
  } else {
    Expected<uint64_t> checksum =
        writeWeights(request, *file, segmentOffset + header.weights_offset);
    if (!checksum)
      return checksum.takeError();
    header.weights_checksum = *checksum;
  }
  if (Error error = file->write(0, *image))
    return error;
  if (Error error = file->write(segmentOffset + header.json_offset, json))
    return error;
  if (Error error = writeHeader(*file, segmentOffset, header))
    return error;
  if (Error error = file->setSize(segmentOffset + segmentSize))
    return error;
  if (weightsFile)
    if (Error error = weightsFile->commit())
      return error;
  return file->commit();
}

} // namespace moec

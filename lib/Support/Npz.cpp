//===- Npz.cpp - Archives of NumPy arrays (.npz)
//---------------------------------------------------===//
#include "moec/Support/Npz.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"

#include <zip.h>

using namespace llvm;

namespace moec {
namespace {

/// More members than any file of arrays has.
constexpr int64_t maxMembers = 1 << 20;

std::string messageOf(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string message = zip_error_strerror(&error);
  zip_error_fini(&error);
  if (!message.empty())
    message[0] = toLower(message[0]);
  return message;
}

/// Owns an open archive; changes that were not written are dropped.
struct Discard {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};

} // namespace

struct NpzReader::Archive {
  std::unique_ptr<zip_t, Discard> handle;
};
struct NpzWriter::Archive {
  std::unique_ptr<zip_t, Discard> handle;
};

/// One open member, positioned at its data.
struct NpzReader::Member {
  struct Close {
    void operator()(zip_file_t *file) const { zip_fclose(file); }
  };
  std::unique_ptr<zip_file_t, Close> file;
  NpyHeader header;

  /// Reads until `size` bytes or the end; the number of bytes, or -1 on an error.
  int64_t read(char *target, int64_t size) {
    int64_t done = 0;
    while (done < size) {
      zip_int64_t got = zip_fread(file.get(), target + done, size - done);
      if (got < 0)
        return -1;
      if (got == 0)
        break;
      done += got;
    }
    return done;
  }
};

NpzReader::NpzReader(StringRef path, std::unique_ptr<Archive> archive, int64_t maxArrayBytes)
    : filePath(path), archive(std::move(archive)), maxArrayBytes(maxArrayBytes) {}
NpzReader::NpzReader(NpzReader &&other) = default;
NpzReader::~NpzReader() = default;

Error NpzReader::error(StringRef key, const Twine &message) const {
  return createStringError(filePath + ": array '" + key + "': " + message);
}

Expected<NpzReader> NpzReader::open(StringRef path, int64_t maxArrayBytes) {
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status))
    return createStringError(code, path + ": " + code.message());
  if (!sys::fs::is_regular_file(status)) // a pipe would block, and zip files need seeking
    return createStringError(path + ": not a regular file");
  int code = 0;
  std::unique_ptr<zip_t, Discard> handle(zip_open(path.str().c_str(), ZIP_RDONLY, &code));
  if (!handle)
    return createStringError(path + ": not an .npz file: " + messageOf(code));

  zip_t *archive = handle.get();
  NpzReader reader(path, std::make_unique<Archive>(std::move(handle)), maxArrayBytes);
  int64_t count = zip_get_num_entries(archive, 0);
  if (count > maxMembers)
    return createStringError(path + ": " + Twine(count) + " members in an .npz file");
  for (int64_t i = 0; i < count; ++i) {
    const char *name = zip_get_name(archive, i, ZIP_FL_ENC_GUESS);
    StringRef key = name ? name : "";
    if (!key.consume_back(".npy"))
      continue;
    if (!reader.memberIndices.try_emplace(key, i).second)
      return reader.error(key, "two members have this name");
    reader.keyList.push_back(key.str());
  }
  return std::move(reader);
}

Expected<NpzReader::Member> NpzReader::openMember(StringRef key) {
  auto index = memberIndices.find(key);
  if (index == memberIndices.end())
    return createStringError(filePath + ": no array '" + key + "'");
  zip_t *zip = archive->handle.get();
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_stat_index(zip, index->second, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE))
    return error(key, "no size in the archive");

  Member member;
  member.file.reset(zip_fopen_index(zip, index->second, 0));
  if (!member.file)
    return error(key, zip_strerror(zip));
  SmallVector<char, 256> bytes(12);
  int64_t got = member.read(bytes.data(), bytes.size());
  if (got < 0)
    return error(key, zip_file_strerror(member.file.get()));
  Expected<int64_t> offset = npyDataOffset(StringRef(bytes.data(), got));
  if (!offset)
    return error(key, toString(offset.takeError()));
  if (*offset > 12) {
    bytes.resize_for_overwrite(*offset);
    got = member.read(bytes.data() + 12, *offset - 12);
    if (got < 0)
      return error(key, zip_file_strerror(member.file.get()));
    bytes.truncate(12 + got);
  }
  Expected<NpyHeader> header = parseNpyHeader(StringRef(bytes.data(), bytes.size()));
  if (!header)
    return error(key, toString(header.takeError()));
  member.header = std::move(*header);

  if (stat.size != uint64_t(*offset + member.header.numBytes()))
    return error(key, "the header says " + Twine(member.header.numBytes()) +
                          " bytes of data, the archive " + Twine(int64_t(stat.size) - *offset));
  if (member.header.numBytes() > maxArrayBytes)
    return error(key, Twine(member.header.numBytes()) + " bytes are more than the limit of " +
                          Twine(maxArrayBytes));
  return std::move(member);
}

Expected<NpyHeader> NpzReader::readHeader(StringRef key) {
  Expected<Member> member = openMember(key);
  if (!member)
    return member.takeError();
  return std::move(member->header);
}

Expected<NpyArray> NpzReader::read(StringRef key) {
  Expected<Member> member = openMember(key);
  if (!member)
    return member.takeError();
  Expected<NpyArray> array = NpyArray::allocate(member->header);
  if (!array)
    return error(key, toString(array.takeError()));
  MutableArrayRef<char> bytes = array->bytes();
  int64_t got = member->read(bytes.data(), bytes.size());
  // libzip compares the checksum when it meets the end of the member, one read later.
  char beyond;
  if (got < 0 || (got == int64_t(bytes.size()) && member->read(&beyond, 1) < 0))
    return error(key, zip_file_strerror(member->file.get()));
  if (got != int64_t(bytes.size()))
    return error(key, "the data is truncated");
  if (Error normalized = array->normalize())
    return error(key, toString(std::move(normalized)));
  return array;
}

NpzWriter::NpzWriter(StringRef path, std::unique_ptr<Archive> archive)
    : filePath(path), archive(std::move(archive)) {}
NpzWriter::NpzWriter(NpzWriter &&other) = default;
NpzWriter::~NpzWriter() = default;

Expected<NpzWriter> NpzWriter::create(StringRef path) {
  // libzip writes a temporary file beside and renames it: that must not replace a device or a pipe.
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) && !sys::fs::is_regular_file(status))
    return createStringError(path + ": exists and is not a regular file");
  int code = 0;
  std::unique_ptr<zip_t, Discard> handle(
      zip_open(path.str().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!handle)
    return createStringError(path + ": " + messageOf(code));
  return NpzWriter(path, std::make_unique<Archive>(std::move(handle)));
}

Error NpzWriter::add(StringRef key, const NpyHeader &header, const void *data) {
  zip_t *zip = archive->handle.get();
  headers.push_back(writeNpyHeader(header));
  zip_buffer_fragment_t fragments[2] = {
      {reinterpret_cast<zip_uint8_t *>(headers.back().data()), headers.back().size()},
      {static_cast<zip_uint8_t *>(const_cast<void *>(data)), zip_uint64_t(header.numBytes())}};
  zip_source_t *source = zip_source_buffer_fragment(zip, fragments, 2, /*freep=*/0);
  if (!source)
    return createStringError(filePath + ": " + zip_strerror(zip));
  zip_int64_t index = zip_file_add(zip, (key + ".npy").str().c_str(), source, ZIP_FL_ENC_UTF_8);
  if (index < 0) {
    zip_source_free(source);
    return createStringError(filePath + ": array '" + key + "': " + zip_strerror(zip));
  }
  // 1 January 1980, the first date of the format: equal arrays give equal files.
  if (zip_set_file_compression(zip, index, ZIP_CM_STORE, 0) != 0 ||
      zip_file_set_dostime(zip, index, 0, (1 << 5) | 1, 0) != 0)
    return createStringError(filePath + ": array '" + key + "': " + zip_strerror(zip));
  return Error::success();
}

Error NpzWriter::finish() {
  if (zip_close(archive->handle.get()) != 0)
    return createStringError(filePath + ": " + zip_strerror(archive->handle.get()));
  (void)archive->handle.release(); // closed
  return Error::success();
}

} // namespace moec

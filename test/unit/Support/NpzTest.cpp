//===- NpzTest.cpp - Archives of NumPy arrays
//------------------------------------------------------===//
#include "moec/Support/Npz.h"
#include "test/unit/Errors.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"

#include "gtest/gtest.h"

#include <numeric>
#include <zip.h>

using namespace llvm;
using namespace moec;

namespace {

NpyHeader headerOf(NpyKind kind, ArrayRef<int64_t> shape) {
  NpyHeader header;
  header.kind = kind;
  header.elementSize = npyElementSize(kind);
  header.shape.assign(shape.begin(), shape.end());
  return header;
}

class NpzTest : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createTemporaryFile("moec-npz", "npz", path));
    remover.setFile(path);
  }

  void writeBytes(StringRef bytes) {
    std::error_code code;
    raw_fd_ostream os(path, code);
    os << bytes;
  }

  std::string readBytes() { return (*MemoryBuffer::getFile(path))->getBuffer().str(); }

  /// An archive with one member of these bytes.
  void writeMember(StringRef name, StringRef bytes, int method = ZIP_CM_STORE) {
    zip_t *archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    ASSERT_TRUE(archive);
    zip_source_t *source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    zip_int64_t index = zip_file_add(archive, name.str().c_str(), source, 0);
    zip_set_file_compression(archive, index, method, 0);
    ASSERT_EQ(zip_close(archive), 0);
  }

  void writeSample() {
    Expected<NpzWriter> writer = NpzWriter::create(path);
    ASSERT_EQ(errorOf(writer), "");
    ASSERT_EQ(errorOf(writer->add("case0/x", headerOf(NpyKind::Float32, {2, 3}), floats)), "");
    ASSERT_EQ(errorOf(writer->add("ids", headerOf(NpyKind::Int64, {2}), integers)), "");
    ASSERT_EQ(errorOf(writer->add("none", headerOf(NpyKind::Float64, {0, 4}), nullptr)), "");
    ASSERT_EQ(errorOf(writer->finish()), "");
  }

  /// The message when `key` is read.
  std::string readError(StringRef key, int64_t limit = 1 << 20) {
    Expected<NpzReader> reader = NpzReader::open(path, limit);
    if (!reader)
      return toString(reader.takeError());
    Expected<NpyArray> array = reader->read(key);
    if (!array)
      return StringRef(toString(array.takeError())).drop_front(path.size()).str();
    return "";
  }

  SmallString<128> path;
  FileRemover remover;
  float floats[6] = {0, 1, 2, 3, 4, 5.5};
  int64_t integers[2] = {-7, 8};
};

TEST_F(NpzTest, readsWhatItWrites) {
  writeSample();
  Expected<NpzReader> reader = NpzReader::open(path);
  ASSERT_EQ(errorOf(reader), "");
  EXPECT_EQ(reader->keys().vec(), (std::vector<std::string>{"case0/x", "ids", "none"}));
  EXPECT_FALSE(reader->contains("x"));
  Expected<NpyArray> x = reader->read("case0/x");
  ASSERT_EQ(errorOf(x), "");
  EXPECT_EQ(x->elements<float>(), ArrayRef(floats));
  EXPECT_EQ(uintptr_t(x->data()) % 64, 0u);
  Expected<NpyArray> none = reader->read("none");
  ASSERT_EQ(errorOf(none), "");
  EXPECT_EQ(none->numElements(), 0);
  EXPECT_EQ(none->shape(), (ArrayRef<int64_t>{0, 4}));
  EXPECT_EQ(readError("absent"), ": no array 'absent'");
}

TEST_F(NpzTest, writesTheSameBytesForTheSameArrays) {
  writeSample();
  std::string first = readBytes();
  writeSample();
  EXPECT_EQ(first, readBytes());
}

TEST_F(NpzTest, readsDeflatedMembers) {
  std::vector<int32_t> zeros(10000, 0);
  std::string bytes = writeNpyHeader(headerOf(NpyKind::Int32, {100, 100}));
  bytes.append(reinterpret_cast<char *>(zeros.data()), zeros.size() * 4);
  writeMember("z.npy", bytes, ZIP_CM_DEFLATE);
  EXPECT_LT(readBytes().size(), 1000u);
  Expected<NpzReader> reader = NpzReader::open(path);
  ASSERT_EQ(errorOf(reader), "");
  Expected<NpyArray> array = reader->read("z");
  ASSERT_EQ(errorOf(array), "");
  EXPECT_EQ(array->elements<int32_t>(), ArrayRef(zeros));
  // The same file under a limit, as a defence against such sizes.
  EXPECT_EQ(readError("z", 1000), ": array 'z': 40000 bytes are more than the limit of 1000");
}

TEST_F(NpzTest, refusesHeadersThatLie) {
  std::string header = writeNpyHeader(headerOf(NpyKind::Float32, {1 << 20, 1 << 10}));
  writeMember("x.npy", header + "1234");
  EXPECT_EQ(readError("x"), ": array 'x': the header says 4294967296 bytes of data, the archive 4");
  writeMember("x.npy", writeNpyHeader(headerOf(NpyKind::Float32, {2})) + "123456789");
  EXPECT_EQ(readError("x"), ": array 'x': the header says 8 bytes of data, the archive 9");
  writeMember("x.npy", "\x93NUMPY");
  EXPECT_EQ(readError("x"), ": array 'x': not a .npy file");
  writeMember("x.npy", "");
  EXPECT_EQ(readError("x"), ": array 'x': not a .npy file");
  writeMember("readme.txt", "no array");
  EXPECT_EQ(readError("readme.txt"), ": no array 'readme.txt'");
}

TEST_F(NpzTest, noticesChangedData) {
  writeSample();
  std::string bytes = readBytes();
  float value = 5.5;
  size_t position = bytes.find(StringRef(reinterpret_cast<char *>(&value), 4));
  ASSERT_NE(position, std::string::npos);
  bytes[position] ^= 1;
  writeBytes(bytes);
  EXPECT_EQ(readError("case0/x"), ": array 'case0/x': CRC error");
}

TEST_F(NpzTest, survivesTruncationAndBitFlips) {
  writeSample();
  std::string whole = readBytes();
  for (size_t size = 0; size < whole.size(); size += 7) {
    writeBytes(StringRef(whole).take_front(size));
    EXPECT_NE(readError("case0/x"), "") << size;
  }
  for (size_t position = 0; position < whole.size(); position += 3) {
    std::string flipped = whole;
    flipped[position] ^= 1 << (position % 8);
    writeBytes(flipped);
    // Some bits mean nothing (times, say); what is read must be the data all the same.
    if (Expected<NpzReader> reader = NpzReader::open(path, 1 << 20)) {
      for (const std::string &key : reader->keys()) {
        Expected<NpyArray> array = reader->read(key);
        if (!array)
          consumeError(array.takeError());
        else if (key == "case0/x" && array->kind() == NpyKind::Float32)
          EXPECT_EQ(array->elements<float>(), ArrayRef(floats)) << position;
      }
    } else {
      consumeError(reader.takeError());
    }
  }
}

TEST_F(NpzTest, opensRegularFilesOnly) {
  EXPECT_EQ(errorOf(NpzReader::open("/dev/zero")), "/dev/zero: not a regular file");
  EXPECT_EQ(errorOf(NpzReader::open("/")), "/: not a regular file");
  EXPECT_EQ(errorOf(NpzWriter::create("/dev/null")), "/dev/null: exists and is not a regular file");
}

TEST_F(NpzTest, leavesNothingWhenNotFinished) {
  ASSERT_FALSE(sys::fs::remove(path));
  {
    Expected<NpzWriter> writer = NpzWriter::create(path);
    ASSERT_EQ(errorOf(writer), "");
    ASSERT_EQ(errorOf(writer->add("ids", headerOf(NpyKind::Int64, {2}), integers)), "");
  }
  EXPECT_FALSE(sys::fs::exists(path));
}

} // namespace

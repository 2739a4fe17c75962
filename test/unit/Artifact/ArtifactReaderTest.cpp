#include "TestArtifact.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <random>
#include <unistd.h>

using namespace llvm;
using namespace moec;
namespace fs = std::filesystem;

namespace {

class ArtifactReaderTest : public ArtifactTest {
protected:
  void SetUp() override {
    ArtifactTest::SetUp();
    ASSERT_EQ(write("model.so"), "");
    Expected<ArtifactInfo> read = readArtifact(path("model.so"), true);
    ASSERT_TRUE(bool(read)) << toString(read.takeError());
    info = *read;
    file = open(path("model.so").c_str(), O_RDWR);
  }
  void TearDown() override {
    close(file);
    ArtifactTest::TearDown();
  }

  void patch(uint64_t offset, const void *bytes, size_t size) {
    ASSERT_EQ(pwrite(file, bytes, size, offset), ssize_t(size));
  }

  /// Writes a header, its checksum made to fit.
  void patchHeader(moec_rt_segment_header header) {
    header.header_checksum = moec_rt_header_checksum(&header);
    patch(info.segmentOffset, &header, sizeof header);
  }

  /// message() with bits of one byte flipped; they are flipped back.
  std::string readFlipped(uint64_t offset, char flip = 1) {
    char byte;
    EXPECT_EQ(pread(file, &byte, 1, offset), 1);
    const char other = byte ^ flip;
    patch(offset, &other, 1);
    std::string text = message();
    patch(offset, &byte, 1);
    return text;
  }

  /// What the reader says about the model, without its path.
  std::string message() {
    std::string text = read("model.so");
    const std::string prefix = "'" + path("model.so") + "': ";
    return text.rfind(prefix, 0) == 0 ? text.substr(prefix.size()) : text;
  }

  ArtifactInfo info;
  int file = -1;
};

} // namespace

TEST_F(ArtifactReaderTest, NotAnArtifact) {
  EXPECT_EQ(read("nothing"), "'" + path("nothing") + "': No such file or directory");
  EXPECT_NE(read("").find("not a regular file"), std::string::npos);
  fs::resize_file(path("model.so"), 10);
  EXPECT_EQ(message(), "it is not an ELF file");
  fs::resize_file(path("model.so"), 0);
  EXPECT_EQ(message(), "it is not an ELF file");
  EXPECT_NE(toString(readArtifact("/lib/x86_64-linux-gnu/libc.so.6").takeError())
                .find("not a compiled model"),
            std::string::npos);
}

// GNU strip copies only what sections describe.
TEST_F(ArtifactReaderTest, GNUStrip) {
  if (std::system(("strip " + path("model.so")).c_str()) != 0)
    GTEST_SKIP() << "no GNU strip";
  EXPECT_NE(message().find("GNU strip"), std::string::npos) << message();
}

TEST_F(ArtifactReaderTest, EveryByteOfTheHeader) {
  for (uint64_t i = 0; i < sizeof(moec_rt_segment_header); ++i)
    ASSERT_NE(readFlipped(info.segmentOffset + i), "") << "byte " << i;
}

TEST_F(ArtifactReaderTest, EveryByteOfTheJSON) {
  for (uint64_t i = 0; i <= info.header.json_size; ++i)
    ASSERT_EQ(readFlipped(info.segmentOffset + info.header.json_offset + i), "its JSON is damaged");
}

TEST_F(ArtifactReaderTest, Contents) {
  EXPECT_EQ(readFlipped(info.segmentOffset + info.header.weights_offset + 64),
            "its weights are damaged");
  // Within .text and .data.rel.ro; the headers in front are not part of the checksum.
  EXPECT_EQ(readFlipped(0x2000), "its code is damaged");
  EXPECT_EQ(message(), "");
}

TEST_F(ArtifactReaderTest, CutOff) {
  for (uint64_t size :
       {info.fileSize - 1, info.fileSize - 4096, info.segmentOffset + 4096, info.segmentOffset + 1,
        info.segmentOffset, info.segmentOffset - 1, uint64_t(4096), uint64_t(100), uint64_t(64)}) {
    fs::resize_file(path("model.so"), size);
    EXPECT_NE(read("model.so", false), "") << size;
  }
}

// The runtime, too, must not touch what is not there: that would be a SIGBUS.
TEST_F(ArtifactReaderTest, RuntimeRefusesWhatWasCutOff) {
  fs::resize_file(path("model.so"), info.segmentOffset + 10);
  Loaded model(path("model.so"));
  EXPECT_EQ(model.status, MOEC_BAD_ARTIFACT);
  EXPECT_NE(model.message.find("was cut off"), std::string::npos) << model.message;
  EXPECT_STREQ(model.table->info()->json, "");
}

// Headers whose checksum is right, with members that are not. Both sides refuse, the runtime
// without knowing the JSON's meaning.
TEST_F(ArtifactReaderTest, HostileHeaders) {
  struct Case {
    const char *name;
    std::function<void(moec_rt_segment_header &)> change;
    const char *reader, *runtime;
  };
  const uint64_t huge = UINT64_MAX - 100;
  const Case cases[] = {
      {"major", [](auto &h) { h.format_major = 2; },
       "it has format version 2.0; this moec reads version 1",
       "the model has format version 2.0; this code reads 1"},
      {"header_size", [](auto &h) { h.header_size = 8; }, "its header is damaged",
       "the header of the model is damaged"},
      {"header_size", [](auto &h) { h.header_size = 1 << 20; }, "its header is damaged",
       "the header of the model is damaged"},
      {"features", [](auto &h) { h.features ^= 1; }, nullptr, "the header of the model is damaged"},
      {"json_offset", [=](auto &h) { h.json_offset = huge; }, "its JSON does not fit",
       "the header of the model is damaged"},
      {"json_size", [=](auto &h) { h.json_size = huge; }, "its JSON does not fit",
       "the header of the model is damaged"},
      {"json_size", [](auto &h) { h.json_size = 0; }, "its JSON is damaged", nullptr},
      {"weights_offset", [](auto &h) { h.weights_offset = UINT64_MAX - 63; },
       "its weights do not fit", "the header of the model is damaged"},
      {"weights_offset", [](auto &h) { h.weights_offset += 4; }, "its header makes no sense",
       "the header of the model is damaged"},
      {"weights_size", [=](auto &h) { h.weights_size = huge; }, "its weights do not fit",
       "the model has 18446744073709551515 bytes of weights, but the code expects 128"},
      {"weights_external", [](auto &h) { h.weights_external = 2; }, "its header makes no sense",
       nullptr},
      {"weights_file", [](auto &h) { std::memset(h.weights_file, 'x', sizeof h.weights_file); },
       "its header makes no sense", "the header of the model is damaged"},
      {"weights_file",
       [](auto &h) {
         h.weights_external = 1;
         std::strcpy(h.weights_file, "../../etc/passwd");
       },
       "its header makes no sense", nullptr},
      {"target", [](auto &h) { std::memset(h.target, 'x', sizeof h.target); },
       "its header makes no sense", nullptr},
  };
  for (const Case &test : cases) {
    SCOPED_TRACE(test.name);
    moec_rt_segment_header header = info.header;
    test.change(header);
    patchHeader(header);
    if (test.reader)
      EXPECT_EQ(message(), test.reader);
    if (test.runtime) {
      Loaded model(path("model.so"));
      EXPECT_EQ(model.status, MOEC_BAD_ARTIFACT);
      EXPECT_EQ(model.message.rfind(test.runtime, 0), 0u) << model.message;
    }
  }
  patchHeader(info.header);
  EXPECT_EQ(message(), "");
}

TEST_F(ArtifactReaderTest, RuntimeChecksEveryByteOfTheHeader) {
  for (uint64_t i = 0; i < sizeof(moec_rt_segment_header); i += 5) {
    char byte;
    ASSERT_EQ(pread(file, &byte, 1, info.segmentOffset + i), 1);
    const char other = byte ^ 0x10;
    patch(info.segmentOffset + i, &other, 1);
    EXPECT_EQ(Loaded(path("model.so")).status, MOEC_BAD_ARTIFACT) << "byte " << i;
    patch(info.segmentOffset + i, &byte, 1);
  }
}

// Whatever stands in the ELF headers, reading neither crashes nor hangs nor asks for much memory.
TEST_F(ArtifactReaderTest, RandomHeaders) {
  std::mt19937 random(1);
  std::vector<char> original(64 + 56 * 12);
  ASSERT_EQ(pread(file, original.data(), original.size(), 0), ssize_t(original.size()));
  int accepted = 0;
  const int rounds = 2000;
  for (int round = 0; round < rounds; ++round) {
    std::vector<char> bytes = original;
    for (int k = random() % 4; k >= 0; --k)
      bytes[16 + random() % (bytes.size() - 16)] = random() % 2 ? char(random()) : char(0xff);
    patch(0, bytes.data(), bytes.size());
    accepted += read("model.so", false).empty();
  }
  EXPECT_LT(accepted, rounds); // some members are of no interest to anybody
}

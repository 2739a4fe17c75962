#include "moec/Support/AtomicFile.h"

#include "../Errors.h"
#include "../Signals.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace llvm;
using namespace moec;
namespace fs = std::filesystem;

namespace {

/// With files without names (true), and as where there are none.
class AtomicFileTest : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    SmallString<128> created;
    ASSERT_FALSE(sys::fs::createUniqueDirectory("moec-atomic", created));
    folder = created.str().str();
    path = folder + "/file";
  }
  void TearDown() override { fs::remove_all(folder); }

  Expected<AtomicFile> create() { return AtomicFile::create(path, GetParam()); }
  std::string contents() const {
    auto buffer = MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "none";
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto &entry : fs::directory_iterator(folder))
      names.push_back(entry.path().filename());
    return names;
  }

  std::string folder, path;
};

} // namespace

INSTANTIATE_TEST_SUITE_P(WithAndWithoutName, AtomicFileTest, testing::Bool());

TEST_P(AtomicFileTest, AppearsAtCommitAndReplaces) {
  for (std::string text : {"first", "second, longer", "3"}) {
    const std::string before = contents();
    Expected<AtomicFile> file = create();
    ASSERT_EQ(errorOf(file), "");
    EXPECT_EQ(errorOf(file->write(1, ArrayRef(text.data() + 1, text.size() - 1))), "");
    EXPECT_EQ(errorOf(file->write(0, ArrayRef(text.data(), 1))), "");
    EXPECT_EQ(contents(), before);
    EXPECT_EQ(errorOf(file->commit()), "");
    EXPECT_EQ(contents(), text);
    EXPECT_EQ(files(), std::vector<std::string>{"file"});
  }
}

TEST_P(AtomicFileTest, ForgottenWithoutCommit) {
  {
    Expected<AtomicFile> file = create();
    ASSERT_EQ(errorOf(file), "");
    EXPECT_EQ(errorOf(file->write(0, ArrayRef("text", 4))), "");
    AtomicFile moved = std::move(*file);
  }
  EXPECT_EQ(files(), std::vector<std::string>{});
}

TEST_P(AtomicFileTest, ForgottenOnSignals) {
  for (int signal : {SIGINT, SIGTERM}) {
    if (isIgnored(signal))
      continue;
    const pid_t child = fork();
    if (child == 0) {
      Expected<AtomicFile> file = create();
      raise(signal);
      _exit(errorOf(file).empty());
    }
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    EXPECT_EQ(files(), std::vector<std::string>{});
  }
}

TEST_P(AtomicFileTest, Holes) {
  Expected<AtomicFile> file = create();
  ASSERT_EQ(errorOf(file), "");
  EXPECT_EQ(errorOf(file->write(UINT64_C(1) << 32, ArrayRef("x", 1))), "");
  EXPECT_EQ(errorOf(file->setSize(UINT64_C(1) << 33)), "");
  EXPECT_EQ(errorOf(file->commit()), "");
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_size, off_t(1) << 33);
  EXPECT_LT(status.st_blocks * 512, 1 << 20);
}

TEST_P(AtomicFileTest, HasTheUsualPermissions) {
  const mode_t mask = umask(027);
  Expected<AtomicFile> file = create();
  ASSERT_EQ(errorOf(file), "");
  EXPECT_EQ(errorOf(file->commit()), "");
  umask(mask);
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST_P(AtomicFileTest, Refuses) {
  fs::create_directory(path);
  EXPECT_EQ(errorOf(create()), "refusing to replace '" + path + "': it is a directory");
  fs::remove(path);
  fs::create_symlink("/dev/null", path);
  EXPECT_EQ(errorOf(create()), "refusing to replace '" + path + "': it is a symbolic link");
  fs::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(errorOf(create()), "refusing to replace '" + path + "': it is not a regular file");
  EXPECT_EQ(errorOf(AtomicFile::create(folder + "/none/file", GetParam())),
            "cannot write '" + folder + "/none/file': No such file or directory");
}

TEST(WriteTextTest, ReplacesFilesAndWritesToStreams) {
  SmallString<128> path;
  ASSERT_FALSE(sys::fs::createTemporaryFile("moec-text", "txt", path));
  EXPECT_FALSE(isStream(path));
  EXPECT_EQ(errorOf(writeText(path, "longer than what follows")), "");
  EXPECT_EQ(errorOf(writeText(path, "text")), "");
  EXPECT_EQ((*MemoryBuffer::getFile(path))->getBuffer(), "text");
  fs::remove(path.c_str());

  EXPECT_TRUE(isStream("/dev/null"));
  EXPECT_EQ(errorOf(writeText("/dev/null", "text")), "");
  EXPECT_TRUE(isStream("/dev/full"));
  EXPECT_NE(errorOf(writeText("/dev/full", "text")).find("'/dev/full'"), std::string::npos);
}

#include "moec/Weights/ExternalData.h"

#include "lib/Weights/OpenBeneath.h"

#include "TemporaryFolder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace moec;
using namespace moec::test;

namespace {

std::string read(const WeightStore &store, uint32_t file) {
  llvm::Expected<llvm::ArrayRef<char>> bytes = store.bytes(file);
  return bytes ? std::string(bytes->begin(), bytes->end()) : llvm::toString(bytes.takeError());
}

/// A model's directory, things beside it, and links from it to them.
class ExternalDataTest : public testing::Test {
protected:
  ExternalDataTest() {
    outside.write("secret", "secret");
    folder.write("model/w.bin", "weights");
    folder.write("model/sub/w.bin", "more weights");
    folder.write("beside.bin", "beside");
    symlink("w.bin", (folder / "model/link").c_str());
    symlink("../beside.bin", (folder / "model/link-up").c_str());
    symlink((outside / "secret").c_str(), (folder / "model/link-out").c_str());
    symlink("sub", (folder / "model/link-dir").c_str());
    symlink(outside.path().c_str(), (folder / "model/link-dir-out").c_str());
    symlink("loop", (folder / "model/loop").c_str());
    symlink("/dev/zero", (folder / "model/zero").c_str());
    symlink("/proc/self/exe", (folder / "model/magic").c_str());
    folder.write("model/original", "linked");
    link((folder / "model/original").c_str(), (folder / "model/hard").c_str());
    mkfifo((folder / "model/pipe").c_str(), 0600);
  }

  llvm::Expected<uint32_t> open(llvm::StringRef location, ExternalDataOptions options = {}) {
    auto directory = ExternalDataDirectory::open(folder / "model", options);
    EXPECT_TRUE(bool(directory));
    return directory->open(store, location);
  }
  std::string errorOf(llvm::StringRef location, ExternalDataOptions options = {}) {
    llvm::Expected<uint32_t> file = open(location, options);
    return file ? "no error" : llvm::toString(file.takeError());
  }

  TemporaryFolder folder, outside;
  WeightStore store;
  const ExternalDataOptions linked{/*allowLinkedWeights=*/true};
};

#define EXPECT_ERROR(error, part)                                                                  \
  EXPECT_NE(std::string(error).find(part), std::string::npos) << (error)

TEST_F(ExternalDataTest, OpensFilesBelow) {
  llvm::Expected<uint32_t> file = open("w.bin");
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  EXPECT_EQ(read(store, *file), "weights");
  EXPECT_EQ(store.getFile(*file).path, folder / "model/w.bin");
  file = open("sub/w.bin");
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  EXPECT_EQ(read(store, *file), "more weights");
  EXPECT_EQ(store.getFile(*file).path, folder / "model/sub/w.bin");
}

TEST_F(ExternalDataTest, OneNumberPerLocation) {
  auto directory = ExternalDataDirectory::open(folder / "model", {false, /*maxFiles=*/2});
  llvm::Expected<uint32_t> first = directory->open(store, "./w.bin"),
                           second = directory->open(store, "sub/w.bin");
  ASSERT_TRUE(first && second);
  EXPECT_NE(*first, *second);
  for (const char *location : {"w.bin", "./w.bin", ".//./w.bin"}) {
    llvm::Expected<uint32_t> again = directory->open(store, location);
    ASSERT_TRUE(bool(again));
    EXPECT_EQ(*again, *first);
  }
  EXPECT_EQ(*directory->open(store, "sub//w.bin"), *second);
  folder.write("model/third", "3");
  EXPECT_ERROR(llvm::toString(directory->open(store, "third").takeError()), "more than 2 files");
  EXPECT_EQ(store.getNumFiles(), 2u);
}

TEST_F(ExternalDataTest, RefusesLocations) {
  const std::pair<std::string, const char *> cases[] = {
      {"", "is empty"},
      {"/etc/passwd", "is absolute"},
      {folder / "model/w.bin", "is absolute"},
      {"//server/share", "is absolute"},
      {"..", "contains '..'"},
      {"../beside.bin", "contains '..'"},
      {"sub/../w.bin", "contains '..'"},
      {"sub/..", "contains '..'"},
      {"./../beside.bin", "contains '..'"},
      {"sub/../../beside.bin", "contains '..'"},
      {"..\\beside.bin", "contains a backslash"},
      {"\\\\server\\share", "contains a backslash"},
      {"C:w.bin", "starts with a drive"},
      {"c:/w.bin", "starts with a drive"},
      {std::string("w.bin\0.png", 10), "contains a NUL"},
      {".", "names a directory"},
      {"./", "names a directory"},
      {"w.bin/", "names a directory"},
      {"sub/", "names a directory"},
      {std::string(5000, 'a'), "is too long"},
      {std::string(4000, 'a'), "File name too long"},
      {"sub", "it is a directory"},
      {"missing", "cannot open the file: No such file or directory"},
      {"w.bin/w.bin", "cannot open the file: Not a directory"},
      {"pipe", "it is a pipe or device, expected a regular file"},
  };
  for (const auto &[location, what] : cases) {
    EXPECT_ERROR(errorOf(location), what);
    EXPECT_ERROR(errorOf(location, linked), what);
  }
  EXPECT_EQ(store.getNumFiles(), 0u);
  EXPECT_EQ(errorOf("../a\nb"),
            "external data at '../a\\0Ab': the location contains '..', expected "
            "a path below the model's directory");
}

TEST_F(ExternalDataTest, RefusesLinks) {
  for (const char *location : {"link", "link-up", "link-out", "link-dir/w.bin",
                               "link-dir-out/secret", "loop", "zero", "magic"})
    EXPECT_EQ(errorOf(location), "external data at '" + std::string(location) + "' in '" +
                                     (folder / "model") +
                                     "': the path goes over a symbolic link; copy the file there, "
                                     "or pass --allow-linked-weights if you trust the model");
  for (const char *location : {"hard", "original"})
    EXPECT_ERROR(errorOf(location), "the file has 2 hard links; copy the file there, or pass "
                                    "--allow-linked-weights if you trust the model");
  EXPECT_EQ(store.getNumFiles(), 0u);
}

TEST_F(ExternalDataTest, FollowsLinksWhereAllowed) {
  const std::pair<const char *, const char *> cases[] = {
      {"w.bin", "weights"},
      {"link", "weights"},
      {"link-up", "beside"},
      {"link-out", "secret"},
      {"link-dir/w.bin", "more weights"},
      {"link-dir-out/secret", "secret"},
      {"hard", "linked"},
  };
  for (auto [location, contents] : cases) {
    llvm::Expected<uint32_t> file = open(location, linked);
    ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
    EXPECT_EQ(read(store, *file), contents);
  }
  EXPECT_ERROR(errorOf("zero", linked), "it is a pipe or device");
}

TEST_F(ExternalDataTest, StaysWithItsDirectory) {
  auto directory = ExternalDataDirectory::open(folder / "model");
  std::filesystem::rename(folder / "model", folder / "moved");
  folder.write("model/w.bin", "another");
  llvm::Expected<uint32_t> file = directory->open(store, "w.bin");
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  EXPECT_EQ(read(store, *file), "weights");
}

/// The directory of "model.onnx" is the current one, not everything ("" was the bypass of an
/// earlier fix of the ONNX library).
TEST_F(ExternalDataTest, EmptyDirectoryIsTheCurrentOne) {
  const std::string before = std::filesystem::current_path();
  std::filesystem::current_path(folder / "model");
  auto directory = ExternalDataDirectory::ofModel("model.onnx");
  std::filesystem::current_path(before);
  ASSERT_TRUE(bool(directory)) << llvm::toString(directory.takeError());
  EXPECT_EQ(directory->getPath(), folder / "model");
  llvm::Expected<uint32_t> file = directory->open(store, "w.bin");
  ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
  for (const char *location : {"/etc/passwd", "../beside.bin", "link-out"})
    EXPECT_TRUE(llvm::errorToBool(directory->open(store, location).takeError())) << location;
}

TEST_F(ExternalDataTest, MissingDirectory) {
  const std::string path = folder / "missing";
  EXPECT_EQ(llvm::toString(ExternalDataDirectory::open(path).takeError()),
            "cannot open the directory '" + path + "': No such file or directory");
  EXPECT_ERROR(llvm::toString(ExternalDataDirectory::open(folder / "beside.bin").takeError()),
               "Not a directory");
}

/// Many files, and no descriptor kept.
TEST_F(ExternalDataTest, ManyFiles) {
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit small = {64, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  auto directory = ExternalDataDirectory::open(folder / "model");
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::to_string(i);
    folder.write("model/" + name, name);
    llvm::Expected<uint32_t> file = directory->open(store, name);
    ASSERT_TRUE(bool(file)) << llvm::toString(file.takeError());
    EXPECT_EQ(read(store, *file), name);
  }
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Both ways of resolving agree on every path.
TEST_F(ExternalDataTest, FallbackAgrees) {
  const int directory = ::open((folder / "model").c_str(), O_PATH | O_DIRECTORY);
  for (const char *path : {"w.bin", "sub/w.bin", "sub", "missing", "sub/missing", "missing/w.bin",
                           "w.bin/w.bin", "link", "link-up", "link-out", "link-dir/w.bin",
                           "link-dir-out/secret", "loop", "zero", "magic", "hard", "pipe"}) {
    errno = 0;
    const int byKernel = openBeneath(directory, path);
    const int kernelError = byKernel < 0 ? errno : 0;
    const int byComponents = openBeneathByComponents(directory, path);
    const int componentsError = byComponents < 0 ? errno : 0;
    EXPECT_EQ(componentsError, kernelError) << path;
    if (byKernel >= 0 && byComponents >= 0) {
      struct stat a, b;
      ASSERT_EQ(fstat(byKernel, &a) | fstat(byComponents, &b), 0);
      EXPECT_EQ(a.st_ino, b.st_ino) << path;
    }
    close(byKernel);
    close(byComponents);
  }
  for (const char *path : {"../beside.bin", "sub/../w.bin", "/etc/passwd", ""})
    EXPECT_EQ(openBeneathByComponents(directory, path), -1) << path;
  close(directory);
}

} // namespace

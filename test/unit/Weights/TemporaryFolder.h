//===- TemporaryFolder.h - A folder for the time of a test ----------------------===//
#ifndef MOEC_TEST_UNIT_WEIGHTS_TEMPORARYFOLDER_H
#define MOEC_TEST_UNIT_WEIGHTS_TEMPORARYFOLDER_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace moec::test {

class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = testing::TempDir() + "/moec-weights-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = std::filesystem::canonical(name);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(folder); }

  std::string path() const { return folder; }
  std::string operator/(const std::string &name) const { return folder / name; }
  bool isEmpty() const { return std::filesystem::is_empty(folder); }

  /// Writes a file, making the folders above it, and returns its path.
  std::string write(const std::string &name, const std::string &contents) const {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name, std::ios::binary) << contents;
    return folder / name;
  }

private:
  std::filesystem::path folder;
};

} // namespace moec::test

#endif // MOEC_TEST_UNIT_WEIGHTS_TEMPORARYFOLDER_H

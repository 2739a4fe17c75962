// A small model made of LLVM IR, written to a folder of the test's, loaded and run.
#ifndef MOEC_TEST_UNIT_ARTIFACT_TESTARTIFACT_H
#define MOEC_TEST_UNIT_ARTIFACT_TESTARTIFACT_H

#include "moec/Artifact/Artifact.h"

#include "llvm/ADT/SmallVector.h"

#include <gtest/gtest.h>

/// What most tests compile: sum = a + b + w. a, b: float32 [n, 4]; w: the first 4 floats behind
/// offset 64 of the weights.
extern const char addModel[];

class ArtifactTest : public testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  std::string path(llvm::StringRef name) const;
  /// Writes the request and returns the error's message.
  std::string write(llvm::StringRef name);
  /// The message of readArtifact; "" if the file is fine.
  std::string read(llvm::StringRef name, bool verifyContents = true);

  /// Compiles `ir` with the constant that describes the model for `request`.
  void compile(const std::string &ir);
  /// Names in the folder.
  std::vector<std::string> files() const;
  /// Runs a program of LLVM's; its output.
  std::string runTool(llvm::StringRef command) const;

  std::string folder;
  llvm::SmallVector<char, 0> object;
  moec::ArtifactRequest request;
  std::array<float, 4> w = {0.5f, 1.5f, 2.5f, 3.5f};
  uint64_t weightsOffset = 64;
};

/// A shared object, loaded. The destructor unloads it.
class Loaded {
public:
  explicit Loaded(const std::string &path, const char *weightsFile = nullptr);
  ~Loaded();

  /// What load said; "" if it went well.
  std::string message;
  moec_status status = MOEC_BAD_ARTIFACT;
  const moec_model_table *table = nullptr;
  moec_model *model = nullptr;
  moec_session *session = nullptr;

  /// Runs a (all 1) + b (all 10) with `rows` rows; the output, or nothing on failure.
  std::vector<float> run(int64_t rows = 2);

private:
  void *library = nullptr;
};

#endif // MOEC_TEST_UNIT_ARTIFACT_TESTARTIFACT_H

#include "dialects/MoE/ModuleWeights.h"

#include "../Errors.h"
#include "../Weights/TemporaryFolder.h"
#include "dialects/MoE/MoEOps.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace moec;

namespace {

class ModuleWeightsTest : public ::testing::Test {
protected:
  ModuleWeightsTest() {
    context.loadDialect<moe::MoEDialect>();
    context.getDiagEngine().registerHandler(
        [&](Diagnostic &diagnostic) { messages += diagnostic.str() + "\n"; });
    module = ModuleOp::create(UnknownLoc::get(&context));
  }
  moe::WeightFileOp getFile(llvm::StringRef symbol) {
    return SymbolTable(*module).lookup<moe::WeightFileOp>(symbol);
  }

  test::TemporaryFolder folder;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string messages;
};

TEST_F(ModuleWeightsTest, DeclaresAFileOnceAndOpensItAgain) {
  ModuleWeights weights(std::make_unique<WeightStore>());
  ASSERT_EQ(errorOf(weights.getStore().addFile(folder.write("unused", "..."))), "");
  llvm::Expected<uint32_t> file = weights.getStore().addFile(folder.write("a", "abcd"));
  ASSERT_EQ(errorOf(file), "");
  EXPECT_EQ(weights.declare(*module, *file), "file0");
  EXPECT_EQ(weights.declare(*module, *file), "file0");
  EXPECT_EQ(weights.lookup("file0"), *file);
  EXPECT_EQ(weights.lookup("file1"), std::nullopt);
  EXPECT_EQ(getFile("file0").getPath(), folder / "a");

  llvm::Expected<ModuleWeights> opened = ModuleWeights::open(*module);
  ASSERT_EQ(errorOf(opened), "");
  EXPECT_EQ(opened->lookup("file0"), 0u);
  EXPECT_EQ(opened->getStore().getNumFiles(), 1u);
}

TEST_F(ModuleWeightsTest, KeepsWhatWasSpilledBesideTheOutput) {
  ModuleWeights weights(std::make_unique<WeightStore>());
  llvm::Expected<WeightRange> range = weights.getStore().spill({'a', 'b', 'c'});
  ASSERT_EQ(errorOf(range), "");
  weights.declare(*module, range->file);
  EXPECT_EQ(getFile("file0").getPath(), "");

  // To standard output: a warning, and the module cannot be opened.
  EXPECT_TRUE(succeeded(weights.keepBeside(*module, "-")));
  EXPECT_NE(messages.find("write it with -o FILE"), std::string::npos) << messages;
  EXPECT_NE(errorOf(ModuleWeights::open(*module)).find("was not kept"), std::string::npos);

  EXPECT_TRUE(succeeded(weights.keepBeside(*module, folder / "out.mlir")));
  EXPECT_EQ(getFile("file0").getPath(), folder / "out.mlir.weights");
  EXPECT_EQ(getFile("file0").getSize(), 3u);
  llvm::Expected<ModuleWeights> opened = ModuleWeights::open(*module);
  ASSERT_EQ(errorOf(opened), "");
  llvm::Expected<llvm::ArrayRef<char>> bytes = opened->getStore().bytes(0);
  ASSERT_EQ(errorOf(bytes), "");
  EXPECT_EQ(std::string(bytes->begin(), bytes->end()), "abc");
}

TEST_F(ModuleWeightsTest, CannotKeepInAFolderThatIsNotThere) {
  ModuleWeights weights(std::make_unique<WeightStore>());
  ASSERT_EQ(errorOf(weights.getStore().spill({'a'})), "");
  EXPECT_TRUE(failed(weights.keepBeside(*module, folder / "nowhere/out.mlir")));
  EXPECT_NE(messages.find("nowhere"), std::string::npos) << messages;
}

} // namespace

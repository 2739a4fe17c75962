#include "moec/Weights/WeightStore.h"

#include "TemporaryFolder.h"

#include <gtest/gtest.h>

#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace moec;
using namespace moec::test;

namespace {

llvm::StringRef text(llvm::ArrayRef<char> bytes) { return {bytes.data(), bytes.size()}; }

std::string read(const WeightStore &store, WeightRange range) {
  llvm::Expected<llvm::ArrayRef<char>> bytes = store.bytes(range);
  return bytes ? text(*bytes).str() : llvm::toString(bytes.takeError());
}

template <typename T>
std::string errorOf(llvm::Expected<T> value) {
  return value ? "no error" : llvm::toString(value.takeError());
}
std::string errorOf(llvm::Error error) {
  return error ? llvm::toString(std::move(error)) : "no error";
}

class WeightStoreTest : public testing::Test {
protected:
  TemporaryFolder folder;
};

TEST_F(WeightStoreTest, MapsFiles) {
  const std::string path = folder.write("a.bin", "0123456789");
  folder.write("empty.bin", "");
  WeightStore store;
  llvm::Expected<uint32_t> a = store.addFile(path), empty = store.addFile(folder / "empty.bin", 0);
  ASSERT_TRUE(a && empty);
  EXPECT_EQ(*a, 0u);
  EXPECT_EQ(*empty, 1u);
  EXPECT_EQ(store.getFile(0).path, path);
  EXPECT_EQ(store.getFile(0).size, 10u);
  EXPECT_EQ(read(store, {0, 0, 10}), "0123456789");
  EXPECT_EQ(read(store, {0, 4, 3}), "456");
  EXPECT_EQ(read(store, {0, 10, 0}), "");
  EXPECT_EQ(read(store, {1, 0, 0}), "");
}

TEST_F(WeightStoreTest, ChecksBounds) {
  const std::string path = folder.write("a.bin", "0123456789");
  WeightStore store;
  ASSERT_TRUE(bool(store.addFile(path)));
  EXPECT_EQ(read(store, {0, 8, 3}),
            "offset 8 and length 3 go beyond the end of '" + path + "', which has 10 bytes");
  for (WeightRange range : {WeightRange{0, 11, 0}, WeightRange{0, 0, 11}, WeightRange{0, 5, ~0ull},
                            WeightRange{0, ~0ull, 5}, WeightRange{0, ~0ull - 1, ~0ull}})
    EXPECT_NE(read(store, range).find("beyond the end"), std::string::npos);
  EXPECT_EQ(read(store, {1, 0, 0}), "there is no weight file 1, the table has 1");
}

TEST_F(WeightStoreTest, RefusesWhatIsNoFile) {
  WeightStore store;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const std::string &path : {folder / "pipe", folder.path(), std::string("/dev/zero")})
    EXPECT_EQ(errorOf(store.addFile(path)), "cannot read '" + path + "': it is not a regular file");
  const std::string missing = folder / "missing";
  EXPECT_EQ(errorOf(store.addFile(missing)),
            "cannot read '" + missing + "': No such file or directory");
  EXPECT_EQ(store.getNumFiles(), 0u);
}

TEST_F(WeightStoreTest, RebuildsFromATable) {
  const std::string a = folder.write("a.bin", "aaaa"), b = folder.write("b.bin", "bb");
  auto store = WeightStore::fromTable({{b, 2}, {a, 4}});
  ASSERT_TRUE(bool(store));
  EXPECT_EQ(read(**store, {0, 0, 2}), "bb");
  EXPECT_EQ(read(**store, {1, 0, 4}), "aaaa");
  for (uint64_t size : {3, 5})
    EXPECT_EQ(errorOf(WeightStore::fromTable({{a, size}})),
              "'" + a + "' has 4 bytes, expected " + std::to_string(size) +
                  ": it is not the file that was there before");
  EXPECT_EQ(errorOf(WeightStore::fromTable({{a, 4}, {"", 9}})),
            "file 1 of the table of weights has no path: it held decoded weights and was not kept");
}

TEST_F(WeightStoreTest, Spills) {
  WeightStore store({/*untrusted=*/false, folder.path()});
  EXPECT_FALSE(store.getSpillFile());
  llvm::Expected<WeightRange> a = store.spill(llvm::ArrayRef("hello", 5));
  llvm::Expected<WeightRange> b = store.spill({});
  llvm::Expected<WeightRange> c = store.spill(llvm::ArrayRef("world", 5));
  ASSERT_TRUE(a && b && c);
  EXPECT_EQ(read(store, *a), "hello");
  EXPECT_EQ(read(store, *b), "");
  EXPECT_EQ(read(store, *c), "world");
  EXPECT_EQ(c->offset % 64, 0u);
  EXPECT_EQ(a->file, *store.getSpillFile());
  EXPECT_TRUE(folder.isEmpty()) << "the spill file has no name";
  const std::string error = read(store, {a->file, 0, 1 << 20});
  EXPECT_NE(error.find("beyond the end of the spill file"), std::string::npos) << error;
}

TEST_F(WeightStoreTest, SpillsInPieces) {
  WeightStore store;
  llvm::Expected<WeightStore::SpillWriter> a = store.startSpill(6), b = store.startSpill(2);
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(a->write(llvm::ArrayRef("abc", 3)));
  EXPECT_FALSE(b->write(llvm::ArrayRef("xy", 2)));
  EXPECT_FALSE(a->write(llvm::ArrayRef("def", 3)));
  llvm::Expected<WeightRange> first = a->finish(), second = b->finish();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(read(store, *first), "abcdef");
  EXPECT_EQ(read(store, *second), "xy");
  EXPECT_EQ(errorOf(a->write(llvm::ArrayRef("g", 1))),
            "more than the announced 6 bytes are spilled");
  llvm::Expected<WeightStore::SpillWriter> c = store.startSpill(2);
  ASSERT_TRUE(bool(c));
  EXPECT_EQ(errorOf(c->finish()), "spilled 0 bytes, announced were 2");
  EXPECT_NE(errorOf(store.startSpill(~0ull)), "no error");
}

/// Bytes stay where they are when the spill file outgrows its mapping.
TEST_F(WeightStoreTest, SpilledBytesStay) {
  WeightStore store;
  llvm::Expected<WeightRange> early = store.spill(llvm::ArrayRef("early", 5));
  llvm::Expected<llvm::ArrayRef<char>> bytes = store.bytes(*early);
  ASSERT_TRUE(bool(bytes));
  for (int i = 0; i < 4; ++i) {
    llvm::Expected<WeightStore::SpillWriter> hole = store.startSpill(100 << 20);
    ASSERT_TRUE(bool(hole));
    llvm::Expected<WeightRange> late = store.spill(llvm::ArrayRef("late", 4));
    EXPECT_EQ(read(store, *late), "late");
  }
  EXPECT_EQ(text(*bytes), "early");
  EXPECT_EQ(read(store, *early), "early");
}

TEST_F(WeightStoreTest, PersistsTheSpill) {
  WeightStore store;
  const std::string path = folder / "model.weights";
  EXPECT_EQ(errorOf(store.persistSpill(path)), "no error");
  EXPECT_TRUE(folder.isEmpty()) << "nothing was spilled";
  llvm::Expected<WeightRange> range = store.spill(llvm::ArrayRef("hello", 5));
  llvm::Expected<llvm::ArrayRef<char>> bytes = store.bytes(*range);
  EXPECT_EQ(store.getTable()[range->file].path, "");
  EXPECT_EQ(errorOf(store.persistSpill(path)), "no error");
  EXPECT_EQ(store.getTable()[range->file].path, path);
  EXPECT_EQ(text(*bytes), "hello");
  // What comes later is in another file, and the first stays as it is.
  llvm::Expected<WeightRange> later = store.spill(llvm::ArrayRef("later", 5));
  EXPECT_NE(later->file, range->file);
  auto again = WeightStore::fromTable(llvm::ArrayRef(store.getTable()).drop_back());
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  EXPECT_EQ(read(**again, *range), "hello");
}

TEST_F(WeightStoreTest, ReleasedBytesStayReadable) {
  const std::string contents(100000, 'a');
  const std::string path = folder.write("a.bin", contents);
  WeightStore store;
  ASSERT_TRUE(bool(store.addFile(path)));
  llvm::Expected<WeightRange> spilled = store.spill(contents);
  llvm::Expected<llvm::ArrayRef<char>> bytes = store.bytes({0, 0, 100000});
  for (WeightRange range :
       {WeightRange{0, 0, 100000}, WeightRange{0, 5, 1}, WeightRange{0, 4095, 2},
        WeightRange{0, 99999, 5}, WeightRange{7, 0, 1}, *spilled})
    store.release(range);
  EXPECT_EQ(text(*bytes), contents);
  EXPECT_EQ(read(store, *spilled), contents);
}

TEST_F(WeightStoreTest, UntrustedFilesMayShrink) {
  const std::string path = folder.write("a.bin", std::string(100000, 'a'));
  WeightStore store({/*untrusted=*/true, folder.path()});
  ASSERT_TRUE(bool(store.addFile(path)));
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  EXPECT_EQ(read(store, {0, 0, 100000}), std::string(100000, 'a'));
  EXPECT_EQ(store.getFile(0).path, path);
}

TEST_F(WeightStoreTest, SaysWhereTemporaryFilesCannotBe) {
  WeightStore store({/*untrusted=*/false, folder / "missing"});
  EXPECT_EQ(errorOf(store.spill(llvm::ArrayRef("x", 1))),
            "cannot create a temporary file in '" + (folder / "missing") +
                "' (set TMPDIR to another folder): No such file or directory");
}

TEST_F(WeightStoreTest, WorksFromSeveralThreads) {
  const std::string path = folder.write("a.bin", "0123456789");
  WeightStore store;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 100; ++round) {
        const std::string data = std::to_string(i) + ":" + std::to_string(round);
        llvm::Expected<WeightRange> range = store.spill(data);
        ASSERT_TRUE(bool(range));
        EXPECT_EQ(read(store, *range), data);
        llvm::Expected<uint32_t> file = store.addFile(path);
        ASSERT_TRUE(bool(file));
        EXPECT_EQ(read(store, {*file, 2, 3}), "234");
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(store.getNumFiles(), 401u);
}

} // namespace

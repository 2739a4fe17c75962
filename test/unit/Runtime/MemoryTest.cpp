#include "core/Memory.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <set>

using moec::rt::Memory;

namespace {

/// A host's allocator that counts.
struct Counter {
  int64_t allocations = 0, blocks = 0, bytes = 0;
  int64_t limit = INT64_MAX;
  moec_allocator table = {[](void *user, size_t size, size_t alignment) -> void * {
                            auto &self = *static_cast<Counter *>(user);
                            if (self.bytes + int64_t(size) > self.limit)
                              return nullptr;
                            ++self.allocations;
                            ++self.blocks;
                            self.bytes += size;
                            return std::aligned_alloc(alignment, (size + alignment - 1) /
                                                                     alignment * alignment);
                          },
                          [](void *user, void *pointer, size_t size, size_t alignment) {
                            auto &self = *static_cast<Counter *>(user);
                            EXPECT_EQ(alignment, 64u);
                            --self.blocks;
                            self.bytes -= size;
                            std::free(pointer);
                          },
                          this};
};

} // namespace

TEST(Memory, AlignedDistinctAndLargeEnough) {
  Counter counter;
  Memory memory;
  memory.initialize(&counter.table);
  std::set<char *> starts;
  for (int64_t size : {0, 1, 63, 64, 65, 80, 81, 127, 128, 129, 1000, 4097, 1 << 20}) {
    char *pointer = static_cast<char *>(memory.allocate(size));
    ASSERT_NE(pointer, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(pointer) % 64, 0u);
    EXPECT_TRUE(starts.insert(pointer).second);
    std::fill(pointer, pointer + size, char(size));
  }
  memory.recycle();
  memory.destroy();
  EXPECT_EQ(counter.blocks, 0);
  EXPECT_EQ(counter.bytes, 0);
}

TEST(Memory, RepeatedCallsAllocateNothing) {
  Counter counter;
  Memory memory;
  memory.initialize(&counter.table);
  auto call = [&] {
    memory.releaseKept();
    void *a = memory.allocate(1000), *b = memory.allocate(100000);
    memory.release(a);
    void *c = memory.allocate(900);
    memory.allocate(1000); // left to recycle()
    memory.release(b);
    memory.keep(c);
    memory.recycle();
  };
  call();
  call(); // the output of the first call was still held
  const int64_t allocations = counter.allocations;
  for (int i = 0; i < 100; ++i)
    call();
  EXPECT_EQ(counter.allocations, allocations);
  memory.destroy();
  EXPECT_EQ(counter.blocks, 0);
}

TEST(Memory, GivesBackWhatIsNoLongerUsed) {
  Counter counter;
  Memory memory;
  memory.initialize(&counter.table);
  memory.allocate(1 << 20);
  memory.recycle();
  for (int i = 0; i < 100; ++i) {
    memory.allocate(64);
    memory.recycle();
  }
  EXPECT_LT(counter.bytes, 1 << 20);
  EXPECT_EQ(counter.blocks, 1);
  memory.destroy();
}

TEST(Memory, OutOfMemory) {
  Counter counter;
  counter.limit = 1000;
  Memory memory;
  memory.initialize(&counter.table);
  EXPECT_EQ(memory.allocate(2000), nullptr);
  EXPECT_NE(memory.allocate(500), nullptr);
  EXPECT_EQ(memory.allocate(-1), nullptr);
  EXPECT_EQ(memory.allocate(INT64_MAX), nullptr);
  memory.destroy();
}

#include "TestModel.h"

#include <algorithm>
#include <random>

using namespace moec::rt;

namespace {

constexpr int32_t forever = INT32_MAX;

class ArenaTest : public testing::Test {
protected:
  void SetUp() override {
    memory.initialize(nullptr);
    arena.initialize(memory);
  }
  void TearDown() override {
    arena.destroy();
    memory.destroy();
  }

  void setEntries(std::vector<moec_rt_arena_entry> newEntries, int32_t numSizes) {
    entries = std::move(newEntries);
    numbers = {numSizes, int32_t(entries.size())};
    for (const moec_rt_arena_entry &entry : entries)
      numbers.insert(numbers.end(), {entry.size, entry.first, entry.last});
  }

  const moec_rt_arena &table() const {
    return *reinterpret_cast<const moec_rt_arena *>(numbers.data());
  }

  /// Starts a call; the number of bytes in the arena.
  int64_t plan(std::vector<int64_t> newSizes) {
    sizes = std::move(newSizes);
    int64_t missing;
    arena.startCall();
    base = static_cast<char *>(arena.plan(table(), sizes.data(), offsets, missing));
    EXPECT_NE(base, nullptr);
    return arena.usedBytes();
  }

  /// No two buffers that are in use at once share a byte, and all are aligned.
  void expectDisjoint() {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(base) % 64, 0u);
    for (size_t a = 0; a < entries.size(); ++a) {
      if (entries[a].size < 0)
        continue;
      ASSERT_EQ(offsets[a] % 64, 0);
      ASSERT_LE(offsets[a] + sizes[entries[a].size], arena.usedBytes());
      for (size_t b = 0; b < a; ++b) {
        if (entries[b].size < 0 || entries[a].first > entries[b].last ||
            entries[b].first > entries[a].last)
          continue;
        const int64_t sizeA = sizes[entries[a].size], sizeB = sizes[entries[b].size];
        ASSERT_TRUE(!sizeA || !sizeB || offsets[a] + sizeA <= offsets[b] ||
                    offsets[b] + sizeB <= offsets[a])
            << a << " and " << b;
      }
    }
  }

  Memory memory;
  Arena arena;
  std::vector<moec_rt_arena_entry> entries;
  std::vector<int32_t> numbers; ///< The table, as it lies in memory.
  std::vector<int64_t> sizes;
  char *base = nullptr;
  const int64_t *offsets = nullptr;
};

} // namespace

TEST_F(ArenaTest, ChainsTakeTurns) {
  // Each buffer is made from the one before: two places are enough.
  setEntries({{0, 0, 1}, {0, 1, 2}, {0, 2, 3}, {0, 3, 4}, {0, 4, forever}}, 1);
  EXPECT_EQ(plan({1000}), 2048);
  EXPECT_EQ(arena.liveBytes(), 2000);
  expectDisjoint();
}

TEST_F(ArenaTest, SmallOnesShareThePlaceOfALargeOne) {
  setEntries({{0, 0, 4}, {1, 5, 9}, {1, 6, 9}, {2, 0, 9}}, 3);
  EXPECT_EQ(plan({1024, 512, 64}), 1024 + 64);
  expectDisjoint();
  EXPECT_EQ(plan({1024, 512, 0}), 1024);
}

TEST_F(ArenaTest, AtRandom) {
  std::mt19937 random(7);
  for (int round = 0; round < 30; ++round) {
    std::vector<moec_rt_arena_entry> random_entries;
    std::vector<int64_t> newSizes;
    for (int i = 0; i < 8; ++i)
      newSizes.push_back(random() % 100000 * (i > 0));
    int32_t position = 0;
    for (int i = 0; i < 300; ++i) {
      position += random() % 3;
      int32_t length = random() % 10 == 0 ? random() % 600 : random() % 12;
      random_entries.push_back(
          {int32_t(random() % 9) - 1, position, random() % 100 == 0 ? forever : position + length});
    }
    setEntries(random_entries, 8);
    arena.destroy(); // another model's table, at the same address
    plan(newSizes);
    expectDisjoint();
    EXPECT_GE(arena.usedBytes(), arena.liveBytes());
    EXPECT_LE(arena.usedBytes(), arena.liveBytes() * 1.3);
  }
}

TEST_F(ArenaTest, PlacesAtRandom) {
  std::mt19937 random(11);
  int64_t numPlaced = 0, numRefused = 0;
  for (int round = 0; round < 20; ++round) {
    std::vector<moec_rt_arena_entry> mixed;
    int32_t position = 0;
    for (int i = 0; i < 200; ++i) {
      // Buffers are asked for in order, but the first use of one may come after that of the next.
      position += random() % 3;
      const int32_t first = position + random() % 4;
      mixed.push_back(
          {int32_t(random() % 5) - 2, first, first + int32_t(random() % (i % 9 ? 8 : 90))});
      mixed.back().size = std::max(mixed.back().size, -1);
    }
    setEntries(mixed, 3);
    arena.destroy();
    for (int call = 0; call < 3; ++call) {
      plan({80000, 3000 * (call + 1), 500});
      std::vector<std::pair<int64_t, int64_t>> places(entries.size(), {0, 0});
      for (size_t e = 0; e < entries.size(); ++e) {
        if (entries[e].size >= 0) {
          places[e] = {offsets[e], offsets[e] + sizes[entries[e].size]};
          continue;
        }
        const int64_t size = 1 + random() % 20000;
        const char *memory = static_cast<char *>(arena.place(e, size));
        memory ? ++numPlaced : ++numRefused;
        if (memory)
          places[e] = {memory - base, memory - base + size};
      }
      for (size_t a = 0; a < entries.size(); ++a)
        for (size_t b = 0; b < a; ++b)
          ASSERT_TRUE(entries[a].first > entries[b].last || entries[b].first > entries[a].last ||
                      places[a].second <= places[b].first || places[b].second <= places[a].first)
              << a << " and " << b;
    }
  }
  EXPECT_GT(numPlaced, numRefused);
}

TEST_F(ArenaTest, KnownSizesAllocateNothing) {
  setEntries({{0, 0, 1}, {1, 1, forever}}, 2);
  for (int64_t n = 1; n <= 8; ++n)
    plan({100 * n, 70});
  const int64_t allocations = memory.numAllocations();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(plan({100 * (i % 8 + 1), 70}), (100 * (i % 8 + 1) + 63) / 64 * 64 + 128);
    expectDisjoint();
  }
  EXPECT_EQ(memory.numAllocations(), allocations);
  // More tuples than are kept: plans take the slots of others. (The block shrinks on the way.)
  for (int i = 0; i < 100; ++i)
    plan({i, i});
  EXPECT_LE(memory.numAllocations(), allocations + 3 * 8 + 4);
}

TEST_F(ArenaTest, GrowsInSteps) {
  setEntries({{0, 0, forever}}, 1);
  plan({1 << 20});
  const int64_t allocations = memory.numAllocations();
  for (int64_t n = 1; n <= 1000; ++n) // twice the size in the end
    plan({(1 << 20) + n * 1024});
  EXPECT_LE(memory.numAllocations(), allocations + 10 + 3 * 15);
}

TEST_F(ArenaTest, GivesBackWhatIsNoLongerUsed) {
  setEntries({{0, 0, forever}}, 1);
  plan({1 << 20});
  const char *last = base + (1 << 20) - 1;
  EXPECT_TRUE(arena.contains(last));
  for (int i = 0; i < 70; ++i)
    plan({64});
  EXPECT_TRUE(arena.contains(base));
  EXPECT_TRUE(arena.contains(base + 63));
  EXPECT_FALSE(arena.contains(base + 64));
}

TEST_F(ArenaTest, PlacesInGaps) {
  //     0 1 2 3 4 5
  // 0   #######        1024
  // 1         #####    1024, leaves the lower half free at 0 to 2
  // 2     ?            fits beside 0
  // 3       ?          does so too, but for 2
  setEntries({{0, 0, 3}, {0, 3, 5}, {-1, 1, 2}, {-1, 2, 2}, {-1, 5, 5}}, 1);
  ASSERT_EQ(plan({1024}), 2048);
  char *other = base + (offsets[0] == 0 ? 1024 : 0);
  EXPECT_EQ(arena.place(2, 1000), other);
  // Beyond the plan there is as much room again, for sizes that differ from call to call.
  EXPECT_EQ(arena.place(3, 2048), base + 2048);
  EXPECT_EQ(arena.place(4, 65), base + offsets[0]);
  EXPECT_EQ(arena.usedBytes(), 4096);
  EXPECT_EQ(arena.liveBytes(), 1024 + 1000 + 2048);
  // The next call's are others.
  plan({1024});
  EXPECT_EQ(arena.place(3, 1), other);
  EXPECT_EQ(arena.place(2, -1), nullptr);
  EXPECT_EQ(arena.place(2, 0), base);
  // What finds no room has it in the next call.
  plan({1024});
  EXPECT_EQ(arena.place(3, 4096), nullptr);
  plan({1024});
  EXPECT_NE(arena.place(3, 4096), nullptr);
}

TEST_F(ArenaTest, SizesThatCannotBe) {
  setEntries({{0, 0, 1}, {1, 1, 2}}, 2);
  for (int64_t size : {INT64_C(-1), INT64_MIN, INT64_MAX, (INT64_C(1) << 46) + 1}) {
    const int64_t wrong[] = {5, size};
    int64_t missing = 0;
    for (int i = 0; i < 2; ++i) { // what failed is not remembered as a plan
      arena.startCall();
      EXPECT_EQ(arena.plan(table(), wrong, offsets, missing), nullptr);
      EXPECT_EQ(missing, size);
    }
  }
  EXPECT_EQ(plan({5, 5}), 128);
}

// --- By way of a session ------------------------------------------------------------------------

using ArenaSessionTest = ModelTest;

namespace {

const struct {
  moec_rt_arena arena;
  moec_rt_arena_entry entries[3];
} sumTable = {{2, 3}, {{0, 0, 1}, {1, 1, forever}, {-1, 2, 3}}};

/// sumRows, with its output in the arena.
void sumRowsInArena(moec_rt_context *context, const moec_rt_buffer *inputs,
                    moec_rt_buffer *outputs) {
  const int64_t rows = inputs[0].shape[0], sizes[] = {4096, rows * 4};
  const int64_t *offsets;
  char *base = static_cast<char *>(moec_rt_plan(context, &sumTable.arena, sizes, &offsets));
  std::fill_n(base + offsets[0], 4096, 1);
  const float *from = static_cast<const float *>(inputs[0].data);
  float *to = reinterpret_cast<float *>(base + offsets[1]);
  for (int64_t i = 0; i < rows; ++i)
    to[i] = from[3 * i] + from[3 * i + 1] + from[3 * i + 2];
  void *inside = moec_rt_place(context, 2, 100);
  EXPECT_GE(inside, base);
  EXPECT_LT(inside, base + 4096 + 64);
  moec_rt_free(context, inside);
  outputs[0].data = to;
  outputs[0].shape[0] = rows;
}

moec_memory_info memoryOf(const Session *session) {
  moec_memory_info info = {};
  info.size = sizeof info;
  session->fill(info);
  return info;
}

TEST_F(ArenaTest, StepsOfGenerationArePlannedOnce) {
  setEntries({{0, 0, 3}, {1, 1, 4}, {2, 2, 5}, {1, 4, forever}}, 3);
  // A prompt, then one row a step: scores grow with the rows, the rest is small.
  auto step = [&](int64_t rows, int64_t tokens, int64_t limit) {
    sizes = {tokens * 256, tokens * (rows + tokens) * 16, rows + tokens};
    int64_t missing;
    arena.startCall(rows, limit);
    base = static_cast<char *>(arena.plan(table(), sizes.data(), offsets, missing));
    ASSERT_NE(base, nullptr);
    expectDisjoint();
  };
  step(0, 20, 500);
  step(20, 1, 500);
  step(21, 1, 500);
  const int64_t allocations = memory.numAllocations();
  char *const block = base;
  for (int64_t rows = 22; rows < 500; ++rows) {
    step(rows, 1, 500);
    ASSERT_EQ(base, block);
  }
  EXPECT_EQ(memory.numAllocations(), allocations);
  // What is larger than was foreseen gets a plan of its own, and what fits into it does not.
  step(0, 400, 500);
  step(400, 1, 500);
  EXPECT_GT(memory.numAllocations(), allocations);
}

TEST_F(ArenaTest, StepsThatGrowFasterThanForeseenAreStillPlanned) {
  setEntries({{0, 0, 3}, {1, 1, 4}}, 2);
  for (int64_t rows = 1; rows < 100; ++rows) {
    sizes = {rows * rows * 64, 64 * rows};
    int64_t missing;
    arena.startCall(rows, 100);
    base = static_cast<char *>(arena.plan(table(), sizes.data(), offsets, missing));
    ASSERT_NE(base, nullptr);
    expectDisjoint();
  }
}

} // namespace

TEST_F(ArenaSessionTest, OutputsInTheArena) {
  setEntry(sumRowsInArena);
  ASSERT_EQ(run(), MOEC_OK);
  EXPECT_EQ(static_cast<float *>(output.data)[1], 15);
  moec_memory_info info = memoryOf(session);
  EXPECT_EQ(info.peak_bytes, 4096 + 64);
  EXPECT_EQ(info.live_bytes, 4096 + 8);
  const int64_t allocations = info.allocations;
  EXPECT_GT(allocations, 0);
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(run(), MOEC_OK);
  EXPECT_EQ(memoryOf(session).allocations, allocations);

  // A caller of an older version does not know all members.
  info = {offsetof(moec_memory_info, live_bytes), 0, 0, 77};
  session->fill(info);
  EXPECT_EQ(info.peak_bytes, 4096 + 64);
  EXPECT_EQ(info.live_bytes, 77);
}

TEST_F(ArenaSessionTest, OutputsAsInputs) {
  for (auto entry : {sumRowsInArena, sumRows}) {
    setEntry(entry);
    float rows[6][3] = {{1, 1, 1}, {2, 2, 2}, {3, 3, 3}, {4, 4, 4}, {5, 5, 5}, {6, 6, 6}};
    float *data = &rows[0][0];
    int64_t more[6][4] = {};
    inputs[1].data = more;
    for (int64_t n : {6, 2}) {
      inputs[0].data = data;
      inputs[0].shape[0] = inputs[1].shape[0] = n;
      ASSERT_EQ(run(), MOEC_OK);
      data = static_cast<float *>(output.data);
    }
    EXPECT_EQ(data[0], 3 + 6 + 9);
    EXPECT_EQ(data[1], 12 + 15 + 18);
  }
}

TEST_F(ArenaSessionTest, OutOfMemory) {
  setEntry([](moec_rt_context *context, const moec_rt_buffer *, moec_rt_buffer *) {
    const int64_t sizes[] = {4096, -8};
    const int64_t *offsets;
    moec_rt_plan(context, &sumTable.arena, sizes, &offsets);
    ADD_FAILURE() << "the call went on";
  });
  EXPECT_EQ(run(), MOEC_OUT_OF_MEMORY);
  EXPECT_EQ(error(), "no memory for -8 bytes");
  setEntry(sumRowsInArena);
  EXPECT_EQ(run(), MOEC_OK);
}

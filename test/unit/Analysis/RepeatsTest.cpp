#include "passes/Analysis/Repeats.h"

#include "llvm/ADT/STLExtras.h"
#include "gtest/gtest.h"

using namespace moec;

namespace {

using Sequence = std::vector<unsigned>;

void append(Sequence &sequence, unsigned from, unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    sequence.push_back(from + i);
}

std::vector<Repeat> find(const Sequence &sequence, unsigned minLength = 4) {
  return findRepeats(sequence, Sequence(sequence.size() + 1), minLength);
}

TEST(Repeats, NothingTwice) {
  Sequence sequence;
  append(sequence, 0, 100);
  EXPECT_TRUE(find(sequence).empty());
  EXPECT_TRUE(find({}).empty());
  EXPECT_TRUE(find({1, 2, 1, 2}).empty());
}

TEST(Repeats, OneAfterTheOther) {
  Sequence sequence{1000};
  for (unsigned i = 0; i < 5; ++i)
    append(sequence, 0, 10);
  std::vector<Repeat> repeats = find(sequence);
  ASSERT_FALSE(repeats.empty());
  EXPECT_EQ(repeats[0].length, 10u);
  EXPECT_EQ(llvm::to_vector(repeats[0].starts), (llvm::SmallVector<unsigned>{1, 11, 21, 31, 41}));
}

TEST(Repeats, CutWhereItIsCheap) {
  Sequence sequence;
  for (unsigned i = 0; i < 6; ++i)
    append(sequence, 0, 10);
  Sequence cuts(sequence.size() + 1, 5);
  for (unsigned i = 3; i < cuts.size(); i += 10)
    cuts[i] = 1;
  std::vector<Repeat> repeats = findRepeats(sequence, cuts, 4);
  ASSERT_FALSE(repeats.empty());
  EXPECT_EQ(repeats[0].length, 10u);
  EXPECT_EQ(repeats[0].starts.front() % 10, 3u);
}

TEST(Repeats, ApartAndNotOverlapping) {
  Sequence sequence;
  append(sequence, 0, 30);
  append(sequence, 100, 17);
  append(sequence, 0, 30);
  append(sequence, 200, 5);
  std::vector<Repeat> repeats = find(sequence);
  ASSERT_EQ(repeats.size(), 1u);
  EXPECT_EQ(repeats[0].length, 30u);
  EXPECT_EQ(llvm::to_vector(repeats[0].starts), (llvm::SmallVector<unsigned>{0, 47}));
}

TEST(Repeats, ExpertsOfLayersFirst) {
  Sequence sequence;
  for (unsigned layer = 0; layer < 6; ++layer) {
    append(sequence, 100, 20);
    for (unsigned expert = 0; expert < 50; ++expert)
      append(sequence, 0, 12);
  }
  std::vector<Repeat> repeats = find(sequence);
  ASSERT_FALSE(repeats.empty());
  EXPECT_EQ(repeats[0].length, 12u);
  EXPECT_GE(repeats[0].starts.size(), 6u * 49);
  for (const Repeat &repeat : repeats)
    for (auto [a, b] : llvm::zip(repeat.starts, llvm::drop_begin(repeat.starts)))
      EXPECT_LE(a + repeat.length, b);
}

TEST(Repeats, LongSequencesTakeLinearTime) {
  Sequence sequence;
  for (unsigned i = 0; i < 40'000; ++i)
    append(sequence, 0, 50); // 2 million symbols: anything quadratic would not come back
  std::vector<Repeat> repeats = find(sequence);
  ASSERT_FALSE(repeats.empty());
  EXPECT_EQ(repeats[0].length, 50u);
  EXPECT_GE(repeats[0].starts.size(), 39'999u);
}

} // namespace

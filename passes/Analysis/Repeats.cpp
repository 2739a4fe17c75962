#include "passes/Analysis/Repeats.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"

using namespace moec;

namespace {

constexpr unsigned kMaxDistances = 16; ///< that are tried
constexpr unsigned kStretches = 4;     ///< of one distance whose words are tried
constexpr uint64_t kBase = 0x9e3779b97f4a7c15;

/// Equal words have equal hashes; what is made of it is compared symbol by symbol.
class WordHashes {
public:
  explicit WordHashes(llvm::ArrayRef<unsigned> sequence)
      : prefix(sequence.size() + 1), power(sequence.size() + 1, 1) {
    for (auto [i, symbol] : llvm::enumerate(sequence)) {
      prefix[i + 1] = prefix[i] * kBase + mix(symbol);
      power[i + 1] = power[i] * kBase;
    }
  }

  uint64_t get(unsigned start, unsigned length) const {
    return prefix[start + length] - prefix[start] * power[length];
  }

private:
  static uint64_t mix(uint64_t x) {
    x = (x + kBase) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return x ^ (x >> 31);
  }

  std::vector<uint64_t> prefix, power;
};

class RepeatFinder {
public:
  RepeatFinder(llvm::ArrayRef<unsigned> sequence, llvm::ArrayRef<unsigned> cuts, unsigned minLength)
      : sequence(sequence), cuts(cuts), minLength(minLength), hashes(sequence) {}

  std::vector<Repeat> find() {
    for (unsigned distance : getDistances())
      addStretches(distance);
    llvm::stable_sort(result,
                      [](const Repeat &a, const Repeat &b) { return a.getSaved() > b.getSaved(); });
    return std::move(result);
  }

private:
  unsigned size() const { return sequence.size(); }

  /// The distances at which most windows come again.
  llvm::SmallVector<unsigned> getDistances() {
    llvm::DenseMap<uint64_t, unsigned> last;
    llvm::DenseMap<unsigned, unsigned> votes;
    for (unsigned i = 0; i + minLength <= size(); ++i) {
      auto [it, isNew] = last.try_emplace(hashes.get(i, minLength) >> 1, i);
      if (isNew)
        continue;
      ++votes[i - it->second];
      it->second = i;
    }
    llvm::SmallVector<std::pair<unsigned, unsigned>> ordered; // (votes, distance)
    for (auto [distance, count] : votes)
      if (distance >= minLength)
        ordered.emplace_back(count, distance);
    llvm::sort(ordered, std::greater<>());
    if (ordered.size() > kMaxDistances)
      ordered.resize(kMaxDistances);
    return llvm::to_vector(llvm::make_second_range(ordered));
  }

  /// Stretches [begin, end) that equal what stands `distance` before.
  void addStretches(unsigned distance) {
    llvm::SmallVector<std::pair<unsigned, unsigned>> stretches; // (length, begin)
    for (unsigned i = distance, begin = distance; i <= size(); ++i) {
      if (i < size() && sequence[i] == sequence[i - distance])
        continue;
      if (i - begin >= minLength)
        stretches.emplace_back(i - begin, begin);
      begin = i + 1;
    }
    llvm::stable_sort(stretches, [](auto &a, auto &b) { return a.first > b.first; });
    if (stretches.size() > kStretches)
      stretches.resize(kStretches);
    for (auto [length, begin] : stretches) {
      if (length >= distance)
        addPeriodic(begin - distance, begin + length, distance);
      else
        addOnce(begin, begin + length);
    }
  }

  /// [begin, end) is a word of length `period` again and again, from wherever one begins to count.
  void addPeriodic(unsigned begin, unsigned end, unsigned period) {
    auto getScore = [&](unsigned start) {
      int64_t count = (end - start) / period;
      return (count - 1) * int64_t(period) - count * int64_t(cuts[start]);
    };
    unsigned best = begin;
    for (unsigned start = begin; start < begin + period && start + 2 * period <= end; ++start)
      if (getScore(start) > getScore(best))
        best = start;
    add(best, period);
  }

  /// [begin, end) has come before. A shorter word may have the cheaper ends.
  void addOnce(unsigned begin, unsigned end) {
    unsigned slack = (end - begin - minLength) / 3, first = begin, last = end;
    for (unsigned i = begin; i <= begin + slack; ++i)
      if (int64_t(i) + cuts[i] < int64_t(first) + cuts[first])
        first = i;
    for (unsigned i = end; i >= end - slack; --i)
      if (int64_t(i) - cuts[i] > int64_t(last) - cuts[last])
        last = i;
    add(first, last - first);
  }

  void add(unsigned start, unsigned length) {
    uint64_t hash = hashes.get(start, length);
    if (!seen.insert({hash >> 1, length}).second)
      return;
    Repeat repeat;
    repeat.length = length;
    llvm::ArrayRef<unsigned> word = sequence.slice(start, length);
    for (unsigned i = 0; i + length <= size();) {
      if (hashes.get(i, length) == hash && sequence.slice(i, length) == word) {
        repeat.starts.push_back(i);
        i += length;
      } else {
        ++i;
      }
    }
    if (repeat.starts.size() > 1)
      result.push_back(std::move(repeat));
  }

  llvm::ArrayRef<unsigned> sequence, cuts;
  unsigned minLength;
  WordHashes hashes;
  llvm::DenseSet<std::pair<uint64_t, unsigned>> seen;
  std::vector<Repeat> result;
};

} // namespace

std::vector<Repeat> moec::findRepeats(llvm::ArrayRef<unsigned> sequence,
                                      llvm::ArrayRef<unsigned> cuts, unsigned minLength) {
  minLength = std::max(minLength, 1u);
  if (sequence.size() < 2 * minLength)
    return {};
  return RepeatFinder(sequence, cuts, minLength).find();
}

// Places of a call's buffers in one block of memory.
#ifndef MOEC_RT_LIB_CORE_ARENA_H
#define MOEC_RT_LIB_CORE_ARENA_H

#include "core/Memory.h"
#include "moec_rt/kernel_abi.h"

namespace moec::rt {

/// The arena of a session's calls. Buffers whose sizes are known when the call starts are placed
/// the largest and longest-lived first, each into the smallest gap that fits between those in use
/// at the same time (as in Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net
/// Inference", 2020, with lifetimes in the weight). The result is kept for the last tuples of
/// sizes. Buffers whose sizes come up during the call go into what gaps are left: those between the
/// former are kept with the plan, too, so that placing one is a walk along a few gaps and the few
/// buffers that were placed before it and live.
///
/// The block stays from call to call, and holds the outputs in between.
class Arena {
public:
  void initialize(Memory &memory) { this->memory = &memory; }
  void destroy();

  /// Starts a call, without a plan as yet. The session's state has `rows` rows, and room for
  /// `limit`; 0: it has no state.
  void startCall(int64_t rows = 0, int64_t limit = 0);

  /// See moec_rt_plan. Returns NULL if a size is below 0 or the system has no memory; `missing` is
  /// the size that could not be had.
  void *plan(const moec_rt_arena &table, const int64_t *sizes, const int64_t *&offsets,
             int64_t &missing);
  /// See moec_rt_place. Returns NULL if there is no room.
  void *place(int32_t entry, int64_t size);

  bool contains(const void *pointer) const {
    return (const char *)pointer >= block && (const char *)pointer < block + capacity;
  }
  /// The end of what the call has planned and placed.
  int64_t usedBytes() const { return used; }
  /// The largest sum of sizes of buffers that the call had in use at one position.
  int64_t liveBytes() const;

private:
  static constexpr int32_t maxPlans = 16;
  static constexpr int64_t maxPlanBytes = 4 << 20; ///< Of all plans; two may be larger.
  static constexpr uint64_t trimPeriod = 32;
  /// Gaps that are kept for a buffer, the largest ones; the last is without an end.
  static constexpr int32_t maxGaps = 8;

  /// Memory of the session's source.
  template <typename T>
  struct Array {
    T *data = nullptr;
    int64_t size = 0;

    bool allocate(Memory &memory, int64_t count) {
      data = (T *)memory.systemAllocate((count + 1) * sizeof(T)); // never none
      size = data ? count : 0;
      return data != nullptr;
    }
    void free(Memory &memory) {
      if (data)
        memory.systemFree(data, (size + 1) * sizeof(T));
      data = nullptr;
      size = 0;
    }
    T &operator[](int64_t i) const { return data[i]; }
  };

  struct Interval {
    int64_t begin, end;
  };
  /// What buffers of known sizes leave during the life of another one, by address.
  struct Gaps {
    int32_t count; ///< 0: not asked for as yet.
    Interval list[maxGaps];
  };
  /// The places for one tuple of sizes.
  struct Plan {
    Array<int64_t> sizes;   ///< The tuple.
    Array<int64_t> bytes;   ///< By entry; 0 where not known (yet).
    Array<int64_t> offsets; ///< By entry; -1: has no place (yet).
    Array<Gaps> gaps;       ///< By entry of unknown size, as numbered in `unknowns`.
    int64_t total = 0;
    int64_t wanted = 0; ///< Where a buffer of unknown size would have ended that found no room.
    uint64_t lastCall = 0;
    bool isAhead = false; ///< For sizes up to those of the tuple.

    void free(Memory &memory);
  };
  /// A buffer that was placed during the call.
  struct Placed {
    Interval place;
    int32_t entry;
  };

  bool buildIndex(const moec_rt_arena &newTable);
  void freeIndex();
  Plan *find(const int64_t *sizes);
  Plan *planAhead(const int64_t *sizes);
  Plan *takeSlot();
  bool assign(Plan &plan, int64_t &missing);
  int64_t layOut(Plan &plan, int32_t count);
  int64_t largestLive(const Plan &plan) const;
  int32_t collectNeighbours(const Plan &plan, int32_t entry);
  int64_t findGap(const Plan &plan, int32_t entry, int64_t size);
  void findGaps(const Plan &plan, int32_t entry, Gaps &gaps);
  int64_t findPlace(const Gaps &gaps, int32_t entry, int64_t size);
  bool reserve(int64_t size);
  int32_t bucketOf(int32_t position) const;

  Memory *memory = nullptr;
  const moec_rt_arena *table = nullptr;
  const moec_rt_arena_entry *entries = nullptr;
  char *block = nullptr;
  int64_t capacity = 0;

  // The entries that live in each of `numBuckets` ranges of positions: members[starts[b]] to
  // members[starts[b + 1] - 1]. Finding who lives at the same time takes no look at all entries.
  int32_t lastPosition = 0, numBuckets = 0;
  Array<int32_t> starts, members;
  Array<Interval> scratch;
  Array<int32_t> order;
  // Of each entry: its number among those of unknown size, or -1; and the first position at which
  // it or a later one of those lives.
  Array<int32_t> unknowns, earliest;
  int32_t numUnknowns = 0;
  Array<Placed> placed; ///< In this call and perhaps alive, by address.
  int32_t numPlaced = 0;

  Plan plans[maxPlans];
  int32_t numPlans = 0; ///< Slots in use.
  Plan *current = nullptr;
  int64_t used = 0;
  uint64_t call = 0;
  int64_t stateRows = 0, stateLimit = 0;
  int64_t lastRows = -1;           ///< When the sizes were `lastSizes`; -1: there are none.
  Array<int64_t> lastSizes, ahead; ///< By size; the second is scratch.
  uint64_t nextTrim = trimPeriod;  ///< The first call that may make the block smaller.
  int64_t recentMaximum = 0;       ///< Of totals, since the block was last compared with it.
};

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_ARENA_H

#include "core/Arena.h"

#include <algorithm>
#include <string.h>

namespace moec::rt {

namespace {

constexpr int64_t largestSize = INT64_C(1) << 46;

int64_t roundUp(int64_t size) { return (size + 63) / 64 * 64; }

bool overlap(const moec_rt_arena_entry &a, const moec_rt_arena_entry &b) {
  return a.first <= b.last && b.first <= a.last;
}

} // namespace

void Arena::Plan::free(Memory &memory) {
  sizes.free(memory);
  bytes.free(memory);
  offsets.free(memory);
  gaps.free(memory);
}

void Arena::freeIndex() {
  starts.free(*memory);
  members.free(*memory);
  scratch.free(*memory);
  order.free(*memory);
  lastSizes.free(*memory);
  ahead.free(*memory);
  lastRows = -1;
  unknowns.free(*memory);
  earliest.free(*memory);
  placed.free(*memory);
  while (numPlans > 0)
    plans[--numPlans].free(*memory);
  current = nullptr;
  table = nullptr;
}

void Arena::destroy() {
  freeIndex();
  if (block)
    memory->systemFree(block, capacity);
  block = nullptr;
  capacity = 0;
}

void Arena::startCall(int64_t rows, int64_t limit) {
  stateRows = rows;
  stateLimit = limit;
  current = nullptr;
  used = 0;
  ++call;
}

int32_t Arena::bucketOf(int32_t position) const {
  return (int32_t)((int64_t)std::min(position, lastPosition) * numBuckets / (lastPosition + 1));
}

bool Arena::buildIndex(const moec_rt_arena &newTable) {
  freeIndex();
  const int32_t count = newTable.num_entries;
  entries = moec_rt_arena_entries(&newTable);
  lastPosition = 0;
  for (int32_t e = 0; e < count; ++e)
    lastPosition = std::max(lastPosition, entries[e].first);
  for (numBuckets = 1; numBuckets * numBuckets < count;)
    ++numBuckets;
  if (!starts.allocate(*memory, numBuckets + 1))
    return false;
  memset(starts.data, 0, (numBuckets + 1) * sizeof(int32_t));
  for (int32_t e = 0; e < count; ++e)
    for (int32_t b = bucketOf(entries[e].first); b <= bucketOf(entries[e].last); ++b)
      ++starts[b + 1];
  for (int32_t b = 0; b < numBuckets; ++b)
    starts[b + 1] += starts[b];
  if (!members.allocate(*memory, starts[numBuckets]) || !scratch.allocate(*memory, count) ||
      !order.allocate(*memory, count) || !unknowns.allocate(*memory, count) ||
      !earliest.allocate(*memory, count) || !lastSizes.allocate(*memory, newTable.num_sizes) ||
      !ahead.allocate(*memory, newTable.num_sizes))
    return false;
  // Filling moves each start to the next one; from the back, they end where they belong.
  for (int32_t e = count - 1; e >= 0; --e)
    for (int32_t b = bucketOf(entries[e].first); b <= bucketOf(entries[e].last); ++b)
      members[--starts[b + 1]] = e;
  for (int32_t b = 0; b < numBuckets; ++b)
    starts[b] = starts[b + 1];
  starts[numBuckets] = (int32_t)members.size;
  numUnknowns = 0;
  for (int32_t e = 0; e < count; ++e)
    unknowns[e] = entries[e].size < 0 ? numUnknowns++ : -1;
  int32_t first = INT32_MAX;
  for (int32_t e = count - 1; e >= 0; --e)
    earliest[e] = first = unknowns[e] < 0 ? first : std::min(first, entries[e].first);
  if (numUnknowns > 0 && !placed.allocate(*memory, numUnknowns))
    return false;
  table = &newTable;
  return true;
}

Arena::Plan *Arena::find(const int64_t *sizes) {
  Plan *covering = nullptr;
  for (int32_t i = 0; i < numPlans; ++i) {
    const int64_t *planned = plans[i].sizes.data;
    if (memcmp(planned, sizes, table->num_sizes * sizeof(int64_t)) == 0)
      return &plans[i];
    if (plans[i].isAhead && std::equal(sizes, sizes + table->num_sizes, planned,
                                       [](int64_t a, int64_t b) { return a >= 0 && a <= b; }))
      covering = &plans[i];
  }
  return covering;
}

/// Steps of generation: each call's sizes are a little larger than those of the call before, since
/// there are more rows of state. One plan for all calls to come, up to the state's limit, if sizes
/// go on to grow as they did between the last two; whether they do is seen at each call (find), so
/// that a wrong guess costs a plan. Null if the calls are no such steps.
Arena::Plan *Arena::planAhead(const int64_t *sizes) {
  const int64_t before = lastRows, step = stateRows - before;
  bool grows = false, fits = before >= 0 && step > 0 && stateLimit > stateRows;
  for (int32_t i = 0; fits && i < table->num_sizes; ++i) {
    int64_t growth, more;
    fits = sizes[i] >= 0 && !__builtin_sub_overflow(sizes[i], lastSizes[i], &growth) &&
           growth >= 0 &&
           !__builtin_mul_overflow(growth, (stateLimit - stateRows + step - 1) / step, &more) &&
           !__builtin_add_overflow(sizes[i], more, &ahead[i]);
    grows |= fits && growth > 0;
  }
  memcpy(lastSizes.data, sizes, table->num_sizes * sizeof(int64_t));
  lastRows = stateRows;
  Plan *plan = fits && grows ? takeSlot() : nullptr;
  if (!plan)
    return nullptr;
  memcpy(plan->sizes.data, ahead.data, table->num_sizes * sizeof(int64_t));
  int64_t missing;
  plan->isAhead = assign(*plan, missing) && reserve(plan->total);
  if (plan->isAhead)
    return plan;
  std::fill_n(plan->sizes.data, table->num_sizes, INT64_MIN);
  plan->lastCall = 0;
  return nullptr;
}

/// A new plan, or the one not used for the longest time.
Arena::Plan *Arena::takeSlot() {
  const int64_t planBytes = (table->num_sizes + 2 * (int64_t)table->num_entries) * 8 +
                            numUnknowns * (int64_t)sizeof(Gaps) + 1;
  const int64_t limit = std::max(INT64_C(2), std::min<int64_t>(maxPlans, maxPlanBytes / planBytes));
  if (numPlans < limit) {
    Plan &plan = plans[numPlans];
    plan.isAhead = false;
    if (plan.sizes.allocate(*memory, table->num_sizes) &&
        plan.bytes.allocate(*memory, table->num_entries) &&
        plan.offsets.allocate(*memory, table->num_entries) &&
        (numUnknowns == 0 || plan.gaps.allocate(*memory, numUnknowns))) {
      ++numPlans;
      return &plan;
    }
    plan.free(*memory);
  }
  if (numPlans == 0)
    return nullptr;
  Plan *oldest = std::min_element(plans, plans + numPlans, [](const Plan &a, const Plan &b) {
    return a.lastCall < b.lastCall;
  });
  oldest->isAhead = false;
  return oldest;
}

/// The places of buffers that have one and live at the same time as `entry`, into `scratch` by
/// address; how many there are.
int32_t Arena::collectNeighbours(const Plan &plan, int32_t entry) {
  const moec_rt_arena_entry &self = entries[entry];
  const int32_t firstBucket = bucketOf(self.first), lastBucket = bucketOf(self.last);
  int32_t count = 0;
  for (int32_t b = firstBucket; b <= lastBucket; ++b)
    for (int32_t i = starts[b]; i < starts[b + 1]; ++i) {
      const int32_t e = members[i];
      const moec_rt_arena_entry &other = entries[e];
      // Taken in the first bucket that both live in.
      if (other.size >= 0 && plan.offsets[e] >= 0 && plan.bytes[e] > 0 && overlap(self, other) &&
          b == std::max(firstBucket, bucketOf(other.first)))
        scratch[count++] = {plan.offsets[e], plan.offsets[e] + roundUp(plan.bytes[e])};
    }
  std::sort(scratch.data, scratch.data + count,
            [](const Interval &a, const Interval &b) { return a.begin < b.begin; });
  return count;
}

/// Where `size` bytes fit during the entry's life, in the smallest gap; the end may lie beyond all
/// others.
int64_t Arena::findGap(const Plan &plan, int32_t entry, int64_t size) {
  const int32_t count = collectNeighbours(plan, entry);
  int64_t end = 0, best = -1, smallest = INT64_MAX;
  for (int32_t i = 0; i < count; ++i) {
    const int64_t gap = scratch[i].begin - end;
    if (gap >= size && gap < smallest) {
      smallest = gap;
      best = end;
    }
    end = std::max(end, scratch[i].end);
  }
  return best >= 0 ? best : end;
}

/// All gaps during the entry's life, or the largest of them, by address.
void Arena::findGaps(const Plan &plan, int32_t entry, Gaps &gaps) {
  const int32_t count = collectNeighbours(plan, entry);
  int64_t end = 0;
  gaps.count = 0;
  for (int32_t i = 0; i < count; ++i) {
    const int64_t begin = scratch[i].begin;
    if (begin > end) {
      if (gaps.count == maxGaps - 1) {
        // The smallest makes room, if it is not the new one itself.
        Interval *last = gaps.list + gaps.count;
        Interval *smallest =
            std::min_element(gaps.list, last, [](const Interval &a, const Interval &b) {
              return a.end - a.begin < b.end - b.begin;
            });
        if (smallest->end - smallest->begin < begin - end) {
          std::move(smallest + 1, last, smallest);
          --gaps.count;
        }
      }
      if (gaps.count < maxGaps - 1)
        gaps.list[gaps.count++] = {end, begin};
    }
    end = std::max(end, scratch[i].end);
  }
  gaps.list[gaps.count++] = {end, INT64_MAX};
}

/// Where `size` bytes fit into the gaps and between what has been placed, in the smallest room.
int64_t Arena::findPlace(const Gaps &gaps, int32_t entry, int64_t size) {
  int64_t best = -1, smallest = INT64_MAX;
  auto consider = [&](int64_t begin, int64_t end) {
    if (end - begin >= size && (best < 0 || end - begin < smallest)) {
      smallest = end - begin;
      best = begin;
    }
  };
  int32_t next = 0;
  for (int32_t g = 0; g < gaps.count; ++g) {
    int64_t begin = gaps.list[g].begin;
    for (; next < numPlaced && placed[next].place.begin < gaps.list[g].end; ++next) {
      const Placed &other = placed[next];
      if (other.place.end <= begin || !overlap(entries[entry], entries[other.entry]))
        continue;
      consider(begin, other.place.begin);
      begin = other.place.end;
      // It may reach beyond the gap: it may live where a buffer of the gap's end does not.
      if (begin >= gaps.list[g].end)
        break;
    }
    consider(begin, gaps.list[g].end);
  }
  return best;
}

bool Arena::assign(Plan &plan, int64_t &missing) {
  int32_t count = 0;
  for (int32_t e = 0; e < table->num_entries; ++e) {
    plan.offsets[e] = -1;
    plan.bytes[e] = 0;
    if (entries[e].size < 0)
      continue;
    plan.bytes[e] = missing = plan.sizes[entries[e].size];
    if (missing < 0 || missing > largestSize)
      return false;
    order[count++] = e;
  }
  for (int32_t u = 0; u < numUnknowns; ++u)
    plan.gaps[u].count = 0;
  plan.wanted = 0;
  // By size and length of life, so that what stays lies together and leaves its room to what comes
  // and goes; where that leaves holes, by size.
  auto arrange = [&](auto weigh) {
    std::sort(order.data, order.data + count, [&](int32_t a, int32_t b) {
      const double weightA = weigh(a), weightB = weigh(b);
      return weightA != weightB ? weightA > weightB : a < b;
    });
    plan.total = missing = layOut(plan, count);
  };
  auto bySize = [&](int32_t e) { return (double)plan.bytes[e]; };
  auto bySizeAndLife = [&](int32_t e) {
    const int64_t end = std::min(entries[e].last, lastPosition);
    return (double)plan.bytes[e] * (double)(end - entries[e].first + 1);
  };
  arrange(bySizeAndLife);
  const int64_t live = largestLive(plan);
  if (plan.total > live + live / 16) {
    const int64_t total = plan.total;
    arrange(bySize);
    if (plan.total >= total)
      arrange(bySizeAndLife);
  }
  return plan.total <= largestSize;
}

/// Gives the first `count` entries of `order` their places, one after the other; the end of all.
int64_t Arena::layOut(Plan &plan, int32_t count) {
  int64_t total = 0;
  for (int32_t i = 0; i < count; ++i)
    plan.offsets[order[i]] = -1;
  for (int32_t i = 0; i < count && total <= largestSize; ++i) {
    const int32_t e = order[i];
    const int64_t size = roundUp(plan.bytes[e]);
    plan.offsets[e] = size == 0 ? 0 : findGap(plan, e, size);
    total = std::max(total, plan.offsets[e] + size);
  }
  return total;
}

/// Makes the block large enough; and smaller, when it has been much too large for a while.
bool Arena::reserve(int64_t size) {
  size = std::max(size, INT64_C(64));
  recentMaximum = std::max(recentMaximum, size);
  // Not between the steps of a text, which ask for nothing.
  bool isTooLarge = false;
  if (call >= nextTrim && stateRows == 0) {
    isTooLarge = recentMaximum + recentMaximum / 4 < capacity;
    recentMaximum = size;
    nextTrim = (call / trimPeriod + 1) * trimPeriod;
  }
  if (size <= capacity && !isTooLarge)
    return true;
  // Sizes that grow call by call (a cache's) do not make a new block each time.
  const int64_t newCapacity = isTooLarge ? size : std::max(size, capacity + capacity / 8);
  if (block)
    memory->systemFree(block, capacity);
  block = (char *)memory->systemAllocate(newCapacity);
  capacity = block ? newCapacity : 0;
  return block != nullptr;
}

void *Arena::plan(const moec_rt_arena &newTable, const int64_t *sizes, const int64_t *&offsets,
                  int64_t &missing) {
  missing = sizeof(Plan);
  if (table != &newTable && !buildIndex(newTable)) {
    freeIndex();
    return nullptr;
  }
  Plan *plan = find(sizes);
  if (!plan)
    plan = planAhead(sizes);
  if (!plan) {
    if (!(plan = takeSlot()))
      return nullptr;
    memcpy(plan->sizes.data, sizes, table->num_sizes * sizeof(int64_t));
    if (!assign(*plan, missing)) {
      // Not to be found again: no size is that.
      std::fill_n(plan->sizes.data, table->num_sizes, INT64_MIN);
      return nullptr;
    }
  }
  missing = std::max(plan->total, plan->wanted);
  // Room for late sizes that are larger in other calls: pages that nothing is written to cost
  // nothing, unless a host counts them.
  if (numUnknowns > 0)
    missing += memory->isFromSystem() ? missing : missing / 8;
  if (!reserve(missing))
    return nullptr;
  for (int32_t e = 0; e < table->num_entries; ++e)
    if (entries[e].size < 0) {
      plan->offsets[e] = -1;
      plan->bytes[e] = 0;
    }
  numPlaced = 0;
  plan->lastCall = call;
  current = plan;
  used = plan->total;
  offsets = plan->offsets.data;
  return block;
}

void *Arena::place(int32_t entry, int64_t size) {
  if (!current || size < 0 || size > largestSize)
    return nullptr;
  current->bytes[entry] = size;
  if (size == 0)
    return block; // nothing is ever there
  Gaps &gaps = current->gaps[unknowns[entry]];
  if (gaps.count == 0)
    findGaps(*current, entry, gaps);
  // Entries come in their order: what ends before this one and all later ones is in nobody's way.
  Placed *end = std::remove_if(placed.data, placed.data + numPlaced, [&](const Placed &other) {
    return entries[other.entry].last < earliest[entry];
  });
  numPlaced = (int32_t)(end - placed.data);
  const int64_t offset = findPlace(gaps, entry, roundUp(size));
  if (offset + roundUp(size) > capacity) {
    current->wanted = std::max(current->wanted, offset + roundUp(size));
    return nullptr;
  }
  current->offsets[entry] = offset;
  used = std::max(used, offset + roundUp(size));
  Placed *position = end;
  for (; position > placed.data && position[-1].place.begin > offset; --position)
    *position = position[-1];
  *position = {{offset, offset + roundUp(size)}, entry};
  ++numPlaced;
  return block + offset;
}

int64_t Arena::liveBytes() const { return current ? largestLive(*current) : 0; }

int64_t Arena::largestLive(const Plan &plan) const {
  int64_t largest = 0;
  // The sum only grows where a buffer's life begins.
  for (int32_t e = 0; e < table->num_entries; ++e) {
    const int32_t position = entries[e].first, b = bucketOf(position);
    int64_t sum = 0;
    for (int32_t i = starts[b]; i < starts[b + 1]; ++i) {
      const moec_rt_arena_entry &other = entries[members[i]];
      if (other.first <= position && position <= other.last)
        sum += plan.bytes[members[i]];
    }
    largest = std::max(largest, sum);
  }
  return largest;
}

} // namespace moec::rt

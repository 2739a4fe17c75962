#include "core/Memory.h"

#include <stdlib.h>

namespace moec::rt {

static constexpr size_t alignment = 64;

/// The header in front of the memory.
struct alignas(64) Memory::Block {
  Block *previous, *next;
  uint64_t capacity; ///< (8 + m) * 2^e, behind the header.
  uint64_t lastCall;
  int32_t sizeClass;

  void *memory() { return this + 1; }
  static Block *of(void *pointer) { return (Block *)pointer - 1; }
};

namespace {

struct Lock {
  explicit Lock(pthread_mutex_t &mutex) : mutex(mutex) { pthread_mutex_lock(&mutex); }
  ~Lock() { pthread_mutex_unlock(&mutex); }
  pthread_mutex_t &mutex;
};

int log2Floor(uint64_t value) { return 63 - __builtin_clzll(value); }

} // namespace

void Memory::List::push(Block *block) {
  block->previous = nullptr;
  block->next = first;
  if (first)
    first->previous = block;
  first = block;
}

void Memory::List::remove(Block *block) {
  (block->previous ? block->previous->next : first) = block->next;
  if (block->next)
    block->next->previous = block->previous;
}

void Memory::initialize(const moec_allocator *host) {
  hasAllocator = host != nullptr;
  if (host)
    allocator = *host;
}

void *Memory::allocate(int64_t size) {
  if (size < 0 || size > (INT64_C(1) << largestExponent))
    return nullptr;
  uint64_t capacity = size < 64 ? 64 : size;
  uint64_t step = UINT64_C(1) << (log2Floor(capacity) - classBits);
  capacity = (capacity + step - 1) / step * step;
  int exponent = log2Floor(capacity);
  int mantissa = (int)(capacity >> (exponent - classBits)) & ((1 << classBits) - 1);
  int sizeClass = ((exponent - 6) << classBits) + mantissa;

  Lock lock(mutex);
  Block *block = cached[sizeClass].first;
  if (block) {
    cached[sizeClass].remove(block);
  } else {
    block = (Block *)allocateFromSystem(capacity + sizeof(Block));
    if (!block)
      return nullptr;
    block->capacity = capacity;
    block->sizeClass = sizeClass;
  }
  block->lastCall = call;
  live.push(block);
  inUse += block->capacity;
  if (peak < inUse)
    peak = inUse;
  return block->memory();
}

void *Memory::systemAllocate(int64_t size) {
  Lock lock(mutex);
  return allocateFromSystem(size);
}

void *Memory::allocateFromSystem(int64_t size) {
  ++allocations;
  if (hasAllocator)
    return allocator.allocate(allocator.user, size, alignment);
  void *memory;
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

void Memory::systemFree(void *pointer, int64_t size) {
  if (hasAllocator)
    allocator.free(allocator.user, pointer, size, alignment);
  else
    free(pointer);
}

void Memory::cache(Block *block) {
  block->lastCall = call;
  inUse -= block->capacity;
  cached[block->sizeClass].push(block);
}

void Memory::release(void *pointer) {
  if (!pointer)
    return;
  Lock lock(mutex);
  Block *block = Block::of(pointer);
  live.remove(block);
  cache(block);
}

void Memory::keep(void *pointer) {
  Lock lock(mutex);
  Block *block = Block::of(pointer);
  live.remove(block);
  kept.push(block);
}

void Memory::releaseKept() {
  while (Block *block = kept.first) {
    kept.remove(block);
    cache(block);
  }
}

bool Memory::isKept(const void *pointer) const {
  for (Block *block = kept.first; block; block = block->next)
    if (pointer >= block->memory() && pointer < (char *)block->memory() + block->capacity)
      return true;
  return false;
}

void Memory::recycle() {
  while (Block *block = live.first) {
    live.remove(block);
    cache(block);
  }
  if (++call % trimPeriod == 0)
    trim();
}

void Memory::trim() {
  for (List &list : cached)
    for (Block *block = list.first, *next; block; block = next) {
      next = block->next;
      if (block->lastCall + trimPeriod <= call) {
        list.remove(block);
        systemFree(block, block->capacity + sizeof(Block));
      }
    }
}

void Memory::destroy() {
  recycle();
  releaseKept();
  for (List &list : cached)
    while (Block *block = list.first) {
      list.remove(block);
      systemFree(block, block->capacity + sizeof(Block));
    }
}

} // namespace moec::rt

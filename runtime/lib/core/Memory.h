// Memory of a session's calls.
#ifndef MOEC_RT_LIB_CORE_MEMORY_H
#define MOEC_RT_LIB_CORE_MEMORY_H

#include "moec_rt/model.h"

#include <pthread.h>

namespace moec::rt {

/// Blocks by size class, kept from call to call, so that a call whose sizes were seen before asks
/// the system for nothing: sizes are served by blocks of exactly their class (eight per power of
/// two), hence a repeated call never needs more of one class than the call before.
///
/// A block is *live* from allocate() to release(), or until recycle(); *kept* blocks (outputs) stay
/// until releaseKept(). allocate() and release() may be called by several threads.
class Memory {
public:
  void initialize(const moec_allocator *allocator);
  void destroy();

  /// 64-byte aligned; NULL when the system has none.
  void *allocate(int64_t size);
  void release(void *pointer);
  /// Moves a live block to the kept ones.
  void keep(void *pointer);
  void releaseKept();
  /// The pointer is into a kept block.
  bool isKept(const void *pointer) const;
  /// Ends a call: takes all live blocks back, and now and then gives blocks that have not been used
  /// for a while back to the system (after a change of sizes).
  void recycle();

  /// Memory beside the blocks, from the same source; aligned to 64 bytes. NULL when there is none.
  void *systemAllocate(int64_t size);
  void systemFree(void *pointer, int64_t size);

  /// Memory does not come from a host's allocator.
  bool isFromSystem() const { return !hasAllocator; }

  /// How often the system (or the host's allocator) was asked for memory.
  int64_t numAllocations() const { return allocations; }
  /// The most bytes of live and kept blocks at one time since startCall().
  int64_t peakBytes() const { return peak; }
  void startCall() { peak = inUse; }

private:
  struct Block;
  struct List {
    Block *first = nullptr;
    void push(Block *block);
    void remove(Block *block);
  };

  static constexpr int largestExponent = 46;
  static constexpr int classBits = 3; ///< 2^classBits classes per power of two.
  static constexpr int numClasses = (largestExponent - 6 + 1) << classBits;
  static constexpr uint64_t trimPeriod = 32;

  void *allocateFromSystem(int64_t size); ///< With the mutex held.
  void cache(Block *block);
  void trim();

  moec_allocator allocator = {};
  bool hasAllocator = false;
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  uint64_t call = 0;
  int64_t allocations = 0, inUse = 0, peak = 0;
  List live, kept;
  List cached[numClasses];
};

} // namespace moec::rt

#endif // MOEC_RT_LIB_CORE_MEMORY_H

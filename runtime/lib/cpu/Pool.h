// Threads that run the chunks of a parallel loop.
#ifndef MOEC_RT_LIB_CPU_POOL_H
#define MOEC_RT_LIB_CPU_POOL_H

#include "moec_rt/model.h"

#include <atomic>
#include <pthread.h>

namespace moec::rt {

/// Fork-join over chunk numbers. Chunks are claimed one by one, so nobody waits for a thread that
/// the system has not woken yet: a latecomer finds nothing left to claim and goes back to sleep.
/// While a call runs, threads without work spin for the length of what a call does between two
/// loops; after it for some microseconds. Then they park and cost nothing.
class Pool {
public:
  /// Runs one chunk as `worker`.
  using Body = void (*)(void *self, uint32_t chunk, int32_t worker);

  static constexpr int32_t maxWorkers = 1024;
  static constexpr uint32_t maxChunks = 0xffff;

  /// CPUs that this process may use.
  static int32_t availableCpus();

  /// `workers` counts the caller. With a host's executor no threads are started. Threads that the
  /// system refuses are done without: their share goes to the others.
  void start(int32_t workers, const moec_executor *executor);
  void stop();

  /// Loops follow one another closely between these two.
  void beginCall() { inCall.store(true, std::memory_order_relaxed); }
  void endCall() { inCall.store(false, std::memory_order_relaxed); }

  /// Runs chunks 0 to `chunks` - 1, the caller taking part as worker 0, and returns when all have
  /// run. One call at a time; not from a body.
  void run(Body body, void *self, uint32_t chunks);

private:
  struct Thread {
    Pool *pool;
    pthread_t handle;
    int32_t worker;
  };

  static void *threadMain(void *thread);
  void waitForWork(uint32_t seenEpoch);
  void waitForEnd();
  template <typename Done>
  bool spinUntil(Done isDone) const;
  void drain(int32_t worker);

  int32_t workers = 1;
  int32_t numThreads = 0;
  bool spins = false;
  Thread *threads = nullptr;
  moec_executor executor = {};
  bool hasExecutor = false;

  // The job. Written by run() while nobody can hold a claim; read by threads that do.
  Body body = nullptr;
  void *self = nullptr;

  /// Job number << 32 | chunks << 16 | next chunk. A claim is a compare-and-swap of this word,
  /// which fails if the job has changed since it was read.
  alignas(64) std::atomic<uint64_t> queue{0};
  /// Chunks that have not ended.
  alignas(64) std::atomic<uint32_t> remaining{0};
  std::atomic<uint32_t> callerParked{0};
  /// Counts jobs; threads park on it.
  alignas(64) std::atomic<uint32_t> epoch{0};
  std::atomic<uint32_t> parked{0};
  std::atomic<bool> stopping{false};
  std::atomic<bool> inCall{false};
};

} // namespace moec::rt

#endif // MOEC_RT_LIB_CPU_POOL_H

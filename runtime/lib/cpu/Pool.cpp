#include "cpu/Pool.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace moec::rt {

namespace {

// Parking: a waiter announces itself, then sleeps unless the word has changed; a waker changes the
// word, then looks for waiters. Both orders are sequentially consistent, so one sees the other.

void futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  syscall(SYS_futex, (uint32_t *)&word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futexWake(std::atomic<uint32_t> &word, uint32_t count) {
  syscall(SYS_futex, (uint32_t *)&word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void pause() { __builtin_ia32_pause(); }

/// A pause takes 10 to 50 nanoseconds. Gaps between the loops of a call are some microseconds, and
/// rarely some hundreds; waking a thread costs its waker about ten.
constexpr int spinsInCall = 20000, spinsAfterCall = 1000;

} // namespace

int32_t Pool::availableCpus() {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                          : (int)sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > maxWorkers ? maxWorkers : count;
}

void Pool::start(int32_t count, const moec_executor *host) {
  workers = count;
  hasExecutor = host != nullptr;
  if (host) {
    executor = *host;
    return;
  }
  // More threads than CPUs would spin on each other's time.
  spins = workers <= availableCpus();
  threads = (Thread *)calloc(workers, sizeof(Thread));
  if (!threads)
    return;
  // Signals of the host's are for the host's threads.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  for (int32_t i = 1; i < workers; ++i) {
    Thread &thread = threads[numThreads];
    thread.pool = this;
    thread.worker = i;
    if (pthread_create(&thread.handle, nullptr, threadMain, &thread) != 0)
      break;
    ++numThreads;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Pool::stop() {
  stopping.store(true);
  epoch.fetch_add(1);
  futexWake(epoch, INT_MAX);
  for (int32_t i = 0; i < numThreads; ++i)
    pthread_join(threads[i].handle, nullptr);
  free(threads);
  threads = nullptr;
  numThreads = 0;
}

void *Pool::threadMain(void *argument) {
  Thread &thread = *(Thread *)argument;
  Pool &pool = *thread.pool;
  while (true) {
    uint32_t seen = pool.epoch.load();
    if (pool.stopping.load())
      return nullptr;
    pool.drain(thread.worker);
    pool.waitForWork(seen);
  }
}

template <typename Done>
bool Pool::spinUntil(Done isDone) const {
  if (!spins)
    return false;
  for (int i = 0; i < spinsAfterCall || inCall.load(std::memory_order_relaxed); ++i) {
    if (isDone())
      return true;
    if (i == spinsInCall)
      return false;
    pause();
  }
  return false;
}

void Pool::waitForWork(uint32_t seen) {
  if (spinUntil([&] { return epoch.load(std::memory_order_relaxed) != seen; }))
    return;
  parked.fetch_add(1);
  while (epoch.load() == seen)
    futexWait(epoch, seen);
  parked.fetch_sub(1);
}

void Pool::waitForEnd() {
  if (spinUntil([&] { return remaining.load(std::memory_order_acquire) == 0; }))
    return;
  callerParked.store(1);
  while (uint32_t left = remaining.load())
    futexWait(remaining, left);
  callerParked.store(0);
}

void Pool::drain(int32_t worker) {
  uint64_t word = queue.load(std::memory_order_acquire);
  while (true) {
    uint32_t next = word & 0xffff, chunks = word >> 16 & 0xffff;
    if (next >= chunks)
      return;
    if (!queue.compare_exchange_weak(word, word + 1, std::memory_order_acq_rel,
                                     std::memory_order_acquire))
      continue;
    body(self, next, worker);
    // From here on the job may be gone, but not the pool: its threads are joined before it ends.
    if (remaining.fetch_sub(1) == 1 && callerParked.load())
      futexWake(remaining, 1);
    word = queue.load(std::memory_order_acquire);
  }
}

void Pool::run(Body newBody, void *newSelf, uint32_t chunks) {
  body = newBody;
  self = newSelf;
  remaining.store(chunks, std::memory_order_relaxed);
  uint64_t job = (queue.load(std::memory_order_relaxed) >> 32) + 1;
  queue.store(job << 32 | (uint64_t)chunks << 16);
  if (hasExecutor) {
    executor.run(
        executor.user, workers, [](void *pool, int32_t worker) { ((Pool *)pool)->drain(worker); },
        this);
  } else if (numThreads > 0) {
    epoch.fetch_add(1);
    if (parked.load() > 0)
      futexWake(epoch, chunks - 1);
  }
  // With an executor this does what the host left undone.
  drain(0);
  waitForEnd();
}

} // namespace moec::rt

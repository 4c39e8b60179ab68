// std's mutexes with the annotations that clang checks (-Wthread-safety), and nothing more.
#ifndef CUSTODY_SERVER_LEDGER_MUTEX_H_
#define CUSTODY_SERVER_LEDGER_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <shared_mutex>

#if defined(__clang__)
#define CUSTODY_ANNOTATION(x) __attribute__((x))
#else
#define CUSTODY_ANNOTATION(x)
#endif
#define CUSTODY_CAPABILITY(x) CUSTODY_ANNOTATION(capability(x))
#define CUSTODY_SCOPED CUSTODY_ANNOTATION(scoped_lockable)
#define CUSTODY_GUARDED_BY(x) CUSTODY_ANNOTATION(guarded_by(x))
#define CUSTODY_REQUIRES(...) CUSTODY_ANNOTATION(requires_capability(__VA_ARGS__))
#define CUSTODY_REQUIRES_SHARED(...) CUSTODY_ANNOTATION(requires_shared_capability(__VA_ARGS__))
#define CUSTODY_EXCLUDES(...) CUSTODY_ANNOTATION(locks_excluded(__VA_ARGS__))
#define CUSTODY_ACQUIRE(...) CUSTODY_ANNOTATION(acquire_capability(__VA_ARGS__))
#define CUSTODY_ACQUIRE_SHARED(...) CUSTODY_ANNOTATION(acquire_shared_capability(__VA_ARGS__))
#define CUSTODY_RELEASE(...) CUSTODY_ANNOTATION(release_capability(__VA_ARGS__))
#define CUSTODY_RELEASE_GENERIC(...) CUSTODY_ANNOTATION(release_generic_capability(__VA_ARGS__))

namespace custody {

class CUSTODY_CAPABILITY("mutex") Mutex {
 public:
  void lock() CUSTODY_ACQUIRE() { mutex_.lock(); }
  void unlock() CUSTODY_RELEASE() { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

// Many readers or one writer.
class CUSTODY_CAPABILITY("mutex") SharedMutex {
 public:
  void lock() CUSTODY_ACQUIRE() { mutex_.lock(); }
  void unlock() CUSTODY_RELEASE() { mutex_.unlock(); }
  void lock_shared() CUSTODY_ACQUIRE_SHARED() { mutex_.lock_shared(); }
  void unlock_shared() CUSTODY_RELEASE() { mutex_.unlock_shared(); }

 private:
  std::shared_mutex mutex_;
};

class CUSTODY_SCOPED MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) CUSTODY_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() CUSTODY_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CUSTODY_SCOPED WriterLock {
 public:
  explicit WriterLock(SharedMutex& mutex) CUSTODY_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~WriterLock() CUSTODY_RELEASE() { mutex_.unlock(); }
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  SharedMutex& mutex_;
};

class CUSTODY_SCOPED ReaderLock {
 public:
  explicit ReaderLock(SharedMutex& mutex) CUSTODY_ACQUIRE_SHARED(mutex) : mutex_(mutex) {
    mutex_.lock_shared();
  }
  ~ReaderLock() CUSTODY_RELEASE_GENERIC() { mutex_.unlock_shared(); }
  ReaderLock(const ReaderLock&) = delete;
  ReaderLock& operator=(const ReaderLock&) = delete;

 private:
  SharedMutex& mutex_;
};

// Waits may wake for nothing: callers loop over their condition.
class CondVar {
 public:
  void Wait(Mutex& mutex) CUSTODY_REQUIRES(mutex) { condition_.wait(mutex); }
  void WaitUntil(Mutex& mutex, std::chrono::steady_clock::time_point deadline)
      CUSTODY_REQUIRES(mutex) {
    condition_.wait_until(mutex, deadline);
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable_any condition_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_MUTEX_H_

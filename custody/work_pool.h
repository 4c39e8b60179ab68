// Threads that share the work of a batch, for what can be checked in any order.
#ifndef CUSTODY_CUSTODY_WORK_POOL_H_
#define CUSTODY_CUSTODY_WORK_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace custody {

// `WorkPool` runs batches of independent pieces of work. The thread that waits for a batch works on
// it too, so a pool of one thread starts none. Start and Wait are called from one thread.
class WorkPool {
 public:
  // `Batch` is work begun; done when every piece has returned.
  struct Batch;

  // `threads` counts the caller's; 0: one a processor. Fewer when the machine gives no more.
  explicit WorkPool(unsigned threads);
  // Finishes what was begun.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  // `Start` lets the pool call `work(0)` .. `work(count - 1)`, in any order and from several
  // threads. What `work` refers to must live until the batch was waited for.
  std::shared_ptr<Batch> Start(std::size_t count, std::function<void(std::size_t)> work);
  // `Wait` helps with `batch` and returns when it is done; what its pieces wrote is then visible.
  void Wait(const std::shared_ptr<Batch>& batch);

 private:
  void Serve();

  std::mutex mutex_;
  std::condition_variable begun_;             // a batch was queued, or stopping_
  std::condition_variable done_;              // a batch was finished
  std::deque<std::shared_ptr<Batch>> queue_;  // guarded by mutex_; batches with pieces not taken
  bool stopping_ = false;                     // guarded by mutex_
  std::vector<std::thread> threads_;          // last: they use all of the above
};

}  // namespace custody

#endif  // CUSTODY_CUSTODY_WORK_POOL_H_

// Threads for calls that read the disk or fold a therapy, so that they never hold up gRPC's own
// threads, on which recording runs.
#ifndef CUSTODY_SERVER_RPC_WORKERS_H_
#define CUSTODY_SERVER_RPC_WORKERS_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace custody {

// `Workers` runs work on a few threads, first come first served. Thread-safe. Destroying it runs
// what was accepted and joins.
class Workers {
 public:
  // At most `capacity` pieces of submitted work wait. REQUIRES: `threads` > 0.
  Workers(unsigned threads, std::size_t capacity);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // `Submit` queues `work`; false, and `work` is not run, when as many wait as may.
  [[nodiscard]] bool Submit(std::function<void()> work);
  // `Continue` queues the next part of work that was accepted before; never refused, and no reason
  // to refuse what is submitted.
  void Continue(std::function<void()> work);

 private:
  struct Piece {
    std::function<void()> work;
    bool submitted = false;
  };
  void Run();

  const std::size_t capacity_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Piece> queue_;    // under mutex_
  std::size_t submitted_ = 0;  // of those in the queue; under mutex_
  bool stopping_ = false;      // under mutex_
  std::vector<std::thread> threads_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_WORKERS_H_

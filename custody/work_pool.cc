#include "custody/work_pool.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>

namespace custody {

struct WorkPool::Batch {
  Batch(std::size_t size, std::function<void(std::size_t)> what)
      : count(size), work(std::move(what)) {}

  // `Help` does pieces until none is left to take; true when it finished the last one.
  bool Help() {
    bool finished = false;
    for (;;) {
      const std::size_t piece = taken.fetch_add(1);
      if (piece >= count) return finished;
      work(piece);
      finished = done.fetch_add(1) + 1 == count;
    }
  }
  bool AllTaken() const { return taken.load() >= count; }
  bool AllDone() const { return done.load() == count; }

  const std::size_t count;
  const std::function<void(std::size_t)> work;
  std::atomic<std::size_t> taken = 0;
  std::atomic<std::size_t> done = 0;
};

WorkPool::WorkPool(unsigned threads) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  try {
    for (unsigned i = 1; i < threads; ++i) threads_.emplace_back([this] { Serve(); });
  } catch (const std::system_error&) {
    // The machine gives no more: those that there are, and whoever waits, do the work.
  }
}

WorkPool::~WorkPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  begun_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<WorkPool::Batch> WorkPool::Start(std::size_t count,
                                                 std::function<void(std::size_t)> work) {
  auto batch = std::make_shared<Batch>(count, std::move(work));
  if (count > 0 && !threads_.empty()) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(batch);
    begun_.notify_all();
  }
  return batch;
}

void WorkPool::Wait(const std::shared_ptr<Batch>& batch) {
  batch->Help();
  std::unique_lock lock(mutex_);
  done_.wait(lock, [&] { return batch->AllDone(); });
}

void WorkPool::Serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (!queue_.empty() && queue_.front()->AllTaken()) queue_.pop_front();
    if (queue_.empty()) {
      if (stopping_) return;
      begun_.wait(lock);
      continue;
    }
    const std::shared_ptr<Batch> batch = queue_.front();
    lock.unlock();
    const bool finished = batch->Help();
    lock.lock();
    if (finished) done_.notify_all();
  }
}

}  // namespace custody

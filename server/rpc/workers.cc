#include "server/rpc/workers.h"

#include <utility>

namespace custody {

Workers::Workers(unsigned threads, std::size_t capacity) : capacity_(capacity) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

Workers::~Workers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool Workers::Submit(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (submitted_ >= capacity_) return false;
    queue_.push_back({std::move(work), true});
    ++submitted_;
  }
  wake_.notify_one();
  return true;
}

void Workers::Continue(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({std::move(work), false});
  }
  wake_.notify_one();
}

void Workers::Run() {
  while (true) {
    std::function<void()> work;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;  // stopping, and nothing is left
      work = std::move(queue_.front().work);
      if (queue_.front().submitted) --submitted_;
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace custody

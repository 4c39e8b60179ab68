#include "tools/load/driver.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "client/channel.h"

namespace custody {
namespace {

constexpr int kDeadlineSeconds = 30;

using SteadyClock = std::chrono::steady_clock;

std::uint64_t MicrosSince(SteadyClock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start).count());
}

// One closed loop: a queue of signed events, the next sent when the last is answered.
class Loop {
 public:
  Loop(v1::Ledger::Stub& stub, const std::vector<pb::SignedEvent>& queue, CheckpointBook& book,
       std::atomic<bool>& stop, std::function<void()> done)
      : stub_(stub), queue_(queue), book_(book), stop_(stop), done_(std::move(done)) {}

  void SendNext() {
    if (next_ == queue_.size() || stop_.load(std::memory_order_relaxed)) {
      done_();
      return;
    }
    *request_.mutable_signed_() = queue_[next_];
    reply_.Clear();
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_deadline(std::chrono::system_clock::now() +
                           std::chrono::seconds(kDeadlineSeconds));
    sent_ = SteadyClock::now();
    stub_.async()->Record(context_.get(), &request_, &reply_,
                          [this](const grpc::Status& status) { Answered(status); });
  }

  const Histogram& latency() const { return latency_; }
  const Status& failure() const { return failure_; }

 private:
  void Answered(const grpc::Status& status) {
    if (!status.ok()) {
      failure_ = MakeStatus(static_cast<StatusCode>(status.error_code()), status.error_message());
    } else {
      failure_ = CheckReceipt(request_.signed_(), reply_.receipt(), book_);
    }
    if (!failure_.ok()) {
      stop_.store(true, std::memory_order_relaxed);
    } else {
      latency_.Add(MicrosSince(sent_));
      ++next_;
    }
    SendNext();
  }

  v1::Ledger::Stub& stub_;
  const std::vector<pb::SignedEvent>& queue_;
  CheckpointBook& book_;
  std::atomic<bool>& stop_;
  std::function<void()> done_;
  std::size_t next_ = 0;
  pb::RecordRequest request_;
  pb::RecordReply reply_;
  std::unique_ptr<grpc::ClientContext> context_;
  SteadyClock::time_point sent_;
  Histogram latency_;
  Status failure_;
};

}  // namespace

StatusOr<std::vector<std::shared_ptr<v1::Ledger::Stub>>> Connect(const StationFolder& folder,
                                                                 unsigned connections) {
  std::vector<std::shared_ptr<v1::Ledger::Stub>> stubs;
  for (unsigned i = 0; i < connections; ++i) {
    CUSTODY_ASSIGN_OR_RETURN(const std::shared_ptr<grpc::Channel> channel,
                             OpenChannel(folder.settings().server, folder.path() / "tls"));
    stubs.push_back(v1::Ledger::NewStub(channel));
  }
  return stubs;
}

RunFigures ClosedLoop(const std::vector<std::shared_ptr<v1::Ledger::Stub>>& stubs,
                      const std::vector<std::vector<pb::SignedEvent>>& queues,
                      CheckpointBook& book) {
  std::mutex mutex;
  std::condition_variable all_done;
  std::size_t running = queues.size();
  std::atomic<bool> stop{false};
  const auto done = [&] {
    const std::lock_guard<std::mutex> lock(mutex);
    if (--running == 0) all_done.notify_one();
  };
  std::vector<std::unique_ptr<Loop>> loops;
  for (std::size_t i = 0; i < queues.size(); ++i) {
    loops.push_back(std::make_unique<Loop>(*stubs[i % stubs.size()], queues[i], book, stop, done));
  }
  const SteadyClock::time_point start = SteadyClock::now();
  for (const auto& loop : loops) loop->SendNext();
  {
    std::unique_lock<std::mutex> lock(mutex);
    all_done.wait(lock, [&] { return running == 0; });
  }
  RunFigures figures;
  figures.seconds = static_cast<double>(MicrosSince(start)) / 1e6;
  for (const auto& loop : loops) {
    figures.latency.Merge(loop->latency());
    if (figures.failure.ok()) figures.failure = loop->failure();
  }
  figures.receipts = figures.latency.total();
  return figures;
}

}  // namespace custody

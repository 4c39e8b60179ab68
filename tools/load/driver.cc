#include "tools/load/driver.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <utility>

#include "crypto/dsse.h"
#include "crypto/file.h"
#include "crypto/merkle.h"
#include "custody/event.h"

namespace custody {
namespace {

constexpr std::size_t kMaxPemBytes = 64 << 10;
constexpr std::size_t kCheckpointsKept = 4096;
constexpr int kDeadlineSeconds = 30;

using SteadyClock = std::chrono::steady_clock;

std::uint64_t MicrosSince(SteadyClock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(SteadyClock::now() - start).count());
}

// One closed loop: a queue of signed events, the next sent when the last is answered.
class Loop {
 public:
  Loop(v1::Ledger::Stub& stub, const std::vector<pb::SignedEvent>& queue, ReceiptCheck& check,
       std::atomic<bool>& stop, std::function<void()> done)
      : stub_(stub), queue_(queue), check_(check), stop_(stop), done_(std::move(done)) {}

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
      failure_ = check_.Verify(request_.signed_(), reply_.receipt());
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
  ReceiptCheck& check_;
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

StatusOr<Checkpoint> ReceiptCheck::Open(const std::string& note) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto found = opened_.find(note); found != opened_.end()) return found->second;
  }
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(note, log_));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (opened_.size() >= kCheckpointsKept) opened_.clear();
  opened_.emplace(note, checkpoint);
  return checkpoint;
}

Status ReceiptCheck::Verify(const pb::SignedEvent& signed_event, const pb::Receipt& receipt) {
  CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ParseLogEntry(receipt.entry()));
  const Hash event_id = EventId(signed_event.payload());
  if (entry.event_id() != event_id.view() ||
      entry.record() != RecordOf(event_id, signed_event).view()) {
    return DataLoss("the receipt is for another event");
  }
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Open(receipt.checkpoint()));
  std::vector<Hash> path;
  path.reserve(static_cast<std::size_t>(receipt.path_size()));
  for (const std::string& node : receipt.path()) {
    CUSTODY_ASSIGN_OR_RETURN(const Hash hash, Hash::FromBytes(node));
    path.push_back(hash);
  }
  return VerifyInclusion(LeafHash(receipt.entry()), receipt.index(), checkpoint.size, path,
                         checkpoint.root);
}

StatusOr<std::vector<std::shared_ptr<v1::Ledger::Stub>>> Connect(const StationFolder& folder,
                                                                 unsigned connections) {
  const std::filesystem::path tls = folder.path() / "tls";
  grpc::SslCredentialsOptions options;
  CUSTODY_ASSIGN_OR_RETURN(options.pem_root_certs, ReadFile(tls / "ca.pem", kMaxPemBytes));
  CUSTODY_ASSIGN_OR_RETURN(options.pem_cert_chain, ReadFile(tls / "station.pem", kMaxPemBytes));
  CUSTODY_ASSIGN_OR_RETURN(options.pem_private_key,
                           ReadSecretFile(tls / "station.key", kMaxPemBytes));
  const auto credentials = grpc::SslCredentials(options);
  std::vector<std::shared_ptr<v1::Ledger::Stub>> stubs;
  for (unsigned i = 0; i < connections; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    arguments.SetInt("custody.connection", static_cast<int>(i));
    stubs.push_back(v1::Ledger::NewStub(
        grpc::CreateCustomChannel(folder.settings().server, credentials, arguments)));
  }
  return stubs;
}

RunFigures ClosedLoop(const std::vector<std::shared_ptr<v1::Ledger::Stub>>& stubs,
                      const std::vector<std::vector<pb::SignedEvent>>& queues,
                      ReceiptCheck& check) {
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
    loops.push_back(std::make_unique<Loop>(*stubs[i % stubs.size()], queues[i], check, stop, done));
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

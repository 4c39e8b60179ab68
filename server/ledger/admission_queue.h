// What stands between those who record and the committer: a bounded line that keeps its order.
//
// Every admission is verified by some worker and decided by the committer, in the order in which it
// came, so that whoever sends a chain's events one after another finds them judged in that order.
#ifndef CUSTODY_SERVER_LEDGER_ADMISSION_QUEUE_H_
#define CUSTODY_SERVER_LEDGER_ADMISSION_QUEUE_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "crypto/status.h"
#include "custody/event.h"
#include "server/ledger/ledger.h"
#include "server/ledger/mutex.h"

namespace custody {

// An event on its way, and what the worker found out about it.
struct Admission {
  pb::SignedEvent signed_event;
  std::string station;  // of the caller
  RecordCallback done;
  std::uint64_t number = 0;  // in the line; the queue's own

  Hash event_id;
  std::optional<pb::RecordReply> known;  // recorded before: its first receipt
  StatusOr<ParsedEvent> parsed = Unavailable("not parsed yet");
  Status signatures;  // as of `registry_version`
  std::uint64_t registry_version = 0;
  pb::BadFields bad_fields;
  // Of a logger's summary: whether its file was held against it, and what that says.
  Status file = Unavailable("the logger's file was not looked at yet; send the event again");
  pb::Verdict of_file;
};

struct QueueLimits {
  std::size_t capacity = 0;  // admissions not answered yet
  std::size_t group_events = 0;
  std::size_t group_bytes = 0;
  std::chrono::microseconds group_wait{0};
};

// `AdmissionQueue` is thread-safe.
class AdmissionQueue {
 public:
  using Job = std::function<void()>;
  using Time = std::chrono::steady_clock::time_point;

  explicit AdmissionQueue(const QueueLimits& limits) : limits_(limits) {}

  // `Push` takes `admission` over, or gives RESOURCE_EXHAUSTED when full and UNAVAILABLE when
  // closed and leaves it to the caller.
  Status Push(std::unique_ptr<Admission>& admission);
  // `PushJob` has `job` run on the committer's thread, between groups. UNAVAILABLE when closed.
  Status PushJob(Job job);

  // For workers: the next to verify, null when there will be none any more.
  Admission* NextToVerify();
  void Verified(Admission* admission);

  // For the committer.
  struct Work {
    std::vector<std::unique_ptr<Admission>> group;  // verified, in order
    std::vector<Job> jobs;                          // to be run before the group
    bool finished = false;                          // closed and empty
  };
  // `WaitForWork` returns when there is something to do, or at `deadline` with nothing. It waits up
  // to group_wait for admissions that are still being verified while the group is small.
  Work WaitForWork(Time deadline);
  // `Answered` gives `count` places back.
  void Answered(std::size_t count);

  // `Close` refuses what comes from now on; what is in the queue is still served.
  void Close();
  // Returns when the queue is closed and every admission is answered.
  void WaitUntilAnswered();

  std::size_t length() const;  // admissions not answered yet
  std::size_t capacity() const { return limits_.capacity; }

 private:
  struct Place {
    std::unique_ptr<Admission> admission;
    bool verified = false;
  };
  // How many at the front are verified, within the limits of one group; whether the group is as
  // large as it may get.
  struct Front {
    std::size_t count = 0;
    bool full = false;
  };
  Front VerifiedFront() const CUSTODY_REQUIRES(mutex_);

  const QueueLimits limits_;
  mutable Mutex mutex_;
  CondVar to_verify_;
  CondVar to_commit_;
  CondVar answered_;
  std::deque<Place> places_ CUSTODY_GUARDED_BY(mutex_);
  std::uint64_t first_ CUSTODY_GUARDED_BY(mutex_) = 0;  // number of places_.front()
  std::uint64_t next_to_verify_ CUSTODY_GUARDED_BY(mutex_) = 0;
  std::vector<Job> jobs_ CUSTODY_GUARDED_BY(mutex_);
  std::size_t unanswered_ CUSTODY_GUARDED_BY(mutex_) = 0;
  bool committer_waits_ CUSTODY_GUARDED_BY(mutex_) = false;
  bool closed_ CUSTODY_GUARDED_BY(mutex_) = false;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_ADMISSION_QUEUE_H_

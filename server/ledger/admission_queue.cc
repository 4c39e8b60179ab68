#include "server/ledger/admission_queue.h"

#include <utility>

namespace custody {
namespace {

// A group of this share of the most events is not worth waiting for more: the sync, the
// checkpoint's signature and the upper tiles are shared by enough already.
constexpr std::size_t kSmallShare = 4;

}  // namespace

Status AdmissionQueue::Push(std::unique_ptr<Admission>& admission) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return Unavailable("the ledger is shutting down; send the event again later");
    if (unanswered_ >= limits_.capacity) {
      return ResourceExhausted(std::to_string(unanswered_) +
                               " events are waiting already; send the event again in a moment");
    }
    ++unanswered_;
    places_.push_back({std::move(admission), false});
  }
  to_verify_.NotifyOne();
  return {};
}

Status AdmissionQueue::PushJob(Job job) {
  {
    const MutexLock lock(mutex_);
    if (closed_) return Unavailable("the ledger is shutting down");
    jobs_.push_back(std::move(job));
  }
  to_commit_.NotifyOne();
  return {};
}

Admission* AdmissionQueue::NextToVerify() {
  const MutexLock lock(mutex_);
  while (next_to_verify_ == first_ + places_.size()) {
    if (closed_) return nullptr;
    to_verify_.Wait(mutex_);
  }
  Admission* const admission = places_[next_to_verify_ - first_].admission.get();
  admission->number = next_to_verify_++;
  return admission;
}

void AdmissionQueue::Verified(Admission* admission) {
  bool wake = false;
  {
    const MutexLock lock(mutex_);
    places_[admission->number - first_].verified = true;
    wake = committer_waits_ && places_.front().verified;
  }
  if (wake) to_commit_.NotifyOne();
}

AdmissionQueue::Front AdmissionQueue::VerifiedFront() const {
  Front front;
  std::size_t bytes = 0;
  for (const Place& place : places_) {
    if (!place.verified) break;
    bytes += place.admission->signed_event.payload().size();
    if (front.count == limits_.group_events || (front.count > 0 && bytes > limits_.group_bytes)) {
      front.full = true;
      break;
    }
    ++front.count;
  }
  if (front.count * kSmallShare >= limits_.group_events) front.full = true;
  return front;
}

AdmissionQueue::Work AdmissionQueue::WaitForWork(Time deadline) {
  Work work;
  const MutexLock lock(mutex_);
  committer_waits_ = true;
  std::optional<Time> patience;  // set when the first of a group is there
  while (jobs_.empty()) {
    const Front front = VerifiedFront();
    const Time now = std::chrono::steady_clock::now();
    if (front.count > 0) {
      if (!patience) patience = now + limits_.group_wait;
      const bool all = front.count == places_.size();
      if (front.full || all || now >= *patience) break;
      to_commit_.WaitUntil(mutex_, *patience);
      continue;
    }
    if (closed_ && places_.empty()) {
      work.finished = true;
      break;
    }
    if (now >= deadline) break;
    to_commit_.WaitUntil(mutex_, deadline);
  }
  committer_waits_ = false;
  work.jobs.swap(jobs_);
  for (std::size_t left = VerifiedFront().count; left > 0; --left) {
    work.group.push_back(std::move(places_.front().admission));
    places_.pop_front();
    ++first_;
  }
  return work;
}

void AdmissionQueue::Answered(std::size_t count) {
  const MutexLock lock(mutex_);
  unanswered_ -= count;
  if (unanswered_ == 0) answered_.NotifyAll();
}

void AdmissionQueue::Close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  to_verify_.NotifyAll();
  to_commit_.NotifyAll();
  answered_.NotifyAll();
}

void AdmissionQueue::WaitUntilAnswered() {
  const MutexLock lock(mutex_);
  while (!closed_ || unanswered_ > 0) answered_.Wait(mutex_);
}

std::size_t AdmissionQueue::length() const {
  const MutexLock lock(mutex_);
  return unanswered_;
}

}  // namespace custody

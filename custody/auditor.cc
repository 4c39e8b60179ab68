// The audit of a whole ledger: the replay does the work, this compares its end with a checkpoint.
#include "custody/auditor.h"

#include <utility>

#include "custody/audit_replay.h"
#include "custody/audit_report.h"

namespace custody {
namespace {

constexpr std::uint64_t kProgressEvery = 1024;

AuditReplay::Options ReplayOptions(const AuditOptions& options) {
  return {.threads = options.threads,
          .signatures = options.signatures,
          .whole_log = true,
          .check = {},
          .visit = {}};
}

}  // namespace

struct LogAuditor::Rep {
  Rep(const TrustAnchor* anchor, AuditOptions audit_options)
      : options(std::move(audit_options)), replay(ReplayOptions(options)) {
    if (anchor != nullptr) trust = *anchor;
  }
  const TrustAnchor* anchor() const { return trust ? &*trust : nullptr; }
  void CheckRoot(std::string_view note, pb::AuditReport& report);

  AuditOptions options;
  std::optional<TrustAnchor> trust;
  std::uint64_t next_index = 0;
  std::optional<Instant> up_to;  // when the last entry that the checkpoint covers was received
  std::vector<pb::Finding> findings;
  AuditReplay replay;
};

LogAuditor::LogAuditor(const TrustAnchor* trust, AuditOptions options)
    : rep_(std::make_unique<Rep>(trust, std::move(options))) {}
LogAuditor::~LogAuditor() = default;

void LogAuditor::Add(std::string_view entry, const pb::SignedEvent* signed_event) {
  AuditedEntry audited;
  audited.index = rep_->next_index++;
  audited.entry = entry;
  if (signed_event != nullptr) audited.signed_event = *signed_event;
  rep_->replay.Add(std::move(audited));
  if (rep_->options.progress && rep_->next_index % kProgressEvery == 0)
    rep_->options.progress(rep_->next_index, 0);
}

void LogAuditor::AddWithoutEvent(std::string_view entry, std::string_view why) {
  AuditedEntry audited;
  audited.index = rep_->next_index++;
  audited.entry = entry;
  audited.Report(pb::UNREADABLE, "event", "could not be read: " + std::string(why));
  rep_->replay.Add(std::move(audited));
}

void LogAuditor::AddUnreadable(std::string_view why) {
  AuditedEntry audited;
  audited.index = rep_->next_index++;
  audited.Report(pb::UNREADABLE, "read", "could not be read: " + std::string(why));
  rep_->replay.Add(std::move(audited));
}

void LogAuditor::Rep::CheckRoot(std::string_view note, pb::AuditReport& report) {
  std::optional<NoteVerifier> log_key;
  if (trust) {
    log_key = trust->log_key;
  } else if (auto own = NoteVerifier::Parse(replay.registry().log_key()); own.ok()) {
    log_key = *std::move(own);
  }
  const auto checkpoint = CheckCheckpoint(note, log_key, anchor(), findings);
  if (!checkpoint) return;
  report.set_checkpoint_size(checkpoint->size);
  up_to = replay.ReceivedAt(checkpoint->size);
  if (checkpoint->size > next_index) {
    ReportFile(pb::INCONSISTENT, "size",
               "the checkpoint promises " + std::to_string(checkpoint->size) + " entries, found " +
                   std::to_string(next_index) + ": the end is missing",
               findings);
    return;
  }
  if (const auto root = replay.RootAt(checkpoint->size); !root) {
    ReportFile(pb::INCONSISTENT, "root",
               "the checkpoint is too far back to be compared: nothing shows that these are the "
               "log's entries; take a newer checkpoint",
               findings);
  } else if (*root != checkpoint->root) {
    ReportFile(pb::FORGED, "root",
               "the entries do not add up to the root that the log signed for size " +
                   std::to_string(checkpoint->size),
               findings);
  }
  if (checkpoint->size < next_index)
    ReportFile(pb::INCONSISTENT, "size",
               std::to_string(next_index - checkpoint->size) +
                   " entries stand after the newest checkpoint: the log never promised them",
               findings);
}

pb::AuditReport LogAuditor::Finish(std::string_view checkpoint) {
  AuditReplay& replay = rep_->replay;
  replay.Finish();
  if (rep_->options.progress) rep_->options.progress(rep_->next_index, rep_->next_index);
  pb::AuditReport report;
  report.set_checkpoint(std::string(checkpoint));
  report.set_completeness("replayed here");
  rep_->CheckRoot(checkpoint, report);
  CheckGenesis(replay, rep_->anchor(), rep_->findings);
  Conclude(replay, rep_->anchor(), std::exchange(rep_->findings, {}), rep_->up_to, report);
  return report;
}

}  // namespace custody

// What is shown of alerts: who was told, and how it goes.
#include <algorithm>

#include "server/alerting/alerting.h"

namespace custody {
namespace {

constexpr int kMostListed = 1000;
constexpr std::size_t kRowsAtOnce = 2'000;          // of past alerts, from one view of the ledger
constexpr std::int64_t kLongWait = kMicrosPerHour;  // of what is urgent

bool Concerns(const pb::AlertRecord& record, const std::string& site) {
  return site.empty() || std::ranges::find(record.sites(), site) != record.sites().end();
}

}  // namespace

// The bound counts what is shown, however much of others' stands before it. Whether it is shown may
// take a look at its therapy: no lock and no view of the ledger is held meanwhile.
StatusOr<pb::ListAlertsReply> Alerting::List(
    const pb::ListAlertsRequest& request,
    const std::function<StatusOr<bool>(const pb::AlertRecord&)>& shown) {
  pb::ListAlertsReply reply;
  std::string from;
  do {
    CUSTODY_ASSIGN_OR_RETURN(const std::vector<pb::AlertRecord> records,
                             request.past() ? SomePast(request.site(), from) : AllOpen());
    for (const pb::AlertRecord& record : records) {
      if (!Concerns(record, request.site())) continue;
      CUSTODY_ASSIGN_OR_RETURN(const bool is_shown, shown(record));
      if (!is_shown) continue;
      reply.set_more(reply.alerts_size() == kMostListed);
      if (reply.more()) return reply;
      pb::AlertRecord& added = *reply.add_alerts() = record;
      if (request.past()) continue;
      for (const std::string& site : Unreached(config_, record)) added.add_unreached(site);
    }
  } while (!from.empty());
  return reply;
}

// The oldest first.
std::vector<pb::AlertRecord> Alerting::AllOpen() {
  std::vector<pb::AlertRecord> open;
  {
    const MutexLock lock(mutex_);
    for (const auto& [key, record] : open_.records()) open.push_back(record);
  }
  std::ranges::stable_sort(
      open, {}, [](const pb::AlertRecord& record) { return FromProto(record.since()).micros; });
  return open;
}

// Of the rows from `from` on, which becomes where the next begin; empty: there are no more.
StatusOr<std::vector<pb::AlertRecord>> Alerting::SomePast(const std::string& site,
                                                          std::string& from) {
  std::vector<pb::AlertRecord> records;
  std::string next;
  std::size_t rows = 0;
  const auto visit = [&](std::string_view key, std::string_view value) {
    if (rows++ == kRowsAtOnce) {
      next = key;
      return false;
    }
    std::optional<pb::AlertRecord> record = ReadRecord(key, value);
    if (record && Concerns(*record, site)) records.push_back(*std::move(record));
    return true;
  };
  CUSTODY_RETURN_IF_ERROR(ReadRows(ledger_, AlertRows::kPast, visit, from));
  from = next;
  return records;
}

pb::AlertingStatus Alerting::GetStatus(Instant now) {
  pb::AlertingStatus status;
  status.set_configured(true);
  const MutexLock lock(mutex_);
  for (const auto& [key, record] : open_.records()) {
    status.set_open(status.open() + 1);
    const bool waited = now - FromProto(record.since()) > kLongWait;
    if (record.severity() == pb::ALERT_URGENT && waited) {
      status.set_urgent_waiting(status.urgent_waiting() + 1);
    }
    if (!Unreached(config_, record).empty()) status.set_unreached(status.unreached() + 1);
  }
  for (const Recipient& recipient : config_.recipients) {
    pb::RecipientStatus& one = *status.add_recipients();
    one.set_recipient(recipient.name);
    for (const std::string& site : SitesOf(config_)) {
      const std::vector<const Recipient*> told = RecipientsOf(config_, site);
      if (std::ranges::find(told, &recipient) != told.end()) one.add_sites(site);
    }
    const auto known = healths_.find(recipient.name);
    if (known == healths_.end()) continue;
    const RecipientHealth& health = known->second;
    one.set_failing(health.failing());
    one.set_failures(health.failures);
    one.set_error(health.error);
    if (health.failing()) *one.mutable_next_try() = ToProto(Instant{health.next_try_us});
    if (health.last_taken_us != 0) {
      *one.mutable_last_taken() = ToProto(Instant{health.last_taken_us});
    }
  }
  FillTests(now, status);
  for (const std::string* trouble : {&look_trouble_, &save_trouble_, &lane_trouble_}) {
    if (status.trouble().empty()) status.set_trouble(*trouble);
  }
  status.set_catching_up(open_.catching_up());
  return status;
}

// A site that was never tested is overdue: nobody knows whether anybody is told there.
void Alerting::FillTests(Instant now, pb::AlertingStatus& status) {
  for (const std::string& site : SitesOf(config_)) {
    pb::AlertTest& test = *status.add_tests();
    test.set_site(site);
    const auto passed = passed_.find(site);
    if (passed == passed_.end()) {
      test.set_overdue(true);
      continue;
    }
    const Instant due = Instant{passed->second} + config_.test_days * kMicrosPerDay;
    *test.mutable_passed() = ToProto(Instant{passed->second});
    *test.mutable_due() = ToProto(due);
    test.set_overdue(due < now);
  }
}

bool Alerting::IsWell() const {
  const bool failing =
      std::ranges::any_of(healths_, [](const auto& one) { return one.second.failing(); });
  return !failing && look_trouble_.empty() && save_trouble_.empty() && lane_trouble_.empty();
}

void Alerting::OnWell(std::function<void(bool well)> changed) {
  const MutexLock lock(well_mutex_);
  on_well_ = std::move(changed);
  if (on_well_) on_well_(told_well_);
}

void Alerting::TellWell() {
  const MutexLock lock(well_mutex_);
  bool well = false;
  {
    const MutexLock inner(mutex_);
    well = IsWell();
  }
  if (well == told_well_) return;
  told_well_ = well;
  if (on_well_) on_well_(well);
}

}  // namespace custody

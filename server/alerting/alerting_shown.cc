// What is shown of alerts: who was told, and how it goes.
#include <algorithm>

#include "server/alerting/alerting.h"

namespace custody {
namespace {

constexpr int kMostListed = 1000;
constexpr std::uint64_t kMostRowsRead = 100'000;    // of past alerts, for one list
constexpr std::int64_t kLongWait = kMicrosPerHour;  // of what is urgent

bool Concerns(const pb::AlertRecord& record, const std::string& site) {
  return site.empty() || std::ranges::find(record.sites(), site) != record.sites().end();
}

}  // namespace

StatusOr<pb::ListAlertsReply> Alerting::List(
    const pb::ListAlertsRequest& request,
    const std::function<bool(const pb::AlertRecord&)>& shown) {
  pb::ListAlertsReply reply;
  const auto add = [&](const pb::AlertRecord& record) {
    if (!Concerns(record, request.site()) || !shown(record)) return true;
    reply.set_more(reply.alerts_size() == kMostListed);
    if (!reply.more()) *reply.add_alerts() = record;
    return !reply.more();
  };
  if (request.past()) {
    std::uint64_t read = 0;
    CUSTODY_RETURN_IF_ERROR(
        ReadRows(ledger_, AlertRows::kPast, [&](std::string_view key, std::string_view value) {
          if (++read > kMostRowsRead) {
            reply.set_more(true);
            return false;
          }
          const std::optional<pb::AlertRecord> record = ReadRecord(key, value);
          return !record || add(*record);
        }));
    return reply;
  }
  const MutexLock lock(mutex_);
  std::vector<const pb::AlertRecord*> open;
  for (const auto& [key, record] : open_.records()) open.push_back(&record);
  std::ranges::stable_sort(
      open, {}, [](const pb::AlertRecord* record) { return FromProto(record->since()).micros; });
  for (const pb::AlertRecord* record : open) {
    if (!add(*record)) break;
  }
  for (pb::AlertRecord& record : *reply.mutable_alerts()) {
    for (const std::string& site : Unreached(config_, record)) record.add_unreached(site);
  }
  return reply;
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
  status.set_trouble(look_trouble_.empty() ? save_trouble_ : look_trouble_);
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

}  // namespace custody

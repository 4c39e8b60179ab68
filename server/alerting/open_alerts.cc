// There may be hundreds of thousands of therapies, most of them followed up once a year, so only
// those are looked at of which something may have changed: those with new entries in the log, found
// by reading the log on from a position that is kept; and those whose time has come, found by an
// index in the store in the order of time. Each look says when the next one is due
// (custody/alerts.h), so an alert that arises by mere passing of time is found when it does, and a
// minute in which nothing happens costs one read.
//
// A therapy's older rows in the index are not taken out when a later look replaces them: they cost
// one look more when they come due, and nobody has to remember them.
//
// What code or rules derive otherwise after an upgrade, or a new profile makes due earlier, is
// found by looking at all therapies once, a page at a time, while the ledger serves.
#include "server/alerting/open_alerts.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "crypto/hash.h"
#include "custody/alerts.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "custody/therapy.h"
#include "server/alerting/notice.h"

namespace custody {
namespace {

constexpr std::size_t kPageEntries = 512;
constexpr std::size_t kPageDue = 256;
constexpr std::size_t kPageTherapies = 128;
// Further behind than this it is quicker to look at every therapy once than at every entry.
constexpr std::uint64_t kMaxEntriesBehind = 50'000;
// A therapy that cannot be read now is looked at again after this.
constexpr std::int64_t kDamagedAgain = 10 * kMicrosPerMinute;
// A clock that goes back by more has been put right.
constexpr std::int64_t kClockPutBack = kMicrosPerMinute;
// Ended alerts are kept so long.
constexpr std::int64_t kKeepPast = 400 * kMicrosPerDay;
constexpr std::size_t kForgottenAtOnce = 16;

void FillSeen(const pb::TherapyState& state, const Alert& alert, pb::AlertRecord& record) {
  record.clear_seen();
  for (const pb::AlertSeen& seen : state.alerts_seen()) {
    if (seen.alert() != alert.id) continue;
    pb::AlertSeenBy& by = *record.add_seen();
    by.set_site(seen.site());
    const bool known = seen.person() < static_cast<std::uint32_t>(state.persons_size());
    if (known) by.set_person(state.persons(static_cast<int>(seen.person())));
    *by.mutable_at() = ToProto(Instant{seen.received_us()});
  }
}

// What is derived of an alert; what was handed out stays.
void Fill(const std::string& therapy, const pb::TherapyState& state, const Alert& alert,
          pb::AlertRecord& record) {
  record.set_therapy(therapy);
  record.set_coi(state.coi());
  record.set_alert(alert.id);
  record.set_rule(alert.rule);
  record.set_severity(SeverityOf(alert.rule));
  *record.mutable_since() = ToProto(Instant{alert.since_us});
  *record.mutable_sites() = {alert.sites.begin(), alert.sites.end()};
  *record.mutable_waiting() = {alert.waiting.begin(), alert.waiting.end()};
  record.clear_roles();
  for (const pb::Role role : alert.roles) record.add_roles(role);
  FillSeen(state, alert, record);
}

}  // namespace

Status OpenAlerts::Load() {
  std::string code;
  CUSTODY_RETURN_IF_ERROR(
      ReadRows(ledger_, AlertRows::kMarks, [&](std::string_view key, std::string_view value) {
        if (key == kCodeRow) code = value;
        if (key == kScanRow) {
          scanning_ = true;
          scanned_ = value;
        }
        if (key != kPositionRow) return true;
        const std::optional<std::uint64_t> position = ReadNumber(key, value);
        placed_ = position.has_value();
        position_ = position.value_or(0);
        return true;
      }));
  bool whole = true;
  CUSTODY_RETURN_IF_ERROR(
      ReadRows(ledger_, AlertRows::kOpen, [&](std::string_view key, std::string_view value) {
        std::optional<pb::AlertRecord> record = ReadRecord(key, value);
        if (record) {
          const AlertKey name{record->therapy(), record->alert()};
          records_[name] = *std::move(record);
        } else {  // who was told is lost: they are told anew
          whole = false;
          rows_.Delete(key);
        }
        return true;
      }));
  // Another program's rows, none at all, or one that has to be derived anew.
  if (code != FoldCode() || !whole) BeginScan();
  return Status();
}

void OpenAlerts::BeginScan() {
  scanning_ = true;
  scanned_.clear();
  rows_.Put(kScanRow, "");
  rows_.Put(kCodeRow, FoldCode());
}

void OpenAlerts::Keep(const pb::AlertRecord& record) {
  rows_.Put(OpenRow(record.therapy(), record.alert()), record.SerializeAsString());
}

StatusOr<bool> OpenAlerts::LookAgain(std::uint64_t log_size, Instant now) {
  const bool behind = position_ > log_size || log_size - position_ > kMaxEntriesBehind;
  if (!placed_ || behind) {
    placed_ = true;
    position_ = log_size;
    BeginScan();
    rows_.Put(kPositionRow, U64(position_));
  }
  const std::uint64_t from = position_;
  const std::uint64_t to = std::min<std::uint64_t>(log_size, from + kPageEntries);
  std::set<std::string> therapies;
  std::set<std::string> due_rows;
  const Status read = ReadChains(to, therapies);
  if (read.code() == StatusCode::kUnavailable) return read;
  if (!read.ok()) {
    // Nobody can tell of which therapies what is damaged there is, so all are looked at.
    spdlog::error("entries from {} on cannot be read for alerts: {}", from, Message(read));
    BeginScan();
  }
  if (now - last_look_ < -kClockPutBack) BeginScan();  // what was thought overdue may not be
  last_look_ = now;
  CUSTODY_RETURN_IF_ERROR(ReadDue(now, therapies, due_rows));
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::string> page, NextOfScan(therapies));
  for (const std::string& therapy : therapies) {
    CUSTODY_RETURN_IF_ERROR(LookAt(therapy, now));
  }
  // Only now: what could not be looked at comes again.
  AdvanceScan(page);
  for (const std::string& row : due_rows) rows_.Delete(row);
  if (to != from) {
    position_ = to;
    rows_.Put(kPositionRow, U64(position_));
  }
  return position_ < log_size || due_rows.size() >= kPageDue || scanning_;
}

// The therapies that entries from `position_` up to `log_size` are of.
Status OpenAlerts::ReadChains(std::uint64_t log_size, std::set<std::string>& therapies) {
  if (position_ >= log_size) return Status();
  pb::ReadEntriesRequest request;
  request.set_from(position_);
  request.set_limit(log_size - position_);
  request.set_with_events(true);
  bool rules_changed = false;
  CUSTODY_RETURN_IF_ERROR(ledger_.ReadEntries(
      request, [](const Hash&) { return true; },
      [&](const pb::EntryReply& entry) {
        pb::Event event;
        if (!event.ParseFromString(entry.signed_().payload())) return true;
        if (IsTherapyChain(event.chain())) therapies.emplace(TherapyOf(event.chain()));
        rules_changed |= event.has_profile_published() || event.has_rules_adopted();
        return true;
      }));
  if (rules_changed) BeginScan();
  return Status();
}

Status OpenAlerts::ReadDue(Instant now, std::set<std::string>& therapies,
                           std::set<std::string>& rows) {
  bool whole = true;
  CUSTODY_RETURN_IF_ERROR(
      ReadRows(ledger_, AlertRows::kDue, [&](std::string_view key, std::string_view) {
        const std::optional<std::pair<Instant, std::string>> due = ReadDueRow(key);
        if (due && now < due->first) return false;
        if (due) therapies.insert(due->second);
        whole = whole && due.has_value();
        rows.emplace(key);
        return rows.size() < kPageDue;
      }));
  if (!whole) BeginScan();  // nobody can tell whose time had come
  return Status();
}

StatusOr<std::vector<std::string>> OpenAlerts::NextOfScan(std::set<std::string>& therapies) const {
  if (!scanning_) return std::vector<std::string>();
  CUSTODY_ASSIGN_OR_RETURN(std::vector<std::string> page,
                           ledger_.ListTherapies(scanned_, kPageTherapies));
  therapies.insert(page.begin(), page.end());
  return page;
}

void OpenAlerts::AdvanceScan(const std::vector<std::string>& page) {
  if (!scanning_) return;
  if (page.empty()) {
    scanning_ = false;
    rows_.Delete(kScanRow);
    return;
  }
  scanned_ = page.back();
  rows_.Put(kScanRow, scanned_);
}

Status OpenAlerts::LookAt(const std::string& therapy, Instant now) {
  const StatusOr<pb::GetTherapyReply> found = ledger_.GetTherapy(therapy, std::nullopt);
  if (found.status().code() == StatusCode::kUnavailable) return found.status();
  if (!found.ok()) {
    // One damaged therapy must not silence the alerts of all others.
    spdlog::error("alerts of therapy {} cannot be derived: {}", therapy, Message(found.status()));
    rows_.Put(DueRow((now + kDamagedAgain).micros, therapy), "");
    return Status();
  }
  const pb::TherapyState& state = found->state();
  const AlertOutlook outlook = LookOut(state, *ledger_.registry(), now);
  if (outlook.next_us != 0) rows_.Put(DueRow(outlook.next_us, therapy), "");
  std::set<std::string> open;
  for (const Alert& alert : outlook.alerts) {
    const AlertKey key{therapy, alert.id};
    const auto known = records_.find(key);
    if (alert.acknowledged()) {
      if (known != records_.end()) Fill(therapy, state, alert, known->second);
      continue;
    }
    open.insert(alert.id);
    pb::AlertRecord& record = records_[key];
    const std::string before = record.SerializeAsString();
    Fill(therapy, state, alert, record);
    if (record.SerializeAsString() != before) Keep(record);
  }
  for (auto record = records_.lower_bound({therapy, ""});
       record != records_.end() && record->first.first == therapy;) {
    const auto next = std::next(record);
    if (!open.contains(record->first.second)) End(record, now);
    record = next;
  }
  return Status();
}

void OpenAlerts::End(std::map<AlertKey, pb::AlertRecord>::iterator ended, Instant now) {
  pb::AlertRecord& record = ended->second;
  *record.mutable_ended() = ToProto(now);
  rows_.Delete(OpenRow(record.therapy(), record.alert()));
  rows_.Put(PastRow(now.micros, record.therapy(), record.alert()), record.SerializeAsString());
  records_.erase(ended);
  // Old ones stand behind the newer; a few go with each that comes.
  std::size_t forgotten = 0;
  const Status swept = ReadRows(
      ledger_, AlertRows::kPast,
      [&](std::string_view key, std::string_view) {
        if (forgotten == kForgottenAtOnce) return false;
        rows_.Delete(key);
        ++forgotten;
        return true;
      },
      PastRow((now + -kKeepPast).micros, "", ""));
  static_cast<void>(swept);  // the next one that ends sweeps again
}

}  // namespace custody

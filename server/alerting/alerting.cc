// One thread steps; recipients are handed things side by side, each one message after the other. It
// waits for all of them before it looks again, so nobody is given more at once than fits into a few
// seconds: what a slow recipient has not been asked yet stays due, and an alert that arises
// meanwhile waits for one of its time limits at most. The lock is never held while a recipient
// works.
#include "server/alerting/alerting.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "crypto/hash.h"
#include "custody/work_pool.h"
#include "server/alerting/notice.h"

namespace custody {
namespace {

constexpr int kMostListed = 1000;
// Of one recipient in one round: 40 patients of one tank are told in two. None is begun when so
// much time has passed since the first.
constexpr std::size_t kMostAtOnce = 20;
constexpr std::int64_t kLaneMicros = 5 * kMicrosPerSecond;
// As long as an escalation list can be: each goes on to who comes next when one fails.
constexpr int kMostRounds = 16;
constexpr unsigned kSideBySide = 8;
constexpr auto kIdlePause = std::chrono::seconds(1);
constexpr auto kBusyPause = std::chrono::milliseconds(200);
constexpr std::int64_t kLongWait = kMicrosPerHour;  // of what is urgent

// "20260302T101500Z"
std::string Compact(Instant now) {
  std::string text = FormatUtc({now.micros / kMicrosPerSecond * kMicrosPerSecond});
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

bool Concerns(const pb::AlertRecord& record, const std::string& site) {
  return site.empty() || std::ranges::find(record.sites(), site) != record.sites().end();
}

}  // namespace

Alerting::Alerting(Ledger& ledger, AlertingConfig config, Deliverer& deliverer)
    : ledger_(ledger), config_(std::move(config)), deliverer_(deliverer), open_(ledger, rows_) {
  for (const Recipient& recipient : config_.recipients) turns_[recipient.name];
}

StatusOr<std::unique_ptr<Alerting>> Alerting::Open(Ledger& ledger, AlertingConfig config,
                                                   Deliverer& deliverer) {
  CUSTODY_RETURN_IF_ERROR(CheckAlerting(config));
  CUSTODY_RETURN_IF_ERROR(CheckWebhooks(config, ledger.registry()->environment()));
  std::unique_ptr<Alerting> alerting(new Alerting(ledger, std::move(config), deliverer));
  {
    const MutexLock lock(alerting->mutex_);
    CUSTODY_RETURN_IF_ERROR(alerting->open_.Load());
    std::map<std::string, std::int64_t>& passed = alerting->passed_;
    CUSTODY_RETURN_IF_ERROR(
        ReadRows(ledger, AlertRows::kTests, [&](std::string_view key, std::string_view value) {
          const std::optional<std::uint64_t> at = ReadNumber(key, value);
          if (at) passed[SiteOfTestRow(key)] = static_cast<std::int64_t>(*at);
          return true;
        }));
  }
  // First to be told of what comes, then to ask what there is: nothing is missed in between.
  alerting->watch_ = ledger.Watch([at = alerting.get()](const LedgerChange& change) {
    std::uint64_t known = at->log_size_;
    while (known <= change.index && !at->log_size_.compare_exchange_weak(known, change.index + 1)) {
    }
    const MutexLock lock(at->wake_mutex_);
    at->woken_ = true;
    at->wake_.NotifyAll();
  });
  const std::uint64_t size = ledger.GetStatus().entries();
  std::uint64_t known = alerting->log_size_;
  while (known < size && !alerting->log_size_.compare_exchange_weak(known, size)) {
  }
  return alerting;
}

Alerting::~Alerting() {
  watch_.reset();
  Stop();
}

void Alerting::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Alerting::Stop() {
  {
    const MutexLock lock(wake_mutex_);
    stopping_ = true;
    wake_.NotifyAll();
  }
  if (!thread_.joinable()) return;
  deliverer_.Stop();
  thread_.join();
}

// Not more often than every 200 ms however much is recorded: each step may write, and an alert is
// not later for that than a person would notice.
void Alerting::Run() {
  while (true) {
    const bool more = Step();
    const auto now = std::chrono::steady_clock::now();
    const MutexLock lock(wake_mutex_);
    while (!stopping_ && std::chrono::steady_clock::now() < now + kBusyPause && !more) {
      wake_.WaitUntil(wake_mutex_, now + kBusyPause);
    }
    while (!stopping_ && !woken_ && std::chrono::steady_clock::now() < now + kIdlePause && !more) {
      wake_.WaitUntil(wake_mutex_, now + kIdlePause);
    }
    woken_ = false;
    if (stopping_) return;
  }
}

bool Alerting::Step() {
  bool more = true;
  bool sent = true;
  for (int round = 0; round < kMostRounds && sent; ++round) {
    const Instant now = ledger_.Now();
    more = LookAndSave(now);
    std::vector<Outgoing> outgoing;
    {
      const MutexLock lock(mutex_);
      outgoing = FindOutgoing(now);
    }
    sent = !outgoing.empty();
    if (sent) {
      Send(outgoing);
      const MutexLock lock(mutex_);
      Note(outgoing, ledger_.Now());
      SaveRows();
    }
    TellWell();
  }
  return more || sent;
}

bool Alerting::LookAndSave(Instant now) {
  const MutexLock lock(mutex_);
  const StatusOr<bool> more = open_.LookAgain(log_size_, now);
  const std::string trouble = more.ok() ? "" : Message(more.status());
  if (!trouble.empty() && look_trouble_.empty()) {
    spdlog::error("alerts cannot be derived: {}", trouble);
  }
  look_trouble_ = trouble;
  SaveRows();
  return more.ok() && *more;
}

// What cannot be written is handed out all the same, and written as soon as it can be.
void Alerting::SaveRows() {
  const Status saved = rows_.Save(ledger_);
  const std::string trouble = saved.ok() ? "" : Message(saved);
  if (!trouble.empty() && save_trouble_.empty()) {
    spdlog::error("what was handed out cannot be written down: {}", trouble);
  }
  save_trouble_ = trouble;
}

// The most severe first, of these the oldest: what comes after may have to wait for the next round.
std::vector<Alerting::Outgoing> Alerting::FindOutgoing(Instant now) {
  std::vector<const std::pair<const AlertKey, pb::AlertRecord>*> order;
  for (const auto& one : open_.records()) order.push_back(&one);
  std::ranges::stable_sort(order, {}, [](const auto* one) {
    return std::pair(-one->second.severity(), FromProto(one->second.since()).micros);
  });
  std::vector<Outgoing> outgoing;
  std::map<const Recipient*, std::size_t> loads;
  const std::shared_ptr<const Registry> registry = ledger_.registry();
  for (const auto* one : order) {
    const auto& [key, record] = *one;
    for (const DueHandout& due : DueHandouts(config_, record, healths_, now)) {
      if (++loads[due.recipient] > kMostAtOnce) continue;
      const pb::Handout* before = FindHandout(record, due.site, due.recipient->name);
      pb::AlertNotice notice = NoticeOf(record, due.site, *registry, now);
      notice.set_time((before == nullptr ? 0 : before->times()) + 1);
      notice.set_step(due.step);
      outgoing.push_back({key, due, NoticeJson(notice)});
    }
  }
  return outgoing;
}

void Alerting::Send(std::vector<Outgoing>& outgoing) {
  std::map<const Recipient*, std::vector<Outgoing*>> lanes;
  for (Outgoing& one : outgoing) lanes[one.to.recipient].push_back(&one);
  std::vector<std::vector<Outgoing*>> work;
  for (auto& [recipient, lane] : lanes) work.push_back(std::move(lane));
  WorkPool pool(static_cast<unsigned>(std::min<std::size_t>(kSideBySide, work.size())));
  pool.Wait(pool.Start(work.size(), [&](std::size_t i) { SendLane(work[i]); }));
}

// A recipient that fails once is not asked for the rest: what it was to get goes to who comes next.
void Alerting::SendLane(const std::vector<Outgoing*>& lane) {
  const MutexLock turn(turns_.find(lane.front()->to.recipient->name)->second);
  const Instant began = ledger_.Now();
  for (Outgoing* one : lane) {
    one->tried = true;
    one->outcome = deliverer_.Deliver(*one->to.recipient, one->json);
    const std::int64_t taken = ledger_.Now() - began;
    if (!one->outcome.ok() || taken >= kLaneMicros || taken < 0) return;
  }
}

void Alerting::Note(const std::vector<Outgoing>& sent, Instant now) {
  for (const Outgoing& one : sent) {
    const auto record = open_.records().find(one.alert);
    if (!one.tried || record == open_.records().end()) continue;
    const std::string& name = one.to.recipient->name;
    RecipientHealth& health = healths_[name];
    NoteOutcome(one.to, one.outcome, now, record->second, health);
    open_.Keep(record->second);
    if (one.outcome.ok()) {
      spdlog::info("alert {} of site {}: handed to {}", one.alert.second, one.to.site, name);
    } else {
      spdlog::warn("alert {} of site {}: {} did not take it ({} in a row): {}; next try at {}",
                   one.alert.second, one.to.site, name, health.failures, health.error,
                   FormatUtc({health.next_try_us}));
    }
  }
}

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
    CUSTODY_RETURN_IF_ERROR(
        ReadRows(ledger_, AlertRows::kPast, [&](std::string_view key, std::string_view value) {
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

StatusOr<pb::TestAlertReply> Alerting::Test(const std::string& site, Instant now) {
  pb::AlertRecord record;
  record.set_alert("T-" + site + "-" + Compact(now));
  record.set_rule("TEST");
  record.set_severity(pb::ALERT_ROUTINE);
  record.add_sites(site);
  *record.mutable_since() = ToProto(now);
  *record.mutable_ended() = ToProto(now);
  pb::AlertNotice notice = TestNotice(record.alert(), site, *ledger_.registry(), now);
  notice.set_time(1);
  std::vector<Outgoing> outgoing;
  for (const Recipient* recipient : RecipientsOf(config_, site)) {
    const auto step = static_cast<std::uint32_t>(outgoing.size() + 1);
    notice.set_step(step);
    outgoing.push_back({{"", record.alert()}, {site, recipient, step}, NoticeJson(notice)});
  }
  if (outgoing.empty()) {
    return InvalidArgument("site " + site +
                           " has no recipients: name some in an [[alerts.list]] "
                           "of the server's settings");
  }
  Send(outgoing);
  pb::TestAlertReply reply;
  {
    const MutexLock lock(mutex_);
    bool all = true;
    for (const Outgoing& one : outgoing) {
      // What a test finds wrong is the test's; that it was taken says that the way is open.
      RecipientHealth of_test;
      RecipientHealth& health = one.outcome.ok() ? healths_[one.to.recipient->name] : of_test;
      NoteOutcome(one.to, one.outcome, now, record, health);
      all = all && one.outcome.ok();
    }
    rows_.Put(PastRow(now.micros, "", record.alert()), record.SerializeAsString());
    if (all) {
      passed_[site] = now.micros;
      rows_.Put(TestRow(site), U64(static_cast<std::uint64_t>(now.micros)));
    }
    SaveRows();
    const auto passed = passed_.find(site);
    if (passed != passed_.end()) {
      *reply.mutable_next_due() =
          ToProto(Instant{passed->second} + config_.test_days * kMicrosPerDay);
    }
  }
  TellWell();
  reply.set_alert(record.alert());
  *reply.mutable_handouts() = record.handouts();
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

bool Alerting::IsWell() const {
  const bool failing =
      std::ranges::any_of(healths_, [](const auto& one) { return one.second.failing(); });
  return !failing && look_trouble_.empty() && save_trouble_.empty();
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

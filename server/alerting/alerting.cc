// One thread looks and decides; each recipient that has something in hand has a thread of its own,
// one message after the other, none begun when 5 s have passed since the first: so nobody is given
// more at once than fits into a few seconds, and what a slow recipient has not been asked yet stays
// due. The looking thread waits for them only as long as most of them take; one that hangs is left
// behind, and is told nothing more until it has ended. The lock is never held while a recipient
// works.
#include "server/alerting/alerting.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <system_error>

#include "crypto/hash.h"
#include "custody/work_pool.h"
#include "server/alerting/notice.h"
#include "server/alerting/program.h"

namespace custody {
namespace {

// Of one recipient in one round: 40 patients of one tank are told in two. None is begun when so
// much time has passed since the first.
constexpr std::size_t kMostAtOnce = 20;
constexpr std::int64_t kLaneMicros = 5 * kMicrosPerSecond;
// As long as an escalation list can be: each goes on to who comes next when one fails.
constexpr int kMostRounds = 16;
constexpr std::size_t kMostLanes = 64;
constexpr auto kIdlePause = std::chrono::seconds(1);
constexpr auto kBusyPause = std::chrono::milliseconds(200);

// "20260302T101500Z"
std::string Compact(Instant now) {
  std::string text = FormatUtc({now.micros / kMicrosPerSecond * kMicrosPerSecond});
  std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
  return text;
}

}  // namespace

Alerting::Alerting(Ledger& ledger, AlertingConfig config, Deliverer& deliverer,
                   std::chrono::milliseconds patience)
    : ledger_(ledger),
      config_(std::move(config)),
      deliverer_(deliverer),
      patience_(patience),
      open_(ledger, rows_) {
  const pb::Environment environment = ledger.registry()->environment();
  const MutexLock lock(mutex_);
  for (const Recipient& recipient : config_.recipients) {
    turns_[recipient.name];
    const Status webhook = CheckWebhook(recipient, environment);
    if (webhook.ok()) continue;
    spdlog::error("alerts: recipient {}: {}", recipient.name, Message(webhook));
    refused_[recipient.name] = webhook;
    healths_[recipient.name] = {1, Message(webhook), ledger.Now().micros, 0};
  }
}

StatusOr<std::unique_ptr<Alerting>> Alerting::Open(Ledger& ledger, AlertingConfig config,
                                                   Deliverer& deliverer,
                                                   std::chrono::milliseconds patience) {
  CUSTODY_RETURN_IF_ERROR(CheckAlerting(config));
  std::unique_ptr<Alerting> alerting(new Alerting(ledger, std::move(config), deliverer, patience));
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
  if (thread_.joinable()) {
    deliverer_.Stop();
    thread_.join();
  }
  {
    const MutexLock lock(lanes_mutex_);
    for (const auto& [recipient, lane] : lanes_) {
      while (!lane.ended) lane_ended_.Wait(lanes_mutex_);
    }
  }
  NoteEnded();
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
    NoteEnded();
    more = LookAndSave(now);
    sent = BeginLanes(now);
    if (sent) {
      AwaitLanes();
      NoteEnded();
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
      if (lanes_.contains(due.recipient)) continue;  // it has something in hand
      const bool room = loads.contains(due.recipient) || loads.size() + lanes_.size() < kMostLanes;
      if (!room || ++loads[due.recipient] > kMostAtOnce) continue;
      const pb::Handout* before = FindHandout(record, due.site, due.recipient->name);
      pb::AlertNotice notice = NoticeOf(record, due.site, *registry, now);
      notice.set_time((before == nullptr ? 0 : before->times()) + 1);
      notice.set_step(due.step);
      outgoing.push_back({key, due, NoticeJson(notice)});
    }
  }
  return outgoing;
}

// Says whether there was anything to hand out.
bool Alerting::BeginLanes(Instant now) {
  std::vector<Outgoing> outgoing;
  {
    const MutexLock lock(mutex_);
    outgoing = FindOutgoing(now);
  }
  ++round_;
  std::vector<Lane*> begun;
  for (Outgoing& one : outgoing) {
    Lane& lane = lanes_[one.to.recipient];
    if (lane.messages.empty()) begun.push_back(&lane);
    lane.round = round_;
    lane.messages.push_back(std::move(one));
  }
  bool sent = false;
  std::string trouble;
  for (Lane* lane : begun) {
    const Recipient* const recipient = lane->messages.front().to.recipient;
    const Status status = BeginLane(*lane);
    sent = sent || status.ok();
    if (status.ok()) continue;
    trouble = Message(status);
    lanes_.erase(recipient);  // it is due still, at the next look
  }
  const MutexLock lock(mutex_);
  if (!trouble.empty() && lane_trouble_.empty()) spdlog::error("{}", trouble);
  lane_trouble_ = trouble;
  return sent;
}

Status Alerting::BeginLane(Lane& lane) {
  const auto work = [this, &lane] {
    SendLane(lane.messages);
    {
      const MutexLock lock(lanes_mutex_);
      lane.ended = true;
      lane_ended_.NotifyAll();
    }
    const MutexLock lock(wake_mutex_);  // what came of it is noted at once
    woken_ = true;
    wake_.NotifyAll();
  };
  try {
    lane.thread = std::thread(work);
  } catch (const std::system_error& error) {
    return Unavailable(std::string("alerts cannot be handed out: no thread can be begun (") +
                       error.what() +
                       "); tried again every second. See to the machine's memory, and to how many "
                       "threads the server may have");
  }
  return Status();
}

// For those of this round; who was left behind by an earlier one is not waited for again.
void Alerting::AwaitLanes() {
  const auto end = std::chrono::steady_clock::now() + patience_;
  const MutexLock lock(lanes_mutex_);
  const auto all_ended = [&] {
    return std::ranges::all_of(
        lanes_, [&](const auto& one) { return one.second.ended || one.second.round != round_; });
  };
  while (!all_ended() && std::chrono::steady_clock::now() < end) {
    lane_ended_.WaitUntil(lanes_mutex_, end);
  }
}

void Alerting::NoteEnded() {
  std::vector<const Recipient*> ended;
  {
    const MutexLock lock(lanes_mutex_);
    for (const auto& [recipient, lane] : lanes_) {
      if (lane.ended) ended.push_back(recipient);
    }
  }
  for (const Recipient* recipient : ended) {
    const auto lane = lanes_.find(recipient);
    lane->second.thread.join();
    const MutexLock lock(mutex_);
    Note(lane->second.messages, ledger_.Now());
    lanes_.erase(lane);
  }
  if (ended.empty()) return;
  const MutexLock lock(mutex_);
  SaveRows();
}

// A recipient that fails once is not asked for the rest: what it was to get goes to who comes next.
void Alerting::SendLane(std::span<Outgoing> lane) {
  const Recipient& recipient = *lane.front().to.recipient;
  const MutexLock turn(turns_.find(recipient.name)->second);
  const auto refused = refused_.find(recipient.name);
  const Instant began = ledger_.Now();
  for (Outgoing& one : lane) {
    one.tried = true;
    one.outcome =
        refused != refused_.end() ? refused->second : deliverer_.Deliver(recipient, one.json);
    // What a program printed may be what it was handed. In a test that helps, and tells nothing.
    const bool test = one.alert.first.empty();
    if (!test && !recipient.program.empty()) one.outcome = WithoutOutput(one.outcome);
    const std::int64_t taken = ledger_.Now() - began;
    if (!one.outcome.ok() || taken >= kLaneMicros || taken < 0) return;
  }
}

void Alerting::Note(const std::vector<Outgoing>& sent, Instant now) {
  for (const Outgoing& one : sent) {
    if (!one.tried) continue;
    const std::string& name = one.to.recipient->name;
    RecipientHealth& health = healths_[name];
    // An alert may have ended while it was in hand; how the recipient did is to be known.
    const auto record = open_.records().find(one.alert);
    const bool open = record != open_.records().end();
    pb::AlertRecord ended;
    NoteOutcome(one.to, one.outcome, now, open ? record->second : ended, health);
    if (open) open_.Keep(record->second);
    if (one.outcome.ok()) {
      spdlog::info("alert {} of site {}: handed to {}", one.alert.second, one.to.site, name);
    } else {
      spdlog::warn("alert {} of site {}: {} did not take it ({} in a row): {}; next try at {}",
                   one.alert.second, one.to.site, name, health.failures, health.error,
                   FormatUtc({health.next_try_us}));
    }
  }
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
  WorkPool pool(static_cast<unsigned>(std::min(kMostLanes, outgoing.size())));
  pool.Wait(pool.Start(outgoing.size(),
                       [&](std::size_t i) { SendLane(std::span(outgoing).subspan(i, 1)); }));
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

}  // namespace custody

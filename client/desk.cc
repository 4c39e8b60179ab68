#include "client/desk.h"

#include <set>
#include <utility>

#include "client/field_values.h"
#include "client/pages.h"
#include "custody/chain.h"
#include "custody/rules.h"
#include "custody/therapy.h"

namespace custody {
namespace {

bool CannotReach(const Status& status) {
  return status.code() == StatusCode::kUnavailable ||
         status.code() == StatusCode::kDeadlineExceeded;
}

// A server that is too busy to show its registry is as good as away: the station works on.
Status BusyIsAway(const Status& status) {
  if (status.code() != StatusCode::kResourceExhausted) return status;
  return Unavailable("the server is too busy to answer: " + Message(status));
}

}  // namespace

Desk::Desk(StationFolder folder, Connector connect, Clock& clock, Rng& rng)
    : folder_(std::move(folder)),
      known_(folder_.path()),
      connect_(std::move(connect)),
      clock_(clock),
      rng_(rng) {}

StatusOr<std::unique_ptr<Desk>> Desk::Open(const std::filesystem::path& path, Clock& clock,
                                           Rng& rng) {
  CUSTODY_ASSIGN_OR_RETURN(StationFolder folder, StationFolder::Open(path));
  return OpenWith(
      std::move(folder),
      [&clock](const StationFolder& its_folder) { return Session::Connect(its_folder, clock); },
      clock, rng);
}

StatusOr<std::unique_ptr<Desk>> Desk::OpenWith(StationFolder folder, const Connector& connect,
                                               Clock& clock, Rng& rng) {
  std::unique_ptr<Desk> desk(new Desk(std::move(folder), connect, clock, rng));
  const Status connected = desk->Reconnect();
  if (CannotReach(connected)) {
    CUSTODY_RETURN_IF_ERROR(desk->PrepareOffline());
  } else {
    CUSTODY_RETURN_IF_ERROR(connected);
  }
  return desk;
}

Status Desk::ReconnectNowAndThen() {
  constexpr std::int64_t kPause = 30 * kMicrosPerSecond;
  const bool soon = clock_.MonotonicMicros() - tried_at_ < kPause;
  return online() || !soon ? Reconnect() : offline_;
}

Status Desk::Reconnect() {
  if (online()) return absl::OkStatus();
  tried_at_ = clock_.MonotonicMicros();
  auto session = connect_(folder_);
  if (session.ok()) {
    session_ = *std::move(session);
    const Status prepared = Prepare();
    if (prepared.ok()) return prepared;
    LoseSession(prepared);
  } else {
    offline_ = session.status();
  }
  return offline_;
}

Status Desk::Prepare() {
  offset_micros_ = session_->hello().clock_offset_ms() * 1000;
  CUSTODY_RETURN_IF_ERROR(known_.KeepHello(session_->hello()));
  if (ClockAhead()) CUSTODY_RETURN_IF_ERROR(known_.KeepClock(*compared_));
  CUSTODY_RETURN_IF_ERROR(RefreshRegistry());
  environment_ = registry_->environment();
  return absl::OkStatus();
}

std::optional<Instant> Desk::ConfirmedAt(std::string_view id) const {
  const auto kept = known_.Therapy(id);
  return kept.ok() ? std::optional<Instant>(kept->confirmed_at) : std::nullopt;
}

Status Desk::PrepareOffline() {
  const auto hello = known_.Hello();
  auto registry = known_.FoldRegistry();
  if (!hello.ok() || !registry.ok()) {
    return Unavailable(Message(offline_) +
                       "; this station has not seen the server yet, so nothing can be prepared "
                       "without it");
  }
  CUSTODY_RETURN_IF_ERROR(CheckClockOffset(folder_.trust(), hello->clock_offset_ms()));
  offset_micros_ = hello->clock_offset_ms() * 1000;
  if (const auto compared = known_.Clock(); compared.ok()) compared_ = *compared;
  registry_ = std::make_shared<const Registry>(*std::move(registry));
  environment_ = registry_->environment();
  return absl::OkStatus();
}

// The registry is read anew for offline work only when it moved, which is seldom.
Status Desk::RefreshRegistry() {
  auto loaded = session_->LoadRegistry();
  CUSTODY_RETURN_IF_ERROR(BusyIsAway(loaded.status()));
  registry_ = *std::move(loaded);
  const auto kept = known_.FoldRegistry();
  if (kept.ok() && kept->version() == registry_->version()) return absl::OkStatus();
  std::vector<std::string> chains = {"registry"};
  for (const auto& [site, ignored] : registry_->sites()) chains.push_back("registry/" + site);
  std::vector<pb::EntryReply> entries;
  for (const std::string& chain : chains) {
    auto read = session_->ReadChain(chain);
    if (read.status().code() == StatusCode::kPermissionDenied) continue;  // not ours to see
    CUSTODY_RETURN_IF_ERROR(BusyIsAway(read.status()));
    for (pb::EntryReply& entry : *read) {
      if (entry.has_signed_()) entries.push_back(std::move(entry));
    }
  }
  return known_.KeepRegistry(entries);
}

void Desk::LoseSession(const Status& why) {
  // Of a program that ran for hours; without it the one that it began with is known.
  if (compared_) static_cast<void>(known_.KeepClock(*compared_));
  session_.reset();
  offline_ = why;
}

Instant Desk::Now() const { return online() ? session_->Now() : clock_.Now() + offset_micros_; }

std::optional<std::int64_t> Desk::ClockAhead() const {
  if (!online()) return std::nullopt;
  const std::optional<std::int64_t> ahead = session_->ClockAhead();
  if (ahead) compared_ = {*ahead, Now()};
  return ahead;
}

Status Desk::FoldIn(const pb::SignedEvent& signed_event, std::uint64_t index,
                    pb::GetTherapyReply& therapy) const {
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent event, ParseEvent(signed_event.payload()));
  if (event.event.sequence() != therapy.length() || event.event.previous() != therapy.head()) {
    return Aborted("the chain has moved on");
  }
  const Place place{index, event.event.sequence(), Now()};
  const pb::Verdict verdict = Judge(event, *registry_, therapy.state(), place);
  ApplyToTherapy(event, place, verdict, *registry_, *therapy.mutable_state());
  therapy.set_length(event.event.sequence() + 1);
  therapy.set_head(event.event_id.ToString());
  return absl::OkStatus();
}

StatusOr<pb::GetTherapyReply> Desk::FromKnown(std::string_view id) const {
  pb::GetTherapyReply therapy;
  auto kept = known_.Therapy(id);
  if (kept.ok()) {
    therapy = std::move(kept->reply);
  } else if (kept.status().code() != StatusCode::kNotFound) {
    return kept.status();
  }
  CUSTODY_ASSIGN_OR_RETURN(const auto outbox, folder_.Outbox());
  for (const auto& item : outbox) {
    // One that cannot be read, or no longer fits, stays in the outbox and is dealt with when it is
    // sent.
    const StatusOr<pb::SignedEvent> waiting = folder_.ReadOutbox(item);
    pb::Event event;
    if (!waiting.ok() || !event.ParseFromString(waiting->payload())) continue;
    if (event.chain() != TherapyChain(id)) continue;
    if (!FoldIn(*waiting, therapy.state().index() + 1, therapy).ok()) continue;
  }
  if (therapy.length() == 0) {
    return NotFound("therapy " + std::string(id) + " was not opened at this station before, and " +
                    Message(offline_));
  }
  return therapy;
}

StatusOr<pb::GetTherapyReply> Desk::Therapy(std::string_view id) {
  if (online()) {
    auto therapy = session_->GetTherapy(id, std::nullopt);
    if (therapy.ok()) CUSTODY_RETURN_IF_ERROR(known_.KeepTherapy(id, {*therapy, Now()}));
    if (therapy.ok() && therapy->state().sealed()) {
      CUSTODY_RETURN_IF_ERROR(known_.ForgetSecret(id));
    }
    if (!CannotReach(therapy.status())) return therapy;
    LoseSession(therapy.status());
  }
  return FromKnown(id);
}

StatusOr<std::vector<pb::GetTherapyReply>> Desk::Therapies(Status& whole) {
  std::vector<pb::GetTherapyReply> all;
  whole = Status();
  if (!online()) {
    for (const std::string& id : known_.Therapies()) {
      StatusOr<pb::GetTherapyReply> therapy = FromKnown(id);
      whole = therapy.status();
      CUSTODY_RETURN_IF_ERROR(whole);
      all.push_back(*std::move(therapy));
    }
    return all;
  }
  pb::ListTherapiesRequest request;
  request.set_limit(500);
  const auto call = [&](const pb::ListTherapiesRequest& page) {
    return session_->ListTherapies(page);
  };
  std::vector<pb::ListTherapiesReply> pages;
  whole = AllPages(request, call, pages);
  for (pb::ListTherapiesReply& page : pages) {
    for (pb::GetTherapyReply& therapy : *page.mutable_therapies()) {
      const std::string& id = therapy.state().therapy();
      const Status kept = IsChainId(id)
                              ? known_.KeepTherapy(id, {therapy, Now()})
                              : DataLoss("the server lists a therapy under what is no id");
      if (!kept.ok()) whole = kept;
      CUSTODY_RETURN_IF_ERROR(kept);
      all.push_back(std::move(therapy));
    }
  }
  if (!whole.ok() && !ListedThoughNotAll(whole, all.empty())) return whole;
  return all;
}

StatusOr<std::vector<pb::NextStep>> Desk::Next(std::string_view id) {
  if (online()) {
    auto reply = session_->NextSteps(id, std::nullopt);
    if (reply.ok()) {
      return std::vector<pb::NextStep>(reply->steps().begin(), reply->steps().end());
    }
    if (!CannotReach(reply.status())) return reply.status();
    LoseSession(reply.status());
  }
  CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply therapy, FromKnown(id));
  return NextStepsOf(therapy.state(), *registry_, Now());
}

StatusOr<std::string> Desk::Resolve(std::string_view text) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string value, NormaliseScan(pb::SCAN_KIND_UNSPECIFIED, text));
  const bool may_be_id = IsChainId(value);
  if (may_be_id) {
    const auto therapy = Therapy(value);
    if (therapy.ok()) return value;
    if (therapy.status().code() != StatusCode::kNotFound &&
        therapy.status().code() != StatusCode::kPermissionDenied) {
      return therapy.status();
    }
  }
  std::set<std::string> ids;
  if (online()) {
    const auto found = session_->Find("", value);
    if (CannotReach(found.status())) {
      LoseSession(found.status());
    } else {
      CUSTODY_RETURN_IF_ERROR(found.status());
      for (const auto& one : found->found()) {
        if (!IsChainId(one.therapy())) return DataLoss("the server found what is no therapy's id");
        ids.insert(one.therapy());
      }
    }
  }
  if (!online()) {
    for (const std::string& id : known_.Therapies()) {
      CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply therapy, FromKnown(id));
      bool is_its_own = therapy.state().coi() == value;
      for (const auto& container : therapy.state().containers()) {
        is_its_own = is_its_own || container.id() == value || container.din() == value ||
                     container.lot() == value || container.cassette() == value;
      }
      if (is_its_own) ids.insert(id);
    }
  }
  if (ids.empty()) {
    return NotFound("\"" + value + "\" belongs to no therapy that this station may see");
  }
  if (ids.size() > 1) {
    return FailedPrecondition("\"" + value +
                              "\" belongs to several therapies; scan the "
                              "chain-of-identity identifier instead");
  }
  return *ids.begin();
}

StatusOr<std::string> Desk::Secret(std::string_view id, pb::Role role) {
  if (online()) {
    pb::GetSubjectRequest request;
    request.set_therapy(std::string(id));
    request.set_role(role);
    auto subject = session_->GetSubject(request);
    if (subject.ok()) {
      CUSTODY_RETURN_IF_ERROR(known_.KeepSecret(id, subject->secret(), rng_));
      return subject->secret();
    }
    if (!CannotReach(subject.status())) return subject.status();
    LoseSession(subject.status());
  }
  auto kept = known_.Secret(id);
  if (kept.status().code() == StatusCode::kNotFound) {
    return Unavailable(
        "the wristband cannot be compared: this therapy was not opened here while "
        "the server was there; read it when the server is back");
  }
  return kept;
}

Reservation::Reservation(Desk& desk, std::string_view therapy)
    : desk_(desk), chain_(TherapyChain(therapy)) {
  if (desk_.online()) status_ = desk_.session().Reserve(chain_, kMaxReserveSeconds).status();
}

Reservation::~Reservation() {
  // Whatever becomes of it: a reservation that is not given back ends by itself.
  if (status_.ok() && desk_.online()) static_cast<void>(desk_.session().Reserve(chain_, 0));
}

void Desk::Advance(const pb::SignedEvent& signed_event, std::uint64_t index) {
  pb::Event event;
  if (!event.ParseFromString(signed_event.payload())) return;
  const auto chain = Chain::Parse(event.chain());
  if (!chain.ok() || chain->kind() != ChainKind::kTherapy) return;
  pb::GetTherapyReply therapy;
  if (auto kept = known_.Therapy(chain->id()); kept.ok()) therapy = std::move(kept->reply);
  // What does not follow on what is known is left to the next look at the server.
  if (!FoldIn(signed_event, index, therapy).ok()) return;
  static_cast<void>(known_.KeepTherapy(chain->id(), {therapy, Now()}));
}

}  // namespace custody

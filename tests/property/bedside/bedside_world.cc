#include "tests/property/bedside/bedside_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "custody/rules.h"
#include "custody/state.h"
#include "tests/property/bedside/bedside_letters.h"
#include "tests/property/custody/therapy_walk.h"
#include "tests/support/event_builder.h"
#include "tests/support/main_path.h"

namespace custody {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr std::array<std::string_view, 2> kChains = {"therapy/T1", "therapy/T2"};
// Every letter takes a second, so that what is said later is later.
constexpr std::int64_t kBeat = kMicrosPerSecond;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "the world of the model does not hold: %s\n", why.c_str());
  std::abort();
}

void CollectTimes(Message& message, std::vector<google::protobuf::Timestamp*>& out) {
  if (auto* time = dynamic_cast<google::protobuf::Timestamp*>(&message)) {
    out.push_back(time);
    return;
  }
  std::vector<const FieldDescriptor*> fields;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field->message_type() == nullptr) continue;
    if (!field->is_repeated()) {
      CollectTimes(*reflection->MutableMessage(&message, field), out);
      continue;
    }
    for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
      CollectTimes(*reflection->MutableRepeatedMessage(&message, field, i), out);
    }
  }
}

std::uint64_t Mixed(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// An id that nobody has to hash for: the same letter at the same place has the same.
Hash IdOf(std::size_t letter, std::uint64_t place) {
  Hash id;
  std::uint64_t seed = Mixed(letter * 1'000'003 + place);
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (i % 8 == 0) seed = Mixed(seed);
    id.bytes[i] = static_cast<std::uint8_t>(seed >> (8 * (i % 8)));
  }
  return id;
}

// `verdict` as if there were no rule `without`, or none at all.
void Disable(std::string_view without, bool live, pb::Verdict& verdict) {
  auto* reasons = verdict.mutable_reasons();
  if (without == kEveryRule) reasons->Clear();
  for (int i = reasons->size() - 1; i >= 0; --i) {
    if (reasons->Get(i).rule() == without) reasons->DeleteSubrange(i, 1);
  }
  verdict.set_refused(std::ranges::any_of(*reasons, [&](const pb::Reason& reason) {
    const bool gate = reason.kind() == pb::REASON_GATE && !reason.overridden() && live;
    return gate || reason.kind() == pb::REASON_STRUCTURE;
  }));
}

}  // namespace

BedsideWorld::BedsideWorld(bool consented) {
  const pb::Profile profile = DemoProfile();
  ledger_.PublishProfile(profile);
  std::vector<OracleWindow> windows;
  for (const pb::Window& window : profile.windows()) {
    windows.push_back({window.anchor() == pb::FROM_THAW_START, window.minutes()});
  }
  const Instant begin = ledger_.now();
  for (const std::size_t therapy : {0U, 1U}) {
    ready_.oracles[therapy].Own() = BedsideOracle(windows);
    ledger_.set_now(begin);
    PlaySeed(therapy, consented || therapy == 1);
  }
  ready_.now = ledger_.now().micros;
  for (BedsideLetter& made : BedsideLetters(ledger_.now())) {
    Letter& letter = letters_.emplace_back();
    letter.name = made.name;
    letter.therapy = made.therapy;
    letter.wait = made.wait;
    letter.aim = made.aim;
    if (letter.wait != 0) continue;
    letter.parsed = Must(
        ParseEvent(Signed(made.therapy, made.signers, made.body, ready_.now).SerializeAsString()));
    if (made.finish) {
      pb::Event event = letter.parsed.event;
      made.finish(event, ledger_);
      letter.parsed = Must(ParseEvent(event.SerializeAsString()));
    }
    CollectTimes(letter.parsed.event, letter.times);
    for (const auto* time : letter.times) {
      letter.seconds.push_back(time->seconds() - ready_.now / kMicrosPerSecond);
    }
  }
  KnowEverybody();
}

// Who acts is in the state from the beginning, so that it does not matter who acts first; what
// nothing here asks is dropped, so that it need not be copied.
void BedsideWorld::KnowEverybody() {
  std::set<std::string> people;
  for (const Letter& letter : letters_) {
    for (const pb::Signer& who : letter.parsed.event.signers()) people.insert(who.person());
    for (const pb::Performer& who : letter.parsed.event.performed_by()) people.insert(who.person());
  }
  for (Shared<pb::TherapyState>& shared : ready_.states) {
    pb::TherapyState& state = shared.Own();
    for (const std::string& person : people) {
      if (!PersonIndex(state, person)) state.add_persons(person);
    }
    state.clear_event_prefixes();
    state.clear_event_bodies();
    // The bag that nobody released lies at the bedside, however it came there.
    for (pb::Container& bag : *state.mutable_containers()) {
      if (bag.id() == kBagB) bag.set_site("CLINIC");
    }
    for (const pb::Deviation& deviation : state.deviations()) {
      if (deviation.critical()) Fail("the seed deviates: " + deviation.id());
    }
  }
}

pb::Event BedsideWorld::Signed(std::size_t therapy, const std::vector<std::string>& signers,
                               pb::Event body, std::int64_t at) {
  ledger_.set_now(Instant{at});
  EventBuilder event = ledger_.On(kChains[therapy]);
  for (const std::string& signer : signers) event.By(signer);
  event.event().MergeFrom(body);
  const pb::TherapyState& state = *ready_.states[therapy];
  event.event().set_sequence(state.length());
  if (state.length() > 0) event.event().set_previous(state.head());
  return event.Build();
}

void BedsideWorld::PlayStep(std::size_t therapy, const std::vector<std::string>& signers,
                            pb::Event body, std::int64_t at) {
  const ParsedEvent parsed =
      Must(ParseEvent(Signed(therapy, signers, std::move(body), at).SerializeAsString()));
  pb::TherapyState& state = ready_.states[therapy].Own();
  const Place place{ledger_.next_index() + state.length(), state.length(), Instant{at}};
  const pb::Verdict verdict = custody::Judge(parsed, ledger_.registry(), state, place);
  if (verdict.refused()) Fail(std::string(BodyName(parsed.event)) + ": " + Explain(verdict));
  ApplyToTherapy(parsed, place, verdict, ledger_.registry(), state);
  ready_.oracles[therapy].Own().Accept(parsed.event, parsed.event_id);
}

// The main path up to the check before the thaw; of the first therapy a second lot is made beside.
void BedsideWorld::PlaySeed(std::size_t therapy, bool consented) {
  const Instant start = ledger_.now();
  static const std::set<std::string, std::less<>> kMaking = {"batch_opened",
                                                             "cells_selected",
                                                             "activated",
                                                             "transduced",
                                                             "culture_check",
                                                             "harvested",
                                                             "formulated",
                                                             "filled",
                                                             "cryopreserved",
                                                             "qc_result",
                                                             "batch_record_reviewed"};
  for (const MainStep& step : MainPath(start)) {
    const std::int64_t at = start.micros + step.after;
    if (step.body == "prethaw_id_verified") {
      ledger_.set_now(Instant{at});
      return;
    }
    pb::Event body = step.event;
    if (therapy == 1) OfTheNeighbour(body);
    if (!consented && body.has_consent_obtained()) {
      body.mutable_consent_obtained()->clear_purposes();
      body.mutable_consent_obtained()->add_purposes(pb::CONSENT_TO_COLLECTION);
    }
    PlayStep(therapy, step.signers, body, at);
    if (therapy == 1 || !kMaking.contains(step.body)) continue;
    OfSecondLot(body);
    if (body.has_qc_result() && body.qc_result().test() == "viability") {
      body.mutable_qc_result()->set_value(60);
      body.mutable_qc_result()->set_outcome(pb::OUTCOME_FAIL);
    }
    PlayStep(therapy, step.signers, body, at + kMicrosPerMinute);
  }
  Fail("the main path has no check before the thaw");
}

std::size_t BedsideWorld::Find(std::string_view name) const {
  const auto found = std::ranges::find(letters_, name, &Letter::name);
  if (found == letters_.end()) Fail("no letter " + std::string(name));
  return static_cast<std::size_t>(found - letters_.begin());
}

std::vector<std::size_t> BedsideWorld::FindAll(const std::vector<std::string>& names) const {
  std::vector<std::size_t> found;
  for (const std::string& name : names) found.push_back(Find(name));
  return found;
}

void BedsideWorld::MoveTo(Letter& letter, const Moment& moment) const {
  const std::int64_t now = moment.now / kMicrosPerSecond;
  for (std::size_t i = 0; i < letter.times.size(); ++i) {
    letter.times[i]->set_seconds(now + letter.seconds[i]);
  }
  const auto number = static_cast<std::size_t>(&letter - letters_.data());
  const std::uint64_t length = moment.states[letter.therapy]->length();
  letter.parsed.event_id = IdOf(number, length);
  letter.parsed.event.set_sequence(length);  // signed on what the chain holds by then
}

pb::Verdict BedsideWorld::Judge(const Moment& moment, std::size_t i, std::string_view without) {
  Letter& letter = letters_[i];
  pb::Verdict verdict;
  verdict.set_refused(true);
  if (letter.wait != 0) return verdict;
  MoveTo(letter, moment);
  if (letter.aim && !letter.aim(moment, letter.parsed.event)) return verdict;
  const pb::TherapyState& state = *moment.states[letter.therapy];
  const Place place{ledger_.next_index() + state.length(), state.length(), Instant{moment.now}};
  verdict = custody::Judge(letter.parsed, ledger_.registry(), state, place);
  if (!without.empty()) Disable(without, letter.parsed.event.entry() == pb::LIVE, verdict);
  return verdict;
}

void BedsideWorld::Accept(Moment& moment, std::size_t i, const pb::Verdict& verdict,
                          Outcome& outcome) {
  Letter& letter = letters_[i];
  outcome.accepted = true;
  if (letter.wait != 0) {
    moment.now += letter.wait;
    moment.waited += letter.wait;
    ++moment.waits;
    return;
  }
  const pb::Event& event = letter.parsed.event;
  outcome.against = moment.oracles[letter.therapy]->Against(event, Instant{moment.now});
  pb::TherapyState& state = moment.states[letter.therapy].Own();
  const Place place{ledger_.next_index() + state.length(), state.length(), Instant{moment.now}};
  ApplyToTherapy(letter.parsed, place, verdict, ledger_.registry(), state);
  moment.oracles[letter.therapy].Own().Accept(event, letter.parsed.event_id);
  state.clear_event_prefixes();
  state.clear_event_bodies();
  moment.now += kBeat;
}

Outcome BedsideWorld::Take(Moment& moment, std::size_t i, std::string_view without) {
  Outcome outcome;
  const pb::Verdict verdict = Judge(moment, i, without);
  const bool waits = letters_[i].wait != 0;
  outcome.possible = waits || verdict.rules_version() != 0;
  if (waits || !verdict.refused()) Accept(moment, i, verdict, outcome);
  return outcome;
}

}  // namespace custody

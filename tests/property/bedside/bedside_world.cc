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

// `verdict` as if there were no rule `without`.
void Disable(std::string_view without, bool live, pb::Verdict& verdict) {
  auto* reasons = verdict.mutable_reasons();
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
    ready_.oracles[therapy] = BedsideOracle(windows);
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
  for (pb::TherapyState& state : ready_.states) {
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
  const pb::TherapyState& state = ready_.states[therapy];
  event.event().set_sequence(state.length());
  if (state.length() > 0) event.event().set_previous(state.head());
  return event.Build();
}

void BedsideWorld::PlayStep(std::size_t therapy, const std::vector<std::string>& signers,
                            pb::Event body, std::int64_t at) {
  const ParsedEvent parsed =
      Must(ParseEvent(Signed(therapy, signers, std::move(body), at).SerializeAsString()));
  pb::TherapyState& state = ready_.states[therapy];
  const Place place{ledger_.next_index() + state.length(), state.length(), Instant{at}};
  const pb::Verdict verdict = custody::Judge(parsed, ledger_.registry(), state, place);
  if (verdict.refused()) Fail(std::string(BodyName(parsed.event)) + ": " + Explain(verdict));
  ApplyToTherapy(parsed, place, verdict, ledger_.registry(), state);
  ready_.oracles[therapy].Accept(parsed.event, parsed.event_id);
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
  const std::uint64_t length = moment.states[letter.therapy].length();
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
  const pb::TherapyState& state = moment.states[letter.therapy];
  const Place place{ledger_.next_index() + state.length(), state.length(), Instant{moment.now}};
  verdict = custody::Judge(letter.parsed, ledger_.registry(), state, place);
  if (!without.empty()) Disable(without, letter.parsed.event.entry() == pb::LIVE, verdict);
  return verdict;
}

Outcome BedsideWorld::Take(Moment& moment, std::size_t i, std::string_view without) {
  Letter& letter = letters_[i];
  if (letter.wait != 0) {
    moment.now += letter.wait;
    moment.waited += letter.wait;
    return {true, true, {}};
  }
  const pb::Verdict verdict = Judge(moment, i, without);
  Outcome outcome;
  outcome.possible = verdict.rules_version() != 0;
  outcome.accepted = !verdict.refused();
  if (!outcome.accepted) return outcome;
  const pb::Event& event = letter.parsed.event;
  pb::TherapyState& state = moment.states[letter.therapy];
  BedsideOracle& oracle = moment.oracles[letter.therapy];
  const Place place{ledger_.next_index() + state.length(), state.length(), Instant{moment.now}};
  outcome.against = oracle.Against(event, Instant{moment.now});
  ApplyToTherapy(letter.parsed, place, verdict, ledger_.registry(), state);
  oracle.Accept(event, letter.parsed.event_id);
  state.clear_event_prefixes();
  state.clear_event_bodies();
  moment.now += kBeat;
  return outcome;
}

namespace {

// Times in units that a wait is a whole number of and a letter a small part.
constexpr std::int64_t kUnit = 4 * kMicrosPerMinute;

std::int64_t Age(std::int64_t at, std::int64_t ready) {
  if (at == 0) return 0;
  const std::int64_t micros = at - ready + 1'000 * kUnit;
  return micros < kUnit ? 1 : micros / kUnit;
}

// Every time in its units, and no ids of events.
void Coarsen(Message& message, std::int64_t ready) {
  std::vector<const FieldDescriptor*> fields;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string& name = field->name();
    if (field->message_type() != nullptr) {
      if (!field->is_repeated()) {
        Coarsen(*reflection->MutableMessage(&message, field), ready);
        continue;
      }
      for (int i = 0; i < reflection->FieldSize(message, field); ++i) {
        Coarsen(*reflection->MutableRepeatedMessage(&message, field, i), ready);
      }
    } else if (name.ends_with("_us") && !field->is_repeated() &&
               field->cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      reflection->SetInt64(&message, field, Age(reflection->GetInt64(message, field), ready));
    } else if (field->type() == FieldDescriptor::TYPE_BYTES && name != "wristband") {
      if (!field->is_repeated()) reflection->SetString(&message, field, "x");
      for (int i = 0; field->is_repeated() && i < reflection->FieldSize(message, field); ++i) {
        reflection->SetRepeatedString(&message, field, i, "x");
      }
    }
  }
}

// Of those alike two stand for all: one may be cleared, and another is left.
template <class List>
std::string OpenOnes(List* list) {
  std::multiset<std::string> open;
  for (auto& one : *list) {
    if (!one.open()) continue;
    one.clear_id();
    const std::string text = one.SerializeAsString();
    if (open.count(text) < 2) open.insert(text);
  }
  list->Clear();
  std::string out;
  for (const std::string& one : open) out += one + "\n";
  return out;
}

}  // namespace

std::string KeyOf(const Moment& moment, const Moment& ready) {
  std::string key = std::to_string(moment.waited / kUnit);
  for (const pb::TherapyState& whole : moment.states) {
    pb::TherapyState state = whole;
    state.clear_steps();
    state.clear_deviations();
    state.clear_timers();
    state.clear_alert_sources();
    state.clear_alerts_seen();
    state.clear_near_misses();
    state.clear_holdings();
    state.clear_attestations();
    state.clear_corrections();
    state.clear_length();
    state.clear_head();
    state.clear_index();
    state.clear_updated_us();
    state.clear_downtime();
    state.clear_state();
    const bool critical = std::ranges::any_of(
        whole.deviations(), [](const pb::Deviation& d) { return d.open() && d.critical(); });
    for (pb::Grant& grant : *state.mutable_grants()) grant.clear_index();
    for (pb::Container& bag : *state.mutable_containers()) {  // who thawed it, not how often
      const std::set<std::uint32_t> people(bag.thawed_by().begin(), bag.thawed_by().end());
      bag.mutable_thawed_by()->Assign(people.begin(), people.end());
    }
    auto* orders = state.mutable_orders();
    for (int i = orders->size() - 1; i >= 0; --i) {  // of one number the last counts
      bool again = false;
      for (int later = i + 1; later < orders->size(); ++later) {
        again = again || orders->Get(later).order() == orders->Get(i).order();
      }
      if (again && !orders->Get(i).open()) orders->DeleteSubrange(i, 1);
    }
    Coarsen(state, ready.now);
    key += critical ? "!" : ".";
    key += OpenOnes(state.mutable_holds());
    key += OpenOnes(state.mutable_quarantines());
    state.AppendToString(&key);
  }
  for (const BedsideOracle& oracle : moment.oracles) {
    key += oracle.Key([&](std::int64_t at) { return Age(at, ready.now); });
  }
  return key;
}

}  // namespace custody

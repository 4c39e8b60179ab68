#include "tests/support/main_path.h"

#include <google/protobuf/text_format.h>

#include <cstdio>
#include <cstdlib>

#include "crypto/file.h"
#include "custody/event.h"
#include "custody/rules.h"
#include "custody/therapy.h"
#include "tests/support/journey.h"

namespace custody {
namespace {

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "the main path does not hold: %s\n", why.c_str());
  std::abort();
}

}  // namespace

pb::Event ParseBody(std::string_view text, Instant now) {
  JourneyStep step;
  step.where = "a test";
  step.body = std::string(text);
  return Must(BodyOf(step, now, {}));
}

std::vector<MainStep> MainPath(Instant start) {
  static const Journey& journey =
      *new Journey(Must(ReadJourney(CUSTODY_JOURNEY_FOLDER "/normal_course.txt")));
  std::vector<MainStep> steps;
  for (const JourneyStep& step : journey.steps) {
    pb::Event event = Must(BodyOf(step, start + step.after, {}));
    std::string body(BodyName(event));
    steps.push_back({std::move(body), step.signers, step.after, std::move(event)});
  }
  return steps;
}

pb::Profile ProfileNamed(const std::string& file) {
  pb::Profile profile;
  const std::string path = CUSTODY_PROFILE_FOLDER "/" + file + ".textproto";
  if (!google::protobuf::TextFormat::ParseFromString(Must(ReadFile(path, 1 << 20)), &profile)) {
    Fail(path + " is no profile");
  }
  return profile;
}
pb::Profile DemoProfile() { return ProfileNamed("demo-product"); }

TherapyRun::TherapyRun(TestLedger& ledger, std::string_view chain)
    : ledger_(ledger), chain_(chain), start_(ledger.now()), steps_(MainPath(start_)) {
  const pb::Profile profile = DemoProfile();
  if (ledger.registry().FindProfile(profile.name()) == nullptr) ledger.PublishProfile(profile);
}

EventBuilder TherapyRun::Build(const MainStep& step) {
  ledger_.set_now(start_ + step.after);
  EventBuilder event = ledger_.On(chain_);
  for (const std::string& signer : step.signers) event.By(signer);
  event.event().MergeFrom(step.event);
  return event;
}

void TherapyRun::RecordNext() {
  EventBuilder event = Build(steps_[next_]);
  const pb::Verdict verdict = Record(event);
  if (verdict.refused()) Fail(steps_[next_].body + ": " + Explain(verdict));
  ++next_;
}

void TherapyRun::Until(std::string_view body) {
  while (next_ < steps_.size() && (body.empty() || steps_[next_].body != body)) RecordNext();
}

void TherapyRun::Through(std::string_view body) {
  Until(body);
  while (next_ < steps_.size() && steps_[next_].body == body) RecordNext();
}

EventBuilder TherapyRun::Next() { return Build(steps_[next_++]); }

void TherapyRun::Skip(std::string_view body) {
  while (next_ < steps_.size() && steps_[next_].body != body) ++next_;
}

EventBuilder TherapyRun::Draft(const std::vector<std::string>& signers, std::string_view text) {
  EventBuilder event = ledger_.On(chain_);
  for (const std::string& signer : signers) event.By(signer);
  event.event().MergeFrom(ParseBody(text, ledger_.now()));
  return event;
}

pb::Verdict TherapyRun::Judge(const EventBuilder& event) const {
  const Place place{ledger_.next_index(), state_.length(), ledger_.now()};
  return custody::Judge(event.Parse(), ledger_.registry(), state_, place);
}

pb::Verdict TherapyRun::Record(EventBuilder& event) {
  pb::Verdict verdict = Judge(event);
  if (verdict.refused()) return verdict;
  const Recorded& recorded = event.Record();
  const Place place{recorded.index, recorded.parsed.event.sequence(), recorded.received_at};
  ApplyToTherapy(recorded.parsed, place, verdict, ledger_.registry(), state_);
  verdicts_.push_back(verdict);
  return verdict;
}

}  // namespace custody

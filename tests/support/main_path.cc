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

// Puts `to` in the place of `from` wherever `message` says it.
void Rename(google::protobuf::Message& message, std::string_view from, std::string_view to) {
  const google::protobuf::Reflection& look = *message.GetReflection();
  const auto renamed = [&](std::string text) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
    return text;
  };
  std::vector<const google::protobuf::FieldDescriptor*> filled;
  look.ListFields(message, &filled);
  for (const google::protobuf::FieldDescriptor* field : filled) {
    const bool text = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_STRING;
    const bool inner = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
    if (!field->is_repeated()) {
      if (text) look.SetString(&message, field, renamed(look.GetString(message, field)));
      if (inner) Rename(*look.MutableMessage(&message, field), from, to);
      continue;
    }
    for (int i = 0; i < look.FieldSize(message, field); ++i) {
      if (text) {
        look.SetRepeatedString(&message, field, i,
                               renamed(look.GetRepeatedString(message, field, i)));
      }
      if (inner) Rename(*look.MutableRepeatedMessage(&message, field, i), from, to);
    }
  }
}

std::vector<MainStep> Numbered(std::vector<MainStep> steps, std::string_view number) {
  for (MainStep& step : steps) {
    for (const std::string_view name :
         {kMainDin, kMainLot}) {  // the chain of identity has the first
      Rename(step.event, name, std::string(name.substr(0, name.size() - 2)).append(number));
    }
  }
  return steps;
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

TherapyRun::TherapyRun(TestLedger& ledger, std::string_view chain, std::string_view number)
    : ledger_(ledger),
      chain_(chain),
      start_(ledger.now()),
      steps_(Numbered(MainPath(start_), number)) {
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

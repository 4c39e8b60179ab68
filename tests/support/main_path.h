// One whole therapy, from enrolment to the visit in month 2 to 3, as it should be: the journey
// normal_course, which tests of several rooms walk, stop in, and disturb.
#ifndef CUSTODY_TESTS_SUPPORT_MAIN_PATH_H_
#define CUSTODY_TESTS_SUPPORT_MAIN_PATH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"
#include "tests/support/event_builder.h"
#include "tests/support/test_ledger.h"

namespace custody {

// The identifiers of the main path.
inline constexpr std::string_view kMainCoi = "CHA999026000001";
inline constexpr std::string_view kMainDin = "A999026000001";
inline constexpr std::string_view kMainLot = "LOT26001";
inline constexpr std::string_view kMainBag = "LOT26001-1";
inline constexpr std::string_view kMainOrder = "INF-1";

// `MainStep` is one step: which body, who signs, when (microseconds after the start).
struct MainStep {
  std::string body;                  // "apheresis_started"
  std::vector<std::string> signers;  // in order; ids as in TestLedger
  std::int64_t after = 0;
  pb::Event event;  // the body alone, its times filled in
};

// `MainPath` is every step in order, its times counted from `start`. Deterministic.
std::vector<MainStep> MainPath(Instant start);

// `ProfileNamed` is custody/profiles/FILE.textproto; `DemoProfile` demo-product.
pb::Profile ProfileNamed(const std::string& file);
pb::Profile DemoProfile();

// `ParseBody` reads an Event's body from text format with the tokens of journeys (journey.h), at
// `now`.
pb::Event ParseBody(std::string_view text, Instant now);

// `TherapyRun` records a therapy on a TestLedger and folds it as a ledger would.
class TherapyRun {
 public:
  // Publishes the demo profile unless the ledger has it. `ledger` must outlive this. `number` ends
  // the chain of identity, the donation and the lot, two digits: each therapy has its own.
  explicit TherapyRun(TestLedger& ledger, std::string_view chain = "therapy/T1",
                      std::string_view number = "01");

  // `Until` records the main path up to, and not including, the first step of `body`; up to its end
  // when empty. Aborts the test when a step is refused.
  void Until(std::string_view body);
  // `Through` records up to and including the last step called `body`.
  void Through(std::string_view body);
  // `Next` is the main path's step that has not been recorded yet, as it would be signed: to be
  // changed.
  EventBuilder Next();
  // `Skip` leaves steps of the main path out, up to the first called `body`.
  void Skip(std::string_view body);

  // `Draft` begins an event at the run's present time by `signers` with a body in text format.
  EventBuilder Draft(const std::vector<std::string>& signers, std::string_view text);
  // `Judge` says what the rules say of it now; nothing is recorded.
  pb::Verdict Judge(const EventBuilder& event) const;
  // `Record` judges, and unless refused records and folds it.
  pb::Verdict Record(EventBuilder& event);
  pb::Verdict Record(EventBuilder&& event) { return Record(event); }

  const pb::TherapyState& state() const { return state_; }
  pb::TherapyState& mutable_state() { return state_; }
  const Registry& registry() const { return ledger_.registry(); }
  TestLedger& ledger() { return ledger_; }
  const std::vector<MainStep>& steps() const { return steps_; }
  const std::vector<pb::Verdict>& verdicts() const { return verdicts_; }
  const Recorded& last() const { return ledger_.log().back(); }

 private:
  EventBuilder Build(const MainStep& step);
  void RecordNext();

  TestLedger& ledger_;
  const std::string chain_;
  const Instant start_;
  const std::vector<MainStep> steps_;
  std::size_t next_ = 0;
  pb::TherapyState state_;
  std::vector<pb::Verdict> verdicts_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_MAIN_PATH_H_

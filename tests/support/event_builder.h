// Events for tests, written down in a few words:
//
//   TestLedger ledger;
//   const Recorded& enrolled =
//       ledger.On("therapy/T1").By("clinic.coord.1").By("clinic.rn.1", pb::VERIFIED)
//           .Set(&pb::Event::mutable_patient_enrolled, [](auto& body) { ... })
//           .Record();
#ifndef CUSTODY_TESTS_SUPPORT_EVENT_BUILDER_H_
#define CUSTODY_TESTS_SUPPORT_EVENT_BUILDER_H_

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/test_ledger.h"

namespace custody {

// `EventBuilder` makes one event. By default it happens and is signed now, LIVE, on the chain's
// head, at the first station of the first signer's site, each signer identified a minute before.
class EventBuilder {
 public:
  // `ledger` must outlive this.
  EventBuilder(TestLedger& ledger, std::string_view chain);

  // One more signer, in the role they were made with.
  EventBuilder& By(std::string_view person, pb::Meaning meaning = pb::PERFORMED);
  EventBuilder& By(std::string_view person, pb::Role role, pb::Meaning meaning);
  // The body: `Set(&pb::Event::mutable_consent_withdrawn, [](auto& body) { body.set_...; })`.
  template <typename Body, typename Fill>
  EventBuilder& Set(Body* (pb::Event::*mutable_body)(), Fill fill) {
    fill(*(event_.*mutable_body)());
    return *this;
  }
  // Anything else, at any time.
  pb::Event& event() { return event_; }
  EventBuilder& With(void (*change)(pb::Event&)) {
    change(event_);
    return *this;
  }

  EventBuilder& HappenedAt(Instant instant);  // occurred_at; signed_at stays
  EventBuilder& SignedAt(Instant instant);    // signed_at and each identified_at, a minute before
  EventBuilder& At(std::string_view station);
  EventBuilder& Late(std::string_view reason);
  EventBuilder& Downtime(std::string_view reason);
  EventBuilder& PerformedBy(std::string_view person);
  EventBuilder& Citing(const Recorded& grant);
  // Another place in the chain than its head: what an offline station would sign.
  EventBuilder& After(std::uint64_t sequence, const Hash& previous);

  const pb::Event& Build() const { return event_; }
  // Signed by everybody in it, with their own keys.
  pb::SignedEvent Sign() const;
  // Parsed from the bytes that were signed. Aborts the test when they do not parse.
  ParsedEvent Parse() const;
  // Signed and appended to the log.
  const Recorded& Record();

 private:
  TestLedger& ledger_;
  pb::Event event_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_EVENT_BUILDER_H_

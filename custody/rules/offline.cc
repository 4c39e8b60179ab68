// R36: what a station did not know. A recall, a hold or a withdrawn release reaches it only while
// the server is there; so what it does to a bag rests on a record at most four hours old, or on
// what quality answered on the phone.
//
// The station states since when it knows nothing newer. Who states nothing was believed to have the
// server at hand: unless the event reached the ledger so much later than it was signed that it must
// have waited somewhere. On paper nothing newer was known than when the outage began.
#include <algorithm>

#include "custody/rules/case.h"
#include "custody/signed_by.h"

namespace custody::rules {
namespace {

constexpr std::int64_t kFresh = 4 * kMicrosPerHour;
constexpr std::int64_t kHandedInAtOnce = 15 * kMicrosPerMinute;

struct Statement {
  std::int64_t verified_us = 0;  // 0: not said
  const pb::RecallCall* call = nullptr;
};

Statement StatementOf(const pb::Event& event) {
  const auto take = [](const auto& body) {
    return Statement{Micros(body.state_verified_at()),
                     body.has_recall_call() ? &body.recall_call() : nullptr};
  };
  switch (event.body_case()) {
    case pb::Event::kRemovedFromStorage:
      return take(event.removed_from_storage());
    case pb::Event::kThawStarted:
      return take(event.thaw_started());
    default:
      return take(event.infusion_started());
  }
}

// When the paper began, if that was told of this therapy and before the step.
std::int64_t OutageBegan(const Case& c) {
  const pb::StepRecord* outage = FindStep(c.therapy, pb::Event::kDowntimeStarted);
  return outage == nullptr || outage->occurred_us() > At(c) ? 0 : outage->occurred_us();
}

// Why a call does not stand in for the record; empty when it does.
std::string WhyNot(const Case& c, const pb::RecallCall& call, const pb::Lot* lot) {
  const EnrolledPerson* asked = c.registry.FindPerson(call.person());
  if (asked == nullptr) return call.person() + " is not enrolled";
  const auto& roles = asked->roles;
  const bool quality =
      std::ranges::any_of(roles, [](pb::Role role) { return role == pb::QA || role == pb::QP; });
  if (!quality) return call.person() + " is not of quality";
  const bool here = IsOfTreatingHouse(c.registry, c.therapy, call.person());
  if (!here && !IsMaker(c, call.person(), lot)) {
    return call.person() + " is of neither the manufacturer nor the treating site";
  }
  const auto same = [&](const StepPerson& who) { return who.person == call.person(); };
  if (std::ranges::any_of(PeopleOf(c.effective), same)) return "who does the step was asked";
  if (!IsFresh(c, Micros(call.at()), kFresh)) return "asked " + Local(c, Micros(call.at()));
  if (call.may_be_used() == pb::YES) return {};
  return "whether it may be used was not answered";
}

}  // namespace

void CheckedForRecall(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::string id;
  if (!IsProductStep(c, id)) return;
  Statement said = StatementOf(c.effective);
  if (said.call != nullptr && said.call->may_be_used() == pb::NO) {
    Gate(c, rule, v,
         {"quality says that it may be used",
          "asked by phone, quality said no: " + said.call->answer(),
          "leave it; wait for what quality decides", id});
    return;
  }
  const bool paper = c.effective.entry() == pb::DOWNTIME;
  const bool live = c.effective.entry() == pb::LIVE;
  const std::int64_t on_the_way = c.place.received_at.micros - Micros(c.effective.signed_at());
  const bool waited = live && on_the_way > kHandedInAtOnce;
  if (paper && said.verified_us == 0) said.verified_us = OutageBegan(c);
  if (said.verified_us == 0 && !paper && !waited) return;
  if (IsFresh(c, said.verified_us, kFresh)) return;
  const std::string known = said.verified_us == 0
                                ? "not said when this station last had it from the ledger"
                                : "not checked for recall since " + Local(c, said.verified_us);
  const std::string why_not =
      said.call == nullptr ? "no call is recorded" : WhyNot(c, *said.call, LotOf(c.therapy, id));
  if (why_not.empty()) return;
  Gate(c, rule, v,
       {"the therapy's record verified at most 4 h before, or quality asked by phone since",
        known + "; " + why_not,
        "phone quality; record whom you asked, when, and the answer: recall_call", id});
}

}  // namespace custody::rules

// What may come next. Each offered step is tried as a live event whose scans are all as they should
// be; the rules that look at the state then say what stands against it, in the same words as they
// will when it is signed. So `next` and `why` never disagree with the ledger.
#include "custody/next_steps.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "custody/body_plan.h"
#include "custody/chain.h"
#include "custody/grading.h"
#include "custody/profile.h"
#include "custody/rules/case.h"
#include "custody/state.h"
#include "custody/therapy.h"

namespace custody {
namespace next {

Offers::Offers(const pb::TherapyState& state, const Registry& registry, Instant now)
    : state_(state),
      registry_(registry),
      now_(now),
      profile_(ProfileFor(registry, state, pb::Event::default_instance())) {}

pb::NextStep& Offers::Add(int number, const std::string& subject,
                          const std::function<void(pb::Event&)>& fill) {
  const BodyPlan& plan = PlanOf(number);
  pb::NextStep& step = steps_.emplace_back();
  step.set_body(std::string(plan.name));
  step.set_label(plan.rule->label());
  step.set_subject(subject);
  step.set_step(plan.rule->step());
  step.set_help(plan.rule->help());
  step.set_two_person(plan.rule->two_person());
  *step.mutable_roles() = plan.rule->enter();
  if (plan.rule->two_person()) {
    *step.mutable_second() = plan.rule->second().empty() ? plan.rule->enter() : plan.rule->second();
  }
  ParsedEvent trial;
  trial.event.set_chain(TherapyChain(state_.therapy()));
  trial.event.set_entry(pb::LIVE);
  *trial.event.mutable_occurred_at() = ToProto(now_);
  *trial.event.mutable_signed_at() = ToProto(now_);
  trial.event.GetReflection()->MutableMessage(&trial.event, plan.body);
  if (fill) fill(trial.event);
  pb::Verdict verdict;
  verdict.set_rules_version(registry_.rules_version());
  rules::RunOnState(
      Case{trial, trial.event, registry_, state_, profile_, Place{0, state_.length(), now_}},
      verdict);
  for (pb::Reason& reason : *verdict.mutable_reasons()) {
    if (reason.kind() != pb::REASON_GATE) continue;
    step.set_blocked(true);
    *step.add_reasons() = std::move(reason);
  }
  return step;
}

void Offers::Due(pb::NextStep& step, std::int64_t due_us, std::int64_t opens_us) {
  step.set_due_us(due_us);
  step.set_opens_us(opens_us);
  step.set_overdue(due_us != 0 && due_us < now_.micros);
}

void Offers::Later(const pb::NextStep& step) {
  later_.push_back(static_cast<std::size_t>(&step - steps_.data()));
}

// What is overdue comes first, then what is open now, then what opens later, then tidying up; a
// view without the patient's condition has no steps that are about it.
std::vector<pb::NextStep> Offers::Take() {
  const auto when = [&](const pb::NextStep& step) {
    if (step.opens_us() > now_.micros) return step.opens_us();
    return step.due_us() == 0 ? now_.micros : std::min(step.due_us(), now_.micros + kMicrosPerDay);
  };
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const bool last = std::ranges::find(later_, i) != later_.end();
    order.emplace_back(last ? std::numeric_limits<std::int64_t>::max() : when(steps_[i]), i);
  }
  std::ranges::sort(order);
  std::vector<pb::NextStep> taken;
  for (const auto& [time, i] : order) {
    const BodyPlan& plan = PlanOf(BodyNumber(steps_[i].body()));
    if (!clinical() && plan.rule->field_class() == pb::CLINICAL) continue;
    taken.push_back(std::move(steps_[i]));
  }
  return taken;
}

}  // namespace next

std::vector<pb::NextStep> NextStepsOf(const pb::TherapyState& state, const Registry& registry,
                                      Instant now) {
  next::Offers offers(state, registry, now);
  if (!state.enrolled()) {
    offers.Add(pb::Event::kPatientEnrolled);
    return offers.Take();
  }
  if (state.sealed()) {
    offers.Add(pb::Event::kTherapyReopened);
    return offers.Take();
  }
  next::OfferOpenMatters(offers);
  next::OfferRecords(offers);
  if (!state.patient_died() && !IsSaidDead(state) && !state.condition().ineligible()) {
    if (offers.clinical()) next::OfferClinic(offers);
    next::OfferManufacture(offers);
    if (offers.clinical()) next::OfferInfusion(offers);
  }
  next::OfferTransport(offers);
  next::OfferAftercare(offers);
  return offers.Take();
}

}  // namespace custody

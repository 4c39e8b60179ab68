#include "server/rpc/worklist.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "custody/aftercare.h"
#include "custody/alerts.h"
#include "custody/body_plan.h"
#include "custody/profile.h"
#include "custody/schedule.h"
#include "custody/state.h"
#include "custody/therapy.h"
#include "custody/time.h"
#include "server/rpc/listing.h"
#include "server/rpc/requests.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

constexpr std::uint32_t kDays = 14;
constexpr std::uint32_t kMaxDays = 6000;  // more than the follow-up of fifteen years
// The state keeps the next visits; who looks further ahead is shown all of them.
constexpr std::uint32_t kDaysOfNextVisits = 90;

struct Question {
  const pb::WorklistRequest& request;
  Instant at;  // judged at
  bool past = false;
  std::int64_t horizon_us = 0;
};

StatusOr<Question> QuestionOf(const pb::WorklistRequest& request, Instant now) {
  CUSTODY_RETURN_IF_ERROR(CheckTime(request.as_of(), "as_of"));
  if (request.days() > kMaxDays) {
    return InvalidArgument("a worklist reaches at most " + std::to_string(kMaxDays) + " days");
  }
  const Instant at = request.has_as_of() ? FromProto(request.as_of()) : now;
  const std::int64_t days = request.days() == 0 ? kDays : request.days();
  return Question{request, at, at < now, at.micros + days * kMicrosPerDay};
}

bool IsAt(const pb::TherapyState& state, const std::string& site) {
  return site.empty() || state.site() == site || state.treating_site() == site ||
         state.manufacturer_site() == site;
}

bool IsFor(const pb::NextStep& step, pb::Role role) {
  if (role == pb::ROLE_UNSPECIFIED) return true;
  const auto has = [&](const auto& roles) {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
  };
  return has(step.roles()) || has(step.second());
}

// The earliest time at which somebody has to think of it; 0: none.
std::int64_t WhenOf(const pb::NextStep& step) {
  return step.due_us() != 0 ? step.due_us() : step.opens_us();
}

bool IsWithin(const Question& question, const pb::NextStep& step) {
  // What may be done now, and has time until long after the days asked for, is as good as undated.
  const bool far = step.opens_us() == 0 && step.due_us() > question.horizon_us;
  if (far || WhenOf(step) == 0) return question.request.undated();
  // A window that is open is shown, however far its end.
  return std::min(WhenOf(step), step.opens_us() == 0 ? WhenOf(step) : step.opens_us()) <=
         question.horizon_us;
}

// What is planned stands in the list on its days: on the step itself where it may come next, else
// as one that will.
void AddPlanned(const pb::TherapyState& state, const pb::Profile* profile, Instant at,
                std::vector<pb::NextStep>& steps) {
  for (const PlannedStep& planned : ScheduleOf(state, profile)) {
    const BodyPlan& plan = PlanOf(planned.body);
    auto step = std::ranges::find(steps, plan.name, &pb::NextStep::body);
    if (step == steps.end()) {
      step = steps.insert(steps.end(), pb::NextStep());
      step->set_body(std::string(plan.name));
      step->set_label(plan.rule->label());
      step->set_step(plan.rule->step());
      *step->mutable_roles() = plan.rule->enter();
      step->set_two_person(plan.rule->two_person());
    }
    const std::int64_t due = planned.latest_us != 0 ? planned.latest_us : planned.to_us;
    if (step->due_us() != 0 && step->due_us() <= due) continue;
    step->set_help("planned: " + planned.name);
    step->set_opens_us(planned.from_us);
    step->set_due_us(due);
    step->set_overdue(step->due_us() < at.micros);
  }
}

pb::WorklistEntry EntryOf(const Permit& permit, const Registry& registry, const Question& question,
                          pb::TherapyState state) {
  const pb::Profile* profile = ProfileFor(registry, state, pb::Event::default_instance());
  if (question.horizon_us - question.at.micros > kDaysOfNextVisits * kMicrosPerDay) {
    auto& timers = *state.mutable_timers();
    const auto is_visit = [](const pb::Timer& timer) {
      return timer.rule() == "R29" || timer.rule() == "R30";
    };
    timers.erase(std::remove_if(timers.begin(), timers.end(), is_visit), timers.end());
    for (pb::Timer& timer : VisitsDue(state, AftercareOf(profile), kMostYears)) {
      *state.add_timers() = std::move(timer);
    }
  }
  pb::NextStepsReply steps;
  std::vector<pb::NextStep> all = NextStepsOf(state, registry, question.at);
  AddPlanned(state, profile, question.at, all);
  for (pb::NextStep& step : all) {
    if (!IsWithin(question, step) || !IsFor(step, question.request.role())) continue;
    *steps.add_steps() = std::move(step);
  }
  StepsInView(permit.caller, registry, steps);
  std::ranges::stable_sort(*steps.mutable_steps(), {}, [](const pb::NextStep& step) {
    const std::int64_t when = WhenOf(step);
    return when == 0 ? std::numeric_limits<std::int64_t>::max() : when;
  });
  pb::GetTherapyReply whole;
  *whole.mutable_state() = std::move(state);
  const pb::TherapyState view = InView(whole, permit.caller, registry).state();
  pb::WorklistEntry entry;
  entry.set_therapy(view.therapy());
  entry.set_coi(view.coi());
  entry.set_product(view.product());
  entry.set_state(view.state());
  entry.set_treating_site(TreatingSite(view));
  entry.set_zone(view.zone());
  *entry.mutable_steps() = std::move(*steps.mutable_steps());
  for (const Alert& alert : Alerts(view, registry, question.at)) {
    const bool waits = std::ranges::find(alert.waiting, permit.caller.site) != alert.waiting.end();
    if (waits) entry.add_alerts(alert.id + ": " + alert.text);
  }
  return entry;
}

}  // namespace

Status Worklist(RpcContext& rpc, const Permit& permit, const pb::WorklistRequest& request,
                const std::function<bool()>& cancelled, pb::WorklistReply* reply) {
  Ledger& ledger = rpc.ledger();
  CUSTODY_ASSIGN_OR_RETURN(const std::uint32_t limit, CheckPage(request.limit()));
  CUSTODY_ASSIGN_OR_RETURN(const Question question, QuestionOf(request, ledger.Now()));
  const std::shared_ptr<const Registry> registry = ledger.registry();
  const auto take = [&](const std::string& id,
                        pb::GetTherapyReply& therapy) -> StatusOr<std::size_t> {
    reply->set_looked_at(reply->looked_at() + 1);
    if (!IsAt(therapy.state(), request.site())) return 0;
    pb::WorklistEntry entry =
        EntryOf(permit, *registry, question, std::move(*therapy.mutable_state()));
    if (entry.steps().empty() && entry.alerts().empty()) return 0;
    CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, id, "worklist"));
    pb::WorklistEntry& added = *reply->add_entries() = std::move(entry);
    return added.ByteSizeLong();
  };
  const Listing listing{
      .what = "worklist",
      .after = request.after(),
      .limit = limit,
      .as_of = question.past ? std::optional<Instant>(question.at) : std::nullopt,
      .ids = [&](const std::string& after) { return ledger.ListTherapies(after, kPageTherapies); },
      .take = take};
  CUSTODY_ASSIGN_OR_RETURN(*reply->mutable_next(), ListPage(rpc, permit, listing, cancelled));
  return Status();
}

}  // namespace custody

// Lymphodepletion to infusion: is the product there, is the time right, is the patient ready.
#include <algorithm>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

using Reasons = std::vector<Words>;

// Everything that keeps one lot from being "there".
Reasons WhatIsMissing(const Case& c, const pb::Lot& lot, bool on_site) {
  Reasons missing;
  if (!IsReleased(lot) && lot.state() != pb::LOT_RELEASED_OOS) {
    missing.push_back({"lot " + lot.lot() + " released", LotLabel(lot.state()),
                       "wait for the release", lot.lot()});
  }
  bool any = false;
  for (const pb::Container& container : c.therapy.containers()) {
    if (container.lot() != lot.lot() || container.material() != pb::DRUG_PRODUCT) continue;
    if (MayNotBeUsed(container.state())) continue;
    any = true;
    const std::string& id = container.id();
    const bool stored =
        container.state() == pb::CONTAINER_RECEIVED || container.state() == pb::CONTAINER_STORED;
    const bool here = stored && container.site() == TreatingSite(c.therapy);
    if (on_site && !here) {
      missing.push_back({"the product at " + TreatingSite(c.therapy),
                         StateLabel(container.state()) +
                             (container.site().empty() ? "" : " at " + container.site()),
                         "wait until RECEIVED_CLINIC is recorded", id});
    }
    for (const pb::Quarantine* q : OpenQuarantines(c.therapy, container)) {
      missing.push_back({"no open quarantine",
                         "quarantine for " + QuarantineLabel(q->kind()) + ": " + q->id(),
                         "wait for the decision of quality", id});
    }
    for (const pb::Hold* hold : OpenHolds(c.therapy, "LYMPHODEPLETION", &container)) {
      if (hold->containers().empty() && hold->lot().empty()) continue;  // HOLD says so
      missing.push_back({"no open hold", hold->kind() + " hold " + hold->id(),
                         "the hold is cleared by who may", id});
    }
    if (container.expiry_us() != 0 && At(c) > container.expiry_us()) {
      missing.push_back({"not expired", "expired " + Local(c, container.expiry_us()),
                         "ask the manufacturer", id});
    }
  }
  if (!any) {
    missing.push_back({"product of lot " + lot.lot(), "no container of it can be used",
                       "ask the manufacturer", lot.lot()});
  }
  return missing;
}

// Calendar days from one time to another where the patient is treated.
std::int64_t DaysBetween(const Case& c, std::int64_t from, std::int64_t to) {
  const StatusOr<std::int64_t> first = CalendarDay(Instant{from}, c.therapy.zone());
  const StatusOr<std::int64_t> last = CalendarDay(Instant{to}, c.therapy.zone());
  if (first.ok() && last.ok()) return *last - *first;
  return (to - from) / kMicrosPerDay;  // the site's zone is unknown here
}

// Whether this container belongs to the first dose; those after it have their own rule.
bool IsFirstDose(const Case& c, const std::string& container) {
  const pb::InfusionOrder* order = OrderFor(c.therapy, container);
  return order == nullptr || order->dose_number() <= 1;
}

bool IsProductStep(const Case& c, std::string& id) {
  const bool one = Body(c) == pb::Event::kRemovedFromStorage ||
                   Body(c) == pb::Event::kThawStarted || Body(c) == pb::Event::kInfusionStarted;
  if (!one) return false;
  id = StepContainers(c.effective).front();
  const pb::Container* container = FindContainer(c.therapy, id);
  return container != nullptr && container->material() == pb::DRUG_PRODUCT;
}

void JudgeWaiver(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id) {
  if (Body(c) != pb::Event::kThawStarted) return;
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->ld().waiver_wbc_days();
  const std::uint32_t days = Tightened(Defaults::kWaiverWbcDays, stated);
  const std::int64_t age = DaysBetween(c, c.therapy.ld().waiver_wbc_us(), At(c));
  if (age <= days) return;
  Gate(c, rule, v,
       {"a white cell count at most " + std::to_string(days) +
            " d old, lymphodepletion being waived",
        std::to_string(age) + " d old", "count again: LD_WAIVED, or give lymphodepletion", id});
}

bool Tried(const pb::VitalSigns& vitals, pb::VitalSign sign) {
  return std::ranges::find(vitals.not_recordable(), sign) != vitals.not_recordable().end();
}

}  // namespace

void ProductThere(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kLdStarted && Body(c) != pb::Event::kLdWaived) return;
  const bool scheduled =
      c.profile != nullptr && c.profile->availability() == pb::RELEASED_AND_SCHEDULED;
  if (c.therapy.lots().empty()) {
    Gate(c, rule, v,
         {"the released product on site", "no lot was made yet", "wait for the product"});
    return;
  }
  // One lot that is there is enough; of several that are not, the newest is the one to wait for.
  Reasons missing;
  for (const pb::Lot& lot : c.therapy.lots()) {
    missing = WhatIsMissing(c, lot, !scheduled);
    if (missing.empty()) break;
  }
  for (Words& words : missing) Gate(c, rule, v, std::move(words));
  if (!scheduled || !c.effective.has_ld_started()) return;
  const pb::LdStarted& body = c.effective.ld_started();
  if (body.delivery_risk_accepted() != pb::YES) {
    const bool there = std::ranges::any_of(
        c.therapy.lots(), [&](const pb::Lot& lot) { return WhatIsMissing(c, lot, true).empty(); });
    if (!there) {
      Gate(c, rule, v,
           {"the risk of delivery accepted by the physician", "not accepted",
            "the physician accepts it, or waits for the product"});
    }
  }
  const std::int64_t infusion = At(c) + body.planned_days() * kMicrosPerDay;
  if (c.therapy.expected_delivery_us() > infusion - kMicrosPerDay) {
    Gate(c, rule, v,
         {"delivery at least a day before the infusion",
          "expected " + Local(c, c.therapy.expected_delivery_us()), "move lymphodepletion"});
  }
}

void FitForLd(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kLdStarted) return;
  const pb::LdStarted& body = c.effective.ld_started();
  const auto need = [&](pb::Answer answer, const char* what) {
    if (answer != pb::YES) return;
    Gate(c, rule, v,
         {std::string("no ") + what, "yes", "treat it first; or the physician takes the risk"});
  };
  need(body.serious_bridging_reaction(), "open serious reaction to bridging");
  need(body.active_infection(), "active infection");
  need(body.active_gvhd(), "active graft-versus-host disease");
}

void NotTooLate(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::string id;
  if (!IsProductStep(c, id) || !IsFirstDose(c, id)) return;
  const pb::Lymphodepletion& ld = c.therapy.ld();
  if (ld.waived()) return JudgeWaiver(c, rule, v, id);
  if (ld.last_dose_us() == 0 || ld.completed_us() == 0) {
    Gate(c, rule, v,
         {"lymphodepletion completed, or waived",
          ld.started_us() == 0 ? "not started" : "started, not completed",
          "record LD_COMPLETED or LD_WAIVED", id});
    return;
  }
  const std::int64_t days = DaysBetween(c, ld.last_dose_us(), At(c));
  const std::uint32_t most = LdMaxDays(c.profile);
  if (days <= most) return;
  Gate(c, rule, v,
       {"the first dose at most " + std::to_string(most) +
            " calendar days after the last dose of "
            "lymphodepletion",
        std::to_string(days) + " days", "repeat lymphodepletion, or the physician overrides", id});
}

void NotTooEarly(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::string id;
  if (Body(c) != pb::Event::kInfusionStarted || !IsProductStep(c, id) || !IsFirstDose(c, id))
    return;
  const pb::Lymphodepletion& ld = c.therapy.ld();
  if (ld.waived() || ld.last_dose_us() == 0) return;
  const std::int64_t days = DaysBetween(c, ld.last_dose_us(), At(c));
  const pb::LdWindow window = c.profile == nullptr ? pb::LdWindow() : c.profile->ld();
  const std::uint32_t least = std::max(window.min_days(), Defaults::kLdMinDays);
  if (days < least) {
    Deviation(c, rule, v,
              {"the first dose at least " + std::to_string(least) + " d after lymphodepletion",
               std::to_string(days) + " d", "quality and physician judge it", id},
              false);
  }
  const bool outside = window.advisory_max_days() != 0 &&
                       (days < window.advisory_min_days() || days > window.advisory_max_days());
  if (outside) {
    Note(c, rule, v,
         {"advised: " + std::to_string(window.advisory_min_days()) + " to " +
              std::to_string(window.advisory_max_days()) + " d after lymphodepletion",
          std::to_string(days) + " d", "an advice only", id});
  }
}

void SafeToInfuse(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kBedsideIdVerified) {
    const pb::TimeOut& time_out = c.effective.bedside_id_verified().time_out();
    const std::string& id = c.effective.bedside_id_verified().container().value();
    const auto need = [&](bool met, const char* expected, const char* found) {
      if (met) return;
      Gate(c, rule, v,
           {expected, found, "record INFUSION_DEFERRED; infuse, hold or discard within the window",
            id});
    };
    if (c.effective.bedside_id_verified().passed() != pb::YES) return;  // it says no itself
    need(time_out.physician_go() == pb::YES, "the physician says go", "no");
    need(time_out.emergency_drugs() == pb::YES, "emergency drugs at hand", "no");
    need(time_out.tocilizumab_at_hand() == pb::YES, "tocilizumab at hand", "no");
    need(time_out.active_infection() != pb::YES, "no active infection", "yes");
    need(time_out.unresolved_toxicity() != pb::YES, "no unresolved toxicity of grade 3 or more",
         "yes");
    const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().timeout_vitals();
    const std::uint32_t minutes = Tightened(Defaults::kTimeOutVitalsMinutes, stated);
    const std::int64_t age = At(c) - Micros(time_out.vitals().at());
    if (age > minutes * kMicrosPerMinute) {
      Gate(c, rule, v,
           {"vital signs at most " + std::to_string(minutes) + " min old", Span(age) + " old",
            "measure again", id});
    }
    return;
  }
  std::string id;
  if (!IsProductStep(c, id) || Body(c) == pb::Event::kInfusionStarted) return;
  const pb::PatientCondition& condition = c.therapy.condition();
  if (condition.infection_open()) {
    Gate(c, rule, v,
         {"no open infection", "active infection recorded",
          "treat it and screen again; or the physician takes the risk", id});
  }
  const std::uint32_t doses = c.profile == nullptr ? 0 : c.profile->tocilizumab_doses();
  if (condition.tocilizumab_on_site() < doses) {
    Gate(c, rule, v,
         {"at least " + std::to_string(doses) + " doses of tocilizumab on site",
          std::to_string(condition.tocilizumab_on_site()), "have them brought, then check again",
          id});
  }
}

void WithinWindow(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) == pb::Event::kReturnedToStorage || Body(c) == pb::Event::kStoredClinic ||
      Body(c) == pb::Event::kStored || Body(c) == pb::Event::kCryopreserved ||
      Body(c) == pb::Event::kStoredInShipper || Body(c) == pb::Event::kThawStarted) {
    std::vector<std::string> ids = StepContainers(c.effective);
    const auto add = [&](const auto& positions) {
      for (const pb::ContainerPosition& at : positions) ids.push_back(at.container());
    };
    add(c.effective.stored().containers());
    add(c.effective.stored_clinic().containers());
    add(c.effective.cryopreserved().containers());
    for (const std::string& id : c.effective.stored_in_shipper().containers()) ids.push_back(id);
    for (const std::string& id : ids) {
      const pb::Container* container = FindContainer(c.therapy, id);
      if (container == nullptr || container->thaw_started_us() == 0) continue;
      const bool thaw = Body(c) == pb::Event::kThawStarted;
      Gate(c, rule, v,
           {"a container is thawed once and never frozen again",
            "thawed " + Local(c, container->thaw_started_us()),
            thaw ? "it is thawed already" : "discard it: it may not be used", id})
          .clear_grantors();
    }
    return;
  }
  std::string id;
  if (Body(c) != pb::Event::kInfusionStarted || !IsProductStep(c, id)) return;
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container->thaw_started_us() == 0) {
    Gate(c, rule, v, {"a thawed container", "no THAW_STARTED for it", "thaw it first", id})
        .clear_grantors();
    return;
  }
  if (c.profile == nullptr) return;
  for (const pb::Window& window : c.profile->windows()) {
    const std::int64_t anchor =
        window.anchor() == pb::FROM_THAW_START ? container->thaw_started_us()
        : window.anchor() == pb::FROM_REMOVAL  ? container->removed_us()
                                               : container->thaw_completed_us();
    if (anchor == 0) continue;
    const std::int64_t end = anchor + window.minutes() * kMicrosPerMinute;
    if (At(c) <= end) continue;
    Gate(c, rule, v,
         {"within " + std::to_string(window.minutes()) + " min of the " +
              (window.anchor() == pb::FROM_THAW_START ? "start of thaw"
               : window.anchor() == pb::FROM_REMOVAL  ? "removal"
                                                      : "end of thaw"),
          Span(At(c) - anchor), "the physician on site decides; quality reviews within 24 h", id});
  }
}

void BaselineTaken(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kInfusionStarted) return;
  const pb::VitalSigns& vitals = c.effective.infusion_started().baseline();
  const pb::PatientCondition& known = c.therapy.condition();
  const std::uint32_t stated = c.profile == nullptr ? 0 : c.profile->validity().baseline_vitals();
  const std::uint32_t minutes = Tightened(Defaults::kBaselineMinutes, stated);
  const auto need = [&](bool here, std::int64_t before, const char* what) {
    const std::int64_t now = here ? Micros(vitals.at()) : 0;
    const std::int64_t last = std::max(now, before);
    const std::int64_t age = At(c) - last;
    if (last != 0 && age <= minutes * kMicrosPerMinute) return;
    Gate(c, rule, v,
         {std::string(what) + " at most " + std::to_string(minutes) + " min old",
          last == 0 ? "none" : Span(age) + " old", "measure it; \"not recordable\" is an answer",
          what});
  };
  need(vitals.has_temperature_c() || Tried(vitals, pb::VITAL_TEMPERATURE), known.baseline_temp_us(),
       "temperature");
  const bool pressure = (vitals.has_systolic_mmhg() || Tried(vitals, pb::VITAL_SYSTOLIC)) &&
                        (vitals.has_diastolic_mmhg() || Tried(vitals, pb::VITAL_DIASTOLIC));
  need(pressure, known.baseline_bp_us(), "blood pressure");
  need(vitals.has_heart_rate() || Tried(vitals, pb::VITAL_HEART_RATE), known.baseline_hr_us(),
       "heart rate");
  need(vitals.has_respiratory_rate() || Tried(vitals, pb::VITAL_RESPIRATORY_RATE),
       known.baseline_rr_us(), "respiratory rate");
  need(vitals.has_spo2_percent() || Tried(vitals, pb::VITAL_SPO2), known.baseline_spo2_us(),
       "oxygen saturation");
}

void DischargeSafe(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Body(c) != pb::Event::kDischarged) return;
  const pb::Discharged& body = c.effective.discharged();
  const auto open = [&](bool unresolved, const char* what) {
    if (!unresolved) return;
    Deviation(c, rule, v,
              {std::string(what), "discharged all the same", "daily contact; state the reason"},
              false);
  };
  open(body.crs_resolved() != pb::YES, "CRS resolved");
  open(body.icans_resolved() != pb::YES, "ICANS resolved");
  open(body.against_advice() == pb::YES, "discharge as advised");
}

}  // namespace custody::rules

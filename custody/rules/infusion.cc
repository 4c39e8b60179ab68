// Thaw and infusion: is the patient ready, is the bag still good.
#include <algorithm>

#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

bool Tried(const pb::VitalSigns& vitals, pb::VitalSign sign) {
  return std::ranges::find(vitals.not_recordable(), sign) != vitals.not_recordable().end();
}

// A go that its own answers speak against.
void JudgeGo(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::PreinfusionCheckPassed& body = c.effective.preinfusion_check_passed();
  if (body.go() != pb::YES) return;
  const auto need = [&](pb::Answer answer, const char* what, const char* next) {
    if (answer == pb::NO) Gate(c, rule, v, {what, "no", next});
  };
  need(body.emergency_kit(), "the emergency kit at hand", "have it brought, then say go");
  need(body.line_patent(), "a patent line", "see to the line, then say go");
  const bool asks = c.profile != nullptr && c.profile->tocilizumab_next_within_8h();
  if (asks && body.next_dose_within_8h() != pb::YES) {
    Gate(c, rule, v,
         {"the next dose of tocilizumab to be had within 8 h",
          body.next_dose_within_8h() == pb::NO ? "no" : "not answered",
          "ask the pharmacy, then say go"});
  }
  if (body.consent_valid() != pb::NO) return;
  Gate(c, rule, v, {"valid consent", "no", "say no go; ask the patient: CONSENT_OBTAINED"})
      .clear_grantors();
}

}  // namespace

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
    const std::int64_t at = Micros(time_out.vitals().at());
    if (!IsFresh(c, at, minutes * kMicrosPerMinute)) {
      Gate(c, rule, v,
           {"vital signs at most " + std::to_string(minutes) + " min old",
            Span(At(c) - at) + " old", "measure again", id});
    }
    return;
  }
  if (Body(c) == pb::Event::kPreinfusionCheckPassed) return JudgeGo(c, rule, v);
  std::string id;
  if (!IsProductStep(c, id)) return;
  if (Body(c) == pb::Event::kInfusionStarted) {
    if (c.effective.infusion_started().no_leukoreduction_filter() != pb::NO) return;
    Gate(c, rule, v,
         {"a line without leukoreduction filter", "it has one, which keeps the cells back",
          "change the line, then start", id})
        .clear_grantors();
    return;
  }
  const pb::PatientCondition& condition = c.therapy.condition();
  if (condition.infection_open()) {
    Gate(c, rule, v,
         {"no open infection", "active infection recorded",
          "treat it and screen again; or the physician takes the risk", id});
  }
  if (condition.toxicity_open()) {
    Gate(c, rule, v,
         {"no unresolved toxicity of grade 3 or more", "recorded at the pre-infusion check",
          "wait until it resolves; or the physician takes the risk", id});
  }
  if (condition.cns_concern()) {
    Gate(c, rule, v,
         {"no concern about the central nervous system", "recorded at the pre-infusion check",
          "clear it up; or the physician takes the risk", id});
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
      if (At(c) < container->thaw_started_us()) continue;  // told later, done before the thaw
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
    const std::int64_t limit = minutes * kMicrosPerMinute;
    if (IsFresh(c, now, limit) || IsFresh(c, before, limit)) return;
    const std::int64_t last = now == 0 ? before : now;
    const std::int64_t age = At(c) - last;
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

}  // namespace custody::rules

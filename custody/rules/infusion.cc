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

namespace {

// What was thawed is used or discarded: storing it, packing it into nitrogen, or thawing it a
// second time.
void JudgeRefreezing(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::vector<std::string> ids = StepContainers(c.effective);
  const auto add = [&](const auto& positions) {
    for (const auto& at : positions) ids.push_back(at.container());
  };
  add(c.effective.stored().containers());
  add(c.effective.stored_clinic().containers());
  add(c.effective.moved().containers());
  add(c.effective.cryopreserved().containers());
  add(c.effective.apheresis_cryopreserved().containers());
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
}

bool Refreezes(const Case& c) {
  switch (Body(c)) {
    case pb::Event::kReturnedToStorage:
    case pb::Event::kStoredClinic:
    case pb::Event::kStored:
    case pb::Event::kMoved:
    case pb::Event::kCryopreserved:
    case pb::Event::kApheresisCryopreserved:
    case pb::Event::kStoredInShipper:
    case pb::Event::kThawStarted:
      return true;
    case pb::Event::kPacked:
      return c.effective.packed().shipper_kind() == pb::SHIPPER_DRY_VAPOUR;
    default:
      return false;
  }
}

const char* AnchorWords(pb::WindowAnchor anchor) {
  switch (anchor) {
    case pb::FROM_THAW_START:
      return "the start of thaw";
    case pb::FROM_REMOVAL:
      return "the removal";
    default:
      return "the end of thaw";
  }
}

// From when a window runs, of a container or what it was drawn from: the earliest; 0: not yet.
std::int64_t AnchorOf(const Case& c, const pb::Container& container, pb::WindowAnchor anchor) {
  std::int64_t first = 0;
  for (const pb::Container* from : Lineage(c.therapy, container)) {
    const std::int64_t at = anchor == pb::FROM_THAW_START ? from->thaw_started_us()
                            : anchor == pb::FROM_REMOVAL  ? from->removed_us()
                                                          : from->thaw_completed_us();
    if (at != 0 && (first == 0 || at < first)) first = at;
  }
  return first;
}

std::int64_t EndOf(const pb::Window& window, std::int64_t anchor) {
  return anchor + window.minutes() * kMicrosPerMinute;
}

// Room and box in which the product kept until now, as the window supposes.
void JudgeKeeping(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& container) {
  const pb::InfusionStarted& body = c.effective.infusion_started();
  const bool stated = body.has_kept_temperature_c() || container.has_kept_temperature_c();
  const double kept =
      body.has_kept_temperature_c() ? body.kept_temperature_c() : container.kept_temperature_c();
  for (const pb::Window& window : c.profile->windows()) {
    const bool below = window.has_min_temperature_c() && kept < window.min_temperature_c();
    const bool above = window.has_max_temperature_c() && kept > window.max_temperature_c();
    if (!stated || (!below && !above)) continue;
    Gate(c, rule, v,
         {"kept at " + Number(window.min_temperature_c()) + " to " +
              Celsius(window.max_temperature_c()) + " since the thaw",
          Celsius(kept), "the physician on site decides; quality reviews within 24 h",
          container.id()});
    return;
  }
}

void JudgeStart(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Container& container) {
  const std::string& id = container.id();
  if (container.thaw_started_us() == 0) {
    Gate(c, rule, v, {"a thawed container", "no THAW_STARTED for it", "thaw it first", id})
        .clear_grantors();
    return;
  }
  if (container.thaw_completed_us() == 0) {
    Gate(c, rule, v,
         {"the end of its thaw on record, and whether it leaks", "no THAW_COMPLETED for it",
          "who thawed it records that", id})
        .clear_grantors();
  }
  if (c.profile == nullptr) return;
  for (const pb::Window& window : c.profile->windows()) {
    const std::int64_t anchor = AnchorOf(c, container, window.anchor());
    if (anchor == 0 || At(c) <= EndOf(window, anchor)) continue;
    Gate(c, rule, v,
         {"within " + std::to_string(window.minutes()) + " min of " + AnchorWords(window.anchor()),
          Span(At(c) - anchor), "the physician on site decides; quality reviews within 24 h", id});
  }
  JudgeKeeping(c, rule, v, container);
}

// A window until the end of the infusion: nobody stops one that runs, and what was given outside it
// is said. A window that was over at the start was said then.
void JudgeCompletion(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::InfusionCompleted& body = c.effective.infusion_completed();
  const pb::Container* container = FindContainer(c.therapy, body.container());
  if (container == nullptr || c.profile == nullptr) return;
  const std::int64_t stated = Micros(body.ended_at());
  const std::int64_t ended = stated == 0 ? At(c) : std::min(stated, At(c));
  const std::int64_t started = container->infusion_started_us();
  const std::int64_t most = c.profile->infusion_minutes() * kMicrosPerMinute;
  if (most != 0 && started != 0 && ended - started > most) {
    Deviation(c, rule, v,
              {"infused within " + std::to_string(c.profile->infusion_minutes()) + " min",
               Span(ended - started), "physician and quality judge what the last of it was worth",
               container->id()},
              false);
  }
  for (const pb::Window& window : c.profile->windows()) {
    const std::int64_t anchor = AnchorOf(c, *container, window.anchor());
    const std::int64_t end = EndOf(window, anchor);
    if (!window.until_end() || anchor == 0 || ended <= end) continue;
    if (container->infusion_started_us() > end) continue;
    Deviation(c, rule, v,
              {"infused to its end within " + std::to_string(window.minutes()) + " min of " +
                   AnchorWords(window.anchor()),
               Span(ended - anchor), "physician and quality judge what the last of it was worth",
               container->id()},
              true);
  }
}

// What somebody says of the time that is left is no more than the earliest window leaves.
void JudgeInfuseBy(const Case& c, const Rule& rule, pb::Verdict& v, const std::string& id,
                   std::int64_t said) {
  const pb::Container* container = FindContainer(c.therapy, id);
  if (container == nullptr || c.profile == nullptr || said == 0) return;
  std::int64_t end = 0;
  for (const pb::Window& window : c.profile->windows()) {
    const bool now = c.effective.has_thaw_completed() && window.anchor() == pb::FROM_THAW_END;
    std::int64_t anchor = AnchorOf(c, *container, window.anchor());
    if (now && anchor == 0) anchor = At(c);
    if (anchor != 0 && (end == 0 || EndOf(window, anchor) < end)) end = EndOf(window, anchor);
  }
  if (end == 0 || said <= end + kSkew) return;
  Deviation(c, rule, v,
            {"infused by " + Local(c, end) + ", the earliest of its windows", Local(c, said),
             "tell everybody who waits for it the earlier time", container->id()},
            false);
}

}  // namespace

void WithinWindow(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (Refreezes(c)) return JudgeRefreezing(c, rule, v);
  switch (Body(c)) {
    case pb::Event::kInfusionStarted: {
      std::string id;
      if (IsProductStep(c, id)) JudgeStart(c, rule, v, *FindContainer(c.therapy, id));
      return;
    }
    case pb::Event::kInfusionCompleted:
      return JudgeCompletion(c, rule, v);
    case pb::Event::kThawCompleted:
      return JudgeInfuseBy(c, rule, v, c.effective.thaw_completed().container(),
                           Micros(c.effective.thaw_completed().infuse_by()));
    case pb::Event::kIssuedToWard:
      for (const std::string& id : c.effective.issued_to_ward().containers()) {
        JudgeInfuseBy(c, rule, v, id, Micros(c.effective.issued_to_ward().infuse_by()));
      }
      return;
    case pb::Event::kBedsideIdVerified: {
      const pb::BedsideIdVerified& body = c.effective.bedside_id_verified();
      if (!body.time_out().has_minutes_left()) return;
      // Minutes are whole.
      return JudgeInfuseBy(c, rule, v, body.container().value(),
                           At(c) + (body.time_out().minutes_left() - 1) * kMicrosPerMinute);
    }
    default:
      return;
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

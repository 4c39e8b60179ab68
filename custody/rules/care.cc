// What is usual against a grade of CRS or ICANS, and whether the record has it (ASCO guideline):
// the record is asked for it, the physician is never told what to give. While a reaction lasts,
// what is not on record yet is shown with each grade; when it ends, what never came stays open
// until somebody says why. A decision against a treatment counts like the treatment.
#include <algorithm>
#include <utility>

#include "custody/grading.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

constexpr std::int64_t kLongFever = 3 * kMicrosPerDay;
constexpr std::int32_t kTreatedGrade = 2;  // from it on something is usually given
constexpr std::int32_t kSteroidGrade = 3;  // of CRS; of ICANS from grade 2
constexpr const char* kFever = "fever";

// One thing that is usual, and what says so.
struct Usual {
  const char* subject;
  const char* what;
  bool on_record = false;
};

// A reaction as of the grade that is said now.
struct Course {
  const char* name;
  std::int64_t onset_us = 0;
  std::int32_t worst = 0;
  bool ends = false;
};

template <class Body>
Course CourseOf(const char* name, const Body& body, bool open, std::int64_t onset_us,
                std::int32_t worst) {
  const std::int64_t at = Micros(body.at());
  const std::int64_t stated = Micros(body.onset_at()) == 0 ? at : Micros(body.onset_at());
  Course course{name, std::min(stated, at), static_cast<std::int32_t>(body.grade()), false};
  if (open) {
    course.onset_us = std::min(course.onset_us, onset_us);
    course.worst = std::max(course.worst, worst);
  }
  course.ends = body.grade() == 0 || body.grade() == kDeathGrade || Micros(body.resolved_at()) != 0;
  return course;
}

void JudgeRecord(const Case& c, const Rule& rule, pb::Verdict& v, const Course& course,
                 const std::vector<Usual>& usual) {
  const std::string grade = std::string(course.name) + " of grade " + std::to_string(course.worst);
  const std::string since = "not on record since " + Local(c, course.onset_us);
  std::vector<std::string> lacking;
  for (const Usual& one : usual) {
    if (one.on_record) continue;
    lacking.emplace_back(one.what);
    if (!course.ends) continue;
    Deviation(c, rule, v,
              {std::string("by the end of ") + grade + ": " + one.what, since,
               "record it late if it was done: AE_TREATMENT_GIVEN; else the physician says why not "
               "when this is closed",
               one.subject},
              false);
  }
  if (lacking.empty() || course.ends) return;
  Note(c, rule, v,
       {"usual at " + grade + ": " + List(lacking), since,
        "the physician decides; record what is given, or considered and not given: "
        "AE_TREATMENT_GIVEN"});
}

// The longest stretch without 24 h free of fever that lasts until the last of these readings.
pb::DataSpan LastFever(const Case& c) {
  auto spans = c.therapy.condition().febrile();
  for (const pb::Observation& reading : c.effective.observations_recorded().observations()) {
    const std::int64_t at = Micros(reading.vitals().at());
    const bool fever =
        reading.vitals().temperature_c() >= kFeverCelsius && reading.fever_other_cause() != pb::YES;
    const bool counts = at >= c.therapy.first_infused_us() && at <= At(c) + kSkew;
    if (fever && counts) spans = WithSpan(spans, at, at + kInputMicros);
  }
  return spans.empty() ? pb::DataSpan() : *spans.rbegin();
}

// Fever of more than three days is looked after as grade 2, once in a reaction.
void JudgeFever(const Case& c, const Rule& rule, pb::Verdict& v, const Course& course) {
  const pb::PatientCondition& known = c.therapy.condition();
  const pb::DataSpan fever = LastFever(c);
  const std::int64_t lasted = fever.to_us() - kInputMicros - fever.from_us();
  const bool decided = known.tocilizumab_decided_us() >= course.onset_us;
  if (course.worst >= kTreatedGrade || lasted <= kLongFever || decided) return;
  const bool told = std::ranges::any_of(c.therapy.deviations(), [&](const pb::Deviation& d) {
    return d.rule() == rule.id && d.subject() == kFever && d.opened_us() >= course.onset_us;
  });
  if (told) return;
  Deviation(c, rule, v,
            {"fever of at most 3 days at CRS of grade 1, or looked after as grade 2",
             "fever for " + HoursText(lasted) + ", since " + Local(c, fever.from_us()),
             "tell the physician: grade again; or tocilizumab, given or considered and not given: "
             "AE_TREATMENT_GIVEN",
             kFever},
            false);
}

void JudgeCrs(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::PatientCondition& known = c.therapy.condition();
  const pb::CrsGraded& body = c.effective.crs_graded();
  const Course course =
      CourseOf("CRS", body, known.crs_open(), known.crs_onset_us(), known.crs_worst());
  if (body.grade() != 0 && !course.ends) JudgeFever(c, rule, v, course);
  if (course.worst < kTreatedGrade) return;
  const auto since = [&](std::int64_t at) { return at != 0 && at + kSkew >= course.onset_us; };
  const bool helped = body.oxygen() > pb::O2_NONE || !body.vasopressors().empty();
  const std::int64_t dose = known.tocilizumab_us().empty() ? 0 : *known.tocilizumab_us().rbegin();
  // Hypotension that was seen again after a dose lasts.
  const std::int64_t low = body.hypotension() == pb::YES
                               ? Micros(body.at())
                               : (known.hypotension() ? known.hypotension_us() : 0);
  const bool lasts = since(dose) && low > dose;
  std::vector<Usual> usual{
      {"support", "fluids, oxygen or a vasopressor", helped || since(known.relieved_us())},
      {"tocilizumab", "tocilizumab, given or considered", since(known.tocilizumab_decided_us())}};
  if (course.worst >= kSteroidGrade || lasts) {
    usual.push_back(
        {"steroid", "a steroid, given or considered", since(known.steroid_decided_us())});
  }
  JudgeRecord(c, rule, v, course, usual);
}

void JudgeIcans(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::PatientCondition& known = c.therapy.condition();
  const Course course = CourseOf("ICANS", c.effective.icans_graded(), known.icans_open(),
                                 known.icans_onset_us(), known.icans_worst());
  if (course.worst < kTreatedGrade) return;
  const std::int64_t steroid = known.steroid_decided_us();
  const bool decided = steroid != 0 && steroid + kSkew >= course.onset_us;
  JudgeRecord(c, rule, v, course, {{"steroid", "a steroid, given or considered", decided}});
}

void JudgeTreatment(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::AeTreatmentGiven& body = c.effective.ae_treatment_given();
  const bool refrained = body.treatment() == pb::TREATMENT_TOCILIZUMAB_NOT_GIVEN ||
                         body.treatment() == pb::TREATMENT_STEROID_NOT_GIVEN;
  if (refrained && body.reason().empty()) {
    Deviation(c, rule, v,
              {"a word on why it was not given", "none",
               "record it again with the physician's reason", "reason"},
              false);
  }
  const bool alone = body.treatment() == pb::TREATMENT_TOCILIZUMAB &&
                     body.against() == pb::TOXICITY_ICANS && !c.therapy.condition().crs_open();
  if (!alone) return;
  Deviation(
      c, rule, v,
      {"tocilizumab against ICANS beside CRS only", "no CRS is open",
       "tell the physician; grade CRS if there is one, or say why when this is closed", "against"},
      false);
}

void JudgeProphylaxis(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::PatientCondition& known = c.therapy.condition();
  const bool likely = known.seizure_risk() >= static_cast<std::uint32_t>(pb::SEIZURE_RISK_RAISED);
  if (!likely || known.seizure_prophylaxis()) return;
  Words words{"seizure prophylaxis before the infusion of a patient at risk", "none on record",
              "ask the physician; record it when it is given: PROPHYLAXIS_GIVEN", "prophylaxis"};
  if (c.effective.has_infusion_started()) {
    Deviation(c, rule, v, std::move(words), false);
  } else {
    Note(c, rule, v, std::move(words));
  }
}

}  // namespace

void CareComplete(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::PatientCondition& known = c.therapy.condition();
  switch (Body(c)) {
    case pb::Event::kCrsGraded:
      return JudgeCrs(c, rule, v);
    case pb::Event::kIcansGraded:
      return JudgeIcans(c, rule, v);
    case pb::Event::kObservationsRecorded:
      if (!known.crs_open()) return;
      return JudgeFever(c, rule, v, {"CRS", known.crs_onset_us(), known.crs_worst(), false});
    case pb::Event::kAeTreatmentGiven:
      return JudgeTreatment(c, rule, v);
    case pb::Event::kPreinfusionCheckPassed:
    case pb::Event::kInfusionStarted:
      return JudgeProphylaxis(c, rule, v);
    default:
      return;
  }
}

}  // namespace custody::rules

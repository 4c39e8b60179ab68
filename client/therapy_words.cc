#include "client/therapy_words.h"

#include <algorithm>
#include <optional>

#include "client/event_words.h"
#include "client/forms.h"
#include "client/right_time.h"
#include "crypto/utf8.h"
#include "custody/aftercare.h"
#include "custody/alerts.h"
#include "custody/body_plan.h"
#include "custody/event.h"
#include "custody/grading.h"
#include "custody/profile.h"
#include "custody/schedule.h"

namespace custody {
namespace {

std::string Choice(const google::protobuf::EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  return value == nullptr || number == 0 ? "" : ChoiceLabel(*value);
}

// What is told of a therapy was entered by others: a line holds what they wrote on one line.
void AddLine(std::string& out, const std::string& line) { out += Plain(line) + "\n"; }

std::string KindOf(const pb::Container& container) {
  const auto* kind = pb::Container::descriptor()->FindFieldByName("material");
  return Choice(*kind->enum_type(), container.material());
}

std::string InMinutes(std::int64_t micros) {
  const std::int64_t minutes = std::abs(micros) / kMicrosPerMinute;
  if (minutes < 120) return std::to_string(minutes) + " min";
  if (minutes < 48 * 60) return std::to_string(minutes / 60) + " h";
  return std::to_string(minutes / (24 * 60)) + " d";
}

// Both grades side by side: what the physician attests, and what the recorded counts give.
void Blood(const pb::TherapyState& state, std::string_view zone, std::string& out) {
  const pb::BloodGrade& grade = state.condition().blood_grade();
  if (grade.at_us() == 0) return;
  const auto computed = [](bool known, std::uint32_t value) {
    return known ? ", computed " + std::to_string(value) : std::string(", not computed");
  };
  std::string line = "  Blood        neutropenia grade " + std::to_string(grade.neutropenia()) +
                     computed(grade.has_neutropenia_computed(), grade.neutropenia_computed());
  if (grade.has_thrombocytopenia()) {
    line += "; platelets grade " + std::to_string(grade.thrombocytopenia()) +
            computed(grade.has_thrombocytopenia_computed(), grade.thrombocytopenia_computed());
  }
  AddLine(out, line + ", " + LocalTime(grade.at_us(), zone));
}

// Both grades side by side: what the physician attests, and what is recorded gives now.
void Reactions(const pb::TherapyState& state, const Desk& desk, std::string& out) {
  const pb::PatientCondition& condition = state.condition();
  if (!condition.crs_open() && !condition.icans_open()) return;
  pb::CrsGraded crs;
  *crs.mutable_at() = ToProto(desk.Now());
  pb::IcansGraded icans;
  *icans.mutable_at() = crs.at();
  const auto add = [&](const char* name, int attested, std::uint32_t computed) {
    AddLine(out, "  Reaction     " + std::string(name) + " grade " + std::to_string(attested) +
                     ", computed now " + std::to_string(computed));
  };
  if (condition.crs_open()) {
    add("CRS", condition.crs_grade(), ComputeCrs(CrsInputsOf(condition, crs)).grade);
  }
  if (condition.icans_open()) {
    add("ICANS", condition.icans_grade(), ComputeIcans(IcansInputsOf(condition, icans)));
  }
}

void Shipments(const pb::TherapyState& state, std::string_view zone, std::string& out) {
  for (const pb::Shipment& shipment : state.shipments()) {
    if (!shipment.open()) continue;
    std::string line = "  In transit   shipper " + shipment.shipper() + ", " +
                       Joined(shipment.containers()) + ", " + shipment.from_site() + " to " +
                       shipment.to_site();
    if (!shipment.carrier().empty()) line += " with " + shipment.carrier();
    const std::int64_t since =
        shipment.handed_us() != 0 ? shipment.handed_us() : shipment.packed_us();
    AddLine(out, line + " since " + LocalTime(since, zone));
  }
  for (const pb::Offer& offer : state.offers()) {
    const std::string what = offer.shipper().empty() ? Joined(offer.containers()) : offer.shipper();
    AddLine(out, "  Open offer   " + what + " from " + offer.from_site() + " to " +
                     offer.to_site() + " since " + LocalTime(offer.offered_us(), zone));
  }
}

std::string Days(std::int64_t micros) { return std::to_string(micros / kMicrosPerDay) + " d"; }

// How long the whole course has taken, and the stay in hospital.
void Clocks(const pb::TherapyState& state, const Desk& desk, std::string& out) {
  const std::string& zone = desk.zone();
  const std::int64_t now = desk.Now().micros;
  if (const std::optional<VeinToVein> clock = VeinToVeinOf(state); clock.has_value()) {
    const bool runs = clock->to_us == 0;
    AddLine(out,
            "  Clock        vein to vein: " + Days((runs ? now : clock->to_us) - clock->from_us) +
                ", from " + LocalTime(clock->from_us, zone) +
                (runs ? ", runs" : " to " + LocalTime(clock->to_us, zone)));
  }
  if (!state.has_condition() || !IsInHospital(state) || IsOutpatient(state)) return;
  const pb::Aftercare care =
      AftercareOf(ProfileFor(desk.registry(), state, pb::Event::default_instance()));
  AddLine(out, "  Clock        in hospital: " + Days(now - state.last_infused_us()) +
                   " since the infusion, usually " + std::to_string(care.inpatient_min_days()) +
                   " to " + std::to_string(care.inpatient_max_days()) + " d");
}

// What is planned, and what the slot's last change moved: each date from when to when.
void Plans(const pb::TherapyState& state, const Desk& desk, std::string& out) {
  const pb::Profile* profile = ProfileFor(desk.registry(), state, pb::Event::default_instance());
  const std::string& zone = desk.zone();
  std::vector<PlannedStep> before;
  if (state.slot_moves_size() > 0) {
    before = ScheduleBefore(state, *state.slot_moves().rbegin(), profile);
    const pb::SlotMove& move = *state.slot_moves().rbegin();
    AddLine(out, "  Slot moved   " + move.from_slot() + " to " +
                     (move.to_slot().empty() ? "none" : move.to_slot()) + " on " +
                     LocalTime(move.at_us(), zone) + ": " + move.reason());
  }
  for (const PlannedStep& planned : ScheduleOf(state, profile)) {
    std::string line = "  Planned      " + planned.name + " " + LocalTime(planned.from_us, zone);
    if (planned.to_us - planned.from_us >= kMicrosPerDay) {
      line += " to " + LocalTime(planned.to_us, zone);
    }
    if (planned.latest_us != 0) line += ", never after " + LocalTime(planned.latest_us, zone);
    const auto old = std::ranges::find(before, planned.name, &PlannedStep::name);
    if (old != before.end() && old->from_us != planned.from_us) {
      line += " (was " + LocalTime(old->from_us, zone) + ")";
    }
    AddLine(out, line);
  }
}

}  // namespace

std::string LocalTime(std::int64_t micros, std::string_view zone) {
  return micros == 0 ? "" : FormatLocal({micros}, zone);
}

Rows StepRows(std::span<const pb::NextStep> steps, const Desk& desk) {
  Rows rows;
  for (const pb::NextStep& step : steps) {
    std::string who = RoleNames(step.roles());
    if (step.two_person()) {
      const std::string second = RoleNames(step.second());
      who += " + " + (second.empty() ? std::string("second person") : second);
    }
    std::string due = LocalTime(step.due_us(), desk.zone());
    if (step.overdue()) due += " OVERDUE";
    std::string now = "may be done";
    if (step.opens_us() > desk.Now().micros)
      now = "from " + LocalTime(step.opens_us(), desk.zone());
    if (step.blocked()) {
      now = "blocked by ";
      std::vector<std::string> rules;
      for (const pb::Reason& reason : step.reasons()) {
        if (std::ranges::find(rules, reason.rule()) == rules.end()) rules.push_back(reason.rule());
      }
      now += Joined(rules);
    }
    rows.push_back({step.label() + " (" + step.body() + ")", step.subject(), who, due, now});
  }
  return rows;
}

std::vector<std::string> HelpLines(std::span<const pb::NextStep> steps) {
  std::vector<std::string> lines;
  for (const pb::NextStep& step : steps) {
    const int body = BodyNumber(step.body());
    if (step.help().empty() || (body != 0 && step.help() == PlanOf(body).rule->help())) continue;
    lines.push_back(Plain(step.label() + (step.subject().empty() ? "" : " " + step.subject()) +
                          ": " + step.help()));
  }
  return lines;
}

Rows ContainerRows(const pb::TherapyState& state, const Desk& desk) {
  Rows rows;
  for (const pb::Container& container : state.containers()) {
    std::string place = container.location();
    if (!container.site().empty()) place += (place.empty() ? "" : ", ") + container.site();
    if (!container.shipment().empty()) place = "in shipper " + container.shipment();
    rows.push_back({container.id(), KindOf(container),
                    Choice(*pb::ContainerState_descriptor(), container.state()), place,
                    container.lot(), LocalTime(container.expiry_us(), desk.zone())});
  }
  return rows;
}

std::vector<std::string> EventRow(const pb::Event& event, std::string_view zone) {
  const pb::Event* shown = &event;
  pb::Event original;
  std::string entered = event.entry() == pb::LIVE ? "" : pb::EntryMode_Name(event.entry());
  if (event.has_adopted() && original.ParseFromString(event.adopted().original().payload())) {
    shown = &original;
    entered = "adopted";
  }
  std::string signers;
  for (const pb::Signer& signer : shown->signers()) {
    signers += (signers.empty() ? "" : ", ") + signer.printed_name() + " (" +
               pb::Role_Name(signer.role()) + ")";
  }
  const std::string label = BodyRule(*shown).label();
  return {std::to_string(event.sequence()), FormatLocal(FromProto(shown->occurred_at()), zone),
          label.empty() ? std::string(BodyName(*shown)) : label, signers, entered};
}

std::string Headline(const pb::TherapyState& state) {
  std::string line = "Therapy " + state.therapy();
  if (!state.coi().empty()) line += ", CoI " + state.coi();
  if (!state.product().empty()) line += ", product " + state.product();
  return Plain(line + ", " + (state.state().empty() ? "not begun" : state.state()));
}

std::vector<std::string> Warnings(const pb::TherapyState& state, std::string_view zone) {
  std::vector<std::string> lines;
  if (state.patient_died()) lines.push_back("the patient has died");
  if (state.consent_withdrawn()) lines.push_back("consent was withdrawn");
  for (const pb::Quarantine& quarantine : state.quarantines()) {
    if (!quarantine.open()) continue;
    std::string items = Joined(quarantine.containers());
    const std::string others = Joined(quarantine.items());
    if (!others.empty()) items += (items.empty() ? "" : ", ") + others;
    lines.push_back("quarantine " + quarantine.id() + " (" +
                    Choice(*pb::QuarantineKind_descriptor(), quarantine.kind()) + ") on " + items +
                    " since " + LocalTime(quarantine.since_us(), zone));
  }
  for (const pb::Hold& hold : state.holds()) {
    if (!hold.open()) continue;
    lines.push_back("hold " + hold.id() + " (" + hold.kind() + ") by " + hold.organisation() +
                    (hold.reason().empty() ? "" : ": " + hold.reason()));
  }
  std::ranges::transform(lines, lines.begin(), Plain);
  return lines;
}

std::vector<std::string> AlertLines(const pb::TherapyState& state, const Desk& desk) {
  std::vector<std::string> lines;
  for (const Alert& alert : Alerts(state, desk.registry(), desk.Now())) {
    const bool waits =
        std::ranges::find(alert.waiting, desk.folder().settings().site) != alert.waiting.end();
    if (waits) lines.push_back(Plain(alert.id + ": " + alert.text));
  }
  return lines;
}

std::string RenderTherapy(const pb::TherapyState& state, const Desk& desk) {
  std::string out = Headline(state) + "\n";
  const std::string& zone = desk.zone();
  if (!state.profile().empty()) AddLine(out, "  Profile      " + state.profile());
  if (!state.treating_site().empty() || !state.manufacturer_site().empty()) {
    AddLine(out, "  Sites        enrolled " + state.site() + ", treats " + state.treating_site() +
                     ", makes " + state.manufacturer_site());
  }
  for (const std::string& warning : Warnings(state, zone))
    AddLine(out, "  STOP         " + warning);
  for (const std::string& alert : AlertLines(state, desk)) AddLine(out, "  ALERT        " + alert);
  Shipments(state, zone, out);
  Plans(state, desk, out);
  for (const pb::Lot& lot : state.lots()) {
    AddLine(out, "  Lot          " + lot.lot() + " " +
                     Choice(*pb::LotState_descriptor(), lot.state()) +
                     (lot.certificate().empty() ? "" : ", certificate " + lot.certificate()));
  }
  for (const pb::InfusionOrder& order : state.orders()) {
    if (order.open()) {
      AddLine(out, "  Order        " + order.order() + ": " + Joined(order.containers()));
    }
  }
  Reactions(state, desk, out);
  Blood(state, zone, out);
  for (const pb::Deviation& deviation : state.deviations()) {
    if (!deviation.open()) continue;
    AddLine(out, std::string("  Deviation    ") + deviation.id() +
                     (deviation.critical() ? " CRITICAL" : "") +
                     (deviation.found().empty() ? "" : ": " + deviation.found()));
  }
  for (const pb::Grant& grant : state.grants()) {
    AddLine(out, "  Override     of " + Joined(grant.rules()) + " until " +
                     LocalTime(grant.expires_us(), zone) +
                     (grant.used_by_size() > 0 ? ", used" : ", not used yet"));
  }
  Clocks(state, desk, out);
  for (const pb::Timer& timer : state.timers()) {
    const std::int64_t left = timer.due_us() - desk.Now().micros;
    const std::string counted = left >= 0 ? "in " + InMinutes(left) : InMinutes(left) + " over";
    out += "  Clock        " + timer.name() + ": due " + LocalTime(timer.due_us(), zone) + " (" +
           (CountsTime(desk) ? counted : "STOPPED: this station's clock is wrong, R03") + ")\n";
  }
  if (state.retain_until_us() != 0) {
    AddLine(out, "  Record       kept at least until " + LocalTime(state.retain_until_us(), zone));
  }
  if (state.near_misses_size() > 0) {
    out += "  Near misses  " + std::to_string(state.near_misses_size()) + "\n";
  }
  out += "  Events       " + std::to_string(state.length()) + ", last received " +
         LocalTime(state.updated_us(), zone) + "\n";
  return out;
}

}  // namespace custody

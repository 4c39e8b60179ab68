// F8a: every scan of a step is compared with what this therapy knows, and each person's own check
// with the step. Which fields are scans is read from the annotations, so that a new event type is
// checked from its first day.
#include <algorithm>
#include <set>

#include "custody/body_plan.h"
#include "custody/profile.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// Bodies whose scans are of things that are wrong on purpose, or that are new to the therapy.
bool SpeaksOfOthers(pb::Event::BodyCase body) {
  switch (body) {
    case pb::Event::kPatientEnrolled:
    case pb::Event::kPatientIdentifierAdded:
    case pb::Event::kPatientIdentifierRetired:
    case pb::Event::kWrongItemPresented:
    case pb::Event::kIdentityInDoubt:
    case pb::Event::kIdentityResolved:
    case pb::Event::kCustodyAudited:
    case pb::Event::kProductRecalled:
    case pb::Event::kAdopted:
      return true;
    default:
      return false;
  }
}

// Fields that bring a container, lot or certificate into the therapy, or that other rules compare.
bool IsNew(pb::Event::BodyCase body, std::string_view field) {
  switch (body) {
    case pb::Event::kApheresisCryopreserved:
    case pb::Event::kFilled:
      return field == "containers";
    case pb::Event::kApheresisCompleted:
      return field == "container" || field == "plasma_container";
    case pb::Event::kLabelAffixed:
    case pb::Event::kContainerDerived:
      return field == "container";
    case pb::Event::kBatchOpened:
      return field == "lot";
    case pb::Event::kReceivedMfg:       // R06
    case pb::Event::kReceivedClinic:    // R06
    case pb::Event::kPacked:            // R06
    case pb::Event::kHandoverOffered:   // R06
    case pb::Event::kHandoverAccepted:  // R06
      return field == "containers";
    case pb::Event::kReleased:
    case pb::Event::kReleasedOos:
    case pb::Event::kQpCertification:
    case pb::Event::kSiteQaDisposition:
      return field == "certificate";
    case pb::Event::kTherapyOrdered:
      return field == "order_number";
    case pb::Event::kInfusionOrdered:
      return field == "order";
    default:
      return false;
  }
}

bool KnowsPatient(const pb::TherapyState& state, std::string_view commitment) {
  return std::ranges::any_of(state.identity(), [&](const pb::KnownIdentifier& known) {
    return !known.retired() && known.value() == commitment;
  });
}

// Before the needle: the bag's number is that of a label printed for this patient, and one number
// is one collection.
std::string LabelMisfit(const Case& c, const std::string& din) {
  const auto& issued = c.therapy.issued_labels();
  const bool printed = issued.empty() || std::ranges::find(issued, din) != issued.end();
  if (!printed) return "a donation number whose label was printed for this therapy";
  const pb::Donation* donation = FindDonation(c.therapy, din);
  const bool used = c.effective.has_apheresis_started() && donation != nullptr &&
                    (donation->ended_us() != 0 || donation->failed());
  return used ? "a donation number that was not used yet" : "";
}

// Bodies that take a lot's or donation's number for all of its containers; those that hold them
// take also a cassette's, shipper's or seal's for what is inside.
bool MeansSeveral(const Case& c, std::string_view id) {
  const bool holds = c.effective.has_temperature_excursion() || c.effective.has_seal_broken() ||
                     c.effective.has_storage_excursion() || c.effective.has_hold_set();
  if (holds && !ContainersMeant(c.therapy, id).empty()) return true;
  if (!holds && !c.effective.has_quarantine_decided()) return false;
  return FindLot(c.therapy, id) != nullptr || FindDonation(c.therapy, id) != nullptr;
}

// What the therapy knows of one scan; empty when it fits.
std::string Misfit(const Case& c, pb::ScanKind kind, const std::string& value) {
  const pb::TherapyState& state = c.therapy;
  switch (kind) {
    case pb::SCAN_COI:
      return state.coi().empty() || state.coi() == value ? "" : "chain of identity " + state.coi();
    case pb::SCAN_WRISTBAND:
      return KnowsPatient(state, value) ? "" : "the patient of this therapy";
    case pb::SCAN_CONTAINER:
      return FindContainer(state, value) != nullptr || MeansSeveral(c, value)
                 ? ""
                 : "a container of this therapy";
    case pb::SCAN_LOT:
      return FindLot(state, value) != nullptr ? "" : "a lot of this therapy";
    case pb::SCAN_DIN: {
      if (Body(c) == pb::Event::kLabelIssued) return "";
      if (Body(c) == pb::Event::kApheresisStarted || Body(c) == pb::Event::kLabelAffixed) {
        return LabelMisfit(c, value);
      }
      const bool known =
          FindDonation(state, value) != nullptr || FindContainer(state, value) != nullptr;
      return known ? "" : "a donation of this therapy";
    }
    case pb::SCAN_CERTIFICATE: {
      const bool known = std::ranges::any_of(
          state.lots(), [&](const pb::Lot& lot) { return lot.certificate() == value; });
      return known ? "" : "the certificate of this therapy's lot";
    }
    case pb::SCAN_ORDER:
      return value == state.order_number() || FindOrder(state, value) != nullptr
                 ? ""
                 : "an order of this therapy";
    case pb::SCAN_CASSETTE: {
      const std::vector<std::string> containers = StepContainers(c.effective);
      const pb::Container* held =
          containers.empty() ? nullptr : FindContainer(state, containers.front());
      if (held == nullptr || held->cassette().empty() || held->cassette() == value) return "";
      return "cassette " + held->cassette();
    }
    default:
      return "";
  }
}

// The two own checks of a step against the step's own scans.
struct Stated {
  const google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>* wristband = nullptr;
  const pb::Scanned* container = nullptr;
  const pb::Scanned* coi = nullptr;
  const pb::Scanned* certificate = nullptr;
  const pb::Scanned* order = nullptr;
  const pb::Scanned* kit = nullptr;
  const pb::Scanned* cassette = nullptr;
};

std::set<std::string> Read(
    const google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>& ids) {
  std::set<std::string> read;
  for (const pb::IdentifierCommitment& id : ids) read.insert(id.commitment());
  return read;
}

void CompareChecks(const Case& c, const Rule& rule, pb::Verdict& v,
                   const google::protobuf::RepeatedPtrField<pb::PersonCheck>& checks,
                   const Stated& stated) {
  for (const pb::PersonCheck& check : checks) {
    const auto compare = [&](const pb::Scanned* step, const pb::Scanned& own, const char* what) {
      if (step == nullptr || step->value() == own.value()) return;
      Gate(c, rule, v,
           {std::string(what) + " " + step->value() + " in each person's own check",
            own.value().empty() ? check.person() + " did not scan it"
                                : check.person() + " scanned " + own.value(),
            kPresentRight, check.person()});
    };
    compare(stated.container, check.container(), "container");
    compare(stated.coi, check.coi(), "chain of identity");
    compare(stated.certificate, check.certificate(), "certificate");
    compare(stated.order, check.order(), "order");
    compare(stated.kit, check.kit(), "kit");
    compare(stated.cassette, check.cassette(), "cassette");
    if (stated.wristband != nullptr && Read(check.wristband()) != Read(*stated.wristband)) {
      Gate(c, rule, v,
           {"the same wristband in each person's own check",
            check.person() + (check.wristband().empty() ? " did not scan it" : " read another"),
            kPresentRight, check.person()});
    }
    if (check.all_agree() != pb::YES) {
      Gate(c, rule, v,
           {"each person finds that everything agrees", check.person() + " does not",
            "stop and find out why; in doubt record IDENTITY_IN_DOUBT", check.person()});
    }
  }
}

void CompareOwnChecks(const Case& c, const Rule& rule, pb::Verdict& v) {
  Stated stated;
  switch (Body(c)) {
    case pb::Event::kApheresisStarted: {
      const pb::ApheresisStarted& body = c.effective.apheresis_started();
      stated.wristband = &body.wristband();
      stated.coi = &body.coi();
      stated.kit = &body.kit();
      return CompareChecks(c, rule, v, body.checks(), stated);
    }
    case pb::Event::kPrethawIdVerified: {
      const pb::PrethawIdVerified& body = c.effective.prethaw_id_verified();
      stated.container = &body.container();
      stated.coi = &body.coi();
      stated.certificate = &body.certificate();
      stated.order = &body.order();
      stated.cassette = &body.cassette();
      if (body.confirmed_by() == pb::CONFIRMED_BY_WRISTBAND) stated.wristband = &body.wristband();
      return CompareChecks(c, rule, v, body.checks(), stated);
    }
    case pb::Event::kBedsideIdVerified: {
      const pb::BedsideIdVerified& body = c.effective.bedside_id_verified();
      stated.wristband = &body.wristband();
      stated.container = &body.container();
      stated.coi = &body.coi();
      stated.certificate = &body.certificate();
      stated.order = &body.order();
      if (body.has_cassette()) stated.cassette = &body.cassette();
      return CompareChecks(c, rule, v, body.checks(), stated);
    }
    default:
      return;
  }
}

// A wristband names a patient by two identifiers before anything is done to the body.
void CheckWristband(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::size_t read = 2;
  if (c.effective.has_apheresis_started()) {
    read = Read(c.effective.apheresis_started().wristband()).size();
  } else if (c.effective.has_bedside_id_verified()) {
    read = Read(c.effective.bedside_id_verified().wristband()).size();
  } else if (c.effective.has_prethaw_id_verified()) {
    const pb::PrethawIdVerified& body = c.effective.prethaw_id_verified();
    if (body.confirmed_by() == pb::CONFIRMED_BY_WRISTBAND) read = Read(body.wristband()).size();
  } else if (c.effective.has_label_issued()) {
    const std::uint32_t stated =
        c.profile == nullptr ? 0 : c.profile->validity().wristband_before_label();
    const std::uint32_t minutes = Tightened(Defaults::kLabelMinutes, stated);
    const std::int64_t at = Micros(c.effective.label_issued().wristband_scanned_at());
    if (!IsFresh(c, at, minutes * kMicrosPerMinute)) {
      Gate(c, rule, v,
           {"a label within " + std::to_string(minutes) + " min of the wristband scan",
            Span(At(c) - at) + " after it", "scan the wristband again"});
    }
  }
  if (read >= 2) return;
  Gate(c, rule, v,
       {"two identifiers read from the wristband", std::to_string(read),
        "scan the second identifier, or read it to a second person"});
}

// What lets something be done to a patient is said of a patient who was scanned, and of a therapy
// that has a name: where neither is known, everything fits.
void NeedPatient(const Case& c, const Rule& rule, pb::Verdict& v) {
  const bool labels = c.effective.has_label_issued() || c.effective.has_apheresis_started();
  if (labels && c.therapy.coi().empty()) {
    Gate(c, rule, v,
         {"a chain of identity that the therapy knows", "none yet",
          "state it: ELIGIBILITY_ASSESSED by the physician, or THERAPY_ORDERED", "coi"});
  }
  const auto need = [&](const auto& body) {
    if (body.coi().empty()) {
      Gate(c, rule, v,
           {"the chain of identity scanned", "no scan", "scan it with the wristband", "coi"});
    }
    if (Read(body.wristband()).size() >= 2) return;
    Gate(c, rule, v,
         {"two identifiers read from the wristband", std::to_string(Read(body.wristband()).size()),
          "scan the whole wristband, or read it to a second person", "wristband"});
  };
  switch (Body(c)) {
    case pb::Event::kLdStarted:
      return need(c.effective.ld_started());
    case pb::Event::kPreinfusionCheckPassed:
      // A no asks for nothing.
      if (c.effective.preinfusion_check_passed().go() != pb::YES) return;
      return need(c.effective.preinfusion_check_passed());
    case pb::Event::kInfusionOrdered:
      return need(c.effective.infusion_ordered());
    default:
      return;
  }
}

// Certificate and lot of a step belong to the container in hand, not only to the therapy.
void CheckCertificate(const Case& c, const Rule& rule, pb::Verdict& v) {
  std::string certificate;
  switch (Body(c)) {
    case pb::Event::kPrethawIdVerified:
      certificate = c.effective.prethaw_id_verified().certificate().value();
      break;
    case pb::Event::kRemovedFromStorage:
      certificate = c.effective.removed_from_storage().certificate().value();
      break;
    case pb::Event::kBedsideIdVerified:
      certificate = c.effective.bedside_id_verified().certificate().value();
      break;
    default:
      return;
  }
  for (const std::string& id : StepContainers(c.effective)) {
    const pb::Container* container = FindContainer(c.therapy, id);
    const pb::Lot* lot = container == nullptr ? nullptr : FindLot(c.therapy, container->lot());
    if (lot == nullptr || lot->certificate().empty() || lot->certificate() == certificate) continue;
    Gate(c, rule, v,
         {"certificate " + lot->certificate() + " of lot " + lot->lot(), certificate, kPresentRight,
          id});
  }
}

}  // namespace

void ScansBelong(const Case& c, const Rule& rule, pb::Verdict& v) {
  CheckAnswers(c, rule, v);
  const BodyPlan& plan = PlanOf(c.effective);
  if (plan.body == nullptr || plan.scans.empty() || SpeaksOfOthers(Body(c))) return;
  NeedPatient(c, rule, v);
  const auto& body = c.effective.GetReflection()->GetMessage(c.effective, plan.body);
  std::vector<const std::string*> values;
  for (const PlannedField& field : plan.scans) {
    if (IsNew(Body(c), field.way.front()->name())) continue;
    values.clear();
    StringsAt(body, field, values);
    std::set<std::string> said;  // the two own checks of a step often scan the same wrong thing
    for (const std::string* value : values) {
      if (!said.insert(*value).second) continue;
      const pb::ScanKind kind = field.rule->scan();
      const std::string expected = Misfit(c, kind, *value);
      if (expected.empty()) continue;
      const bool band = kind == pb::SCAN_WRISTBAND;
      Gate(c, rule, v,
           {expected, band ? "a wristband of somebody else" : *value, kPresentRight, field.path});
    }
  }
  CheckWristband(c, rule, v);
  CheckCertificate(c, rule, v);
  CompareOwnChecks(c, rule, v);
}

}  // namespace custody::rules

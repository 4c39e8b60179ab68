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
    case pb::Event::kApheresisCompleted:
    case pb::Event::kApheresisCryopreserved:
    case pb::Event::kLabelAffixed:
    case pb::Event::kFilled:
      return true;
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

// What the therapy knows of one scan; empty when it fits.
std::string Misfit(const Case& c, pb::ScanKind kind, const std::string& value) {
  const pb::TherapyState& state = c.therapy;
  switch (kind) {
    case pb::SCAN_COI:
      return state.coi().empty() || state.coi() == value ? "" : "chain of identity " + state.coi();
    case pb::SCAN_WRISTBAND:
      return KnowsPatient(state, value) ? "" : "the patient of this therapy";
    case pb::SCAN_CONTAINER:
      return FindContainer(state, value) != nullptr ? "" : "a container of this therapy";
    case pb::SCAN_LOT:
      return FindLot(state, value) != nullptr ? "" : "a lot of this therapy";
    case pb::SCAN_DIN: {
      if (Body(c) == pb::Event::kApheresisStarted || Body(c) == pb::Event::kLabelIssued ||
          Body(c) == pb::Event::kLabelAffixed) {
        return "";
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

std::string Shown(pb::ScanKind kind, const std::string& value) {
  return kind == pb::SCAN_WRISTBAND ? "a wristband of somebody else" : value;
}

// The two own checks of a step against the step's own scans.
struct Stated {
  const google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>* wristband = nullptr;
  const pb::Scanned* container = nullptr;
  const pb::Scanned* coi = nullptr;
  const pb::Scanned* certificate = nullptr;
  const pb::Scanned* order = nullptr;
  const pb::Scanned* kit = nullptr;
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
  } else if (c.effective.has_label_issued()) {
    const std::uint32_t stated =
        c.profile == nullptr ? 0 : c.profile->validity().wristband_before_label();
    const std::uint32_t minutes = Tightened(Defaults::kLabelMinutes, stated);
    const std::int64_t age = At(c) - Micros(c.effective.label_issued().wristband_scanned_at());
    if (age > minutes * kMicrosPerMinute) {
      Gate(c, rule, v,
           {"a label within " + std::to_string(minutes) + " min of the wristband scan",
            Span(age) + " after it", "scan the wristband again"});
    }
  }
  if (read >= 2) return;
  Gate(c, rule, v,
       {"two identifiers read from the wristband", std::to_string(read),
        "scan the second identifier, or read it to a second person"});
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
  const BodyPlan& plan = PlanOf(c.effective);
  if (plan.body == nullptr || plan.scans.empty() || SpeaksOfOthers(Body(c))) return;
  const auto& body = c.effective.GetReflection()->GetMessage(c.effective, plan.body);
  std::vector<const std::string*> values;
  for (const PlannedField& field : plan.scans) {
    if (IsNew(Body(c), field.way.front()->name())) continue;
    values.clear();
    StringsAt(body, field, values);
    std::set<std::string> said;  // the two own checks of a step often scan the same wrong thing
    for (const std::string* value : values) {
      if (!said.insert(*value).second) continue;
      const std::string expected = Misfit(c, field.rule->scan(), *value);
      if (expected.empty()) continue;
      Gate(c, rule, v, {expected, Shown(field.rule->scan(), *value), kPresentRight, field.path});
    }
  }
  CheckWristband(c, rule, v);
  CheckCertificate(c, rule, v);
  CompareOwnChecks(c, rule, v);
}

}  // namespace custody::rules

// What consent withdrawn (F2) and death (F13) stop.
//
// Every event type stands in one table, and whoever adds one has to say which it is: what goes
// forward with the therapy, and stops; or what stays open, and why. An event type that stands in no
// row is stopped, so that forgetting it harms nobody. What stays open is of three kinds: facts,
// which are never refused; the way of the material to its end (F17), for cells must be kept safe,
// brought back or destroyed whatever was decided; and words that take a permission away or set the
// record right.
//
// Selecting, activating and transducing cells begin something that nobody wants any more; done
// already they are entered as such. From the harvest on what was begun is brought to a safe end
// and kept.
#include <algorithm>

#include "crypto/encoding.h"
#include "custody/body_plan.h"
#include "custody/consent.h"
#include "custody/grading.h"
#include "custody/rules/case.h"
#include "custody/signed_by.h"

namespace custody::rules {
namespace {

enum class Stop {
  kNever,
  kTherapy,     // by death, and when consent to the treatment is taken back
  kCollection,  // and when consent to the collection is taken back
};

struct Row {
  pb::Event::BodyCase body;
  Stop stop;
  std::string_view why;
};

constexpr std::string_view kFact = "what was observed or done is always recorded";
constexpr std::string_view kMaterial = "cells are kept safe and brought to their end (F17)";
constexpr std::string_view kTakesAway = "it takes a permission away, or gives none";
constexpr std::string_view kRecord = "it sets the record right";
constexpr std::string_view kSafety = "the safety of a patient who was treated is followed";
constexpr std::string_view kForward = "it goes forward to a collection or an infusion";
constexpr std::string_view kBegins = "it begins or goes on with making the product";
constexpr std::string_view kPermits = "it permits a step that is stopped";

using E = pb::Event;

constexpr Row kRows[] = {
    // Clinic.
    {E::kPatientEnrolled, Stop::kNever, kFact},
    {E::kPatientIdentifierAdded, Stop::kNever, kFact},
    {E::kPatientIdentifierRetired, Stop::kNever, kFact},
    {E::kEligibilityAssessed, Stop::kTherapy, kForward},  // fit; unfit is open
    {E::kCnsEvaluated, Stop::kNever, kFact},
    {E::kConsentObtained, Stop::kNever, "new consent is the way on"},
    {E::kTherapyOrdered, Stop::kTherapy, kForward},
    {E::kSlotReserved, Stop::kCollection, kForward},
    {E::kSlotChanged, Stop::kCollection, kForward},  // moved; to give it up is open
    {E::kIdmSampled, Stop::kNever, kFact},
    {E::kIdmTested, Stop::kNever, kFact},
    {E::kWorkupCompleted, Stop::kNever, kFact},
    {E::kWashoutConfirmed, Stop::kNever, kFact},
    {E::kApheresisStarted, Stop::kCollection, kForward},
    {E::kApheresisCompleted, Stop::kNever, kFact},
    {E::kLabelIssued, Stop::kCollection, kForward},  // of a collection under way it is open
    {E::kLabelAffixed, Stop::kNever, kFact},
    {E::kLabelCompleted, Stop::kNever, kFact},
    {E::kApheresisCryopreserved, Stop::kNever, kMaterial},
    {E::kBridgingGiven, Stop::kNever, kFact},
    {E::kTherapyCancelled, Stop::kNever, kTakesAway},
    {E::kWeightChanged, Stop::kNever, kFact},
    // Manufacture.
    {E::kReceivedMfg, Stop::kNever, kMaterial},
    {E::kIncomingQcPassed, Stop::kNever, kFact},
    {E::kIncomingQcFailed, Stop::kNever, kFact},
    {E::kBatchOpened, Stop::kTherapy, kBegins},
    {E::kCellsSelected, Stop::kTherapy, kBegins},
    {E::kActivated, Stop::kTherapy, kBegins},
    {E::kTransduced, Stop::kTherapy, kBegins},
    {E::kCultureCheck, Stop::kNever, kFact},
    {E::kInProcessTest, Stop::kNever, kFact},
    {E::kHarvested, Stop::kNever, kMaterial},
    {E::kFormulated, Stop::kNever, kMaterial},
    {E::kFilled, Stop::kNever, kMaterial},
    {E::kCryopreserved, Stop::kNever, kMaterial},
    {E::kQcResult, Stop::kNever, kFact},
    {E::kBatchRecordReviewed, Stop::kNever, kTakesAway},
    {E::kReleased, Stop::kTherapy, kForward},
    {E::kReleasedOos, Stop::kTherapy, kForward},
    {E::kRejected, Stop::kNever, kTakesAway},
    {E::kReleaseWithdrawn, Stop::kNever, kTakesAway},
    {E::kSiteQaDisposition, Stop::kTherapy, kForward},  // not suitable is open
    {E::kQpCertification, Stop::kTherapy, kForward},
    {E::kLotSelectedForInfusion, Stop::kTherapy, kForward},
    {E::kManufacturingFailed, Stop::kNever, kFact},
    {E::kRemanufactureOrdered, Stop::kTherapy, kBegins},
    {E::kQcResultInvalidated, Stop::kNever, kRecord},
    {E::kOosDetected, Stop::kNever, kFact},
    {E::kOosRequested, Stop::kTherapy, kForward},
    {E::kOosRiskAssessed, Stop::kTherapy, kForward},
    {E::kOosAccepted, Stop::kTherapy, kForward},
    {E::kOosAuthorised, Stop::kTherapy, kForward},
    // Transport.
    {E::kPacked, Stop::kTherapy, kForward},           // not on the way back
    {E::kHandedToCarrier, Stop::kTherapy, kForward},  // not on the way back
    {E::kCarrierMilestone, Stop::kNever, kFact},
    {E::kTelemetryBatch, Stop::kNever, kFact},
    {E::kStored, Stop::kNever, kMaterial},
    {E::kMoved, Stop::kNever, kMaterial},
    {E::kReceivedClinic, Stop::kNever, kMaterial},
    {E::kStoredClinic, Stop::kNever, kMaterial},
    {E::kStoredInShipper, Stop::kNever, kMaterial},
    {E::kIssuedToWard, Stop::kTherapy, kForward},
    {E::kReceivedOnWard, Stop::kNever, kMaterial},
    {E::kHandoverOffered, Stop::kTherapy,
     kForward},  // only out of the house, as such a trip begins
    {E::kHandoverAccepted, Stop::kNever, kMaterial},
    {E::kHandoverRefused, Stop::kNever, kFact},
    {E::kSealReplaced, Stop::kNever, kFact},
    {E::kShipmentDelayed, Stop::kNever, kFact},
    {E::kShipmentLost, Stop::kNever, kFact},
    {E::kShipmentFound, Stop::kNever, kFact},
    {E::kSealBroken, Stop::kNever, kFact},
    {E::kWrongConsignee, Stop::kNever, kFact},
    {E::kShipperRecharged, Stop::kNever, kMaterial},
    {E::kStorageExcursion, Stop::kNever, kFact},
    // Infusion.
    {E::kLdStarted, Stop::kTherapy, kForward},
    {E::kLdDose, Stop::kNever, kFact},
    {E::kLdCompleted, Stop::kNever, kFact},
    {E::kLdWaived, Stop::kTherapy, kForward},
    {E::kInfectionScreenedPre, Stop::kNever, kFact},
    {E::kProphylaxisGiven, Stop::kNever, kFact},
    {E::kPreinfusionCheckPassed, Stop::kTherapy, kForward},  // no go is open
    {E::kInfusionOrdered, Stop::kTherapy, kForward},
    {E::kPrethawIdVerified, Stop::kTherapy, kForward},  // a no is open
    {E::kRemovedFromStorage, Stop::kTherapy, kForward},
    {E::kThawStarted, Stop::kTherapy, kForward},
    {E::kThawCompleted, Stop::kNever, kFact},
    {E::kBedsideIdVerified, Stop::kTherapy, kForward},  // a no is open
    {E::kInfusionStarted, Stop::kTherapy, kForward},
    {E::kInfusionCompleted, Stop::kNever, kFact},
    {E::kInfusionDeferred, Stop::kNever, kTakesAway},
    {E::kReturnedToStorage, Stop::kNever, kMaterial},
    {E::kLdRepeated, Stop::kTherapy, kForward},
    {E::kInfusionInterrupted, Stop::kNever, kFact},
    {E::kInfusionOrderCancelled, Stop::kNever, kTakesAway},
    // Monitoring.
    {E::kObservationsRecorded, Stop::kNever, kSafety},
    {E::kIceRecorded, Stop::kNever, kSafety},
    {E::kCrsGraded, Stop::kNever, kSafety},
    {E::kIcansGraded, Stop::kNever, kSafety},
    {E::kAeTreatmentGiven, Stop::kNever, kSafety},
    {E::kDailyLabs, Stop::kNever, kSafety},
    {E::kDailyExam, Stop::kNever, kSafety},
    {E::kDischarged, Stop::kNever, kSafety},
    {E::kFollowupD28, Stop::kNever, kSafety},
    {E::kFollowupM23, Stop::kNever, kSafety},
    {E::kInfusionReaction, Stop::kNever, kSafety},
    {E::kCustodyClosed, Stop::kNever, kRecord},
    {E::kTherapyClosed, Stop::kNever, kRecord},
    {E::kFollowup, Stop::kNever, kSafety},
    {E::kReadmitted, Stop::kNever, kSafety},
    {E::kCarLevel, Stop::kNever, kSafety},
    {E::kPersistenceMeasured, Stop::kNever, kSafety},
    {E::kCytopeniaGraded, Stop::kNever, kSafety},
    {E::kInfectionDiagnosed, Stop::kNever, kSafety},
    {E::kRelapseConfirmed, Stop::kNever, kSafety},
    {E::kSaeReported, Stop::kNever, kSafety},
    {E::kSymptomReported, Stop::kNever, kSafety},
    {E::kSecondaryMalignancyReported, Stop::kNever, kSafety},
    {E::kTherapyReopened, Stop::kNever, kRecord},
    // Exceptions.
    {E::kIneligible, Stop::kNever, kTakesAway},
    {E::kConsentWithdrawn, Stop::kNever, kTakesAway},
    {E::kCollectionFailed, Stop::kNever, kFact},
    {E::kRecollectionOrdered, Stop::kCollection, kForward},
    {E::kWrongItemPresented, Stop::kNever, kFact},
    {E::kIdentityInDoubt, Stop::kNever, kFact},
    {E::kIdentityResolved, Stop::kNever, kMaterial},
    {E::kTemperatureExcursion, Stop::kNever, kFact},
    {E::kQuarantineDecided, Stop::kNever, kMaterial},
    {E::kHoldSet, Stop::kNever, kTakesAway},
    {E::kHoldCleared, Stop::kNever, kTakesAway},
    {E::kDisposition, Stop::kNever, kMaterial},
    {E::kDeviationOpened, Stop::kNever, kFact},
    {E::kDeviationClosed, Stop::kNever, kRecord},
    {E::kOverrideGranted, Stop::kTherapy, kPermits},  // for a step that is open it is open
    {E::kOverrideConfirmed, Stop::kNever, kRecord},
    {E::kAttested, Stop::kNever, kRecord},
    {E::kAlertAcknowledged, Stop::kNever, kRecord},
    {E::kRecordCorrected, Stop::kNever, kRecord},
    {E::kPatientDied, Stop::kNever, kFact},
    {E::kContainerDamaged, Stop::kNever, kFact},
    {E::kContainerDerived, Stop::kNever, kMaterial},
    {E::kContaminationConfirmed, Stop::kNever, kFact},
    {E::kProductRecalled, Stop::kNever, kTakesAway},
    {E::kDowntimeStarted, Stop::kNever, kFact},
    {E::kDowntimeEnded, Stop::kNever, kFact},
    {E::kCustodyAudited, Stop::kNever, kFact},
    {E::kDeathRecordedInError, Stop::kNever, kRecord},
};

Stop StopOf(int body) {
  const auto row = std::ranges::find(kRows, body, [](const Row& r) { return int{r.body}; });
  return row == std::end(kRows) ? Stop::kTherapy : row->stop;
}

// Whether a shipment begins its way to the manufacturer or to the clinic. Product goes back to its
// manufacturer, and collected cells go back from there.
bool BeginsTrip(const Case& c, const pb::Shipment* shipment) {
  if (shipment == nullptr || shipment->inbound()) return true;
  return shipment->product() && !IsMakersSite(c, shipment->to_site());
}

// Whether what is offered begins such a way, in its shipper or out of the hand.
bool BeginsByOffer(const Case& c) {
  const pb::HandoverOffered& offer = c.effective.handover_offered();
  const std::vector<std::string> leaving = LeavingHouse(c);
  const pb::Shipment* shipment = OpenShipment(c.therapy, offer.shipper());
  if (leaving.empty()) return false;
  if (shipment != nullptr && BeginsTrip(c, shipment)) return true;
  const bool home = IsMakersSite(c, offer.to_site());
  return std::ranges::any_of(offer.containers(), [&](const std::string& id) {
    const pb::Container* container = FindContainer(c.therapy, id);
    const bool product = container == nullptr || container->material() == pb::DRUG_PRODUCT;
    return product ? !home : home;
  });
}

// What the event says of itself may open what its row stops. What it does not say, as before
// anybody has filled it in, opens nothing.
bool OpensItself(const Case& c) {
  const pb::Event& event = c.effective;
  switch (Body(c)) {
    case E::kEligibilityAssessed:
      return event.eligibility_assessed().decision() == pb::FITNESS_UNFIT;
    case E::kSlotChanged: {
      const pb::SlotChange change = event.slot_changed().change();
      return change == pb::SLOT_CHANGE_LOST || change == pb::SLOT_CHANGE_CANCELLED;
    }
    case E::kLabelIssued: {  // what runs into the bag must not lie there without a name
      const pb::Donation* under_way = FindDonation(c.therapy, event.label_issued().din().value());
      return under_way != nullptr && under_way->started_us() != 0;
    }
    case E::kSiteQaDisposition:
      return event.site_qa_disposition().suitable() == pb::NO;
    case E::kOosAccepted:
      return event.oos_accepted().patient_consent() == pb::NO;
    case E::kPreinfusionCheckPassed:
      return event.preinfusion_check_passed().go() == pb::NO;
    case E::kPrethawIdVerified:
    case E::kBedsideIdVerified:
      return SaysNo(event);
    case E::kPacked:
      return event.packed().leg() == pb::LEG_RETURN || event.packed().leg() == pb::LEG_INTERNAL;
    case E::kHandedToCarrier:
      return !BeginsTrip(c, OpenShipment(c.therapy, event.handed_to_carrier().shipper()));
    case E::kHandoverOffered:
      return !BeginsByOffer(c);
    case E::kOverrideGranted: {
      const int step = BodyNumber(Lower(event.override_granted().step()));
      return step != 0 && StopOf(step) == Stop::kNever;
    }
    default:
      return false;
  }
}

bool IsStopped(const Case& c, bool collection_alone) {
  Stop stop = StopOf(Body(c));
  // A slot that moves without a new day of collection is for cells that are there.
  const pb::SlotChanged& moved = c.effective.slot_changed();
  if (c.effective.has_slot_changed() && !moved.has_apheresis_at()) stop = Stop::kTherapy;
  const bool concerned = stop == Stop::kCollection || (stop == Stop::kTherapy && !collection_alone);
  return concerned && !OpensItself(c);
}

// Papers that were signed before the patient took it back are no new consent.
void JudgeOldConsent(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ConsentObtained& body = c.effective.consent_obtained();
  const std::int64_t at = SaidAt(c.effective, body.consented_at());
  for (const pb::ConsentGiven& said : c.therapy.consents()) {
    const int purpose = static_cast<int>(said.purpose());
    const auto& named = body.purposes();
    const bool covered = std::ranges::find(named, purpose) != named.end();
    if (!covered || said.stands() || at > said.withdrawn_us()) continue;
    Gate(c, rule, v,
         {"consent to " + PurposeLabel(purpose) + " signed after it was withdrawn, " +
              Local(c, said.withdrawn_us()),
          "signed " + Local(c, at),
          "it lifts nothing: ask the patient again, and record the time of the new signature",
          PurposeLabel(purpose)});
  }
}

// A child does not sign for itself, and nobody is an adult's guardian by a cross on a form.
void JudgeWhoSigned(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::ConsentObtained& body = c.effective.consent_obtained();
  if (MaySign(body)) return;
  const bool minor = body.patient_is_minor() == pb::YES;
  Gate(c, rule, v,
       {minor ? "a minor's consent signed by the guardian, with the child's assent where it can be "
                "given"
              : "an adult's consent signed by the patient, or by a legal representative",
        minor ? "signed by the patient, a minor" : "signed by a guardian, of an adult",
        "it permits nothing: ask who may sign, and record CONSENT_OBTAINED again; or correct what "
        "was entered wrongly",
        "signed_by"});
}

// Cells that the therapy does not need are the patient's to give away.
void JudgeResearch(const Case& c, const Rule& rule, pb::Verdict& v) {
  const auto agreed = [](const pb::ConsentGiven& said) {
    return static_cast<int>(said.purpose()) == pb::CONSENT_TO_RESEARCH && said.stands();
  };
  if (std::ranges::any_of(c.therapy.consents(), agreed)) return;
  Gate(c, rule, v,
       {"consent to " + PurposeLabel(pb::CONSENT_TO_RESEARCH) + " on unused material",
        "none that stands", "keep it or destroy it; or ask the patient: CONSENT_OBTAINED"});
}

}  // namespace

void ConsentStands(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_consent_obtained()) {
    JudgeWhoSigned(c, rule, v);
    return JudgeOldConsent(c, rule, v);
  }
  if (c.effective.disposition().kind() == pb::DISPOSITION_RESEARCH) JudgeResearch(c, rule, v);
  if (!c.therapy.consent_withdrawn()) return;
  if (!IsStopped(c, IsTakenBackForCollectionAlone(c.therapy))) return;
  std::vector<std::string> taken;
  for (const pb::ConsentGiven& said : c.therapy.consents()) {
    if (!IsTakenBack(said)) continue;
    taken.push_back(PurposeLabel(static_cast<int>(said.purpose())) + " (" +
                    Local(c, said.withdrawn_us()) + ")");
  }
  Gate(c, rule, v,
       {"consent that stands", "the patient withdrew it: " + List(taken),
        "stop; only new consent to the same, signed after that, lets the therapy go on: "
        "CONSENT_OBTAINED"});
}

namespace {

bool SaysDead(const pb::Event& event) {
  constexpr pb::VitalStatus kDead = pb::VITAL_STATUS_DEAD;
  return event.followup_d28().vital_status() == kDead ||
         event.followup_m23().vital_status() == kDead || event.followup().vital_status() == kDead;
}

}  // namespace

void PatientAlive(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (c.effective.has_death_recorded_in_error()) {
    const std::string& death = c.effective.death_recorded_in_error().death();
    if (c.therapy.patient_died() && death == c.therapy.condition().died()) return;
    return static_cast<void>(
        Structure(c, rule, v,
                  {"the death that stands in this therapy: " +
                       (c.therapy.patient_died() ? Hex(c.therapy.condition().died()) : "none"),
                   Hex(death), "name the event id of its PATIENT_DIED"}));
  }
  const pb::Event& said = c.effective;
  const std::uint32_t worst =
      std::max({said.crs_graded().grade(), said.icans_graded().grade(),
                said.infusion_reaction().grade(), said.infusion_completed().reaction_grade(),
                said.infection_diagnosed().grade(), said.sae_reported().grade()});
  if (worst == kDeathGrade && !c.therapy.patient_died()) {
    Note(c, rule, v,
         {"the death recorded with the grade that it is", "grade 5, and no death",
          "record PATIENT_DIED; of a slip of the pen grade again, at once"});
  }
  if (SaysDead(c.effective) && !c.therapy.patient_died()) {
    Note(c, rule, v,
         {"the death recorded with the visit that tells of it", "no death is recorded",
          "record PATIENT_DIED; of a slip of the pen record the visit again, at once"});
  }
  const bool lacking = LacksDeath(c.therapy);
  if ((!c.therapy.patient_died() && !lacking) || !IsStopped(c, false)) return;
  const Words dead{"a living patient", "the patient died",
                   "stop; unused material goes to disposition; of a death that was another "
                   "patient's: DEATH_RECORDED_IN_ERROR by the physician and quality"};
  const Words graded{
      "a living patient",
      FatalGrade(c.therapy) + " of grade 5, which is death, and no death is recorded",
      "stop; the physician records PATIENT_DIED, or grades again",
      {},
      pb::CLINICAL};
  const Words visited{"a living patient",
                      "a visit says that the patient is dead, and no death is recorded",
                      "stop; the physician records PATIENT_DIED, or the visit again",
                      {},
                      pb::CLINICAL};
  const Words& alive = IsSaidDead(c.therapy) ? visited : graded;
  Gate(c, rule, v, lacking ? alive : dead);
}

}  // namespace custody::rules

// F8a: what the answers of a step say. A question is asked because one of its answers means
// something: here is which, and what is to be done then. A step whose own answers say that
// something does not agree is no step to take; a fact is recorded as it is, and somebody looks
// after it.
#include "custody/rules/case.h"

namespace custody::rules {

namespace {

// What was found harmed on its way has happened: it is taken over all the same, so that it does not
// stay with nobody.
void CheckWhatArrives(const Case& c, const Rule& rule, pb::Verdict& v) {
  constexpr const char* kLook =
      "look at every container; record CONTAINER_DAMAGED for what is harmed";
  const auto need = [&](pb::Answer answer, const char* what, const char* next) {
    if (answer == pb::NO) Deviation(c, rule, v, {what, "no", next}, true);
  };
  switch (Body(c)) {
    case pb::Event::kReceivedOnWard:
      return need(c.effective.received_on_ward().intact(), "every container intact", kLook);
    case pb::Event::kHandoverAccepted:
      return need(c.effective.handover_accepted().intact(), "what is taken over intact", kLook);
    case pb::Event::kShipperRecharged:
      return need(c.effective.shipper_recharged().seal_untouched(), "the seal untouched",
                  "record SEAL_REPLACED with the new seal, or SEAL_BROKEN when nobody knows why");
    default:
      return;
  }
}

}  // namespace

void CheckAnswers(const Case& c, const Rule& rule, pb::Verdict& v) {
  CheckWhatArrives(c, rule, v);
  const auto need = [&](pb::Answer answer, const char* what, const char* next) {
    if (answer == pb::NO) Gate(c, rule, v, {what, "no", next});
  };
  constexpr const char* kStop = "stop and find out why; in doubt record IDENTITY_IN_DOUBT";
  switch (Body(c)) {
    case pb::Event::kLabelIssued:
      need(c.effective.label_issued().autologous_statement(),
           "a label that says: for autologous use only", "destroy it and print another");
      return need(c.effective.label_issued().read_back_agrees(), "a label that reads as it should",
                  "destroy it and print another");
    case pb::Event::kLabelAffixed:
      return need(c.effective.label_affixed().before_needle(),
                  "the label on the bag before the needle",
                  "compare bag, label and patient; in doubt record IDENTITY_IN_DOUBT");
    case pb::Event::kFilled:
      return need(c.effective.filled().labels_read_back(),
                  "every label read back from its container",
                  "read them back now; in doubt record IDENTITY_IN_DOUBT");
    case pb::Event::kBatchOpened:
      return need(c.effective.batch_opened().line_clearance(),
                  "no other patient's material in the room",
                  "stop, clear the line; in doubt record IDENTITY_IN_DOUBT");
    case pb::Event::kWrongItemPresented:
      return need(c.effective.wrong_item_presented().nothing_done(),
                  "nothing opened, packed or connected",
                  "it was used: record IDENTITY_IN_DOUBT for it and its siblings, call quality");
    case pb::Event::kApheresisStarted:
      if (!c.therapy.ordered() || !c.effective.apheresis_started().order().value().empty()) return;
      Gate(c, rule, v,
           {"order " + c.therapy.order_number() + " scanned", "no scan", "scan the order too"});
      return;
    case pb::Event::kHandedToCarrier:
      need(c.effective.handed_to_carrier().package_intact(), "the package intact",
           "keep it: pack anew, or record CONTAINER_DAMAGED for what is harmed");
      return need(c.effective.handed_to_carrier().driver_identified(), "the driver identified",
                  "identify the driver, or keep the shipper");
    case pb::Event::kRemovedFromStorage:
      return need(c.effective.removed_from_storage().certificate_matches(),
                  "certificate and container agree", kStop);
    case pb::Event::kThawStarted:
      return need(c.effective.thaw_started().patient_ready_again(),
                  "the patient ready, confirmed again", "wait: a thawed bag cannot be kept");
    case pb::Event::kPrethawIdVerified:
      return need(c.effective.prethaw_id_verified().patient_ready(),
                  "the patient ready, line patent", "wait: a thawed bag cannot be kept");
    case pb::Event::kBedsideIdVerified: {
      const pb::BedsideIdVerified& body = c.effective.bedside_id_verified();
      const pb::TimeOut& asked = body.time_out();
      if (body.passed() != pb::YES || asked.patient_states_identity() != pb::NO) return;
      if (!asked.why_not().empty()) return;
      Gate(c, rule, v,
           {"the patient states name and birth date, or why not", "no, and no reason",
            "ask the patient; or say why that is not possible"});
      return;
    }
    default:
      return;
  }
}

}  // namespace custody::rules

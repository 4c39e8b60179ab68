// Most letters are a step of the main path with one thing wrong, so that nothing else speaks
// against them; the rest is said in text format.
//
// Long because it is a table: a letter or two a line.
#include "tests/property/bedside/bedside_letters.h"

#include <algorithm>
#include <utility>

#include "crypto/hash.h"
#include "custody/state.h"
#include "tests/property/bedside/bedside_world.h"
#include "tests/property/custody/therapy_walk.h"
#include "tests/support/main_path.h"

namespace custody {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Names = std::vector<std::pair<std::string, std::string>>;

const Names kSecondLot = {{"LOT26001", "LOT26002"}, {"CERT-1", "CERT-2"},
                          {"CAS-1", "CAS-2"},       {"INF-1", "INF-2"},
                          {"VEC-3-12", "VEC-3-13"}, {"LN1-A-3", "LN1-A-4"}};
const Names kNeighbour = {{"CHA999026000001", "CHA999026000002"},
                          {"A999026000001", "A999026000011"},
                          {"LOT26001", "LOT26011"},
                          {"CERT-1", "CERT-8"},
                          {"CAS-1", "CAS-8"},
                          {"INF-1", "INF-8"},
                          {"ORD-1", "ORD-8"}};

std::string Commitment(const std::string& type, bool theirs) {
  return Sha256({type, theirs ? "the neighbour" : "main path"}).ToString();
}

void RenameIn(std::string& text, const Names& names) {
  for (const auto& [from, to] : names) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
}

// Every text in `message`; with `person` the patient's identifiers, too.
void Rename(Message& message, const Names& names, bool person) {
  std::vector<const FieldDescriptor*> fields;
  const auto* reflection = message.GetReflection();
  reflection->ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const int size = field->is_repeated() ? reflection->FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      if (field->message_type() != nullptr) {
        Rename(field->is_repeated() ? *reflection->MutableRepeatedMessage(&message, field, i)
                                    : *reflection->MutableMessage(&message, field),
               names, person);
        continue;
      }
      if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) continue;
      std::string text = field->is_repeated() ? reflection->GetRepeatedString(message, field, i)
                                              : reflection->GetString(message, field);
      if (field->type() == FieldDescriptor::TYPE_STRING) RenameIn(text, names);
      for (const char* type : {"mrn", "dob"}) {
        if (person && text == Commitment(type, false)) text = Commitment(type, true);
      }
      if (field->is_repeated()) {
        reflection->SetRepeatedString(&message, field, i, text);
      } else {
        reflection->SetString(&message, field, text);
      }
    }
  }
}

void TheirWristband(google::protobuf::RepeatedPtrField<pb::IdentifierCommitment>* wristband) {
  for (pb::IdentifierCommitment& id : *wristband) id.set_commitment(Commitment(id.type(), true));
}

// Who entered it when it was done already: two coordinators, and the doers are named. `minutes`
// ago.
std::function<void(pb::Event&, TestLedger&)> Late(std::int64_t minutes) {
  return [minutes](pb::Event& event, TestLedger& ledger) {
    const auto signed_at = event.signed_at();
    Shift(event, -minutes * 60);
    *event.mutable_signed_at() = signed_at;
    event.set_entry(pb::LATE);
    event.set_late_reason("found on paper");
    for (const pb::Signer& signer : event.signers()) {
      pb::Performer& doer = *event.add_performed_by();
      doer.set_person(signer.person());
      doer.set_printed_name(signer.printed_name());
      doer.set_role(signer.role());
    }
    pb::Signer like = event.signers(0);
    event.clear_signers();
    for (const char* id : {"clinic.coord.1", "clinic.coord.2"}) {
      const TestPerson& person = ledger.person(id);
      pb::Signer& signer = *event.add_signers();
      signer = like;
      signer.set_key_id(person.key.key_id().ToString());
      signer.set_person(person.id);
      signer.set_printed_name(person.printed_name);
      signer.set_role(person.role);
      signer.set_meaning(event.signers_size() == 1 ? pb::TRANSCRIBED : pb::CHECKED);
      *signer.mutable_identified_at() = signed_at;
    }
  };
}

// An open hold of a kind and on what `on` names: a lot, a container, or nothing and so the therapy.
// All of those are alike, so which of them it is does not matter.
std::function<bool(const Moment&, pb::Event&)> AtHold(const char* kind, const char* on = "") {
  return [kind, on](const Moment& moment, pb::Event& event) {
    for (const pb::Hold& hold : moment.states[0]->holds()) {
      const std::string& held = hold.containers().empty() ? hold.lot() : hold.containers(0);
      if (!hold.open() || hold.kind() != kind || held != on) continue;
      event.mutable_hold_cleared()->set_hold(hold.id());
      return true;
    }
    return false;
  };
}
// Of those alike at most two are open: a third changes nothing that two do not.
bool NoThird(const Moment& moment, pb::Event& event) {
  const pb::TherapyState& state = *moment.states[0];
  if (event.has_identity_in_doubt()) {
    return std::ranges::count_if(state.quarantines(), [](const pb::Quarantine& q) {
             return q.open() && q.kind() == pb::QUARANTINED_IDENTITY;
           }) < 2;
  }
  const pb::HoldSet& body = event.hold_set();
  const std::string on = body.containers().empty() ? body.lot() : body.containers(0);
  return std::ranges::count_if(state.holds(), [&](const pb::Hold& hold) {
           const std::string& held = hold.containers().empty() ? hold.lot() : hold.containers(0);
           const bool clinical = body.kind() == pb::HOLD_CLINICAL;
           return hold.open() && held == on && hold.kind() == (clinical ? "CLINICAL" : "QUALITY");
         }) < 2;
}
bool AtDoubt(const Moment& moment, pb::Event& event) {
  for (const pb::Quarantine& q : moment.states[0]->quarantines()) {
    if (!q.open() || q.kind() != pb::QUARANTINED_IDENTITY) continue;
    event.mutable_identity_resolved()->set_quarantine(q.id());
    return true;
  }
  return false;
}
bool AtGrant(const Moment& moment, pb::Event& event) {
  event.clear_grants();
  const auto& grants = moment.states[0]->grants();
  if (grants.empty()) return false;
  event.add_grants(grants.rbegin()->event_id());
  return true;
}
bool NoGrantYet(const Moment& moment, pb::Event&) { return moment.states[0]->grants().empty(); }
bool AtDeviation(const Moment& moment, pb::Event& event) {
  for (const pb::Deviation& deviation : moment.states[0]->deviations()) {
    if (!deviation.open() || !deviation.critical()) continue;
    event.mutable_deviation_closed()->set_deviation(deviation.id());
    return true;
  }
  return false;
}

class Letters {
 public:
  explicit Letters(Instant now) : now_(now), path_(MainPath(Instant{0})) {}

  std::vector<BedsideLetter> All() {
    for (const char* lot : {"A", "B"}) Way(lot);
    WayOfTheNeighbour();
    WrongChecks();
    WrongStarts();
    Stops();
    Ends();
    PatientAndOrders();
    LateSteps();
    SecondLotReleases();
    for (const std::int64_t minutes : {16, 36, 300}) {
      Add(std::to_string(minutes) + " min pass", {}, {});
      letters_.back().wait = minutes * kMicrosPerMinute;
    }
    return std::move(letters_);
  }

 private:
  using Change = std::function<void(pb::Event&)>;

  // The last step of this body on the main path, happening now.
  const MainStep& StepOf(std::string_view body) const {
    const auto found =
        std::find_if(path_.rbegin(), path_.rend(), [&](const auto& s) { return s.body == body; });
    return *found;
  }
  pb::Event BodyNow(std::string_view body, const Names& names = {}, bool theirs = false) const {
    const MainStep& step = StepOf(body);
    pb::Event event = step.event;
    Shift(event, (now_.micros - step.after) / kMicrosPerSecond);
    Rename(event, names, theirs);
    return event;
  }
  BedsideLetter& Add(std::string name, std::vector<std::string> signers, pb::Event body) {
    BedsideLetter& letter = letters_.emplace_back();
    letter.name = std::move(name);
    letter.signers = std::move(signers);
    letter.body = std::move(body);
    return letter;
  }
  // A step of the path with something changed.
  BedsideLetter& Step(std::string name, std::string_view body, const Change& change = nullptr,
                      std::vector<std::string> signers = {}) {
    pb::Event event = BodyNow(body);
    if (change) change(event);
    return Add(std::move(name), signers.empty() ? StepOf(body).signers : std::move(signers), event);
  }
  BedsideLetter& Say(std::string name, std::vector<std::string> signers, const std::string& text) {
    return Add(std::move(name), std::move(signers), ParseBody(text, now_));
  }

  static constexpr std::pair<const char*, const char*> kWay[] = {
      {"order ", "infusion_ordered"},      {"cold check ", "prethaw_id_verified"},
      {"remove ", "removed_from_storage"}, {"thaw ", "thaw_started"},
      {"thawed ", "thaw_completed"},       {"bed check ", "bedside_id_verified"},
      {"infuse ", "infusion_started"},     {"given ", "infusion_completed"}};

  void Way(const std::string& lot) {
    for (const auto& [name, body] : kWay) {
      Add(name + lot, StepOf(body).signers, BodyNow(body, lot == "B" ? kSecondLot : Names()));
    }
  }
  void WayOfTheNeighbour() {
    for (const auto& [name, body] : kWay) {
      Add(name + std::string("theirs"), StepOf(body).signers, BodyNow(body, kNeighbour, true))
          .therapy = 1;
    }
    for (const auto& [name, body] : kWay) {  // our bag in their therapy, and theirs in ours
      if (std::string_view(body) == "infusion_ordered") continue;
      pb::Event ours = BodyNow(body, kNeighbour, true);
      Rename(ours, {{std::string(kTheirBag), std::string(kBagA)}}, false);
      Add(name + std::string("A for theirs"), StepOf(body).signers, ours).therapy = 1;
      Add(name + std::string("theirs for ours"), StepOf(body).signers,
          BodyNow(body, {{std::string(kBagA), std::string(kTheirBag)}}));
    }
  }

  void WrongChecks() {
    const auto both = [](pb::Event& e, const std::function<void(pb::PersonCheck&)>& change) {
      for (auto& check :
           *(e.has_bedside_id_verified() ? e.mutable_bedside_id_verified()->mutable_checks()
                                         : e.mutable_prethaw_id_verified()->mutable_checks())) {
        change(check);
      }
    };
    Step("cold check A by one person", "prethaw_id_verified", [](pb::Event& e) {
      auto& body = *e.mutable_prethaw_id_verified();
      body.mutable_checks(1)->set_person(body.checks(0).person());
    });
    Step("cold check A, other bag in one check", "prethaw_id_verified", [](pb::Event& e) {
      e.mutable_prethaw_id_verified()->mutable_checks(1)->mutable_container()->set_value(
          std::string(kBagB));
    });
    Step("cold check A, patient not ready", "prethaw_id_verified",
         [](pb::Event& e) { e.mutable_prethaw_id_verified()->set_patient_ready(pb::NO); });
    Step("cold check A by the therapy's order", "prethaw_id_verified", [&](pb::Event& e) {
      e.mutable_prethaw_id_verified()->mutable_order()->set_value("ORD-1");
      both(e, [](pb::PersonCheck& check) { check.mutable_order()->set_value("ORD-1"); });
    });
    Step("bed check A by one person", "bedside_id_verified", [](pb::Event& e) {
      auto& body = *e.mutable_bedside_id_verified();
      body.mutable_checks(1)->set_person(body.checks(0).person());
    });
    Step("bed check A, other bag in one check", "bedside_id_verified", [](pb::Event& e) {
      e.mutable_bedside_id_verified()->mutable_checks(1)->mutable_container()->set_value(
          std::string(kBagB));
    });
    Step("bed check A, their wristband", "bedside_id_verified", [&](pb::Event& e) {
      TheirWristband(e.mutable_bedside_id_verified()->mutable_wristband());
      both(e, [](pb::PersonCheck& check) { TheirWristband(check.mutable_wristband()); });
    });
    OneReadsAnother();
    Step("bed check A, one differs", "bedside_id_verified", [](pb::Event& e) {
      e.mutable_bedside_id_verified()->mutable_checks(1)->set_all_agree(pb::NO);
    });
    Step("bed check A says no", "bedside_id_verified",
         [](pb::Event& e) { e.mutable_bedside_id_verified()->set_passed(pb::NO); });
    Step("bed check A by the therapy's order", "bedside_id_verified", [&](pb::Event& e) {
      e.mutable_bedside_id_verified()->mutable_order()->set_value("ORD-1");
      both(e, [](pb::PersonCheck& check) { check.mutable_order()->set_value("ORD-1"); });
    });
    Step("bed check A with old checks", "bedside_id_verified", [&](pb::Event& e) {
      both(e, [](pb::PersonCheck& check) {
        check.mutable_at()->set_seconds(check.at().seconds() - 40 * 60);
      });
    });
    Step("bed check A with a coordinator", "bedside_id_verified",
         [](pb::Event& e) {
           e.mutable_bedside_id_verified()->mutable_checks(1)->set_person("clinic.coord.1");
         },
         {"clinic.rn.1", "clinic.coord.1"});
    Step("bed check A with a coordinator as a nurse", "bedside_id_verified",
         [](pb::Event& e) {
           e.mutable_bedside_id_verified()->mutable_checks(1)->set_person("clinic.coord.1");
         },
         {"clinic.rn.1", "clinic.coord.1"})
        .finish = [](pb::Event& e, TestLedger&) { e.mutable_signers(1)->set_role(pb::RN); };
  }

  // In the check of one of the two a single thing is another than in all the rest.
  void OneReadsAnother() {
    using Own = std::pair<const char*, void (*)(pb::PersonCheck&)>;
    static constexpr Own kOwn[] = {
        {"wristband", [](pb::PersonCheck& own) { TheirWristband(own.mutable_wristband()); }},
        {"half the wristband", [](pb::PersonCheck& own) { own.mutable_wristband()->RemoveLast(); }},
        {"chain of identity",
         [](pb::PersonCheck& own) { own.mutable_coi()->set_value("CHA999026000002"); }},
        {"certificate",
         [](pb::PersonCheck& own) { own.mutable_certificate()->set_value("CERT-8"); }},
        {"order", [](pb::PersonCheck& own) { own.mutable_order()->set_value("ORD-1"); }},
        {"cassette", [](pb::PersonCheck& own) {
           *own.mutable_cassette() = own.container();
           own.mutable_cassette()->set_value("CAS-8");
         }}};
    for (const auto& [what, change] : kOwn) {
      Step(std::string("cold check A, one reads another ") + what, "prethaw_id_verified",
           [change](pb::Event& e) { change(*e.mutable_prethaw_id_verified()->mutable_checks(1)); });
      Step(std::string("bed check A, one reads another ") + what, "bedside_id_verified",
           [change](pb::Event& e) { change(*e.mutable_bedside_id_verified()->mutable_checks(1)); });
    }
  }

  void WrongStarts() {
    Step("infuse A, their wristband", "infusion_started",
         [](pb::Event& e) { TheirWristband(e.mutable_infusion_started()->mutable_wristband()); });
    Step("infuse A, half the wristband", "infusion_started",
         [](pb::Event& e) { e.mutable_infusion_started()->mutable_wristband()->RemoveLast(); });
    Step("infuse A, their chain of identity", "infusion_started", [](pb::Event& e) {
      e.mutable_infusion_started()->mutable_coi()->set_value("CHA999026000002");
    });
    Step("infuse A by the therapy's order", "infusion_started",
         [](pb::Event& e) { e.mutable_infusion_started()->mutable_order()->set_value("ORD-1"); });
    Step("infuse A, typed", "infusion_started", [](pb::Event& e) {
      e.mutable_infusion_started()->mutable_container()->set_source(pb::TYPED);
    });
    Step("infuse A by a grant", "infusion_started").aim = AtGrant;
    Step("infuse A, told half an hour later as live", "infusion_started").finish =
        [](pb::Event& event, TestLedger&) {
          const auto signed_at = event.signed_at();
          const pb::Signer signer = event.signers(0);
          Shift(event, -30 * 60);
          *event.mutable_signed_at() = signed_at;
          *event.mutable_signers(0) = signer;
        };
    Step("thaw A, told half an hour later as live", "thaw_started").finish = letters_.back().finish;
  }

  void Stops() {
    Say("a physician holds", {"clinic.phy.1"}, "hold_set { kind: HOLD_CLINICAL reason: 'fever' }")
        .aim = NoThird;
    Say("the same physician clears", {"clinic.phy.1"},
        "hold_cleared { hold: 'H-0' kind: HOLD_CLINICAL reason: 'no fever' }")
        .aim = AtHold("CLINICAL");
    Say("another physician clears", {"clinic.phy.2"},
        "hold_cleared { hold: 'H-0' kind: HOLD_CLINICAL reason: 'no fever' }")
        .aim = AtHold("CLINICAL");
    Say("the maker holds A", {"lab.qa.1"},
        "hold_set { kind: HOLD_QUALITY reason: 'label' containers: 'LOT26001-1' }")
        .aim = NoThird;
    Say("the maker holds lot A", {"lab.qa.1"},
        "hold_set { kind: HOLD_QUALITY reason: 'label' lot: 'LOT26001' }")
        .aim = NoThird;
    for (const auto& [what, on] : {std::pair{"A", "LOT26001-1"}, {"lot A", "LOT26001"}}) {
      for (const auto& [who, person] : {std::pair{"the clinic's quality", "clinic.qa.1"},
                                        {"the maker's quality", "lab.qa.2"}}) {
        Say(std::string(who) + " clears " + what, {person},
            "hold_cleared { hold: 'H-0' kind: HOLD_QUALITY reason: 'fine' }")
            .aim = AtHold("QUALITY", on);
      }
    }
    Say("A was warm", {"clinic.pharm.1"},
        "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
    Say("lot A was warm", {"clinic.pharm.1"},
        "temperature_excursion { from $T-3h containers: 'LOT26001' }");
    Say("seal of A broken", {"clinic.pharm.1"},
        "seal_broken { shipper: 'SHP-2' seal_condition: SEAL_BROKEN containers: 'LOT26001-1' "
        "found_at $T }");
    Say("A leaks", {"clinic.pharm.1"},
        "container_damaged { container: 'LOT26001-1' found_at $T found_during: 'thaw_completed' "
        "damage: 'a leak' contents_lost: NO outcome: DAMAGE_UNDECIDED }");
    Say("A's leak is a scratch, a physician says", {"clinic.phy.1"},
        "container_damaged { container: 'LOT26001-1' found_at $T found_during: 'thaw_completed' "
        "damage: 'a scratch' contents_lost: NO outcome: DAMAGE_COSMETIC }");
    for (const auto& [cause, word] : {std::pair{"QUARANTINED_FOR_TEMPERATURE", "warmth"},
                                      {"QUARANTINED_FOR_SEAL", "seal"},
                                      {"QUARANTINED_FOR_DAMAGE", "damage"}}) {
      const std::string body =
          "quarantine_decided { containers: 'LOT26001-1' reason: 'stable' "
          "verdict: QUARANTINE_USE cause: " +
          std::string(cause) + " }";
      Say(std::string("the maker decides: use A, of its ") + word, {"lab.qa.1"}, body);
      Say(std::string("the clinic decides: use A, of its ") + word, {"clinic.qa.1"}, body);
    }
    Say("doubt about A", {"clinic.pharm.1"},
        "identity_in_doubt { items: 'LOT26001-1' kind: DOUBT_LABELS_DISAGREE thawed: NO "
        "finding: 'two labels' }")
        .aim = NoThird;
    const std::string resolved =
        "identity_resolved { quarantine: 'Q-0' items: 'LOT26001-1' "
        "outcome: DOUBT_RESOLVED_CONFIRMED evidence: 'tube segment' }";
    Say("both resolve the doubt", {"clinic.qa.1", "lab.qa.1"}, resolved).aim = AtDoubt;
    Say("the maker alone resolves the doubt", {"lab.qa.1", "lab.qa.2"}, resolved).aim = AtDoubt;
  }

  void Ends() {
    Say("recall of lot A", {"lab.qa.1"},
        "product_recalled { recall: 'R-1' identifier_type: 'lot' identifier: 'LOT26001' "
        "reason: 'vector' infused_already: NO }");
    Say("recall of A", {"lab.qa.1"},
        "product_recalled { recall: 'R-2' identifier_type: 'container' identifier: 'LOT26001-1' "
        "containers: 'LOT26001-1' reason: 'label' infused_already: NO }");
    Say("release of lot A withdrawn", {"lab.qp.1"},
        "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'test' "
        "product_recall: NO }");
    Say("A rejected", {"lab.qp.1"},
        "rejected { lot: 'LOT26001' containers: 'LOT26001-1' reason: 'test' }");
    Say("lot A contaminated", {"lab.qc.1"},
        "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
        "after_infusion: NO }");
    Say("A destroyed", {"clinic.pharm.1", "clinic.cell_lab.1"},
        "disposition { containers: 'LOT26001-1' kind: DISPOSITION_DESTROYED reason: 'x' "
        "method: 'burnt' place: 'here' done_at $T }");
    Say("A put back", {"clinic.pharm.1", "clinic.cell_lab.1"},
        "returned_to_storage { container $SCAN:LOT26001-1 position $SCAN:C-LN2-4 returned_at $T "
        "max_temperature_centi_c: -15000 minutes_out: 3 reason: 'patient not ready' }");
    Say("a syringe drawn of A", {"clinic.pharm.1", "clinic.rn.1"},
        "container_derived { parent: 'LOT26001-1' container: 'SYR-1' kind: VESSEL_SYRINGE "
        "volume_ml: 5 derived_at $T reason: 'child' label_version: 'L' }");
    const Names syringe = {{std::string(kBagA), std::string(kSyringe)}};
    for (const char* body : {"thaw_started", "bedside_id_verified", "infusion_started"}) {
      const std::string name = std::string(body).substr(0, std::string(body).find('_'));
      Add(name + " the syringe", StepOf(body).signers, BodyNow(body, syringe));
    }
  }

  void PatientAndOrders() {
    Say("consent to the treatment withdrawn", {"clinic.rn.1"},
        "consent_withdrawn { withdrawn_at $T purposes: CONSENT_TO_TREATMENT "
        "withdrawn_by: CONSENT_BY_PATIENT }");
    const auto consent = [](const std::string& at, const std::string& purpose) {
      return "consent_obtained { document_version: 'v3' document $FILE signed_by: "
             "CONSENT_BY_PATIENT consented_at " +
             at + " interpreter: NO patient_is_minor: NO purposes: " + purpose + " }";
    };
    Say("consent to the treatment", {"clinic.phy.1"}, consent("$T", "CONSENT_TO_TREATMENT"));
    Say("old papers of consent to the treatment", {"clinic.phy.1"},
        consent("$T-2d", "CONSENT_TO_TREATMENT"));
    pb::Event theirs = ParseBody(consent("$T", "CONSENT_TO_TREATMENT"), now_);
    *theirs.mutable_consent_obtained()->mutable_wristband() =
        BodyNow("infusion_started").infusion_started().wristband();
    TheirWristband(theirs.mutable_consent_obtained()->mutable_wristband());
    Add("consent of the neighbour", {"clinic.phy.1"}, theirs);
    Say("consent to out of specification", {"clinic.phy.1"},
        consent("$T", "CONSENT_TO_OUT_OF_SPECIFICATION"));
    Step("the physician's go", "preinfusion_check_passed");
    Say("deferred", {"clinic.phy.1"},
        "infusion_deferred { reason: 'x' outcome: DEFERRED_TO_HOLD thawed: YES }");
    Say("order of A cancelled", {"clinic.phy.1"},
        "infusion_order_cancelled { order: 'INF-1' reason: 'x' }");
    Step("order A anew", "infusion_ordered", [](pb::Event& e) {
      e.mutable_infusion_ordered()->set_order("INF-3");
      e.mutable_infusion_ordered()->set_replaces("INF-1");
    });
    Step("order B as if of lot A", "infusion_ordered", [](pb::Event& e) {
      e.mutable_infusion_ordered()->set_order("INF-2");
      e.mutable_infusion_ordered()->mutable_containers(0)->set_container(std::string(kBagB));
    });
    Step("order A as if of lot B", "infusion_ordered",
         [](pb::Event& e) { e.mutable_infusion_ordered()->set_lot("LOT26002"); });
    Say("B is selected", {"clinic.phy.1"},
        "lot_selected_for_infusion { lot: 'LOT26002' other_lots: 'LOT26001' reason: 'x' }");
    const std::string grant =
        "override_granted { rules: 'R25' reason: OVERRIDE_FOR_OTHER justification: 'x' "
        "expires_at $T+2h ";
    Say("a physician grants R25 for A", {"clinic.phy.1"},
        grant + "container: 'LOT26001-1' scope: OVERRIDE_SCOPE_CONTAINER verbal: NO }")
        .aim = NoGrantYet;
    Say("a physician grants R25 for one start", {"clinic.phy.1"},
        grant + "step: 'infusion_started' scope: OVERRIDE_SCOPE_STEP verbal: NO }")
        .aim = NoGrantYet;
    Say("two note a physician's word for R25", {"clinic.rn.1", "clinic.pharm.1"},
        grant +
            "step: 'infusion_started' scope: OVERRIDE_SCOPE_STEP verbal: YES "
            "authority: 'clinic.phy.1' }")
        .aim = NoGrantYet;
    Say("a nurse notes a physician's word for R25", {"clinic.rn.1"},
        grant +
            "step: 'infusion_started' scope: OVERRIDE_SCOPE_STEP verbal: YES "
            "authority: 'clinic.phy.1' }")
        .aim = NoGrantYet;
    Say("a nurse grants R25", {"clinic.rn.1"},
        grant + "step: 'infusion_started' scope: OVERRIDE_SCOPE_STEP verbal: NO }")
        .aim = NoGrantYet;
    Say("quality closes a deviation", {"lab.qa.1"},
        "deviation_closed { deviation: 'D-0' outcome: DEVIATION_ACCEPTED cause: 'x' impact: 'none' "
        "}")
        .aim = AtDeviation;
  }

  void LateSteps() {
    for (const auto& [name, body] : kWay) {
      const std::string_view word(body);
      if (word == "infusion_ordered" || word == "infusion_completed") continue;
      Step("late: " + std::string(name) + "A", body).finish = Late(8);
    }
    Add("late: thaw B", StepOf("thaw_started").signers, BodyNow("thaw_started", kSecondLot))
        .finish = Late(8);
    Add("late: bed check B", StepOf("bedside_id_verified").signers,
        BodyNow("bedside_id_verified", kSecondLot))
        .finish = Late(8);
    Add("late: cold check B", StepOf("prethaw_id_verified").signers,
        BodyNow("prethaw_id_verified", kSecondLot))
        .finish = Late(8);
    Step("late: bed check A, their wristband", "bedside_id_verified", [](pb::Event& e) {
      auto& body = *e.mutable_bedside_id_verified();
      TheirWristband(body.mutable_wristband());
      for (auto& check : *body.mutable_checks()) TheirWristband(check.mutable_wristband());
    }).finish = Late(8);
  }

  void SecondLotReleases() {
    Say("B missed a limit", {"lab.qc.1"},
        "oos_detected { lot: 'LOT26002' missed: 'viability' detail: '60%' }");
    Say("a physician asks for B", {"clinic.phy.1"},
        "oos_requested { lot: 'LOT26002' need: 'x' alternatives: 'none' file $FILE }");
    Say("the maker assesses B", {"lab.qa.1"},
        "oos_risk_assessed { lot: 'LOT26002' assessment $FILE conclusion: 'x' }");
    Say("physician and patient accept B", {"clinic.phy.1"},
        "oos_accepted { lot: 'LOT26002' patient_consent: YES consent $FILE statement: 'x' }");
    Say("B is authorised", {"lab.qp.1"},
        "oos_authorised { lot: 'LOT26002' pathway: OOS_PATHWAY_EU_EXCEPTIONAL authorisation: "
        "'OOS-1' holder_notified: YES authority_notified: YES file $FILE }");
    const auto release = [](const std::string& body, const std::string& more) {
      return body +
             " { lot: 'LOT26002' certificate: 'CERT-2' certificate_file $FILE containers { "
             "container: 'LOT26002-1' dose_1e6: 144 volume_ml: 68 } dose: 2 dose_unit: '10^6/kg' "
             "weight_used_kg: 72 expires_at $T+300d expiry_time_zone: 'Europe/Amsterdam' "
             "expiry_date_only: YES " +
             more + "}";
    };
    Say("B released", {"lab.qp.1"}, release("released", ""));
    const std::string beyond = release(
        "released_oos", "missed: 'viability' authorisation: 'OOS-1' conditions: 'one patient' ");
    Say("B released out of specification", {"lab.qp.1", "lab.qa.2"}, beyond);
    Say("B released out of specification by one", {"lab.qp.1"}, beyond);
    Say("B released out of specification by the store", {"lab.wh.1", "lab.wh.2"}, beyond);
  }

  const Instant now_;
  const std::vector<MainStep> path_;
  std::vector<BedsideLetter> letters_;
};

}  // namespace

std::vector<BedsideLetter> BedsideLetters(Instant now) { return Letters(now).All(); }

void OfSecondLot(pb::Event& body) { Rename(body, kSecondLot, false); }
void OfTheNeighbour(pb::Event& body) { Rename(body, kNeighbour, true); }

}  // namespace custody

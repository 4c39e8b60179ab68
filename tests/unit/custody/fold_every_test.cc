// Every event type is folded by some test here: those that no other test of this folder records
// have a row below, with what they change.
//
// Long because it is a table: one row an event type.
#include <filesystem>
#include <fstream>
#include <functional>
#include <ostream>
#include <sstream>

#include "custody/lot_choice.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using State = pb::TherapyState;

struct Row {
  const char* body;
  const char* place;  // of the main path: recorded until this step
  std::vector<std::string> signers;
  const char* fields;
  // What it changed; null: that it happened is all there is to keep.
  std::function<bool(const State&)> changed = nullptr;
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.body; }

pb::ContainerState StateOf(const State& state, std::string_view id) {
  const pb::Container* container = FindContainer(state, id);
  return container == nullptr ? pb::CONTAINER_STATE_UNSPECIFIED : container->state();
}

bool IsHeld(const State& state, std::string_view id) {
  const pb::Container* container = FindContainer(state, id);
  return container != nullptr && !OpenQuarantines(state, *container).empty();
}

std::vector<Row> Collecting() {
  return {
      {"patient_identifier_retired",
       "consent_obtained",
       {"clinic.coord.1", "clinic.rn.1"},
       "readings { person: 'clinic.coord.1' at $T-2m $WRIST:identifiers read_from: "
       "READ_FROM_PATIENT } readings { person: 'clinic.rn.1' at $T-1m $WRIST:identifiers "
       "read_from: READ_FROM_PATIENT } identifiers { type: 'gsrn' source: SCANNED commitment: 'a "
       "number of 32 bytes, of old use' } change: IDENTIFIER_CHANGE_NEW_WRISTBAND",
       [](const State& s) { return s.identity(2).retired(); }},
      {"slot_changed",
       "apheresis_started",
       {"lab.sched.1"},
       "slot: 'SLOT-7' change: SLOT_CHANGE_LOST reason: 'plant closed'",
       [](const State& s) { return !s.slotted() && s.slot().empty(); }},
      {"therapy_cancelled",
       "apheresis_started",
       {"clinic.phy.1"},
       "order_number: 'ORD-1' reason: 'remission'",
       [](const State& s) { return !s.ordered() && !s.slotted(); }},
      {"ineligible",
       "therapy_ordered",
       {"clinic.phy.1"},
       "reason: INELIGIBLE_CONDITION",
       [](const State& s) {
         return s.condition().ineligible() && s.state() == "CLOSED_NOT_TREATED";
       }},
      {"collection_failed",
       "label_completed",
       {"clinic.aph.1"},
       "din: 'A999026000001' failure: COLLECTION_FAILED_LOW_YIELD detail: 'clotted' "
       "material_kept: NO",
       [](const State& s) {
         return s.donations(0).failed() && StateOf(s, "A999026000001") == pb::CONTAINER_REJECTED;
       }},
      {"recollection_ordered",
       "packed",
       {"clinic.phy.1"},
       "attempt: 2 reason: 'low yield'",
       [](const State& s) { return s.recollections() == 1; }},
      {"bridging_given",
       "received_mfg",
       {"clinic.phy.1"},
       "reason: 'growth' modality: BRIDGING_CHEMOTHERAPY regimen: 'Pola-BR' started_at $T-1d "
       "serious_reaction: NO"},
  };
}

std::vector<Row> Travelling() {
  return {
      {"shipment_delayed",
       "carrier_milestone",
       {"depot.cour.1"},
       "shipper: 'SHP-1' expected_at $T+30h reason: 'snow'",
       [](const State& s) {
         return s.shipments(0).expected_us() > s.shipments(0).handed_us() + kMicrosPerDay;
       }},
      {"shipper_recharged",
       "carrier_milestone",
       {"depot.cour.1"},
       "shipper: 'SHP-1' recharged_at $T ln2_added_kg: 2 hold_until $T+10d place: 'hub' "
       "seal_untouched: YES"},
      {"shipment_lost",
       "carrier_milestone",
       {"depot.cour.1"},
       "shipper: 'SHP-1' containers: 'A999026000001' last_seen_at $T-2h detail: 'gone'",
       [](const State& s) { return StateOf(s, "A999026000001") == pb::CONTAINER_LOST; }},
      {"shipment_found",
       "carrier_milestone",
       {"depot.cour.1"},
       "shipper: 'SHP-1' containers: 'A999026000001' seal_condition: SEAL_INTACT found_at $T "
       "place: 'hub'",
       [](const State& s) { return IsHeld(s, "A999026000001"); }},
      {"wrong_consignee",
       "carrier_milestone",
       {"other.rn.1"},
       "shipper: 'SHP-1' received_by_site: 'OTHER' at $T opened: NO",
       [](const State& s) { return IsHeld(s, "A999026000001"); }},
      {"handover_refused",
       "handed_to_carrier",
       {"depot.cour.1"},
       "reason: 'torn box'",
       [](const State& s) { return s.offers().empty(); }},
      {"downtime_started",
       "carrier_milestone",
       {"clinic.rn.1"},
       "site: 'CLINIC' started_at $T reason: 'no network'"},
      {"downtime_ended",
       "carrier_milestone",
       {"clinic.rn.1"},
       "site: 'CLINIC' ended_at $T sheets: 2"},
  };
}

std::vector<Row> Making() {
  return {
      {"incoming_qc_failed",
       "incoming_qc_passed",
       {"lab.qc.1"},
       "containers: 'A999026000001' identity_match: NO failure: 'labels disagree'",
       [](const State& s) { return !s.donations(0).accepted() && IsHeld(s, "A999026000001"); }},
      {"in_process_test",
       "harvested",
       {"lab.qc.1"},
       "lot: 'LOT26001' sample: 'S1' test: 'car' method: 'flow' outcome: OUTCOME_PASS tested_at $T",
       [](const State& s) {
         const auto index = PersonIndex(s, "lab.qc.1");
         const auto& made = s.lots(0).operators();
         return index && std::ranges::find(made, *index) != made.end();
       }},
      {"manufacturing_failed",
       "filled",
       {"lab.mfg.1"},
       "lot: 'LOT26001' failure: MANUFACTURING_FAILED_POOR_GROWTH at_step: 'culture_check' "
       "detail: 'no growth' retained_material: YES",
       [](const State& s) { return s.lots(0).state() == pb::LOT_REJECTED; }},
      {"remanufacture_ordered",
       "filled",
       {"lab.qa.1", "clinic.phy.1"},
       "old_lot: 'LOT26001' containers: 'A999026000001' reason: 'poor growth'"},
      {"rejected",
       "released",
       {"lab.qp.1"},
       "lot: 'LOT26001' reason: 'potency'",
       [](const State& s) {
         return s.lots(0).state() == pb::LOT_REJECTED &&
                StateOf(s, kMainBag) == pb::CONTAINER_REJECTED && s.state() == "REJECTED";
       }},
      {"qp_certification",
       "received_clinic",
       {"lab.qp.1"},
       "lot: 'LOT26001' certificate: 'CERT-2' certificate_file $FILE containers { container: "
       "'LOT26001-1' dose_1e6: 144 volume_ml: 68 } dose: 2 dose_unit: '10^6/kg' weight_used_kg: 72 "
       "expires_at $T+200d expiry_time_zone: 'Europe/Amsterdam' expiry_date_only: YES",
       [](const State& s) {
         return s.lots(0).releases_size() == 2 && s.lots(0).certificate() == "CERT-2";
       }},
      {"lot_selected_for_infusion",
       "ld_started",
       {"clinic.phy.1"},
       "lot: 'LOT26001' reason: 'the only one'",
       [](const State& s) { return SelectedLot(s) == &s.lots(0); }},
      {"custody_audited",
       "ld_started",
       {"clinic.pharm.1"},
       "place: 'C-LN2' found: 'LOT26001-1' audited_at $T"},
      {"disposition",
       "qc_result",
       {"lab.qa.1", "lab.wh.1"},
       "containers: 'LOT26001-Q1' kind: DISPOSITION_SAMPLE_USED reason: 'tested' done_at $T",
       [](const State& s) { return StateOf(s, "LOT26001-Q1") == pb::CONTAINER_CONSUMED; }},
  };
}

std::vector<Row> Giving() {
  return {
      {"storage_excursion",
       "ld_started",
       {"clinic.pharm.1"},
       "storage_unit: 'C-LN2' containers: 'LOT26001-1' from $T-1h moved_away: YES",
       [](const State& s) { return IsHeld(s, kMainBag); }},
      {"stored_in_shipper",
       "stored_clinic",
       {"clinic.pharm.1"},
       "containers: 'LOT26001-1' shipper: 'SHP-2' logger: 'LOG-2' stored_at $T hold_until $T+5d "
       "position: 'SHIPPER'",
       [](const State& s) {
         const pb::Container* bag = FindContainer(s, kMainBag);
         return bag->state() == pb::CONTAINER_STORED && bag->location() == "SHIPPER";
       }},
      {"ld_repeated", "infection_screened_pre", {"clinic.phy.1"}, "course: '2' reason: 'too late'"},
      {"infusion_order_cancelled",
       "preinfusion_check_passed",
       {"clinic.phy.1"},
       "order: 'INF-1' reason: 'fever'",
       [](const State& s) { return !s.orders(0).open(); }},
      {"returned_to_storage",
       "thaw_started",
       {"clinic.pharm.1", "clinic.cell_lab.1"},
       "container $SCAN:LOT26001-1 position $SCAN:C-LN2-4 returned_at $T "
       "max_temperature_centi_c: -15000 minutes_out: 2 reason: 'patient not ready'",
       [](const State& s) {
         const pb::Container* bag = FindContainer(s, kMainBag);
         return bag->state() == pb::CONTAINER_STORED && bag->location() == "C-LN2-4" &&
                bag->removed_us() == 0 && bag->prethaw().empty();
       }},
      {"issued_to_ward",
       "bedside_id_verified",
       {"clinic.pharm.1"},
       "containers: 'LOT26001-1' coi: 'CHA999026000001' ward: 'W7' issued_at $T",
       [](const State& s) {
         return std::ranges::any_of(s.holdings(), [&](const pb::Holding& h) {
           return h.subject() == kMainBag && h.holder() == "CLINIC" &&
                  h.since_us() == s.updated_us();
         });
       }},
      {"received_on_ward",
       "bedside_id_verified",
       {"clinic.rn.1"},
       "containers: 'LOT26001-1' coi: 'CHA999026000001' ward: 'W7' received_at $T intact: YES",
       [](const State& s) { return FindContainer(s, kMainBag)->location() == "W7"; }},
      {"infusion_interrupted",
       "infusion_completed",
       {"clinic.rn.1"},
       "container: 'LOT26001-1' cause: INTERRUPTED_BY_REACTION at $T volume_given_ml: 20 "
       "continues: YES"},
      {"infusion_reaction",
       "infusion_completed",
       {"clinic.rn.1"},
       "at $T signs: REACTION_RASH grade: 1 infusion_stopped: NO"},
  };
}

std::vector<Row> Following() {
  const char* const at = "discharged";
  const std::vector<std::string> phy{"clinic.phy.1"};
  return {
      {"daily_exam", at, phy, "examined_at $T finding: 'well' in_hospital: YES"},
      {"car_level", at, {"clinic.lab.1"}, "sampled_at $T method: 'qPCR'"},
      {"persistence_measured",
       at,
       {"clinic.lab.1"},
       "sampled_at $T persistence: PERSISTENCE_QPCR_POSITIVE"},
      {"cytopenia_graded", at, phy, "at $T neutropenia_grade: 2"},
      {"infection_diagnosed", at, phy, "diagnosed_at $T infection: 'CMV' grade: 2"},
      {"relapse_confirmed", at, phy, "confirmed_at $T finding: 'PET' antigen: ANTIGEN_NEGATIVE"},
      {"sae_reported", at, phy,
       "report: 'SAE-1' onset_at $T-1d reported_at $T kind: TOXICITY_CRS title: 'CRS' grade: 3 "
       "related_to_product: YES"},
      {"symptom_reported",
       at,
       {"clinic.rn.1"},
       "reported_at $T reported_by: 'patient' symptoms: SYMPTOM_FATIGUE advice: 'rest'"},
      {"readmitted",
       "followup_d28",
       {"clinic.rn.1"},
       "admitted_at $T hospital: 'CLINIC' cause: TOXICITY_CRS"},
      {"secondary_malignancy_reported", "followup_m23", phy,
       "diagnosed_at $T diagnosis_code: 'C84' t_cell: YES lot: 'LOT26001' "
       "manufacturer_informed: YES samples_sent: YES",
       [](const State& s) { return s.condition().second_malignancy(); }},
      {"therapy_closed",
       "followup_m23",
       {"clinic.qa.1"},
       "reason: CLOSED_TRANSFERRED statement: 'complete' retain_until $T+12000d",
       [](const State& s) { return s.sealed() && s.retain_until_us() != 0; }},
      {"therapy_reopened",
       "followup_m23",
       {"clinic.qa.1"},
       "reason: 'a late result'",
       [](const State& s) { return !s.sealed() && !s.closed(); }},
  };
}

std::vector<Row> Rows() {
  std::vector<Row> rows;
  for (const auto& part : {Collecting(), Travelling(), Making(), Giving(), Following()}) {
    rows.insert(rows.end(), part.begin(), part.end());
  }
  return rows;
}

class FoldEveryTest : public RulesTest, public testing::WithParamInterface<Row> {
 protected:
  // What some rows find before them, other than the main path.
  void Prepare() {
    const std::string_view body = GetParam().body;
    State& state = run.mutable_state();
    if (body == "patient_identifier_retired") {
      state.add_identity()->set_value("a number of 32 bytes, of old use");
    } else if (body == "shipment_found") {
      state.mutable_containers(0)->set_state(pb::CONTAINER_LOST);
    } else if (body == "handover_refused") {
      MustDo({"clinic.pharm.1"},
             "handover_offered { closed: YES shipper: 'SHP-1' seals: 'SEAL-1' "
             "to_site: 'DEPOT' expires_at $T+2h }");
      ASSERT_EQ(state.offers_size(), 1);
    } else if (body == "therapy_closed" || body == "therapy_reopened") {
      state.set_closed(true);
      state.set_sealed(body == "therapy_reopened");
      for (pb::Container& container : *state.mutable_containers()) {
        if (!IsTerminal(container.state())) container.set_state(pb::CONTAINER_CONSUMED);
      }
    }
  }
};

TEST_P(FoldEveryTest, ChangesWhatItSaysAndIsRemembered) {
  const Row& row = GetParam();
  run.Until(row.place);
  Prepare();
  EventBuilder event = run.Draft(row.signers, std::string(row.body) + " { " + row.fields + " }");
  if (std::string_view(row.body) == "handover_refused") {
    event.event().mutable_handover_refused()->set_offer(run.state().offers(0).event_id());
  }
  if (row.changed) {
    EXPECT_FALSE(row.changed(run.state())) << "is so already";
  }
  const std::uint64_t length = run.state().length();
  const pb::Verdict verdict = run.Record(event);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_EQ(run.state().length(), length + 1);
  const pb::StepRecord* step = FindStep(run.state(), BodyNumber(row.body));
  ASSERT_NE(step, nullptr);
  EXPECT_EQ(step->event_id(), run.last().parsed.event_id.ToString());
  if (row.changed) {
    EXPECT_TRUE(row.changed(run.state())) << run.state().DebugString();
  }
}

INSTANTIATE_TEST_SUITE_P(Bodies, FoldEveryTest, testing::ValuesIn(Rows()),
                         [](const auto& row) { return std::string(row.param.body); });

// The folder's own sources, and the journeys, say which event types tests record.
TEST(FoldEveryTableTest, NoEventTypeIsWithoutATest) {
  const std::filesystem::path tests = std::filesystem::path(CUSTODY_SOURCE_DIR) / "tests";
  std::vector<std::filesystem::path> files;
  for (const char* folder : {"unit/custody", "journeys", "journeys/scenes"}) {
    for (const auto& file : std::filesystem::directory_iterator(tests / folder)) {
      if (file.is_regular_file()) files.push_back(file.path());
    }
  }
  std::string recorded;
  for (const std::filesystem::path& file : files) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    recorded += text.str();
  }
  std::vector<std::string> missing;
  for (const BodyPlan* plan : Plans()) {
    if (plan->rule->kind() == pb::REGISTRY_ACT) continue;
    const std::string name(plan->name);
    const bool written = recorded.find(" " + name + " {") != std::string::npos ||
                         recorded.find("\n" + name + " {") != std::string::npos ||
                         recorded.find("\"" + name + " {") != std::string::npos ||
                         recorded.find("mutable_" + name + "(") != std::string::npos ||
                         recorded.find("{\"" + name + "\",") != std::string::npos;
    if (!written) missing.push_back(name);
  }
  EXPECT_EQ(missing, std::vector<std::string>());
}

}  // namespace
}  // namespace custody

#include <gtest/gtest.h>

#include "server/rpc/views.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

TEST(PeekChainTest, FindsTheChainWhereverItStands) {
  pb::Event event;
  event.set_chain("therapy/T1");
  EXPECT_EQ(PeekChain(event.SerializeAsString()), "therapy/T1");
  pb::Event rest;
  rest.set_sequence(7);
  rest.set_previous(std::string(32, 'p'));
  rest.add_signers()->set_person("p");
  EXPECT_EQ(PeekChain(rest.SerializeAsString() + event.SerializeAsString()), "therapy/T1");
}

TEST(PeekChainTest, BytesThatAreNoEventHaveNone) {
  EXPECT_EQ(PeekChain(""), "");
  EXPECT_EQ(PeekChain("\xff\xff\xff\xff"), "");
  EXPECT_EQ(PeekChain(std::string("\x0a\x7f", 2) + "short"), "");
  pb::Event event;
  event.set_chain(std::string(1000, 'A'));
  EXPECT_EQ(PeekChain(event.SerializeAsString()), "");
}

TEST(MayReadBodyTest, TheManufacturerReadsNoClinicalEvent) {
  pb::Event clinical;
  clinical.mutable_cns_evaluated();
  pb::Event packed;
  packed.mutable_packed();
  EXPECT_TRUE(MayReadBody(Who::kClinic, clinical));
  EXPECT_TRUE(MayReadBody(Who::kOversight, clinical));
  EXPECT_FALSE(MayReadBody(Who::kCarrier, packed));
  EXPECT_TRUE(MayReadBody(Who::kManufacturer, packed));
  EXPECT_FALSE(MayReadBody(Who::kManufacturer, clinical));
  EXPECT_FALSE(MayReadBody(Who::kManufacturer, pb::Event()));
}

TEST(MayReadBodyTest, TheManufacturerReadsSafetyReports) {
  pb::Event event;
  event.mutable_sae_reported()->set_title("seizure");
  EXPECT_TRUE(MayReadBody(Who::kManufacturer, event));
  EXPECT_FALSE(MayReadBody(Who::kCarrier, event));
  event.mutable_secondary_malignancy_reported()->set_lot("LOT26001");
  EXPECT_TRUE(MayReadBody(Who::kManufacturer, event));
}

TEST(MayReadBodyTest, AClinicalFieldDeepInsideCountsToo) {
  pb::Event started;
  started.mutable_apheresis_started()->add_checks()->set_person("clinic.rn.1");
  pb::PersonCheck& check = *started.mutable_apheresis_started()->mutable_checks(0);
  started.mutable_apheresis_started()->clear_wristband();
  const bool without = MayReadBody(Who::kManufacturer, started);
  check.add_wristband()->set_type("mrn");
  EXPECT_FALSE(MayReadBody(Who::kManufacturer, started));
  EXPECT_TRUE(without);
}

TEST(MayKnowBodyTest, OfWhatHappenedEachIsToldTheirOwn) {
  struct Row {
    const char* body;
    bool manufacturer;
    bool carrier;
  };
  for (const Row& row : {Row{"icans_graded", false, false}, Row{"consent_withdrawn", false, false},
                         Row{"patient_enrolled", false, false}, Row{"packed", true, false},
                         Row{"batch_opened", true, false}, Row{"carrier_milestone", true, true},
                         Row{"shipper_recharged", true, true}, Row{"no_such_body", false, false}}) {
    EXPECT_EQ(MayKnowBody(Who::kManufacturer, row.body), row.manufacturer) << row.body;
    EXPECT_EQ(MayKnowBody(Who::kCarrier, row.body), row.carrier) << row.body;
    EXPECT_FALSE(MayKnowBody(Who::kAdmin, row.body)) << row.body;
    for (const Who who : {Who::kClinic, Who::kOversight}) {
      EXPECT_TRUE(MayKnowBody(who, row.body)) << row.body;
    }
  }
}

TEST(WhatIsShownTest, WhereTheChainStandsIsNotPartOfIt) {
  pb::GetTherapyReply view;
  view.mutable_state()->set_coi("C1");
  const Hash before = WhatIsShown(view);
  view.set_length(8);
  view.set_head("head");
  view.mutable_state()->set_length(8);
  view.mutable_state()->set_head("head");
  view.mutable_state()->set_index(99);
  view.mutable_state()->set_updated_us(1);
  view.mutable_state()->add_event_bodies(251);
  view.mutable_state()->add_event_prefixes(7);
  EXPECT_EQ(WhatIsShown(view), before);
  view.mutable_state()->add_shipments()->set_shipper("SHP-1");
  EXPECT_NE(WhatIsShown(view), before);
}

TEST(IsFromAnywhereTest, TwoFactsAreAnybodysToReport) {
  pb::Event event;
  event.set_chain("therapy/T1");
  event.add_signers()->set_person("p");
  EXPECT_FALSE(IsFromAnywhere(event.SerializeAsString()));
  event.mutable_wrong_item_presented();
  EXPECT_TRUE(IsFromAnywhere(event.SerializeAsString()));
  event.mutable_identity_in_doubt();
  EXPECT_TRUE(IsFromAnywhere(event.SerializeAsString()));
  event.mutable_consent_withdrawn();
  EXPECT_FALSE(IsFromAnywhere(event.SerializeAsString()));
  EXPECT_FALSE(IsFromAnywhere("\xff\xff\xff\xff"));
}

TEST(NamesAttachmentTest, TheFieldDecidesAndElseTheBody) {
  const Hash file = Sha256("a file");
  pb::Event telemetry;
  telemetry.mutable_telemetry_batch()->mutable_file()->set_sha256(file.ToString());
  EXPECT_TRUE(NamesAttachment(telemetry, file));
  EXPECT_FALSE(NamesAttachment(telemetry, Sha256("another")));
  pb::Event consent;  // a clinical body, and its field says nothing else
  consent.mutable_consent_obtained()->mutable_document()->set_sha256(file.ToString());
  EXPECT_FALSE(NamesAttachment(consent, file));
  pb::Event adopting;
  adopting.mutable_adopted()->mutable_original()->set_payload(telemetry.SerializeAsString());
  EXPECT_TRUE(NamesAttachment(adopting, file));
  adopting.mutable_adopted()->mutable_original()->set_payload(consent.SerializeAsString());
  EXPECT_FALSE(NamesAttachment(adopting, file));
  EXPECT_FALSE(NamesAttachment(pb::Event(), file));
}

TEST(MayReadBodyTest, WhatWasAdoptedDecides) {
  pb::Event symptom;
  symptom.mutable_cns_evaluated();
  pb::Event adopting;
  adopting.mutable_adopted()->mutable_original()->set_payload(symptom.SerializeAsString());
  EXPECT_FALSE(MayReadBody(Who::kManufacturer, adopting));
  pb::Event packed;
  packed.mutable_packed();
  adopting.mutable_adopted()->mutable_original()->set_payload(packed.SerializeAsString());
  EXPECT_TRUE(MayReadBody(Who::kManufacturer, adopting));
}

TEST(ReduceVerdictTest, OnlyReasonsOfAuthorityStay) {
  pb::Verdict verdict;
  for (const char* rule : {"R01", "R18", "R45", "R20"}) verdict.add_reasons()->set_rule(rule);
  verdict.set_refused(true);
  verdict.set_profile("EXAMPLE/1");
  ReduceVerdict(verdict);
  ASSERT_EQ(verdict.reasons_size(), 2);
  EXPECT_EQ(verdict.reasons(0).rule(), "R01");
  EXPECT_EQ(verdict.reasons(1).rule(), "R45");
  EXPECT_TRUE(verdict.refused());
  EXPECT_TRUE(verdict.profile().empty());
}

// What a rule says of the patient leaves the ledger only for those who treat, and for oversight.
TEST(VerdictInViewTest, TheManufacturerIsToldTheRuleAndNotThePatientsCondition) {
  TestLedger ledger;
  pb::Verdict verdict;
  pb::Reason& reason = *verdict.add_reasons();
  reason.set_rule("R08");
  reason.set_kind(pb::REASON_GATE);
  reason.set_expected("no pregnancy");
  reason.set_found("pregnancy test positive");
  reason.set_field_class(pb::CLINICAL);
  pb::NextStepsReply steps;
  pb::NextStep& step = *steps.add_steps();
  step.set_body("apheresis_started");
  *step.add_reasons() = reason;
  Caller lab;
  lab.site = "LAB";
  lab.who = Who::kManufacturer;
  Caller clinic;
  clinic.site = "CLINIC";
  clinic.who = Who::kClinic;
  pb::Verdict whole = verdict;
  EXPECT_FALSE(VerdictInView(clinic, ledger.registry(), whole));
  EXPECT_EQ(whole.reasons(0).found(), "pregnancy test positive");
  EXPECT_TRUE(VerdictInView(lab, ledger.registry(), verdict));
  EXPECT_EQ(verdict.reasons(0).rule(), "R08");
  EXPECT_EQ(verdict.DebugString().find("pregnan"), std::string::npos);
  StepsInView(lab, ledger.registry(), steps);
  ASSERT_EQ(steps.steps_size(), 1);
  EXPECT_EQ(steps.DebugString().find("pregnan"), std::string::npos);
}

TEST(HiddenTest, SaysTheSameWhetherThereIsOneOrNot) {
  EXPECT_THAT(Hidden("T9"), StatusIs(StatusCode::kNotFound, "T9 that this station may read"));
}

}  // namespace
}  // namespace custody

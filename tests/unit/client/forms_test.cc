#include "client/forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/event_words.h"
#include "client/field_values.h"
#include "custody/event.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

FieldSources Sources() {
  FieldSources sources;
  sources.zone = "Europe/Berlin";
  sources.now = *ParseInstant("2026-03-02T08:15:00Z");
  return sources;
}

std::string Why(const Status& status) { return Message(status); }

TEST(SetFieldTest, ReadsNumbersWithAndWithoutTheirUnit) {
  v1::EligibilityAssessed body;
  ASSERT_TRUE(SetField(body, "weight-kg", "72.5", Sources()).ok());
  ASSERT_TRUE(SetField(body, "height-cm", "181 cm", Sources()).ok());
  ASSERT_TRUE(SetField(body, "prior-lines", "0", Sources()).ok());
  EXPECT_EQ(body.weight_kg(), 72.5);
  EXPECT_EQ(body.height_cm(), 181);
  EXPECT_TRUE(body.has_prior_lines());
  const Status pounds = SetField(body, "lvef-percent", "60 lb", Sources());
  EXPECT_EQ(pounds.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Why(pounds).find("a number in %"), std::string::npos) << Why(pounds);
}

TEST(SetFieldTest, RefusesWhatIsNotPossibleAndSaysWhatIs) {
  v1::EligibilityAssessed body;
  const Status status = SetField(body, "weight-kg", "7250", Sources());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Why(status).find("0.3 to 500 kg (usually 3 to 250)"), std::string::npos) << Why(status);
  EXPECT_NE(Why(status).find("R07"), std::string::npos);
  EXPECT_EQ(body.weight_kg(), 0);
}

TEST(SetFieldTest, TellsOfUnusualValuesAndTakesThem) {
  v1::EligibilityAssessed body;
  FieldSources sources = Sources();
  std::vector<std::string> remarks;
  sources.unusual = [&](const std::string& remark) { remarks.push_back(remark); };
  ASSERT_TRUE(SetField(body, "weight-kg", "270", sources).ok());
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_NE(remarks[0].find("Weight: 270 is unusual"), std::string::npos) << remarks[0];
  EXPECT_EQ(body.weight_kg(), 270);
}

TEST(SetFieldTest, AsksForAPointInsteadOfAComma) {
  v1::EligibilityAssessed body;
  const Status status = SetField(body, "weight-kg", "72,5", Sources());
  EXPECT_NE(Why(status).find("decimals after a point"), std::string::npos) << Why(status);
}

TEST(SetFieldTest, NamesTheNearestFieldForATypingError) {
  v1::EligibilityAssessed body;
  const Status status = SetField(body, "wieght-kg", "72", Sources());
  EXPECT_NE(Why(status).find("the nearest is weight-kg"), std::string::npos) << Why(status);
}

TEST(SetFieldTest, TakesChoicesByNameByLabelAndByTheirLastWords) {
  v1::ConsentObtained body;
  ASSERT_TRUE(SetField(body, "purposes", "CONSENT_TO_COLLECTION", Sources()).ok());
  ASSERT_TRUE(SetField(body, "purposes", "treatment", Sources()).ok());
  ASSERT_TRUE(SetField(body, "purposes", "15 years of follow-up", Sources()).ok());
  ASSERT_EQ(body.purposes_size(), 3);
  EXPECT_EQ(body.purposes(1), v1::CONSENT_TO_TREATMENT);
  EXPECT_EQ(body.purposes(2), v1::CONSENT_TO_LONG_TERM_FOLLOWUP);
  const Status status = SetField(body, "interpreter", "maybe", Sources());
  EXPECT_NE(Why(status).find("one of \"Yes\" \"No\""), std::string::npos) << Why(status);
  EXPECT_FALSE(SetField(body, "interpreter", "ANSWER_UNSPECIFIED", Sources()).ok());
}

TEST(SetFieldTest, ASecondValueForOneFieldIsRefused) {
  v1::EligibilityAssessed body;
  ASSERT_TRUE(SetField(body, "weight-kg", "72", Sources()).ok());
  const Status status = SetField(body, "weight-kg", "73", Sources());
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(Why(status).find("given twice"), std::string::npos);
  EXPECT_EQ(body.weight_kg(), 72);
}

TEST(SetFieldTest, RepetitionBeginsTheNextElement) {
  v1::LdDose body;
  for (const auto& [path, text] :
       std::vector<std::pair<std::string, std::string>>{{"drugs.drug", "fludarabine"},
                                                        {"drugs.amount", "54"},
                                                        {"drugs.unit", "mg"},
                                                        {"drugs.drug", "cyclophosphamide"},
                                                        {"drugs.amount", "900"}}) {
    ASSERT_TRUE(SetField(body, path, text, Sources()).ok()) << path;
  }
  ASSERT_EQ(body.drugs_size(), 2);
  EXPECT_EQ(body.drugs(0).unit(), "mg");
  EXPECT_EQ(body.drugs(1).drug(), "cyclophosphamide");
  EXPECT_EQ(body.drugs(1).amount(), 900);
}

TEST(SetFieldTest, NumbersNameTheElementAndLeaveNoGap) {
  v1::LdDose body;
  ASSERT_TRUE(SetField(body, "drugs.0.drug", "fludarabine", Sources()).ok());
  ASSERT_TRUE(SetField(body, "drugs.1.drug", "cyclophosphamide", Sources()).ok());
  ASSERT_TRUE(SetField(body, "drugs.0.amount", "54", Sources()).ok());
  EXPECT_EQ(body.drugs(0).amount(), 54);
  EXPECT_FALSE(SetField(body, "drugs.3.drug", "mesna", Sources()).ok());
  EXPECT_EQ(body.drugs_size(), 2);
}

TEST(SetFieldTest, ARefusedValueLeavesNoHalfMadeElement) {
  v1::LdDose body;
  EXPECT_FALSE(SetField(body, "drugs.amount", "much", Sources()).ok());
  EXPECT_EQ(body.drugs_size(), 0);
}

TEST(SetFieldTest, ReadsTimesOfThePlace) {
  v1::LdStarted body;
  ASSERT_TRUE(SetField(body, "started-at", "2026-03-02 08:30", Sources()).ok());
  EXPECT_EQ(FormatUtc(FromProto(body.started_at())), "2026-03-02T07:30:00Z");
}

TEST(SetFieldTest, HundredthsAreGivenInTheWholeUnitToo) {
  v1::Packed body;
  ASSERT_TRUE(SetField(body, "temperature-centi-c", "-150.25 Cel", Sources()).ok());
  EXPECT_EQ(body.temperature_centi_c(), -15025);
  const auto* field = v1::Packed::descriptor()->FindFieldByName("temperature_centi_c");
  EXPECT_EQ(ShowField(body, *field, -1, "UTC"), "-150.25 \u00b0C");
}

TEST(SetFieldTest, ABareNumberIsNoHundredths) {
  v1::Packed body;
  EXPECT_THAT(
      SetField(body, "temperature-centi-c", "-187", Sources()),
      StatusIs(StatusCode::kInvalidArgument, "a number with its unit, such as \"-187\u00b0C\""));
  ASSERT_TRUE(SetField(body, "temperature-centi-c", "-187\u00b0C", Sources()).ok());
  EXPECT_EQ(body.temperature_centi_c(), -18700);
  const auto* field = v1::Packed::descriptor()->FindFieldByName("temperature_centi_c");
  EXPECT_THAT(RangeInWords(*field), ::testing::HasSubstr("-273.15 to"));
}

TEST(SetFieldTest, ScansKeepWhatTheScannerSentAndCompareWithoutFlags) {
  v1::Packed body;
  ASSERT_TRUE(SetField(body, "containers",
                       "]C0=A999926000001"
                       "00\r",
                       Sources())
                  .ok());
  EXPECT_EQ(body.containers(0).value(), "A999926000001");
  EXPECT_EQ(body.containers(0).source(), v1::SCANNED);
  EXPECT_EQ(body.containers(0).raw(), "]C0=A99992600000100\r");
  ASSERT_TRUE(SetField(body, "coi", "&/CHA999926000001", Sources()).ok());
  EXPECT_EQ(body.coi().value(), "CHA999926000001");
  ASSERT_TRUE(SetField(body, "shipper", "typed:SHP-4711", Sources()).ok());
  EXPECT_EQ(body.shipper().source(), v1::TYPED);
  EXPECT_TRUE(body.shipper().raw().empty());
  EXPECT_FALSE(SetField(body, "logger", "&/CHA999926000001", Sources()).ok());
}

TEST(SetFieldTest, APatientsIdentifierNeedsSomebodyWhoCommitsIt) {
  v1::InfusionStarted body;
  const Status lab = SetField(body, "wristband", "mrn:A:123", Sources());
  EXPECT_EQ(lab.code(), StatusCode::kFailedPrecondition);
  FieldSources sources = Sources();
  sources.commit = [](std::string_view clear) -> StatusOr<v1::IdentifierCommitment> {
    v1::IdentifierCommitment commitment;
    commitment.set_type("mrn");
    commitment.set_commitment(Sha256(clear).ToString());
    commitment.set_source(v1::SCANNED);
    return commitment;
  };
  ASSERT_TRUE(SetField(body, "wristband", "mrn:A:123", sources).ok());
  const auto* field = v1::InfusionStarted::descriptor()->FindFieldByName("wristband");
  EXPECT_EQ(ShowField(body, *field, 0, "UTC"), "mrn (read, kept as a commitment)");
}

TEST(SetFieldTest, BytesAreHex) {
  v1::OverrideConfirmed body;
  EXPECT_FALSE(SetField(body, "grant", "xyz", Sources()).ok());
  ASSERT_TRUE(SetField(body, "grant", std::string(64, 'a'), Sources()).ok());
  EXPECT_EQ(body.grant().size(), 32U);
}

TEST(SetFieldTest, TextThatIsTooLongIsRefused) {
  v1::EligibilityAssessed body;
  EXPECT_FALSE(SetField(body, "diagnosis-code", std::string(201, 'x'), Sources()).ok());
  EXPECT_TRUE(SetField(body, "diagnosis-code", "C83.3", Sources()).ok());
}

TEST(MissingFieldsTest, ListsRequiredFieldsAtAnyDepth) {
  v1::LdDose body;
  ASSERT_TRUE(SetField(body, "drugs.drug", "fludarabine", Sources()).ok());
  EXPECT_EQ(MissingFields(body), (std::vector<std::string>{"course", "day", "drugs.0.amount",
                                                           "drugs.0.unit", "given-at"}));
}

TEST(MissingFieldsTest, WhatAnAnswerExcusesIsNotMissing) {
  v1::Followup body;
  ASSERT_TRUE(SetField(body, "vital-status", "Alive", Sources()).ok());
  EXPECT_EQ(MissingFields(body),
            (std::vector<std::string>{"visit", "seen-at", "response", "persistence", "infections",
                                      "second-cancer"}));
  body.set_vital_status(v1::VITAL_STATUS_LOST);
  EXPECT_EQ(MissingFields(body), (std::vector<std::string>{"visit", "seen-at"}));
}

TEST(DescribeBodyTest, SaysWhatMayBeLeftOutAndWhen) {
  const std::string text = DescribeBody(*pb::Event::descriptor()->FindFieldByName("followup"));
  EXPECT_NE(text.find("left out only when the patient is lost to follow-up"), std::string::npos)
      << text;
}

TEST(DescribeBodyTest, NamesUnitsRangesAndWhoSigns) {
  const auto* body = pb::Event::descriptor()->FindFieldByName("infusion_started");
  const std::string text = DescribeBody(*body);
  for (const char* part :
       {"INFUSION_STARTED - Infusion started (step 36)", "Entered by   RN, PHY or APP",
        "--baseline.temperature-c", "0 to 50 \u00b0C (usually 30 to 43)",
        "refused while a rule stands against it"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
}

TEST(DescribeBodyTest, EveryTherapyBodyHasAForm) {
  const auto bodies = TherapyBodies();
  EXPECT_GT(bodies.size(), 80U);
  for (const auto* body : bodies) {
    EXPECT_FALSE(RuleOfBody(*body).label().empty()) << body->name();
    for (const DescribedField& field : FieldsOf(*body->message_type())) {
      EXPECT_FALSE(field.label.empty()) << body->name() << "." << field.path;
    }
  }
}

TEST(RenderEventTest, ShowsLabelsUnitsAndWhoSigns) {
  pb::Event event;
  event.set_chain("therapy/ABC");
  event.set_sequence(3);
  event.set_entry(pb::LIVE);
  event.set_time_zone("Europe/Berlin");
  *event.mutable_occurred_at() = ToProto(*ParseInstant("2026-03-02T08:15:00Z"));
  auto& body = *event.mutable_eligibility_assessed();
  body.set_weight_kg(72.5);
  body.set_decision(v1::FITNESS_FIT);
  auto& signer = *event.add_signers();
  signer.set_person("P1");
  signer.set_printed_name("Ada Example");
  signer.set_role(pb::PHY);
  signer.set_meaning(pb::PERFORMED);
  const std::string text = RenderEvent(event, "UTC");
  for (const char* part : {"Eligibility assessed - therapy/ABC #3", "02 Mar 2026 09:15 CET",
                           "72.5 kg", "Fit", "Ada Example (P1), PHY, performed"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
}

TEST(RenderVerdictTest, ListsEveryReasonAndWhoMayGrant) {
  pb::Verdict verdict;
  auto& reason = *verdict.add_reasons();
  reason.set_rule("R20");
  reason.set_kind(pb::REASON_GATE);
  reason.set_expected("first dose within 7 days");
  reason.set_found("9 days");
  reason.add_grantors(pb::PHY);
  auto& never = *verdict.add_reasons();
  never.set_rule("R26");
  never.set_kind(pb::REASON_GATE);
  const std::string text = RenderVerdict(verdict);
  EXPECT_NE(text.find("R20 blocked"), std::string::npos) << text;
  EXPECT_NE(text.find("may be granted by PHY"), std::string::npos) << text;
  EXPECT_NE(text.find("nobody may grant one"), std::string::npos) << text;
}

TEST(ClearIdentifierTest, HasTypeIssuerAndValue) {
  const auto identifier = ClearIdentifier::Parse("typed:other:urn:a:b");
  ASSERT_TRUE(identifier.ok());
  EXPECT_EQ(identifier->type, "other");
  EXPECT_EQ(identifier->issuer, "urn");
  EXPECT_EQ(identifier->value, "a:b");
  EXPECT_EQ(identifier->source, v1::TYPED);
  EXPECT_FALSE(ClearIdentifier::Parse("mrn:123").ok());
  EXPECT_FALSE(ClearIdentifier::Parse("mrn:A:").ok());
}

}  // namespace
}  // namespace custody

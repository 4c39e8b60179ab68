// The profiles of real products: each can be published, says of every number where it comes from,
// and has the numbers of its sources.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "custody/profile.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = CUSTODY_SOURCE_DIR "/custody/profiles";
constexpr const char* kDemo = "demo-product";

// Every file but the demonstration's, by its name without ending.
std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const auto& item : fs::directory_iterator(kFolder)) {
    if (item.path().extension() != ".textproto") continue;
    if (item.path().stem() != kDemo) names.push_back(item.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

std::string Text(const std::string& name) {
  std::ifstream file(fs::path(kFolder) / (name + ".textproto"));
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// As `custody-admin publish profile` reads it: unknown and repeated fields are errors.
pb::Profile Read(const std::string& name) {
  pb::Profile profile;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(Text(name), &profile)) << name;
  return profile;
}

class ProfileFileTest : public testing::TestWithParam<std::string> {
 protected:
  // The act that publishes `profile` on `ledger`, by two trustees.
  static EventBuilder Publishing(TestLedger& ledger, const pb::Profile& profile) {
    EventBuilder act = ledger.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
    *act.event().mutable_profile_published()->mutable_profile() = profile;
    return act;
  }
  static pb::Verdict Judged(TestLedger& ledger, const EventBuilder& act) {
    return Judge(act.Parse(), ledger.registry(), pb::TherapyState(),
                 Place{ledger.next_index(), act.Build().sequence(), ledger.now()});
  }
};

TEST_P(ProfileFileTest, IsPublishedAsItStandsWhereNobodyIsTreatedByIt) {
  TestLedger validation(pb::VALIDATION);
  const EventBuilder act = Publishing(validation, Read(GetParam()));
  EXPECT_EQ(CheckShape(act.Build(), nullptr), absl::OkStatus());
  const pb::Verdict verdict = Judged(validation, act);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  const StatusOr<const Recorded*> recorded = validation.Try(act.Sign());
  ASSERT_TRUE(recorded.ok()) << recorded.status();
  const pb::Profile* published = validation.registry().FindProfile(Read(GetParam()).name());
  ASSERT_NE(published, nullptr);
  EXPECT_EQ(published->name(), GetParam());
}

TEST_P(ProfileFileTest, IsRefusedByAProductionLedgerUntilItsTrusteesReviewedIt) {
  TestLedger production(pb::PRODUCTION);
  pb::Profile profile = Read(GetParam());
  EXPECT_TRUE(Judged(production, Publishing(production, profile)).refused());
  EXPECT_THAT(Text(GetParam()), testing::HasSubstr("REVIEW IT BEFORE YOU PUBLISH IT"));
  EXPECT_THAT(Text(GetParam()), testing::HasSubstr("its trustees hold every number"));
  profile.set_environment(pb::PRODUCTION);
  const pb::Verdict verdict = Judged(production, Publishing(production, profile));
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
}

TEST_P(ProfileFileTest, SaysOfEveryNumberWhereItComesFrom) {
  const std::regex number(R"(^\s*([a-z0-9_]+): -?[0-9.]+)");
  // A tag, and words behind it.
  const std::regex tag(R"(#.*\[(S|B|P|D)\] \S.{1,})");
  const std::regex unnamed(R"(#.*\[S\] (19|20)?[0-9]*$)");
  std::istringstream lines(Text(GetParam()));
  int numbers = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!std::regex_search(line, number) || line.starts_with("version:")) continue;
    ++numbers;
    EXPECT_TRUE(std::regex_search(line, tag)) << line;
    EXPECT_FALSE(std::regex_search(line, unnamed)) << line;
  }
  EXPECT_GT(numbers, 25);
}

TEST_P(ProfileFileTest, NamesStepsFieldsAndReleasesThatThereAre) {
  const pb::Profile profile = Read(GetParam());
  EXPECT_FALSE(profile.mandatory_steps().empty());
  for (const std::string& step : profile.mandatory_steps()) {
    ASSERT_NE(BodyNumber(step), 0) << step;
    const auto* type = PlanOf(BodyNumber(step)).body->message_type();
    EXPECT_NE(type->FindFieldByName("lot"), nullptr) << step;
  }
  for (const pb::SpecifiedRange& range : profile.ranges()) {
    const std::string body = range.field().substr(0, range.field().find('.'));
    ASSERT_NE(BodyNumber(body), 0) << range.field();
    const auto& usual = PlanOf(BodyNumber(body)).usual;
    EXPECT_TRUE(std::ranges::any_of(usual, [&](const PlannedField& field) {
      return field.path == range.field();
    })) << range.field();
  }
  for (const std::string& release : profile.releases()) {
    EXPECT_NE(BodyNumber(Lower(release)), 0) << release;
  }
  // A limit without a number would let everything pass.
  for (const pb::TemperatureLimit& limit : profile.temperatures()) {
    EXPECT_TRUE(limit.has_min_c() || limit.has_max_c());
  }
  for (const pb::ThermalLoad frozen : {pb::FROZEN_APHERESIS, pb::FROZEN_PRODUCT}) {
    EXPECT_TRUE(std::ranges::any_of(profile.temperatures(), [&](const pb::TemperatureLimit& limit) {
      return limit.load() == frozen && limit.max_c() <= Defaults::kFrozenMaxC;
    })) << "whose warmth nobody judges";
  }
}

TEST_P(ProfileFileTest, KeepsWhatTheProcessFoundsOn) {
  const pb::Profile profile = Read(GetParam());
  EXPECT_TRUE(profile.indication().relapsed_or_refractory());
  EXPECT_EQ(profile.aftercare().inpatient_min_days(), 7U);
  EXPECT_EQ(profile.aftercare().inpatient_max_days(), 14U);
  EXPECT_EQ(profile.aftercare().day28_from(), 25U);
  EXPECT_EQ(profile.aftercare().day28_to(), 35U);
  EXPECT_EQ(profile.aftercare().month2_from(), 56U);
  EXPECT_EQ(profile.aftercare().month2_to(), 100U);
  EXPECT_EQ(profile.release_alert_days(), 28U);
  EXPECT_GE(profile.tocilizumab_doses(), 1U);
  const std::uint32_t most = LdMaxDays(&profile);
  EXPECT_TRUE(most <= 7 || !profile.ld().label_source().empty());
  EXPECT_EQ(most, profile.ld().max_days());
  EXPECT_LE(profile.ld().min_days(), most);
  EXPECT_LE(profile.ld().advisory_max_days(), most);
  const bool eu = profile.jurisdiction() == "EU";
  EXPECT_EQ(profile.releases_size(), eu ? 2 : 1);
  EXPECT_EQ(profile.validity().idm_days(), eu ? 30U : 0U);
  EXPECT_EQ(profile.tocilizumab_next_within_8h(), eu);
}

class WarmFileTest : public RulesTest, public testing::WithParamInterface<std::string> {};

std::string TestName(const testing::TestParamInfo<std::string>& name) {
  std::string test = name.param;
  std::ranges::replace(test, '-', '_');
  return test;
}

// The main path's product, judged by the limits of this file.
TEST_P(WarmFileTest, QuarantinesWhatWasAtRoomTemperature) {
  EventBuilder file = (run.Through("stored_clinic"), run.Next());
  const pb::Profile profile = Read(GetParam());
  Publish([&](pb::Profile& p) { *p.mutable_temperatures() = profile.temperatures(); });
  pb::TelemetryBatch& batch = *file.event().mutable_telemetry_batch();
  const pb::TemperatureLimit* limit = LimitFor(&profile, pb::FROZEN_PRODUCT);
  batch.set_upper_limit_centi_c(static_cast<std::int32_t>(limit->max_c() * 100));
  batch.set_max_temperature_centi_c(-18000);
  EXPECT_FALSE(Says(run.Judge(file), "R13")) << Explain(run.Judge(file));
  batch.set_max_temperature_centi_c(2000);
  const pb::Verdict verdict = run.Record(file);
  EXPECT_FALSE(verdict.refused()) << Explain(verdict);
  EXPECT_FALSE(OpenQuarantines(run.state(), *FindContainer(run.state(), kMainBag)).empty());
}

TEST_F(RulesTest, AProfileThatSaysNothingOfWhatIsFrozenHasTheLimitOfTheProcess) {
  EventBuilder file = (run.Through("stored_clinic"), run.Next());
  Publish([&](pb::Profile& p) { p.clear_temperatures(); });
  pb::TelemetryBatch& batch = *file.event().mutable_telemetry_batch();
  batch.set_upper_limit_centi_c(-12000);
  batch.set_max_temperature_centi_c(2000);
  EXPECT_TRUE(Says(run.Judge(file), "R13"));
  const pb::Profile nothing;
  EXPECT_EQ(LimitFor(&nothing, pb::FROZEN_APHERESIS)->max_c(), Defaults::kFrozenMaxC);
  EXPECT_EQ(LimitFor(nullptr, pb::FROZEN_PRODUCT)->max_c(), Defaults::kFrozenMaxC);
  EXPECT_EQ(LimitFor(&nothing, pb::FRESH_APHERESIS), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Files, WarmFileTest, testing::ValuesIn(Names()), TestName);

INSTANTIATE_TEST_SUITE_P(Files, ProfileFileTest, testing::ValuesIn(Names()), TestName);

// What stands in the labels: dose (10^6, or 10^6/kg), greatest dose in all, days after
// lymphodepletion, the shortest window after the thaw (minutes), storage at most (Cel; where none
// is public the default).
struct Key {
  const char* name;
  double target, least, most, absolute;
  bool per_kg;
  std::uint32_t ld_min, ld_max;
  pb::WindowAnchor anchor;
  std::uint32_t minutes;
  double storage;
};

constexpr Key kKeys[] = {
    {"tisa-cel-us-all", 0, 0.2, 5, 0, true, 2, 14, pb::FROM_THAW_END, 30, -120},
    {"tisa-cel-us-dlbcl", 0, 60, 600, 0, false, 2, 11, pb::FROM_THAW_END, 30, -120},
    {"tisa-cel-us-fl", 0, 60, 600, 0, false, 2, 6, pb::FROM_THAW_END, 30, -120},
    {"tisa-cel-eu-all", 0, 0.2, 5, 0, true, 2, 14, pb::FROM_THAW_END, 30, -120},
    {"tisa-cel-eu-dlbcl", 0, 60, 600, 0, false, 2, 14, pb::FROM_THAW_END, 30, -120},
    {"tisa-cel-eu-fl", 0, 60, 600, 0, false, 2, 6, pb::FROM_THAW_END, 30, -120},
    {"axi-cel-us", 2, 0, 0, 200, true, 3, 7, pb::FROM_THAW_END, 30, -150},
    {"axi-cel-eu", 2, 1, 2, 200, true, 3, 7, pb::FROM_THAW_END, 30, -150},
    {"brexu-cel-us-mcl", 2, 0, 0, 200, true, 3, 7, pb::FROM_THAW_END, 30, -150},
    {"brexu-cel-us-all", 1, 0, 0, 100, true, 2, 7, pb::FROM_THAW_END, 30, -150},
    {"brexu-cel-eu-mcl", 2, 0, 0, 200, true, 3, 7, pb::FROM_THAW_END, 30, -150},
    {"brexu-cel-eu-all", 1, 0, 0, 100, true, 2, 7, pb::FROM_THAW_END, 30, -150},
    {"liso-cel-us", 0, 50, 110, 0, false, 2, 7, pb::FROM_REMOVAL, 120, -120},
    {"liso-cel-us-second-line", 0, 90, 110, 0, false, 2, 7, pb::FROM_REMOVAL, 120, -120},
    {"liso-cel-eu", 0, 44, 120, 0, false, 2, 7, pb::FROM_REMOVAL, 120, -120},
    {"ide-cel-us", 0, 300, 510, 0, false, 2, 7, pb::FROM_THAW_START, 60, -130},
    {"ide-cel-eu", 420, 260, 500, 0, false, 2, 7, pb::FROM_THAW_START, 60, -130},
    {"cilta-cel-us", 0, 0.5, 1, 100, true, 2, 4, pb::FROM_THAW_END, 150, -120},
    {"cilta-cel-eu", 0, 0.5, 1, 100, true, 2, 4, pb::FROM_THAW_END, 150, -120},
    {"obe-cel-us", 410, 0, 0, 0, false, 2, 4, pb::FROM_THAW_START, 60, -120},
    {"obe-cel-eu", 410, 0, 0, 0, false, 2, 4, pb::FROM_THAW_START, 60, -120},
};

TEST(ProfileFilesTest, HaveTheNumbersOfTheirSources) {
  std::vector<std::string> named = {"general"};
  for (const Key& key : kKeys) {
    SCOPED_TRACE(key.name);
    named.emplace_back(key.name);
    const pb::Profile profile = Read(key.name);
    EXPECT_EQ(profile.dose().target_1e6(), key.target);
    EXPECT_EQ(profile.dose().min_1e6(), key.least);
    EXPECT_EQ(profile.dose().max_1e6(), key.most);
    EXPECT_EQ(profile.dose().absolute_max_1e6(), key.absolute);
    EXPECT_EQ(profile.dose().per_kg(), key.per_kg);
    EXPECT_EQ(profile.ld().min_days(), key.ld_min);
    EXPECT_EQ(profile.ld().max_days(), key.ld_max);
    ASSERT_FALSE(profile.windows().empty());
    EXPECT_EQ(profile.windows(0).anchor(), key.anchor);
    EXPECT_EQ(profile.windows(0).minutes(), key.minutes);
    EXPECT_EQ(LimitFor(&profile, pb::FROZEN_PRODUCT)->max_c(), key.storage);
    EXPECT_EQ(profile.dose().tolerance_percent() > 0, key.most == 0) << "a target alone";
  }
  std::ranges::sort(named);
  EXPECT_EQ(named, Names()) << "a file without a row, or a row without a file";
}

TEST(ProfileFilesTest, HaveWhatIsPeculiarToEach) {
  const pb::Profile all = Read("tisa-cel-us-all");
  EXPECT_EQ(all.dose().above_weight_kg(), 50);
  EXPECT_EQ(all.dose().above_min_1e6(), 10);
  EXPECT_EQ(all.dose().above_max_1e6(), 250);
  EXPECT_EQ(all.ld().repeat_after_days(), 28U);
  EXPECT_EQ(all.ld().repeat_wbc_above(), 1);
  EXPECT_EQ(all.ld().waiver_wbc_max(), 1);
  EXPECT_EQ(all.material_path(), pb::CRYO_BANKABLE);
  EXPECT_EQ(FrozenMonths(&all), 18U);
  EXPECT_EQ(all.windows(0).max_temperature_c(), 25);
  EXPECT_EQ(all.ld().course_days(), 4U);
  const pb::Profile cilta = Read("cilta-cel-us");
  EXPECT_EQ(cilta.ld().repeat_after_days(), 14U);
  EXPECT_EQ(cilta.tocilizumab_doses(), 2U);
  EXPECT_EQ(FindTest(&cilta, "viability")->min(), 80);
  const pb::Profile liso = Read("liso-cel-us");
  EXPECT_THAT(liso.components(), testing::ElementsAre("CD8", "CD4"));
  EXPECT_EQ(Read("liso-cel-us-second-line").indication().min_prior_lines(), 1U);
  const pb::SplitDose plan = Read("obe-cel-us").split_dose();
  EXPECT_EQ(plan.second_from_day(), 8U);
  EXPECT_EQ(plan.second_to_day(), 12U);
  EXPECT_EQ(plan.latest_day(), 21U);
  EXPECT_EQ(plan.first_1e6() + plan.second_1e6(), 410);
  EXPECT_EQ(plan.first_above_1e6() + plan.second_above_1e6(), 410);
  EXPECT_EQ(Read("brexu-cel-us-mcl").windows(1).minutes(), 180U);
  EXPECT_EQ(Read("brexu-cel-us-mcl").infusion_minutes(), 30U);
  EXPECT_EQ(Read("brexu-cel-eu-all").shelf_life().months(), 12U);
  EXPECT_EQ(Read("ide-cel-us").shelf_life().months(), 12U);
  EXPECT_EQ(Read("ide-cel-us").presentations(0).max_volume_ml(), 100);
  EXPECT_EQ(Read("tisa-cel-us-fl").presentations(0).max_volume_ml(), 50);
  EXPECT_EQ(liso.presentations(0).kind(), pb::VESSEL_PRODUCT_VIAL);
  EXPECT_EQ(liso.presentations(0).max_count(), 4U);
  EXPECT_EQ(liso.presentations(0).max_dose_1e6(), 322);
  EXPECT_EQ(Read("obe-cel-us").presentations(0).max_count(), 5U);
  EXPECT_EQ(Read("brexu-cel-us-all").aftercare().daily_contact_days(), 14U);
  const pb::Profile general = Read("general");
  EXPECT_EQ(general.fresh_hold().hard_hours(), Defaults::kFreshHardHours);
  EXPECT_EQ(general.shipper_plan().qualified_hold_hours(), Defaults::kShipperHoldHours);
  EXPECT_EQ(general.name(), kGeneralProfile);
}

TEST(ProfileFilesTest, WhereAProductStatesNoLimitOfATestTheTemplatesBinds) {
  const pb::Profile general = Read("general");
  for (const std::string& name : Names()) {
    const pb::Profile profile = Read(name);
    for (const char* test : {"viability", "cd3_purity", "car_expression", "vcn", "endotoxin"}) {
      const pb::ReleaseTest* limit = FindTest(&profile, test);
      ASSERT_NE(limit, nullptr) << name << " " << test;
      EXPECT_TRUE(limit->has_min() || limit->has_max() || limit->has_less_than())
          << name << " " << test;
      EXPECT_EQ(limit->unit(), FindTest(&general, test)->unit()) << name << " " << test;
    }
    EXPECT_FALSE(IsWithin(*FindTest(&profile, "vcn"), 5)) << name << ": fewer than 5";
    EXPECT_TRUE(IsWithin(*FindTest(&profile, "vcn"), 4.999)) << name;
  }
}

}  // namespace
}  // namespace custody

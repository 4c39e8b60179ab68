// Numbers are data: profiles with other numbers than the demonstration's are judged by those
// numbers, and none of them widens what the process allows.
#include "custody/profile.h"

#include <gmock/gmock.h>

#include <fstream>
#include <functional>
#include <ostream>
#include <regex>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

struct Row {
  const char* name;
  const char* rule;
  const char* step;
  std::function<void(pb::Profile&, std::uint32_t)> set;
  std::uint32_t binds;   // a number under which the step meets the rule
  std::uint32_t allows;  // and one under which it does not
  std::function<void(pb::Event&)> change = nullptr;
};

std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }

void MinutesEarlier(google::protobuf::Timestamp* at, std::int64_t minutes) {
  at->set_seconds(at->seconds() - minutes * 60);
}

const Row kRows[] = {
    {"PresenceOfTwoPeople", "R04", "bedside_id_verified",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_presence(n); }, 3, 6,
     [](pb::Event& e) { MinutesEarlier(e.mutable_signers(0)->mutable_identified_at(), 5); }},
    {"TheirOwnChecks", "R04", "bedside_id_verified",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_presence(n); }, 3, 6,
     [](pb::Event& e) {
       MinutesEarlier(e.mutable_bedside_id_verified()->mutable_checks(0)->mutable_at(), 4);
     }},
    {"AgeOfThePass", "R26", "infusion_started",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_bedside_pass(n); }, 4, 5},
    {"AgeOfTheGo", "R35", "thaw_started",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_preinfusion_check(n); }, 44,
     45},
    {"TheWardsWord", "R35", "prethaw_id_verified",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_ward_confirmation(n); }, 19,
     20,
     [](pb::Event& e) {
       pb::PrethawIdVerified& body = *e.mutable_prethaw_id_verified();
       body.set_confirmed_by(pb::CONFIRMED_BY_WARD);
       body.set_ward_person("clinic.rn.2");
       *body.mutable_ward_scanned_at() = e.occurred_at();
       MinutesEarlier(body.mutable_ward_scanned_at(), 20);
     }},
    {"AgeOfTheBaseline", "R39", "infusion_started",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_baseline_vitals(n); }, 9, 10},
    {"VitalSignsAtTheTimeOut", "R23", "bedside_id_verified",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_timeout_vitals(n); }, 4, 5},
    {"LabelAfterTheWristband", "F8a", "label_issued",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_wristband_before_label(n); },
     4, 5},
    {"MarkersBeforeTheCollection", "R08", "apheresis_started",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_validity()->set_idm_days(n); }, 9, 10},
    {"DaysAfterLymphodepletion", "R20", "removed_from_storage",
     [](pb::Profile& p, std::uint32_t n) { p.mutable_ld()->set_max_days(n); }, 2, 3},
    {"DataMissing", "R13", "telemetry_batch",
     [](pb::Profile& p, std::uint32_t n) {
       for (auto& limit : *p.mutable_temperatures()) limit.set_gap_minutes(n);
     },
     30, 50,
     [](pb::Event& e) {
       pb::TelemetryGap* gap = e.mutable_telemetry_batch()->add_gaps();
       *gap->mutable_from() = e.occurred_at();
       MinutesEarlier(gap->mutable_from(), 10 * 60);
       gap->set_duration_ms(std::uint64_t{45} * 60'000);
     }},
    {"OutsideTheLimit", "R13", "telemetry_batch",
     [](pb::Profile& p, std::uint32_t n) {
       for (auto& limit : *p.mutable_temperatures()) limit.set_excursion_minutes(n);
     },
     19, 20,
     [](pb::Event& e) {
       pb::TelemetryExcursion* stretch = e.mutable_telemetry_batch()->add_excursions();
       *stretch->mutable_from() = e.occurred_at();
       MinutesEarlier(stretch->mutable_from(), 10 * 60);
       stretch->set_duration_ms(std::uint64_t{20} * 60'000);
       stretch->set_extreme_temperature_centi_c(1200);
       stretch->set_limit_temperature_centi_c(800);
       stretch->set_channel(pb::CHANNEL_INNER);
       e.mutable_telemetry_batch()->set_max_temperature_centi_c(1200);
     }},
    {"SettlingAfterPacking", "R13", "telemetry_batch",
     [](pb::Profile& p, std::uint32_t n) {
       for (auto& limit : *p.mutable_temperatures()) limit.set_settling_minutes(n);
     },
     60, 360,
     [](pb::Event& e) {  // packed 20 h before; warm from 17 h to 16 h before
       pb::TelemetryExcursion* stretch = e.mutable_telemetry_batch()->add_excursions();
       *stretch->mutable_from() = e.occurred_at();
       MinutesEarlier(stretch->mutable_from(), 17 * 60);
       stretch->set_duration_ms(std::uint64_t{60} * 60'000);
       stretch->set_extreme_temperature_centi_c(1200);
       stretch->set_limit_temperature_centi_c(800);
       stretch->set_channel(pb::CHANNEL_INNER);
       e.mutable_telemetry_batch()->set_max_temperature_centi_c(1200);
     }},
};

class ProfileNumberTest : public RulesTest, public testing::WithParamInterface<Row> {};

TEST_P(ProfileNumberTest, Binds) {
  const Row& row = GetParam();
  EventBuilder step = At(row.step);
  if (row.change) row.change(step.event());
  std::uint32_t version = 2;
  const auto says = [&](std::uint32_t number) {
    pb::Profile profile = DemoProfile();
    profile.set_version(version++);
    row.set(profile, number);
    ledger.PublishProfile(profile);
    return Says(run.Judge(step), row.rule);
  };
  EXPECT_TRUE(says(row.binds));
  EXPECT_FALSE(says(row.allows)) << Explain(run.Judge(step));
}

INSTANTIATE_TEST_SUITE_P(Numbers, ProfileNumberTest, testing::ValuesIn(kRows),
                         [](const auto& row) { return std::string(row.param.name); });

class ProfileTest : public RulesTest {
 protected:
  pb::Profile Changed() {
    pb::Profile profile = DemoProfile();
    profile.set_version(++version_);
    return profile;
  }

 private:
  std::uint32_t version_ = 1;
};

TEST_F(ProfileTest, AProfileTightensAndNeverWidens) {
  EXPECT_EQ(Tightened(15, 0), 15U);
  EXPECT_EQ(Tightened(15, 10), 10U);
  EXPECT_EQ(Tightened(15, 20), 15U);
  EventBuilder file = At("telemetry_batch");
  pb::TelemetryGap* gap = file.event().mutable_telemetry_batch()->add_gaps();
  *gap->mutable_from() = ToProto(ledger.now() + -10 * kMicrosPerHour);
  gap->set_duration_ms(std::uint64_t{75} * 60'000);
  pb::Profile wide = Changed();
  for (auto& limit : *wide.mutable_temperatures()) limit.set_gap_minutes(600);
  ledger.PublishProfile(wide);
  EXPECT_TRUE(Says(run.Judge(file), "R13"));
}

TEST_F(ProfileTest, OnlyANamedLabelWidensTheDaysAfterLymphodepletion) {
  EventBuilder step = At("removed_from_storage");
  run.mutable_state().mutable_ld()->set_last_dose_us(ledger.now().micros - 9 * kMicrosPerDay);
  pb::Profile profile = Changed();
  profile.mutable_ld()->set_max_days(14);
  ledger.PublishProfile(profile);
  EXPECT_TRUE(Says(run.Judge(step), "R20"));
  profile = Changed();
  profile.mutable_ld()->set_max_days(14);
  profile.mutable_ld()->set_label_source("Kymriah, ALL: 2 to 14 days");
  ledger.PublishProfile(profile);
  EXPECT_FALSE(Says(run.Judge(step), "R20"));
}

TEST_F(ProfileTest, AWaiverIsJudgedByTheProfilesCountAndItsAge) {
  run.Until("ld_started");
  const auto judge = [&](const char* count, const char* sampled) {
    return Says(
        run.Judge(run.Draft({"clinic.phy.1"}, std::string("ld_waived { wbc_1e9_per_l: ") + count +
                                                  " wbc_sampled_at " + sampled + " reason: 'x' }")),
        "R20");
  };
  EXPECT_FALSE(judge("0.8", "$T-5d"));
  pb::Profile profile = Changed();
  profile.mutable_ld()->set_waiver_wbc_max(0.5);
  profile.mutable_ld()->set_waiver_wbc_days(3);
  ledger.PublishProfile(profile);
  EXPECT_TRUE(judge("0.8", "$T-1d"));
  EXPECT_TRUE(judge("0.4", "$T-5d"));
  EXPECT_FALSE(judge("0.4", "$T-2d"));
}

TEST_F(ProfileTest, ReleasedAndScheduledIsEnoughWhereTheProfileSaysSo) {
  EventBuilder start = At("ld_started");
  start.event().mutable_ld_started()->set_delivery_risk_accepted(pb::YES);
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (bag.id() == kMainBag) bag.set_state(pb::CONTAINER_IN_TRANSIT);
  }
  run.mutable_state().set_expected_delivery_us(ledger.now().micros + kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(start), "R18"));
  pb::Profile profile = Changed();
  profile.set_availability(pb::RELEASED_AND_SCHEDULED);
  ledger.PublishProfile(profile);
  EXPECT_FALSE(Says(run.Judge(start), "R18")) << Explain(run.Judge(start));
  run.mutable_state().set_expected_delivery_us(ledger.now().micros + 30 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(start), "R18"));
}

TEST_F(ProfileTest, MaterialIsBankedBeforeAnyOrderAndLeavesOnlyWithOne) {
  run.Until("therapy_ordered");
  run.Skip("workup_completed");
  run.Until("apheresis_started");
  EventBuilder needle = run.Next();
  needle.event().mutable_apheresis_started()->clear_order();
  for (auto& check : *needle.event().mutable_apheresis_started()->mutable_checks()) {
    check.clear_order();
  }
  ASSERT_EQ(ProfileFor(run.registry(), run.state(), needle.event()), nullptr);
  const pb::Verdict verdict = run.Record(needle);
  ASSERT_FALSE(verdict.refused()) << Explain(verdict);
  run.Until("packed");
  EXPECT_EQ(Of(run.Judge(run.Next()), "R08").size(), 2U);  // order and slot
}

TEST_F(ProfileTest, WithoutAProfileTheProcessDefaultsBindAndNothingIsReleased) {
  EventBuilder thaw = At("thaw_started");
  run.mutable_state().set_profile("nobody-published-this");
  EXPECT_FALSE(Says(run.Judge(thaw), "R35"));
  run.mutable_state().mutable_condition()->set_preinfusion_us(ledger.now().micros -
                                                              241 * kMicrosPerMinute);
  EXPECT_TRUE(Says(run.Judge(thaw), "R35"));
  EventBuilder removal = ledger.On("therapy/T1");
  run.mutable_state().mutable_ld()->set_last_dose_us(ledger.now().micros - 8 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(thaw), "R20"));
}

TEST_F(ProfileTest, EveryNumberOfTheDemonstrationSaysWhereItComesFrom) {
  std::ifstream file(CUSTODY_SOURCE_DIR "/custody/profiles/demo-product.textproto");
  ASSERT_TRUE(file.good());
  const std::regex number(R"(^\s*[a-z0-9_]+: -?[0-9.]+)");
  const std::regex tag(R"(#.*\[(label|study|practice|default|fiction)\])");
  int numbers = 0;
  for (std::string line; std::getline(file, line);) {
    if (!std::regex_search(line, number) || line.starts_with("version:")) continue;
    ++numbers;
    EXPECT_TRUE(std::regex_search(line, tag)) << line;
  }
  EXPECT_GT(numbers, 50);
}

}  // namespace
}  // namespace custody

// Who is told, as the settings say it; and what is said to settings that cannot work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/file.h"
#include "server/alerting/recipients.h"
#include "server/config.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kGood = R"([alerts]
repeat_minutes = 5
[[alerts.recipient]]
name = "pager"
program = ["/usr/local/bin/page", "--team", "ward 3"]
time_limit_seconds = 3
[[alerts.recipient]]
name = "on-call"
webhook = "https://alarm.example/custody?team=3"
[[alerts.list]]
site = "CLINIC"
roles = ["PHY", "RN"]
tell = ["pager", "on-call"]
escalate_minutes = 7
[[alerts.list]]
site = "CLINIC"
tell = ["on-call"]
)";

class AlertingRecipientsTest : public ::testing::Test {
 protected:
  StatusOr<ServerConfig> Load(std::string_view text) {
    CUSTODY_CHECK(WriteFileAtomically(folder_ / "server.toml", text).ok());
    return LoadServerConfig(folder_ / "server.toml");
  }
  // The good settings with one thing in them changed.
  StatusOr<ServerConfig> With(std::string_view what, std::string_view by) {
    std::string text(kGood);
    const std::size_t at = text.find(what);
    CUSTODY_CHECK(at != std::string::npos);
    return Load(text.replace(at, what.size(), by));
  }
  TempDir folder_;
};

std::vector<std::string> Told(const AlertingConfig& config, std::vector<pb::Role> roles,
                              std::string_view site = "CLINIC") {
  std::vector<std::string> told;
  for (const TellList* list : ListsFor(config, site, roles)) {
    for (const std::string& name : list->tell) told.push_back(name);
  }
  return told;
}

TEST_F(AlertingRecipientsTest, SettingsAreRead) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const ServerConfig server, Load(kGood));
  const AlertingConfig& config = server.alerting;
  EXPECT_EQ(config.repeat_minutes, 5);
  EXPECT_EQ(config.escalate_minutes, 15) << "not said";
  ASSERT_EQ(config.recipients.size(), 2U);
  EXPECT_THAT(config.recipients[0].program, ElementsAre("/usr/local/bin/page", "--team", "ward 3"));
  EXPECT_EQ(config.recipients[0].time_limit_seconds, 3);
  EXPECT_EQ(config.recipients[1].webhook, "https://alarm.example/custody?team=3");
  EXPECT_EQ(config.lists[0].escalate_minutes, 7);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const ServerConfig none, Load("dir = \"data\"\n"));
  EXPECT_TRUE(none.alerting.empty());
}

TEST_F(AlertingRecipientsTest, ARoleIsToldByItsListAndEveryOtherByTheOneForAllOthers) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const ServerConfig server, Load(kGood));
  const AlertingConfig& config = server.alerting;
  EXPECT_THAT(Told(config, {pb::PHY}), ElementsAre("pager", "on-call"));
  EXPECT_THAT(Told(config, {pb::PHY, pb::RN}), ElementsAre("pager", "on-call")) << "once";
  EXPECT_THAT(Told(config, {pb::QA}), ElementsAre("on-call"));
  EXPECT_THAT(Told(config, {pb::QA, pb::PHY}), ElementsAre("pager", "on-call", "on-call"));
  EXPECT_THAT(Told(config, {pb::PHY}, "LAB"), ElementsAre());
  EXPECT_EQ(RecipientsOf(config, "CLINIC").size(), 2U);
  EXPECT_THAT(SitesOf(config), ElementsAre("CLINIC"));
}

TEST_F(AlertingRecipientsTest, WhatCannotWorkIsRefusedWithWhatToWrite) {
  const auto refused = [&](std::string_view what, std::string_view by, std::string_view words) {
    EXPECT_THAT(With(what, by), StatusIs(StatusCode::kInvalidArgument, words)) << by;
  };
  refused("repeat_minutes", "repeat_every", "\"alerts.repeat_every\"");
  refused("repeat_minutes = 5", "repeat_minutes = 0", "number from 1 to 1440");
  refused("/usr/local/bin/page", "page", "whole path");
  refused("program = [\"/usr/local/bin/page\", \"--team\", \"ward 3\"]",
          "program = \"/usr/local/bin/page\"", "list of texts");
  refused("program = [\"/usr/local/bin/page\", \"--team\", \"ward 3\"]", "", "one of the two");
  refused("name = \"on-call\"", "name = \"pager\"", "twice");
  refused("name = \"on-call\"", "name = \"on call\"", "letters, digits");
  refused("time_limit_seconds = 3", "time_limit_seconds = 60", "from 1 to 30");
  refused("time_limit_seconds = 3", "time_limit_seconds = 99999999999", "from 1 to 30");
  refused("time_limit_seconds = 3", "time_limit_seconds = \"3\"", "whole number");
  refused("escalate_minutes = 7", "escalate_minutes = 1441", "number from 1 to 1440, not 1441");
  refused("https://alarm", "ftp://alarm", "address to POST to");
  refused("https://alarm.example", "https://", "address to POST to");
  refused("/custody?", "/cus\\\"tody?", "address to POST to");
  refused("\"RN\"", "\"NURSE\"", "which is no role; they are");
  refused("roles = [\"PHY\", \"RN\"]", "roles = []", "leave it out");
  refused("tell = [\"pager\", \"on-call\"]", "tell = [\"pagre\", \"on-call\"]",
          "no [[alerts.recipient]] of that name");
  refused("tell = [\"pager\", \"on-call\"]", "tell = [\"pager\", \"pager\"]", "twice");
  refused("tell = [\"pager\", \"on-call\"]", "tell = [\"on-call\"]", "is told nothing");
  refused("tell = [\"pager\", \"on-call\"]", "tell = []", "the first to be told first");
  refused("roles = [\"PHY\", \"RN\"]\n", "", "all other roles");
  refused("site = \"CLINIC\"", "site = \"the clinic\"", "as it was enrolled");
  refused("[[alerts.list]]\nsite = \"CLINIC\"\nroles", "[alerts.list]\nsite = \"X\"\nroles", "");
  EXPECT_THAT(Load("alerts = 5\n"), StatusIs(StatusCode::kInvalidArgument, "[alerts]"));
  EXPECT_THAT(Load("[alerts.recipient]\nname = \"x\"\n"),
              StatusIs(StatusCode::kInvalidArgument, "double brackets"));
}

TEST_F(AlertingRecipientsTest, InProductionNothingIsToldInClearOverTheNetwork) {
  const auto check = [](const std::string& webhook, pb::Environment environment) {
    AlertingConfig config;
    config.recipients.emplace_back().webhook = webhook;
    return CheckWebhooks(config, environment);
  };
  for (const char* away :
       {"http://alarm.example/x", "http://127.0.0.1.alarm.example/", "http://localhost.example",
        "http://localhost@alarm.example/", "http://[2001:db8::1]/", "http://10.0.0.1:80/"}) {
    EXPECT_THAT(check(away, pb::PRODUCTION), StatusIs(StatusCode::kFailedPrecondition, "https://"))
        << away;
    CUSTODY_EXPECT_OK(check(away, pb::DEMO)) << away;
  }
  for (const char* here : {"https://alarm.example/x", "http://localhost:8080/x",
                           "http://127.0.0.1:8080", "http://[::1]:8080/x"}) {
    CUSTODY_EXPECT_OK(check(here, pb::PRODUCTION)) << here;
  }
}

}  // namespace
}  // namespace custody

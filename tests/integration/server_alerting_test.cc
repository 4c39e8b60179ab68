// Alerts of the real server: a real program and a real webhook are handed them, also when the
// server is killed between handing one out and its acknowledgement.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "crypto/file.h"
#include "tests/integration/http_listener.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/event_builder.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ServerAlertingTest : public ::testing::Test {
 protected:
  void Start() {
    const std::string settings =
        "[[alerts.recipient]]\nname = \"pager\"\nprogram = [\"/bin/sh\", \"-c\", \"cat >> "
        "\\\"$0\\\"\", "
        "\"" +
        file() +
        "\"]\n"
        "[[alerts.recipient]]\nname = \"hook\"\nwebhook = \"" +
        hook.url() +
        "\"\n"
        "[[alerts.list]]\nsite = \"CLINIC\"\ntell = [\"pager\"]\n"
        "[[alerts.list]]\nsite = \"LAB\"\ntell = [\"hook\", \"pager\"]\n";
    server = std::make_unique<RunningServer>(world.data(), settings);
    admin = std::make_unique<RawCaller>(server->address(), world.authority(), "admin");
    clinic = std::make_unique<RawCaller>(server->address(), world.authority(), "clinic.station.1");
    lab = std::make_unique<RawCaller>(server->address(), world.authority(), "lab.station.1");
  }
  std::string file() const { return (folder / "alerts.jsonl").string(); }
  // How many lines of the pager's file hold `words`.
  std::size_t Lines(const std::string& words) const {
    const std::string text = ReadFile(file(), 1 << 20).value_or("");
    std::size_t count = 0;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      count += text.substr(at, end - at).find(words) != std::string::npos ? 1U : 0U;
      at = end + 1;
    }
    return count;
  }
  std::size_t Posts(const std::string& words) {
    std::size_t count = 0;
    for (const std::string& request : hook.requests()) {
      count += request.find(words) != std::string::npos ? 1U : 0U;
    }
    return count;
  }
  // The server works beside us: a condition is waited for.
  template <class Condition>
  void Await(Condition condition) {
    while (!condition()) std::this_thread::yield();
  }
  void Record(RawCaller& station, const std::string& who, const std::string& text) {
    const Instant now = Time();
    world.ledger().set_now(now);
    EventBuilder event = world.ledger().On("therapy/T1");
    event.By(who).event().MergeFrom(ParseBody(text, now));
    pb::RecordReply reply;
    CUSTODY_ASSERT_OK(station.Record(event.Record().signed_event, &reply).status);
  }
  Instant Time() {
    pb::GetStatusReply reply;
    Must(admin->Ask(*admin->custody, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest(), &reply)
             .status);
    return FromProto(reply.server_time());
  }
  pb::AlertingStatus Alerts() {
    pb::GetStatusReply reply;
    Must(admin->Ask(*admin->custody, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest(), &reply)
             .status);
    return reply.alerting();
  }
  void PassTime(std::int64_t micros) {
    pb::SetClockRequest request;
    *request.mutable_time() = ToProto(Time() + micros);
    pb::SetClockReply reply;
    CUSTODY_ASSERT_OK(
        admin->Ask(*admin->custody, &pb::Custody::Stub::SetClock, request, &reply).status);
  }
  pb::ListAlertsReply ListAll(RawCaller& caller, bool past = false) {
    pb::ListAlertsRequest request;
    request.set_past(past);
    pb::ListAlertsReply reply;
    Must(caller.Ask(*caller.custody, &pb::Custody::Stub::ListAlerts, request, &reply).status);
    return reply;
  }
  std::vector<pb::AlertRecord> List(RawCaller& caller, const std::string& rule, bool past = false) {
    std::vector<pb::AlertRecord> found;
    const pb::ListAlertsReply reply = ListAll(caller, past);
    for (const pb::AlertRecord& record : reply.alerts()) {
      if (record.rule() == rule) found.push_back(record);
    }
    return found;
  }

  TempDir folder;
  HttpListener hook;
  TherapyWorld world{"infusion_completed"};
  std::unique_ptr<RunningServer> server;
  std::unique_ptr<RawCaller> admin;
  std::unique_ptr<RawCaller> clinic;
  std::unique_ptr<RawCaller> lab;
};

TEST_F(ServerAlertingTest, AnAlertSurvivesAKillAndIsRepeatedUntilItIsAcknowledged) {
  Start();
  CUSTODY_ASSERT_OK(admin->ConfirmClock());
  Record(*lab, "lab.qc.1",
         "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
         "after_infusion: YES }");
  Await([&] { return Lines("\"rule\":\"F5\"") == 1 && Posts("\"rule\":\"F5\"") == 1; });
  EXPECT_THAT(hook.requests().back(),
              AllOf(HasSubstr("POST /alerts HTTP/1.1"), HasSubstr("application/json"),
                    HasSubstr("\"site\":\"LAB\""), HasSubstr("\"severity\":\"ALERT_URGENT\"")));
  server->Signal(SIGKILL);
  Start();
  CUSTODY_ASSERT_OK(admin->ConfirmClock());
  PassTime(11 * kMicrosPerMinute);
  Await([&] { return Lines("\"rule\":\"F5\"") >= 2 && Posts("\"rule\":\"F5\"") >= 2; });
  const std::vector<pb::AlertRecord> open = List(*clinic, "F5");
  ASSERT_THAT(open, SizeIs(1));
  Record(*clinic, "clinic.phy.1",
         "alert_acknowledged { alert: '" + open[0].alert() + "' action: 'blood cultures' }");
  Record(*lab, "lab.qa.1",
         "alert_acknowledged { alert: '" + open[0].alert() + "' action: 'siblings held' }");
  Await([&] { return List(*clinic, "F5").empty(); });
  for (const auto& [station, site] : {std::pair{clinic.get(), "CLINIC"}, {lab.get(), "LAB"}}) {
    const std::vector<pb::AlertRecord> past = List(*station, "F5", true);
    ASSERT_THAT(past, SizeIs(1));
    ASSERT_THAT(past[0].seen(), SizeIs(1)) << "who acts at another house is theirs to know";
    EXPECT_EQ(past[0].seen(0).site(), site);
  }
  const std::size_t lines = Lines("\"rule\":\"F5\"");
  const std::size_t posts = Posts("\"rule\":\"F5\"");
  // Readings are overdue at the clinic; when they are told again the other would have been too.
  const std::size_t overdue = Lines("\"rule\":\"R28\"");
  PassTime(2 * kMicrosPerHour);  // also of what was told at the last moment before
  Await([&] { return Lines("\"rule\":\"R28\"") > overdue; });
  EXPECT_EQ(Lines("\"rule\":\"F5\""), lines);
  EXPECT_EQ(Posts("\"rule\":\"F5\""), posts);
}

TEST_F(ServerAlertingTest, AWebhookThatAnswersBadlyIsPassedOverAndShown) {
  hook.status = 500;
  Start();
  CUSTODY_ASSERT_OK(admin->ConfirmClock());
  Record(*lab, "lab.qc.1",
         "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
         "after_infusion: YES }");
  Await([&] { return Lines("\"site\":\"LAB\"") == 1; });  // by the next in the list
  Await([&] { return Alerts().recipients(1).failing(); });
  EXPECT_THAT(Alerts().recipients(1).error(), HasSubstr("500"));
  EXPECT_THAT(List(*lab, "F5")[0].handouts(0).error(), HasSubstr("500"));
  const pb::ListAlertsReply told = ListAll(*admin);
  for (const pb::AlertRecord& alert : told.alerts()) {
    for (const pb::Handout& handout : alert.handouts()) {
      EXPECT_EQ(handout.error(), "") << "it may be what was handed out";
    }
  }
  for (const int status : {302, 404, 199}) {
    hook.status = status;
    pb::TestAlertRequest request;
    request.set_site("LAB");
    pb::TestAlertReply reply;
    CUSTODY_ASSERT_OK(
        admin->Ask(*admin->custody, &pb::Custody::Stub::TestAlert, request, &reply).status);
    EXPECT_NE(reply.handouts(0).error(), "") << status;
    EXPECT_EQ(reply.handouts(1).error(), "");
  }
}

TEST_F(ServerAlertingTest, AlertsAreShownToThoseWhomTheyConcernAndTestedByTheAdministration) {
  Start();
  Await([&] { return !List(*clinic, "R28").empty(); });
  EXPECT_THAT(List(*lab, "R28"), SizeIs(0)) << "a patient's readings are not the maker's business";
  pb::TestAlertRequest request;
  request.set_site("CLINIC");
  pb::TestAlertReply reply;
  EXPECT_THAT(clinic->Ask(*clinic->custody, &pb::Custody::Stub::TestAlert, request, &reply).status,
              StatusIs(StatusCode::kPermissionDenied, "the local administration"));
  CUSTODY_ASSERT_OK(
      admin->Ask(*admin->custody, &pb::Custody::Stub::TestAlert, request, &reply).status);
  ASSERT_THAT(reply.handouts(), SizeIs(1));
  EXPECT_EQ(reply.handouts(0).error(), "");
  EXPECT_EQ(Lines("\"test\":true"), 1U);
  EXPECT_FALSE(Alerts().tests(0).overdue());
  EXPECT_TRUE(Alerts().tests(1).overdue());
  pb::GetStatusReply seen;
  CUSTODY_ASSERT_OK(
      clinic->Ask(*clinic->custody, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest(), &seen)
          .status);
  EXPECT_FALSE(seen.has_alerting());
}

TEST_F(ServerAlertingTest, TheAdministrationSeesThatPeopleAreToldAndNothingOfAPatient) {
  Start();
  CUSTODY_ASSERT_OK(admin->ConfirmClock());
  Await([&] {
    const std::vector<pb::AlertRecord> open = List(*clinic, "R28");
    return !open.empty() && open[0].handouts_size() != 0;
  });
  const pb::AlertRecord whole = List(*clinic, "R28")[0];
  EXPECT_EQ(whole.therapy(), "T1");
  Record(*clinic, "clinic.rn.1",
         "alert_acknowledged { alert: '" + whole.alert() + "' action: 'on my way' }");
  Await([&] { return !List(*clinic, "R28", true).empty(); });
  const pb::ListAlertsReply past = ListAll(*admin, true);
  ASSERT_THAT(past.alerts(), SizeIs(1));
  const pb::AlertRecord& shown = past.alerts(0);
  EXPECT_EQ(shown.alert(), whole.alert().substr(0, 10));
  EXPECT_EQ(shown.severity(), pb::ALERT_SERIOUS);
  EXPECT_THAT(shown.sites(), testing::ElementsAre("CLINIC"));
  EXPECT_TRUE(shown.has_since());
  EXPECT_EQ(shown.handouts(0).recipient(), "pager");
  ASSERT_THAT(shown.seen(), SizeIs(1));
  EXPECT_EQ(shown.seen(0).site(), "CLINIC");
  EXPECT_TRUE(shown.seen(0).has_at());
  for (const char* hidden : {"T1", "R28", "ROLE", "clinic.rn.1"}) {
    EXPECT_THAT(shown.ShortDebugString(), testing::Not(HasSubstr(hidden)));
  }
  EXPECT_EQ(shown.coi(), "");
  EXPECT_THAT(shown.roles(), testing::IsEmpty());
}

TEST_F(ServerAlertingTest, WithoutRecipientsTheServerSaysThatNobodyIsTold) {
  server = std::make_unique<RunningServer>(world.data());
  admin = std::make_unique<RawCaller>(server->address(), world.authority(), "admin");
  EXPECT_FALSE(Alerts().configured());
  pb::ListAlertsReply reply;
  EXPECT_THAT(
      admin->Ask(*admin->custody, &pb::Custody::Stub::ListAlerts, pb::ListAlertsRequest(), &reply)
          .status,
      StatusIs(StatusCode::kFailedPrecondition, "nobody is told of alerts"));
}

}  // namespace
}  // namespace custody

// Recall both ways, what lies in a unit and what is due, over the real server: what is found, by
// whom, and that it is noted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

#include "custody/time.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ServerRecallTest : public ::testing::Test {
 protected:
  RawCaller Caller(std::string_view name) {
    return RawCaller(server_.address(), world_.authority(), name);
  }
  pb::TraceReply Trace(std::string_view station, const std::string& type, const std::string& value,
                       bool touched = false) {
    RawCaller caller = Caller(station);
    pb::TraceRequest request;
    request.set_type(type);
    request.set_value(value);
    request.set_touched(touched);
    pb::TraceReply reply;
    CUSTODY_EXPECT_OK(
        caller.Ask(*caller.custody, &pb::Custody::Stub::Trace, request, &reply).status);
    return reply;
  }
  pb::WorklistReply Worklist(const pb::WorklistRequest& request,
                             std::string_view station = "clinic.station.1") {
    RawCaller caller = Caller(station);
    pb::WorklistReply reply;
    CUSTODY_EXPECT_OK(
        caller.Ask(*caller.custody, &pb::Custody::Stub::Worklist, request, &reply).status);
    return reply;
  }
  Status PageStatus(const pb::WorklistRequest& request, std::string_view station) {
    RawCaller caller = Caller(station);
    pb::WorklistReply reply;
    return caller.Ask(*caller.custody, &pb::Custody::Stub::Worklist, request, &reply).status;
  }
  static std::vector<std::string> Concerned(const pb::TraceReply& reply) {
    std::vector<std::string> ids;
    for (const pb::TracedTherapy& therapy : reply.therapies()) {
      for (const pb::TracedContainer& one : therapy.containers()) {
        if (one.concerned()) ids.push_back(one.container());
      }
    }
    return ids;
  }

  TherapyWorld world_{"stored_clinic"};
  RunningServer server_{world_.data()};
};

TEST_F(ServerRecallTest, AVectorLotIsTracedByWhoMayAndByNobodyElse) {
  for (const char* party : {"clinic.station.1", "lab.station.1", "overseer.station.1"}) {
    EXPECT_THAT(Concerned(Trace(party, "vector", "VEC-3")),
                ElementsAre(std::string(kMainBag), "LOT26001-Q1"))  // and a vial of it
        << party;
  }
  EXPECT_EQ(Trace("other.station.1", "vector", "VEC-3").therapies_size(), 0);
  EXPECT_EQ(Trace("clinic.station.1", "vector", "VEC-4").therapies_size(), 0);
  RawCaller overseer = Caller("overseer.station.1");
  pb::ReadAccessLogRequest request;
  request.set_therapy("T1");
  std::vector<pb::AccessRecord> records;
  CUSTODY_ASSERT_OK(
      overseer.ReadAll(*overseer.custody, &pb::Custody::Stub::ReadAccessLog, request, &records)
          .status);
  EXPECT_EQ(std::ranges::count(records, "trace vector", &pb::AccessRecord::detail), 3);
}

// The manufacturer may not know which physician assessed the patient; the clinic and oversight may.
TEST_F(ServerRecallTest, APersonIsFoundOnlyInEventsThatTheCallerMayRead) {
  EXPECT_EQ(Trace("clinic.station.1", "person", "clinic.phy.1").therapies_size(), 1);
  const pb::TraceReply maker = Trace("lab.station.1", "person", "clinic.phy.1");
  for (const pb::TracedTherapy& therapy : maker.therapies()) {
    for (const pb::TracedUse& use : therapy.uses()) {
      EXPECT_NE(use.body(), "eligibility_assessed");
      EXPECT_NE(use.body(), "consent_obtained");
    }
  }
  EXPECT_EQ(Trace("lab.station.1", "person", "lab.mfg.1").therapies_size(), 1);
  RawCaller clinic = Caller("clinic.station.1");
  pb::FindRequest find;
  find.set_type("person");
  find.set_value("clinic.phy.1");
  pb::FindReply found;
  EXPECT_THAT(clinic.Ask(*clinic.custody, &pb::Custody::Stub::Find, find, &found).status,
              StatusIs(StatusCode::kInvalidArgument, "Trace"));
}

// Another therapy has the number: which one is told to whom it may concern (R05).
TEST_F(ServerRecallTest, WhichTherapyHasANumberIsToldOnlyToWhoMaySeeIt) {
  const auto found = [&](std::string_view station, const std::string& first,
                         const std::string& second) {
    world_.ledger().set_now(SystemClock().Now());
    EventBuilder event = PatientEnrolledBy(world_.ledger(), "therapy/T2", first, second);
    event.event().mutable_patient_enrolled()->set_coi(std::string(kMainCoi));
    if (station == "other.station.1") event.event().mutable_patient_enrolled()->set_site("OTHER");
    RawCaller caller = Caller(station);
    pb::PreviewRequest request;
    *request.mutable_signed_() = event.Sign();
    pb::PreviewReply reply;
    CUSTODY_EXPECT_OK(
        caller.Ask(*caller.custody, &pb::Custody::Stub::Preview, request, &reply).status);
    std::string text;
    for (const pb::Reason& reason : reply.verdict().reasons()) {
      if (reason.rule() == "R05") text += reason.found();
    }
    return text;
  };
  EXPECT_EQ(found("clinic.station.1", "clinic.coord.1", "clinic.rn.1"), "therapy T1 has it");
  EXPECT_EQ(found("other.station.1", "other.rn.1", "other.phy.1"), "another therapy has it");
}

// What the ledger does for a page is bounded, and no page says what the others are called.
TEST_F(ServerRecallTest, APageOfALongListEndsWhereverItIsAndNamesNobodyElsesTherapy) {
  CUSTODY_ASSERT_OK(Caller("admin").ConfirmClock());
  std::vector<pb::SignedEvent> events;
  for (int i = 100; i < 220; ++i) {
    world_.ledger().set_now(SystemClock().Now());
    events.push_back(
        PatientEnrolledBy(world_.ledger(), "therapy/P" + std::to_string(i)).Record().signed_event);
  }
  RawCaller clinic = Caller("clinic.station.1");
  std::vector<pb::RecordReply> replies;
  CUSTODY_ASSERT_OK(clinic.RecordAll(events, &replies).status);
  ASSERT_EQ(replies.size(), events.size());
  for (const pb::RecordReply& reply : replies) ASSERT_FALSE(reply.has_error());
  pb::WorklistRequest request;
  *request.mutable_as_of() = ToProto(world_.ledger().now() + -kMicrosPerMinute);
  const pb::WorklistReply first = Worklist(request, "other.station.1");
  EXPECT_EQ(first.looked_at(), 0U);
  EXPECT_THAT(first.next(), testing::MatchesRegex("00000001 [0-9a-f]+ [A-Za-z0-9+/]+=*"));
  EXPECT_EQ(Worklist(request, "clinic.station.1").next().size(), first.next().size())
      << "sealed, and as long as where anybody's page ends";
  request.set_after(first.next());
  const pb::WorklistReply second = Worklist(request, "other.station.1");
  EXPECT_EQ(second.looked_at(), 0U);
  EXPECT_EQ(second.next(), "");
  std::string later = first.next();
  later[7] = '2';
  std::string changed = first.next();
  changed[20] = changed[20] == 'A' ? 'B' : 'A';
  for (const std::string& bad :
       {std::string("T1"), std::string(" 00000100 00000000"), later, changed, first.next() + "="}) {
    request.set_after(bad);
    EXPECT_THAT(PageStatus(request, "other.station.1"),
                StatusIs(StatusCode::kInvalidArgument, "begin the list again"))
        << bad;
  }
  request.set_after(first.next());
  EXPECT_THAT(PageStatus(request, "clinic.station.1"),
              StatusIs(StatusCode::kInvalidArgument, "to this station"))
      << "another's";
  EXPECT_EQ(server_.Signal(SIGTERM), 0);
  const RunningServer again(world_.data());
  RawCaller stranger(again.address(), world_.authority(), "other.station.1");
  pb::WorklistReply reply;
  EXPECT_THAT(stranger.Ask(*stranger.custody, &pb::Custody::Stub::Worklist, request, &reply).status,
              StatusIs(StatusCode::kAborted,
                       "the server was started anew since the page before: ask from the "
                       "beginning"));
}

TEST_F(ServerRecallTest, ABagLeadsBackToWhatItTouchedInTheCallersView) {
  const pb::TraceReply reply = Trace("clinic.station.1", "container", std::string(kMainBag), true);
  ASSERT_EQ(reply.therapies_size(), 1);
  std::vector<std::string> touched;
  for (const pb::TracedItem& item : reply.therapies(0).touched()) {
    touched.push_back(item.type() + " " + item.value());
  }
  EXPECT_THAT(touched, Contains("vector VEC-3"));
  EXPECT_THAT(touched, Contains("equipment C-LN2"));
}

TEST_F(ServerRecallTest, WhatLiesInAUnitIsAskedInOneCallNowAndForThePast) {
  RawCaller clinic = Caller("clinic.station.1");
  pb::InventoryRequest request;
  request.set_unit("C-LN2");
  pb::InventoryReply reply;
  CUSTODY_ASSERT_OK(
      clinic.Ask(*clinic.custody, &pb::Custody::Stub::Inventory, request, &reply).status);
  ASSERT_EQ(reply.therapies_size(), 1);
  EXPECT_EQ(reply.therapies(0).containers(0).container(), std::string(kMainBag));
  *request.mutable_at() = ToProto(FromProto(world_.ledger().log()[1].entry.received_at()));
  CUSTODY_ASSERT_OK(
      clinic.Ask(*clinic.custody, &pb::Custody::Stub::Inventory, request, &reply).status);
  EXPECT_EQ(reply.therapies_size(), 0);
}

TEST_F(ServerRecallTest, AWorklistSaysWhatIsDueForWhomAndUntilWhen) {
  pb::WorklistRequest request;
  request.set_undated(true);
  const pb::WorklistReply all = Worklist(request);
  ASSERT_EQ(all.entries_size(), 1);
  EXPECT_EQ(all.looked_at(), 1U);
  EXPECT_EQ(all.entries(0).treating_site(), "CLINIC");
  EXPECT_EQ(all.entries(0).zone(), "Europe/Berlin");
  EXPECT_GT(all.entries(0).steps_size(), 0);
  // Its expiry is far behind, its day is planned.
  const auto& steps = all.entries(0).steps();
  const auto ld = std::ranges::find(steps, "ld_started", &pb::NextStep::body);
  ASSERT_NE(ld, steps.end());
  EXPECT_EQ(ld->help(), "planned: lymphodepletion");
  request.set_role(pb::COUR);
  const pb::WorklistReply couriers = Worklist(request);
  for (const pb::WorklistEntry& entry : couriers.entries()) {
    for (const pb::NextStep& step : entry.steps()) {
      EXPECT_THAT(step.roles(), Contains(pb::COUR)) << step.body();
    }
  }
  request.clear_role();
  request.set_site("OTHER");
  EXPECT_EQ(Worklist(request).entries_size(), 0);
  request.clear_site();
  EXPECT_EQ(Worklist(request, "other.station.1").looked_at(), 0U);
  request.set_days(6001);
  RawCaller clinic = Caller("clinic.station.1");
  pb::WorklistReply reply;
  EXPECT_THAT(clinic.Ask(*clinic.custody, &pb::Custody::Stub::Worklist, request, &reply).status,
              StatusIs(StatusCode::kInvalidArgument, "6000"));
}

TEST(ServerWorklistTest, FollowUpsToTheFifteenthYearAreInIt) {
  const TherapyWorld world("infusion_completed");
  const RunningServer server(world.data());
  RawCaller clinic(server.address(), world.authority(), "clinic.station.1");
  pb::WorklistRequest request;
  request.set_days(6000);
  *request.mutable_as_of() = ToProto(Instant{world.folded().last_infused_us() + kMicrosPerDay});
  pb::WorklistReply reply;
  CUSTODY_ASSERT_OK(
      clinic.Ask(*clinic.custody, &pb::Custody::Stub::Worklist, request, &reply).status);
  ASSERT_EQ(reply.entries_size(), 1);
  std::vector<std::string> labels;
  std::int64_t before = 0;
  for (const pb::NextStep& step : reply.entries(0).steps()) {
    labels.push_back(step.label());
    const std::int64_t when = step.due_us() != 0 ? step.due_us() : step.opens_us();
    EXPECT_LE(before, when) << step.label();
    before = when;
  }
  EXPECT_THAT(labels, Contains("Follow-up, year 1"));
  EXPECT_THAT(labels, Contains("Follow-up, year 15"));
}

}  // namespace
}  // namespace custody

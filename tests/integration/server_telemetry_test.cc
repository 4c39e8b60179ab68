// Loggers' summaries over real connections: the server reckons each anew from the file that it was
// given, records what the file says, and refuses every number that it does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "custody/state.h"
#include "custody/telemetry.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/event_builder.h"
#include "tests/support/logger_file.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::HasSubstr;

constexpr StatusCode kRefused = StatusCode::kFailedPrecondition;

class ServerTelemetryTest : public ::testing::Test {
 protected:
  // The months between the world's events and the machine's time are confirmed, so that it records.
  ServerTelemetryTest() {
    RawCaller admin(server_.address(), world_.authority(), "admin");
    pb::SetClockRequest request;
    request.set_confirm_jump(true);
    pb::SetClockReply reply;
    Must(admin.Ask(*admin.custody, &pb::Custody::Stub::SetClock, request, &reply).status);
  }

  const pb::Shipment& Trip() const { return world_.folded().shipments(1); }
  // The product's way back at -185 C, but for one stretch of `warm` readings at -120 C; a reading
  // each quarter of an hour.
  std::string Commas(int warm = 0) const {
    std::string file = "# Serial: LOG-2\nTimestamp,Temperature [C],Tilt [deg]\n";
    int count = 0;
    const std::int64_t end = Trip().seal_opened_us();
    for (std::int64_t at = Trip().packed_us(); at <= end; at += 15 * kMicrosPerMinute, ++count) {
      const bool is_warm = count >= 20 && count < 20 + warm;
      file += FormatUtc(Instant{at}) + (is_warm ? ",-120.00,7\n" : ",-185.00,2\n");
    }
    return file;
  }
  static std::string Semicolons(const pb::Shipment& trip) {
    std::string file = "Serial;LOG-2\nUTC offset;+00:00\nDate/Time;Temperature [C]\n";
    for (std::int64_t at = trip.packed_us(); at <= trip.seal_opened_us();
         at += 15 * kMicrosPerMinute) {
      const std::string utc = FormatUtc(Instant{at});  // 2026-03-02T08:15:00Z
      file += utc.substr(8, 2) + "." + utc.substr(5, 2) + "." + utc.substr(0, 4) + " " +
              utc.substr(11, 8) + ";" + CentiText(-18500, ',') + "\n";
    }
    return file;
  }
  void Put(const std::string& file) {
    pb::PutAttachmentReply reply;
    CUSTODY_ASSERT_OK(caller_.Put("T1", file, &reply).status);
  }
  pb::TelemetryBatch Batch(const std::string& file) {
    pb::TelemetryBatch batch;
    batch.set_logger("LOG-2");
    batch.set_shipper("SHP-2");
    *batch.mutable_calibration_until() = ToProto(SystemClock().Now() + 9 * kMicrosPerDay);
    batch.set_complete(pb::YES);
    batch.mutable_file()->set_sha256(Sha256(file).ToString());
    batch.mutable_file()->set_size(file.size());
    batch.mutable_file()->set_media_type("text/csv");
    return batch;
  }
  pb::TelemetryBatch Reckoned(const std::string& file) {
    pb::TelemetryBatch batch = Batch(file);
    batch.set_upper_limit_centi_c(-13000);
    Summarize(Must(ParseLoggerFile(file)), batch);
    return batch;
  }
  EventBuilder Event(const pb::TelemetryBatch& batch) {
    world_.ledger().set_now(SystemClock().Now());
    EventBuilder event = world_.ledger().On("therapy/T1").By("clinic.pharm.1");
    *event.event().mutable_telemetry_batch() = batch;
    return event;
  }
  // What recording says; the chain stays as it is.
  Status Try(const pb::TelemetryBatch& batch) {
    pb::RecordReply reply;
    return caller_.Record(Event(batch).Sign(), &reply).status;
  }
  pb::RecordReply Record(const pb::TelemetryBatch& batch) {
    pb::RecordReply reply;
    EXPECT_THAT(caller_.Record(Event(batch).Record().signed_event, &reply).status, IsOk());
    return reply;
  }
  pb::TherapyState State() {
    pb::GetTherapyRequest request;
    request.set_therapy("T1");
    pb::GetTherapyReply reply;
    Must(caller_.Ask(*caller_.custody, &pb::Custody::Stub::GetTherapy, request, &reply).status);
    return reply.state();
  }

  TherapyWorld world_{"stored_clinic"};
  RunningServer server_{world_.data()};
  RawCaller caller_{server_.address(), world_.authority(), "clinic.station.1"};
};

TEST_F(ServerTelemetryTest, RecordsWhatAFileOfEitherShapeSays) {
  for (const std::string& file : {Commas(), Semicolons(Trip())}) {
    Put(file);
    const pb::RecordReply reply = Record(Reckoned(file));
    for (const pb::Reason& reason : reply.verdict().reasons()) {
      EXPECT_NE(reason.rule(), "TELEMETRY") << reason.ShortDebugString();
    }
  }
  EXPECT_TRUE(State().shipments(1).telemetry());
}

TEST_F(ServerTelemetryTest, RefusesEachWrongNumberInItsOwnWords) {
  const std::string file = Commas(/*warm=*/3);
  Put(file);
  const pb::TelemetryBatch right = Reckoned(file);
  ASSERT_EQ(right.excursions_size(), 1);
  using Batch = pb::TelemetryBatch;
  const std::pair<std::function<void(Batch&)>, const char*> wrong[] = {
      {[](Batch& b) { b.set_logger("LOG-3"); }, "[Logger]: expected LOG-2, as the file gives"},
      {[](Batch& b) { b.mutable_from()->set_seconds(b.from().seconds() + 1); }, "[First reading]"},
      {[](Batch& b) { b.mutable_to()->set_nanos(1000); }, "[Last reading]"},
      {[](Batch& b) { b.set_readings(b.readings() - 1); }, "[Readings]"},
      {[](Batch& b) { b.set_interval_ms(300'000); },
       "[Interval]: expected 900000 ms, as the file gives; found 300000 ms, as stated"},
      {[](Batch& b) { b.set_min_temperature_centi_c(-18501); },
       "[Lowest inner]: expected -185.00 C, as the file gives; found -185.01 C, as stated"},
      {[](Batch& b) { b.set_max_temperature_centi_c(-13500); },
       "[Highest inner]: expected -120.00 C, as the file gives; found -135.00 C, as stated"},
      {[](Batch& b) { b.set_mkt_temperature_centi_c(b.mkt_temperature_centi_c() + 1); },
       "[Mean kinetic]"},
      {[](Batch& b) { b.clear_summary(); }, "expected how the summary came about"},
      {[](Batch& b) { b.set_min_ambient_centi_c(0); }, "[Lowest ambient]: expected nothing"},
      {[](Batch& b) { b.clear_max_tilt_deg(); },
       "[Largest tilt]: expected 7 deg, as the file gives; found nothing, as stated"},
      {[](Batch& b) { b.set_battery_percent(90); }, "[Battery]: expected nothing"},
      {[](Batch& b) {
         *b.add_gaps()->mutable_from() = b.from();
         b.mutable_gaps(0)->set_duration_ms(1);
       },
       "[Gaps, number 1]: expected none"},
      {[](Batch& b) { b.clear_excursions(); }, "[Excursions, number 1]: expected from"},
      {[](Batch& b) { b.mutable_excursions(0)->set_duration_ms(1); }, "found from"},
      {[](Batch& b) { b.set_excursion_count(2); }, "[Excursions in all]"},
      {[](Batch& b) { b.set_upper_limit_centi_c(-11000); }, "by the profile's limits"},
  };
  for (const auto& [change, words] : wrong) {
    pb::TelemetryBatch batch = right;
    change(batch);
    const Status status = Try(batch);
    EXPECT_EQ(status.code(), kRefused) << words;
    EXPECT_THAT(Message(status), HasSubstr("TELEMETRY refused")) << words;
    EXPECT_THAT(Message(status), HasSubstr(words));
  }
  const pb::RecordReply reply = Record(right);
  EXPECT_EQ(reply.verdict().reasons_size(), 1);
}

TEST_F(ServerTelemetryTest, AnExcursionHoldsUntilTheManufacturersQualityDecides) {
  const std::string file = Commas(/*warm=*/3);
  Put(file);
  const pb::RecordReply reply = Record(Reckoned(file));
  ASSERT_EQ(reply.verdict().reasons_size(), 1);
  EXPECT_EQ(reply.verdict().reasons(0).rule(), "R13");
  EXPECT_THAT(reply.verdict().reasons(0).found(), HasSubstr("-120 C for 45 min"));
  ASSERT_EQ(State().quarantines_size(), 1);
  EXPECT_TRUE(State().quarantines(0).open());
  world_.ledger().set_now(SystemClock().Now());
  EventBuilder decided = world_.ledger().On("therapy/T1").By("lab.qa.1");
  pb::QuarantineDecided& body = *decided.event().mutable_quarantine_decided();
  body.add_containers(State().quarantines(0).containers(0));
  body.set_verdict(pb::QUARANTINE_USE);
  body.set_cause(pb::QUARANTINED_FOR_TEMPERATURE);
  body.set_reason("within stability data");
  RawCaller lab(server_.address(), world_.authority(), "lab.station.1");
  pb::RecordReply lifted;
  CUSTODY_EXPECT_OK(lab.Record(decided.Record().signed_event, &lifted).status);
  EXPECT_FALSE(State().quarantines(0).open());
}

TEST_F(ServerTelemetryTest, AFileThatNobodyCanReadGoesWithWhatTheDisplayShows) {
  const std::string file = "a report on paper, scanned\n";
  Put(file);
  pb::TelemetryBatch batch = Batch(file);
  *batch.mutable_from() = ToProto(Instant{Trip().packed_us()});
  *batch.mutable_to() = ToProto(Instant{Trip().seal_opened_us()});
  batch.set_min_temperature_centi_c(-18600);
  batch.set_max_temperature_centi_c(-15000);
  batch.set_mkt_temperature_centi_c(-17000);
  batch.set_readings(100);
  batch.set_interval_ms(900'000);
  batch.set_upper_limit_centi_c(-13000);
  batch.set_summary(pb::SUMMARY_RECKONED);
  const Status status = Try(batch);
  EXPECT_EQ(status.code(), kRefused);
  EXPECT_THAT(Message(status), HasSubstr("names the columns"));
  EXPECT_THAT(Message(status), HasSubstr("SUMMARY_TYPED"));
  batch.set_summary(pb::SUMMARY_TYPED);
  const pb::RecordReply reply = Record(batch);
  ASSERT_EQ(reply.verdict().reasons_size(), 1) << reply.verdict().ShortDebugString();
  EXPECT_EQ(reply.verdict().reasons(0).rule(), "TELEMETRY");
  EXPECT_EQ(reply.verdict().reasons(0).kind(), pb::REASON_DEVIATION);
}

TEST_F(ServerTelemetryTest, WhatIsTypedOfAFileThatCanBeReadIsWhatItGives) {
  const std::string file = Commas(/*warm=*/3);
  Put(file);
  pb::TelemetryBatch batch = Reckoned(file);
  batch.set_summary(pb::SUMMARY_TYPED);
  batch.clear_excursions();
  batch.set_max_temperature_centi_c(-15000);  // so nobody need know
  EXPECT_THAT(Message(Try(batch)), HasSubstr("expected -120.00 C, as the file gives"));
  batch.set_max_temperature_centi_c(-12000);
  const pb::RecordReply reply = Record(batch);
  ASSERT_EQ(reply.verdict().reasons_size(), 2) << reply.verdict().ShortDebugString();
  EXPECT_EQ(reply.verdict().reasons(0).rule(), "R13");
  EXPECT_EQ(reply.verdict().reasons(1).rule(), "TELEMETRY");
}

TEST_F(ServerTelemetryTest, TheFileComesBeforeTheEvent) {
  const std::string file = Commas();
  const pb::TelemetryBatch batch = Reckoned(file);
  const Status status = Try(batch);
  EXPECT_EQ(status.code(), kRefused);
  EXPECT_THAT(Message(status), HasSubstr("is not here yet; put it first"));
  Put(file);
  pb::TelemetryBatch longer = batch;
  longer.mutable_file()->set_size(file.size() + 1);
  EXPECT_THAT(Message(Try(longer)), HasSubstr("does not have"));
  Record(batch);
}

TEST_F(ServerTelemetryTest, APreviewSaysTheSame) {
  const std::string file = Commas();
  Put(file);
  pb::TelemetryBatch batch = Reckoned(file);
  const auto preview = [&] {
    pb::PreviewRequest request;
    *request.mutable_signed_() = Event(batch).Sign();
    pb::PreviewReply reply;
    Must(caller_.Ask(*caller_.custody, &pb::Custody::Stub::Preview, request, &reply).status);
    return reply.verdict();
  };
  EXPECT_FALSE(preview().refused());
  batch.set_readings(1);
  EXPECT_TRUE(preview().refused());
  EXPECT_EQ(preview().reasons(0).subject(), "Readings");
}

}  // namespace
}  // namespace custody

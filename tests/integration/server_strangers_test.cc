// What those learn and can do who have a certificate and no business: strangers to a therapy,
// carriers of one of its shipments, and whoever stole a station's certificate.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/dsse.h"
#include "server/ledger/reservations.h"
#include "server/rpc/limits.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::string_view kT1 = "therapy/T1";

class ServerStrangersTest : public ::testing::Test {
 protected:
  ServerStrangersTest() { Must(Caller("admin").ConfirmClock()); }
  RawCaller Caller(std::string_view name) {
    return RawCaller(server_.address(), world_.authority(), name);
  }
  TestLedger& ledger() { return world_.ledger(); }
  // The next event of T1 by `person`, its body from text.
  EventBuilder Next(std::string_view person, std::string_view body) {
    ledger().set_now(SystemClock().Now());
    EventBuilder event = ledger().On(kT1).By(person);
    event.event().MergeFrom(ParseBody(body, ledger().now()));
    return event;
  }
  EventBuilder WrongItem(std::string_view person) {
    return Next(person,
                "wrong_item_presented { at_step: 'prethaw_id_verified' presented_type: "
                "'container' presented: 'LOT26009-1' nothing_done: YES }");
  }
  static RpcError Reserve(RawCaller& caller, std::string_view chain, std::uint32_t seconds) {
    pb::ReserveRequest request;
    request.set_chain(std::string(chain));
    request.set_seconds(seconds);
    pb::ReserveReply reply;
    return caller.Ask(*caller.ledger, &pb::Ledger::Stub::Reserve, request, &reply);
  }
  static RpcError Preview(RawCaller& caller, const pb::SignedEvent& event) {
    pb::PreviewRequest request;
    *request.mutable_signed_() = event;
    pb::PreviewReply reply;
    return caller.Ask(*caller.custody, &pb::Custody::Stub::Preview, request, &reply);
  }

  TherapyWorld world_;
  RunningServer server_{world_.data()};
};

TEST_F(ServerStrangersTest, AStolenStationCannotHoldUpTheActThatPutsItOut) {
  RawCaller admin = Caller("admin");
  RawCaller stolen = Caller("depot.station.1");
  for (const char* chain : {"registry", "registry/DEPOT", "registry/CLINIC"}) {
    for (const char* name : {"depot.station.1", "clinic.station.1", "other.station.1"}) {
      RawCaller caller = Caller(name);
      EXPECT_THAT(Reserve(caller, chain, 300).status,
                  StatusIs(StatusCode::kInvalidArgument, "only a therapy's chain is"))
          << chain << " by " << name;
    }
  }
  EventBuilder retired = ledger().On("registry/DEPOT").By("depot.registrar.1");
  retired.By("depot.registrar.2");
  retired.event().mutable_station_retired()->set_station("depot.station.1");
  retired.event().mutable_station_retired()->set_reason("stolen");
  pb::RecordReply reply;
  CUSTODY_ASSERT_OK(admin.Record(retired.Record().signed_event, &reply).status);
  EXPECT_THAT(Reserve(stolen, kT1, 300).status, StatusIs(StatusCode::kPermissionDenied, "retired"));
}

TEST_F(ServerStrangersTest, APartyCannotKeepATherapyForEverNorManyThatDoNotExist) {
  RawCaller ward = Caller("clinic.station.1");
  RawCaller holder = Caller("clinic.station.2");
  CUSTODY_ASSERT_OK(Reserve(holder, kT1, 300).status);
  CUSTODY_ASSERT_OK(Reserve(holder, kT1, 300).status) << "nobody waits yet";
  EXPECT_THAT(Reserve(ward, kT1, 60).status, StatusIs(StatusCode::kAborted, "clinic.station.2"));
  EXPECT_THAT(Reserve(holder, kT1, 300).status, StatusIs(StatusCode::kAborted, "others wait"));
  CUSTODY_ASSERT_OK(Reserve(holder, kT1, 0).status);
  EXPECT_THAT(Reserve(holder, kT1, 300).status, StatusIs(StatusCode::kAborted, "others wait"));
  CUSTODY_EXPECT_OK(Reserve(ward, kT1, 60).status);
  Status full;
  std::size_t taken = 0;
  for (; full.ok() && taken < 1'000; ++taken) {
    full = Reserve(holder, "therapy/NOT-YET-" + std::to_string(taken), 300).status;
  }
  EXPECT_THAT(full, StatusIs(StatusCode::kResourceExhausted, "give one back first"));
  EXPECT_EQ(taken, kMaxReservationsOfStation + 1);
  CUSTODY_EXPECT_OK(Reserve(ward, "therapy/OURS", 60).status);
}

TEST_F(ServerStrangersTest, WhereATherapyStandsIsToldToItsPartiesOnly) {
  RawCaller clinic = Caller("clinic.station.1");
  RawCaller stranger = Caller("other.station.1");
  const std::string hidden = "no therapy T1 that this station may read";
  pb::SignedEvent unsigned_event = ConsentWithdrawnBy(ledger(), kT1).After(3, Sha256("x")).Sign();
  unsigned_event.clear_signatures();
  const RpcError told = Preview(clinic, unsigned_event);
  EXPECT_THAT(told.status, StatusIs(StatusCode::kAborted));
  ASSERT_TRUE(told.moved.has_value());
  EXPECT_EQ(told.moved->length(), ledger().Length(kT1));
  const RpcError untold = Preview(stranger, unsigned_event);
  EXPECT_THAT(untold.status, StatusIs(StatusCode::kNotFound, hidden));
  EXPECT_FALSE(untold.moved.has_value());

  // Signed by somebody who is enrolled, elsewhere.
  ledger().set_now(SystemClock().Now());
  const pb::SignedEvent of_other =
      ConsentWithdrawnBy(ledger(), kT1, "other.rn.1").After(3, Sha256("x")).Sign();
  pb::RecordReply reply;
  const RpcError refused = stranger.Record(of_other, &reply);
  EXPECT_THAT(refused.status, StatusIs(StatusCode::kNotFound, hidden));
  EXPECT_FALSE(refused.moved.has_value());

  // Behind a refused one of its chain nothing is looked at, and nothing told.
  for (RawCaller* caller : {&clinic, &stranger}) {
    std::vector<pb::RecordReply> replies;
    CUSTODY_ASSERT_OK(caller->RecordAll({unsigned_event, unsigned_event}, &replies).status);
    ASSERT_THAT(replies, SizeIs(2));
    const RpcError second = FromRpcStatus(replies[1].error());
    EXPECT_THAT(second.status, StatusIs(StatusCode::kAborted, "it was not tried"));
    EXPECT_EQ(second.moved.has_value(), caller == &clinic);
  }

  // That it is reserved, and by whom, is nothing for strangers either.
  CUSTODY_ASSERT_OK(Reserve(clinic, kT1, 60).status);
  const RpcError waits = stranger.Record(of_other, &reply);
  EXPECT_THAT(waits.status, StatusIs(StatusCode::kNotFound, hidden));
  EXPECT_THAT(Message(waits.status), Not(HasSubstr("clinic.station")));
}

TEST_F(ServerStrangersTest, WhoFindsAWrongItemAnywhereLearnsWhereToReportIt) {
  RawCaller stranger = Caller("other.station.1");
  pb::RecordReply reply;
  const RpcError moved =
      stranger.Record(WrongItem("other.rn.1").After(3, Sha256("x")).Sign(), &reply);
  EXPECT_THAT(moved.status, StatusIs(StatusCode::kAborted));
  ASSERT_TRUE(moved.moved.has_value());
  EXPECT_EQ(moved.moved->length(), ledger().Length(kT1));
  EXPECT_EQ(moved.moved->head(), ledger().Head(kT1).view());
  CUSTODY_EXPECT_OK(stranger.Record(WrongItem("other.rn.1").Sign(), &reply).status);
}

// What WatchTherapies tells: "consent_withdrawn", "-" for a change without a name.
std::string NextTold(grpc::ClientReader<pb::WatchTherapiesReply>& stream) {
  pb::WatchTherapiesReply told;
  if (!stream.Read(&told)) return "the end";
  return told.event().empty() ? "-" : told.event();
}

TEST_F(ServerStrangersTest, ACarrierIsToldOfItsShipmentsAndOfNothingClinical) {
  RawCaller clinic = Caller("clinic.station.1");
  RawCaller lab = Caller("lab.station.1");
  RawCaller depot = Caller("depot.station.1");
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  const auto watch = [&](RawCaller& caller) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    RawCaller::Bound(*contexts.back());
    auto stream = caller.custody->WatchTherapies(contexts.back().get(), {});
    EXPECT_EQ(NextTold(*stream), "-");  // the present
    return stream;
  };
  const auto by_clinic = watch(clinic);
  const auto by_lab = watch(lab);
  const auto by_depot = watch(depot);
  pb::RecordReply reply;
  ledger().set_now(SystemClock().Now());
  CUSTODY_ASSERT_OK(
      clinic.Record(ConsentWithdrawnBy(ledger(), kT1).Record().signed_event, &reply).status);
  CUSTODY_ASSERT_OK(
      depot
          .Record(Next("depot.cour.1",
                       "carrier_milestone { shipment: 'SH-1' shipper: 'SHP-1' kind: "
                       "MILESTONE_DELIVERED_NOT_RECEIVED at $T place: 'dock' reported_by: "
                       "'feed' }")
                      .Record()
                      .signed_event,
                  &reply)
          .status);
  EXPECT_EQ(NextTold(*by_clinic), "consent_withdrawn");
  EXPECT_EQ(NextTold(*by_clinic), "carrier_milestone");
  EXPECT_EQ(NextTold(*by_lab), "-");  // permissions stop, and it is shown that they do
  EXPECT_EQ(NextTold(*by_lab), "carrier_milestone");
  EXPECT_EQ(NextTold(*by_depot), "carrier_milestone");
  for (const auto& context : contexts) context->TryCancel();
}

TEST_F(ServerStrangersTest, AStationWatchesABoundedNumberOfTimesAndTheOthersAsManyAsTheyMay) {
  RawCaller depot = Caller("depot.station.1");
  RawCaller clinic = Caller("clinic.station.1");
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  const auto watch = [&contexts](RawCaller& caller) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    RawCaller::Bound(*contexts.back());
    return caller.custody->WatchTherapies(contexts.back().get(), {});
  };
  std::vector<std::unique_ptr<grpc::ClientReader<pb::WatchTherapiesReply>>> open;
  for (int i = 0; i < kMaxWatchesOfStation; ++i) {
    open.push_back(watch(depot));
    ASSERT_EQ(NextTold(*open.back()), "-");
  }
  for (int i = 0; i < 3; ++i) {
    const auto refused = watch(depot);
    EXPECT_EQ(NextTold(*refused), "the end");
    EXPECT_THAT(FromGrpc(refused->Finish()).status,
                StatusIs(StatusCode::kResourceExhausted, "too many watches are open"));
  }
  const auto others = watch(clinic);
  EXPECT_EQ(NextTold(*others), "-");
  // One that ends gives its place back, a moment later.
  contexts[0]->TryCancel();
  EXPECT_EQ(NextTold(*open[0]), "the end");
  const std::int64_t end = SystemClock().MonotonicMicros() + 60 * kMicrosPerSecond;
  std::string again;
  do {
    again = NextTold(*watch(depot));
  } while (again != "-" && SystemClock().MonotonicMicros() < end);
  EXPECT_EQ(again, "-");
  for (const auto& context : contexts) context->TryCancel();
}

TEST_F(ServerStrangersTest, AStationHasABoundedNumberOfStreams) {
  RawCaller depot = Caller("depot.station.1");
  RawCaller clinic = Caller("clinic.station.1");
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  const auto open = [&contexts](RawCaller& caller) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    RawCaller::Bound(*contexts.back());
    return caller.ledger->RecordMany(contexts.back().get());
  };
  const pb::SignedEvent known = ledger().log()[5].signed_event;
  // Whether an event that is recorded already is answered.
  const auto answers = [&known](grpc::ClientReaderWriter<pb::RecordRequest, pb::RecordReply>& it) {
    pb::RecordRequest request;
    *request.mutable_signed_() = known;
    pb::RecordReply reply;
    return it.Write(request) && it.Read(&reply) && reply.known();
  };
  std::vector<std::unique_ptr<grpc::ClientReaderWriter<pb::RecordRequest, pb::RecordReply>>> kept;
  for (int i = 0; i < kMaxStreamsOfStation; ++i) {
    kept.push_back(open(depot));
    ASSERT_TRUE(answers(*kept.back()));
  }
  const auto too_many = StatusIs(StatusCode::kResourceExhausted, "too many streams are open");
  EXPECT_THAT(FromGrpc(open(depot)->Finish()).status, too_many);
  std::vector<pb::EntryReply> entries;
  EXPECT_THAT(depot.ReadAll(*depot.ledger, &pb::Ledger::Stub::ReadEntries, {}, &entries).status,
              too_many);
  CUSTODY_EXPECT_OK(
      clinic.ReadAll(*clinic.ledger, &pb::Ledger::Stub::ReadEntries, {}, &entries).status);
  pb::HelloReply hello;
  CUSTODY_EXPECT_OK(
      depot.Ask(*depot.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &hello).status);
  kept[0]->WritesDone();
  EXPECT_TRUE(kept[0]->Finish().ok());
  const std::int64_t end = SystemClock().MonotonicMicros() + 60 * kMicrosPerSecond;
  Status again;
  do {  // its place is free a moment after it ended
    again = depot.ReadAll(*depot.ledger, &pb::Ledger::Stub::ReadEntries, {}, &entries).status;
  } while (!again.ok() && SystemClock().MonotonicMicros() < end);
  CUSTODY_EXPECT_OK(again);
  for (const auto& context : contexts) context->TryCancel();
}

}  // namespace
}  // namespace custody

// What a server does, and its programs show, when therapies cannot be read or a recipient of alerts
// hangs: whatever there is, and that it is not all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "crypto/file.h"
#include "server/alerting/alerting.h"
#include "server/rpc/rpc_server.h"
#include "tests/integration/ledger_between.h"
#include "tests/integration/program_world.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/server_world.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::unique_ptr<Ledger> OpenIn(const std::filesystem::path& data) {
  LedgerOptions options;
  options.folder = data;
  return Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(data / "log.key"))));
}

std::unique_ptr<RpcServer> Serve(Ledger& ledger, const std::filesystem::path& data,
                                 const Authority& authority, Alerting* alerting = nullptr) {
  RpcOptions rpc;
  rpc.listen = "127.0.0.1:0";
  rpc.authority_pem = authority.pem();
  rpc.certificate_pem = Must(ReadFile(data / "tls" / "server.pem", 1 << 16));
  rpc.key_pem = Must(ReadSecretFile(data / "tls" / "server.key", 1 << 16));
  rpc.read_threads = 1;
  rpc.alerting = alerting;
  RequireTls13();
  return Must(RpcServer::Start(ledger, rpc));
}

class DamagedTherapiesTest : public ::testing::Test {
 protected:
  DamagedTherapiesTest() {
    for (const char* therapy : {"therapy/A", "therapy/B", "therapy/C"}) Record(therapy);
  }
  RawCaller Caller(std::string_view name) {
    return RawCaller(server_->address(), world_.authority(), name);
  }
  void Record(const std::string& therapy) {
    RawCaller clinic = Caller("clinic.station.1");
    pb::RecordReply reply;
    CUSTODY_ASSERT_OK(clinic.Record(world_.Next(therapy), &reply).status);
  }
  // What a page of the list shows: "A C", "A C ..." when there is more, or its error. `on`: the one
  // after the last.
  std::string List(bool on = false) {
    RawCaller clinic = Caller("clinic.station.1");
    pb::ListTherapiesRequest request;
    if (on) request.set_after(next_);
    pb::ListTherapiesReply reply;
    const Status status =
        clinic.Ask(*clinic.custody, &pb::Custody::Stub::ListTherapies, request, &reply).status;
    if (!status.ok()) return Message(status);
    std::string text;
    for (const pb::GetTherapyReply& one : reply.therapies()) text += one.state().therapy() + " ";
    next_ = reply.next();
    return text + (next_.empty() ? "" : "...");
  }
  Status Find(const std::string& type, const std::string& value) {
    RawCaller clinic = Caller("clinic.station.1");
    pb::FindRequest request;
    request.set_type(type);
    request.set_value(value);
    pb::FindReply reply;
    return clinic.Ask(*clinic.custody, &pb::Custody::Stub::Find, request, &reply).status;
  }
  Ended Clinic(std::vector<std::string> arguments) {
    if (station_.empty()) {
      station_ =
          world_.MakeStation("clinic.station.1", "CLINIC", server_->address(), world_.authority());
    }
    arguments.insert(arguments.end(), {"--folder", station_.string()});
    return Execute({.program = "custody-clinic", .arguments = std::move(arguments)});
  }

  ServerWorld world_;
  DamagedLedger ledger_{OpenIn(world_.data())};
  std::unique_ptr<RpcServer> server_ = Serve(ledger_, world_.data(), world_.authority());
  std::filesystem::path station_;
  std::string next_;  // of the last page
};

TEST_F(DamagedTherapiesTest, AListGoesPastThemAndSaysSoInPlaceOfItsLastPage) {
  EXPECT_EQ(List(), "A B C ");
  ledger_.Damage({"B"});
  EXPECT_EQ(List(), "A C ...");
  EXPECT_THAT(List(true), HasSubstr("NOT ALL is listed: therapies cannot be read"))
      << "though what is damaged stood on the page before";
  ledger_.Damage({"A", "B", "C"});
  EXPECT_THAT(List(), HasSubstr("NOT ALL is listed"));
  ledger_.Damage({});
  EXPECT_EQ(List(), "A B C ") << "what can be read again is no more missed";
}

TEST_F(DamagedTherapiesTest, AWatchGoesPastThemSaysSoAndTellsWhatChanges) {
  ledger_.Damage({"B"});
  RawCaller clinic = Caller("clinic.station.1");
  grpc::ClientContext context;
  RawCaller::Bound(context);
  const auto stream = clinic.custody->WatchTherapies(&context, {});
  std::vector<std::string> told;
  pb::WatchTherapiesReply reply;
  while (told.size() < 3 && stream->Read(&reply)) {
    told.push_back(reply.has_therapy() ? reply.therapy().state().therapy() : "not all");
  }
  EXPECT_THAT(told, ElementsAre("A", "C", "not all"));
  Record("therapy/D");
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(reply.therapy().state().therapy(), "D");
  context.TryCancel();
}

TEST_F(DamagedTherapiesTest, WhatIsFoundInOneAndPerhapsInAnotherIsNoAnswer) {
  CUSTODY_EXPECT_OK(Find("therapy", "A"));
  ledger_.Damage({"B"});
  CUSTODY_EXPECT_OK(Find("therapy", "A"));
  EXPECT_THAT(Find("therapy", "B"), StatusIs(StatusCode::kFailedPrecondition, "NOT ALL is listed"));
  ledger_.Damage({});
  CUSTODY_EXPECT_OK(Find("therapy", "B"));
}

TEST_F(DamagedTherapiesTest, TheProgramsShowTheOthersAndThatItIsNotAll) {
  ledger_.Damage({"B"});
  for (const char* command : {"board", "worklist"}) {
    std::vector<std::string> arguments = {command};
    if (arguments[0] == "worklist") arguments.emplace_back("--all");
    const Ended ended = Clinic(arguments);
    EXPECT_EQ(ended.exit_code, 1) << ended.said();
    EXPECT_THAT(ended.out, AllOf(HasSubstr("A "), HasSubstr("C "))) << command;
    EXPECT_THAT(ended.said(), HasSubstr("NOT ALL is listed")) << command;
  }
  const Ended watched = Clinic({"watch", "--count", "2"});
  EXPECT_EQ(watched.exit_code, 0) << watched.said();
  EXPECT_EQ(Clinic({"show", "A"}).exit_code, 0) << "what is not concerned goes on";
  const Ended all = [&] {
    ledger_.Damage({});
    return Clinic({"board"});
  }();
  EXPECT_EQ(all.exit_code, 0) << all.said();
}

// In which a shipper went with `strangers` therapies that the asker may not see, with its own A, so
// often as `own` says, and with one stranger more.
class CrowdedLedger final : public LedgerBetween {
 public:
  using LedgerBetween::LedgerBetween;

  StatusOr<pb::FindReply> Find(const pb::FindRequest& /*request*/) override {
    pb::FindReply reply;
    for (int i = 0; i < strangers; ++i) {
      reply.add_found()->set_therapy("STRANGER" + std::to_string(i));
    }
    for (int i = 0; i < own; ++i) reply.add_found()->set_therapy("A");
    reply.add_found()->set_therapy("STRANGER");
    return reply;
  }
  std::atomic<int> strangers = 0;
  std::atomic<int> own = 1;
};

// A scan at the bedside finds the patient's own, whoever else had the shipper before.
TEST(CrowdedFindTest, IsBoundedByWhatTheCallerMaySee) {
  ServerWorld world;
  CrowdedLedger ledger(OpenIn(world.data()));
  const auto server = Serve(ledger, world.data(), world.authority());
  RawCaller clinic(server->address(), world.authority(), "clinic.station.1");
  pb::RecordReply recorded;
  CUSTODY_ASSERT_OK(clinic.Record(world.Next("therapy/A"), &recorded).status);
  pb::FindReply reply;
  const auto find = [&](int strangers, int own) {
    ledger.strangers = strangers;
    ledger.own = own;
    pb::FindRequest request;
    request.set_value("SHP-1");
    reply.Clear();
    return clinic.Ask(*clinic.custody, &pb::Custody::Stub::Find, request, &reply).status;
  };
  CUSTODY_EXPECT_OK(find(500, 1));
  ASSERT_EQ(reply.found_size(), 1);
  EXPECT_EQ(reply.found(0).therapy(), "A");
  CUSTODY_EXPECT_OK(find(0, 100));
  EXPECT_EQ(reply.found_size(), 100) << "a stranger's behind them is none too many";
  const auto too_many = StatusIs(StatusCode::kOutOfRange, "Trace lists it in pages");
  EXPECT_THAT(find(0, 101), too_many);
  EXPECT_THAT(find(1000, 1), too_many) << "it is a scan, and short";
}

// Takes everything; `hang` is what it waits for first.
class WaitingDeliverer final : public Deliverer {
 public:
  Status Deliver(const Recipient&, std::string_view) override {
    if (hang) hang();
    return Status();
  }
  std::function<void()> hang;
};

AlertingConfig OnePager() {
  AlertingConfig config;
  Recipient& pager = config.recipients.emplace_back();
  pager.name = "pager";
  pager.program = {"/bin/pager"};
  TellList& list = config.lists.emplace_back();
  list.site = "CLINIC";
  list.tell = {"pager"};
  return config;
}

class HinderedAlertsTest : public ::testing::Test {
 protected:
  std::vector<pb::AlertRecord> List(std::string_view station) {
    RawCaller caller(server_->address(), world_.authority(), station);
    pb::ListAlertsReply reply;
    Must(
        caller.Ask(*caller.custody, &pb::Custody::Stub::ListAlerts, pb::ListAlertsRequest(), &reply)
            .status);
    return {reply.alerts().begin(), reply.alerts().end()};
  }

  TherapyWorld world_{"infusion_completed"};
  DamagedLedger ledger_{OpenIn(world_.data())};
  WaitingDeliverer told_;
  std::unique_ptr<Alerting> alerting_ = Must(Alerting::Open(ledger_, OnePager(), told_));
  std::unique_ptr<RpcServer> server_ =
      Serve(ledger_, world_.data(), world_.authority(), alerting_.get());
};

TEST_F(HinderedAlertsTest, OfADamagedTherapyItsSitesAreShownThatThereIsAnAlertAndNothingOfWhom) {
  while (alerting_->Step()) {
  }
  const std::vector<pb::AlertRecord> whole = List("clinic.station.1");
  ASSERT_THAT(whole, Not(IsEmpty()));
  EXPECT_EQ(whole[0].therapy(), "T1");
  ledger_.Damage({"T1"});
  const std::vector<pb::AlertRecord> shown = List("clinic.station.1");
  ASSERT_EQ(shown.size(), whole.size());
  EXPECT_EQ(shown[0].alert(), whole[0].alert().substr(0, 10));
  EXPECT_EQ(shown[0].severity(), whole[0].severity());
  EXPECT_TRUE(shown[0].has_since());
  ASSERT_EQ(shown[0].handouts_size(), 1);
  EXPECT_EQ(shown[0].handouts(0).recipient(), "pager");
  EXPECT_EQ(shown[0].therapy() + shown[0].coi() + shown[0].rule(), "");
  EXPECT_THAT(List("other.station.1"), IsEmpty());
}

TEST_F(HinderedAlertsTest, AHungTestOfRecipientsKeepsNobodyFromReading) {
  std::promise<void> begun;
  std::promise<void> release;
  told_.hang = [&begun, released = release.get_future().share()] {
    begun.set_value();
    released.wait();
  };
  std::thread administrator([&] {
    RawCaller admin(server_->address(), world_.authority(), "admin");
    pb::TestAlertRequest request;
    request.set_site("CLINIC");
    pb::TestAlertReply reply;
    CUSTODY_EXPECT_OK(
        admin.Ask(*admin.custody, &pb::Custody::Stub::TestAlert, request, &reply).status);
  });
  begun.get_future().wait();
  RawCaller clinic(server_->address(), world_.authority(), "clinic.station.1");
  pb::GetTherapyRequest request;
  request.set_therapy("T1");
  pb::GetTherapyReply reply;
  CUSTODY_EXPECT_OK(
      clinic.Ask(*clinic.custody, &pb::Custody::Stub::GetTherapy, request, &reply).status);
  release.set_value();
  administrator.join();
}

}  // namespace
}  // namespace custody

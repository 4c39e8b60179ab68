// Who may do what, over real connections: every call by every kind of caller, what comes back of a
// therapy, what is noted of it, and how access ends. Long because the table of calls and callers is
// one table.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "crypto/certificate.h"
#include "custody/event.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/main_path.h"
#include "tests/support/status_matchers.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr StatusCode kOk = StatusCode::kOk;
constexpr StatusCode kDenied = StatusCode::kPermissionDenied;
constexpr StatusCode kHidden = StatusCode::kNotFound;
constexpr StatusCode kBad = StatusCode::kInvalidArgument;
constexpr StatusCode kFailed = StatusCode::kFailedPrecondition;
constexpr StatusCode kLacking = StatusCode::kUnimplemented;

// The callers, in the order of the columns below. OTHER is a hospital that has no business with T1.
constexpr const char* kCallers[] = {"clinic.station.1", "lab.station.1",      "depot.station.1",
                                    "other.station.1",  "overseer.station.1", "admin"};

struct CallCase {
  std::string name;
  std::function<StatusCode(RawCaller&)> call;
  std::vector<StatusCode> expected;  // in the order of kCallers
};

template <class Request, class Reply, class Stub>
std::function<StatusCode(RawCaller&)> Unary(std::unique_ptr<Stub> RawCaller::*stub,
                                            grpc::Status (Stub::*call)(grpc::ClientContext*,
                                                                       const Request&, Reply*),
                                            const Request& request) {
  return [=](RawCaller& caller) {
    Reply reply;
    return caller.Ask(*(caller.*stub), call, request, &reply).status.code();
  };
}

template <class Request>
Request Therapy() {
  Request request;
  request.set_therapy("T1");
  return request;
}

// Of T1 and T9, in this order: whether T1 is the first that is told.
StatusCode WatchBoth(RawCaller& caller) {
  grpc::ClientContext context;
  RawCaller::Bound(context);
  pb::WatchTherapiesRequest request;
  request.add_therapies("T1");
  request.add_therapies("T9");
  const auto stream = caller.custody->WatchTherapies(&context, request);
  pb::WatchTherapiesReply told;
  if (!stream->Read(&told)) return FromGrpc(stream->Finish()).status.code();
  context.TryCancel();
  return told.therapy().state().therapy() == "T1" ? kOk : kHidden;
}

class ServerAccessTest : public ::testing::Test {
 protected:
  RawCaller Caller(std::string_view name) {
    return RawCaller(server_.address(), world_.authority(), name);
  }
  // OTHER's own therapy T9, so that what it may not see of T1 shows by what it sees instead.
  void EnrolAtOther() {
    world_.ledger().set_now(SystemClock().Now());
    EventBuilder event =
        PatientEnrolledBy(world_.ledger(), "therapy/T9", "other.rn.1", "other.phy.1");
    event.event().mutable_patient_enrolled()->set_site("OTHER");
    RawCaller other = Caller("other.station.1");
    pb::RecordReply reply;
    CUSTODY_ASSERT_OK(other.Record(event.Record().signed_event, &reply).status);
  }
  std::vector<CallCase> Proofs() const;
  std::vector<CallCase> Searches() const;  // over all therapies
  std::vector<CallCase> Reads() const;
  std::vector<CallCase> Changes() const;

  void HoldAgainst(const std::vector<CallCase>& cases) {
    for (std::size_t i = 0; i < std::size(kCallers); ++i) {
      RawCaller caller = Caller(kCallers[i]);
      for (const CallCase& one : cases) {
        EXPECT_EQ(one.call(caller), one.expected[i]) << one.name << " by " << kCallers[i];
      }
    }
  }
  static std::vector<pb::EntryReply> ReadEvents(RawCaller& caller, const std::string& chain) {
    pb::ReadEntriesRequest request;
    request.set_chain(chain);
    request.set_with_events(true);
    std::vector<pb::EntryReply> entries;
    caller.ReadAll(*caller.ledger, &pb::Ledger::Stub::ReadEntries, request, &entries);
    return entries;
  }
  static pb::TherapyState State(RawCaller& caller) {
    pb::GetTherapyReply reply;
    CUSTODY_EXPECT_OK(caller
                          .Ask(*caller.custody, &pb::Custody::Stub::GetTherapy,
                               Therapy<pb::GetTherapyRequest>(), &reply)
                          .status);
    return reply.state();
  }
  std::vector<pb::AccessRecord> AccessLog() {
    RawCaller overseer = Caller("overseer.station.1");
    std::vector<pb::AccessRecord> records;
    CUSTODY_EXPECT_OK(overseer
                          .ReadAll(*overseer.custody, &pb::Custody::Stub::ReadAccessLog,
                                   Therapy<pb::ReadAccessLogRequest>(), &records)
                          .status);
    return records;
  }
  void RecordAsAdmin(const pb::SignedEvent& event) {
    RawCaller admin = Caller("admin");
    pb::RecordReply reply;
    CUSTODY_ASSERT_OK(admin.Record(event, &reply).status);
  }
  pb::SignedEvent Retire(const std::string& station) {
    EventBuilder event =
        world_.ledger().On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
    event.event().mutable_station_retired()->set_station(station);
    event.event().mutable_station_retired()->set_reason("stolen");
    return event.Record().signed_event;
  }
  pb::SignedEvent Enrol(const std::string& station, const std::string& certificate) {
    EventBuilder event =
        world_.ledger().On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
    pb::StationEnrolled& body = *event.event().mutable_station_enrolled();
    body.set_station(station);
    body.set_site("CLINIC");
    body.set_name("Station");
    if (!certificate.empty()) {
      body.set_certificate_sha256(Must(ReadCertificate(certificate)).sha256.ToString());
    }
    return event.Record().signed_event;
  }

  TherapyWorld world_;
  RunningServer server_{world_.data()};
};

std::vector<CallCase> ServerAccessTest::Proofs() const {
  const std::vector<StatusCode> all(6, kOk);
  pb::GetHeadsProofRequest heads;
  heads.set_chain("therapy/T1");
  pb::GetHeadsProofRequest registry;
  registry.set_chain("registry/CLINIC");
  pb::GetConsistencyProofRequest consistency;
  consistency.set_old_size(1);
  return {
      {"Hello", Unary(&RawCaller::ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest()), all},
      {"GetCheckpoint",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::GetCheckpoint, pb::GetCheckpointRequest()),
       all},
      {"GetInclusionProof",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::GetInclusionProof,
             pb::GetInclusionProofRequest()),
       all},
      {"GetConsistencyProof",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::GetConsistencyProof, consistency), all},
      {"GetHeadsProof of the therapy",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::GetHeadsProof, heads),
       {kOk, kOk, kOk, kHidden, kOk, kDenied}},
      {"GetHeadsProof of the registry",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::GetHeadsProof, registry), all},
      {"AddCosignatures",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::AddCosignatures, pb::AddCosignaturesRequest()),
       std::vector<StatusCode>(6, kLacking)},
      {"GetSchema",
       Unary(&RawCaller::custody, &pb::Custody::Stub::GetSchema, pb::GetSchemaRequest()), all},
      {"GetStatus",
       Unary(&RawCaller::custody, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest()), all},
  };
}

std::vector<CallCase> ServerAccessTest::Searches() const {
  pb::TraceRequest trace;
  trace.set_type("coi");
  trace.set_value(std::string(kMainCoi));
  pb::InventoryRequest inventory;
  inventory.set_unit("C-LN2");
  return {
      {"Trace",
       Unary(&RawCaller::custody, &pb::Custody::Stub::Trace, trace),
       {kOk, kOk, kDenied, kOk, kOk, kDenied}},
      {"Inventory",
       Unary(&RawCaller::custody, &pb::Custody::Stub::Inventory, inventory),
       {kOk, kOk, kOk, kOk, kOk, kDenied}},
      {"Worklist",
       Unary(&RawCaller::custody, &pb::Custody::Stub::Worklist, pb::WorklistRequest()),
       {kOk, kOk, kOk, kOk, kOk, kDenied}},
  };
}

std::vector<CallCase> ServerAccessTest::Reads() const {
  pb::FindRequest find;
  find.set_value(std::string(kMainCoi));
  pb::GetSubjectRequest named = Therapy<pb::GetSubjectRequest>();
  named.set_with_clear_text(true);
  named.set_role(pb::QA);
  pb::GetSubjectRequest glass = named;
  glass.set_role(pb::AUDITOR);
  glass.set_reason("a complaint is looked into");
  const auto read_chain = [](RawCaller& caller) {
    pb::ReadEntriesRequest request;
    request.set_chain("therapy/T1");
    std::vector<pb::EntryReply> entries;
    return caller.ReadAll(*caller.ledger, &pb::Ledger::Stub::ReadEntries, request, &entries)
        .status.code();
  };
  const auto access_log = [](RawCaller& caller) {
    std::vector<pb::AccessRecord> records;
    return caller
        .ReadAll(*caller.custody, &pb::Custody::Stub::ReadAccessLog,
                 Therapy<pb::ReadAccessLogRequest>(), &records)
        .status.code();
  };
  const auto file = [this](const char* body) {
    const Hash sha256 = Sha256(world_.FileOf(body));
    return [sha256](RawCaller& caller) {
      std::string bytes;
      return caller.Get("T1", sha256, &bytes).status.code();
    };
  };
  return {
      {"GetTherapy",
       Unary(&RawCaller::custody, &pb::Custody::Stub::GetTherapy, Therapy<pb::GetTherapyRequest>()),
       {kOk, kOk, kOk, kHidden, kOk, kDenied}},
      {"ListTherapies",
       Unary(&RawCaller::custody, &pb::Custody::Stub::ListTherapies, pb::ListTherapiesRequest()),
       {kOk, kOk, kOk, kOk, kOk, kDenied}},
      {"WatchTherapies", WatchBoth, {kOk, kOk, kOk, kHidden, kOk, kDenied}},
      {"NextSteps",
       Unary(&RawCaller::custody, &pb::Custody::Stub::NextSteps, Therapy<pb::NextStepsRequest>()),
       {kOk, kOk, kOk, kHidden, kOk, kDenied}},
      {"Find",
       Unary(&RawCaller::custody, &pb::Custody::Stub::Find, find),
       {kOk, kOk, kOk, kOk, kOk, kDenied}},
      {"ReadEntries of the therapy", read_chain, {kOk, kOk, kOk, kHidden, kOk, kDenied}},
      {"ReadAccessLog", access_log, {kOk, kDenied, kDenied, kHidden, kOk, kOk}},
      {"GetSubject, the secret",
       Unary(&RawCaller::custody, &pb::Custody::Stub::GetSubject, Therapy<pb::GetSubjectRequest>()),
       {kOk, kDenied, kDenied, kHidden, kDenied, kDenied}},
      {"GetSubject, names for release",
       Unary(&RawCaller::custody, &pb::Custody::Stub::GetSubject, named),
       {kDenied, kOk, kDenied, kHidden, kDenied, kDenied}},
      {"GetSubject, breaking the glass",
       Unary(&RawCaller::custody, &pb::Custody::Stub::GetSubject, glass),
       {kOk, kOk, kDenied, kHidden, kOk, kDenied}},
      {"Get of a clinical attachment",
       file("consent_obtained"),
       {kOk, kHidden, kDenied, kHidden, kOk, kDenied}},
      {"Get of a logger's file",
       file("telemetry_batch"),
       {kOk, kOk, kDenied, kHidden, kOk, kDenied}},
  };
}

std::vector<CallCase> ServerAccessTest::Changes() const {
  pb::ReserveRequest reserve;
  reserve.set_chain("therapy/T1");  // 0 seconds: it is given back at once
  pb::ReserveRequest registry;
  registry.set_chain("registry/CLINIC");
  registry.set_seconds(300);
  pb::SignedEvent unsigned_event;
  pb::Event event;
  event.set_chain("therapy/T1");
  unsigned_event.set_payload(event.SerializeAsString());
  pb::RecordRequest record;
  *record.mutable_signed_() = unsigned_event;
  pb::PreviewRequest preview;
  *preview.mutable_signed_() = unsigned_event;
  pb::PutSubjectRequest subject = Therapy<pb::PutSubjectRequest>();
  pb::BackupRequest backup;
  backup.set_folder("not/from/the/root");
  const auto record_many = [unsigned_event](RawCaller& caller) {
    std::vector<pb::RecordReply> replies;
    const RpcError end = caller.RecordAll({unsigned_event}, &replies);
    return replies.size() == 1 ? static_cast<StatusCode>(replies[0].error().code())
                               : end.status.code();
  };
  const auto put = [](RawCaller& caller) {
    pb::PutAttachmentReply reply;
    return caller.Put("T1", "time,celsius\n", &reply).status.code();
  };
  return {
      {"Reserve",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::Reserve, reserve),
       {kOk, kOk, kOk, kHidden, kDenied, kDenied}},
      {"Reserve of the registry",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::Reserve, registry),
       {kBad, kBad, kBad, kBad, kDenied, kDenied}},
      {"Record",
       Unary(&RawCaller::ledger, &pb::Ledger::Stub::Record, record),
       {kBad, kBad, kBad, kBad, kBad, kDenied}},
      {"RecordMany", record_many, {kBad, kBad, kBad, kBad, kBad, kDenied}},
      {"Preview",
       Unary(&RawCaller::custody, &pb::Custody::Stub::Preview, preview),
       {kBad, kBad, kBad, kBad, kBad, kDenied}},
      {"PutSubject",
       Unary(&RawCaller::custody, &pb::Custody::Stub::PutSubject, subject),
       {kOk, kDenied, kDenied, kHidden, kDenied, kDenied}},
      {"Put", put, {kOk, kOk, kOk, kHidden, kDenied, kDenied}},
      {"SetClock",
       Unary(&RawCaller::custody, &pb::Custody::Stub::SetClock, pb::SetClockRequest()),
       {kDenied, kDenied, kDenied, kDenied, kDenied, kBad}},
      {"Backup",
       Unary(&RawCaller::custody, &pb::Custody::Stub::Backup, backup),
       {kDenied, kDenied, kDenied, kDenied, kDenied, kBad}},
      // No recipients are configured, which those are told who may ask.
      {"ListAlerts",
       Unary(&RawCaller::custody, &pb::Custody::Stub::ListAlerts, pb::ListAlertsRequest()),
       {kFailed, kFailed, kFailed, kFailed, kFailed, kFailed}},
      {"TestAlert",
       Unary(&RawCaller::custody, &pb::Custody::Stub::TestAlert, pb::TestAlertRequest()),
       {kDenied, kDenied, kDenied, kDenied, kDenied, kFailed}},
  };
}

TEST_F(ServerAccessTest, EveryCallIsOpenToWhomItShouldBeAndToNobodyElse) {
  CUSTODY_ASSERT_OK(Caller("admin").ConfirmClock());
  EnrolAtOther();
  HoldAgainst(Proofs());
  HoldAgainst(Changes());
  HoldAgainst(Searches());
  HoldAgainst(Reads());
}

// A row is named by its method, and perhaps by what is asked of it.
TEST_F(ServerAccessTest, NoCallIsWithoutARow) {
  std::set<std::string> rows;
  for (const std::vector<CallCase>& cases : {Proofs(), Searches(), Reads(), Changes()}) {
    for (const CallCase& one : cases) rows.insert(one.name.substr(0, one.name.find_first_of(" ,")));
  }
  std::set<std::string> methods;
  for (const char* name : {"custody.v1.Ledger", "custody.v1.Custody", "custody.v1.Attachments"}) {
    const google::protobuf::ServiceDescriptor* service =
        google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(name);
    ASSERT_NE(service, nullptr) << name;
    for (int i = 0; i < service->method_count(); ++i) methods.insert(service->method(i)->name());
  }
  EXPECT_EQ(rows, methods);
}

TEST_F(ServerAccessTest, EachSeesOfATherapyWhatIsTheirs) {
  RawCaller clinic = Caller("clinic.station.1");
  RawCaller lab = Caller("lab.station.1");
  RawCaller depot = Caller("depot.station.1");
  RawCaller overseer = Caller("overseer.station.1");
  const pb::TherapyState whole = State(clinic);
  EXPECT_GT(whole.identity_size(), 0);
  EXPECT_EQ(State(overseer).SerializeAsString(), whole.SerializeAsString());
  const pb::TherapyState made = State(lab);
  EXPECT_EQ(made.coi(), kMainCoi);
  EXPECT_GT(made.shipments_size(), 0);
  EXPECT_EQ(made.identity_size(), 0);
  EXPECT_FALSE(made.has_condition());
  const pb::TherapyState carried = State(depot);
  EXPECT_EQ(carried.coi(), kMainCoi);
  EXPECT_EQ(carried.shipments_size(), 1);
  EXPECT_EQ(carried.identity_size(), 0);
  EXPECT_EQ(carried.lots_size(), 0);
  EXPECT_EQ(carried.site(), "");
}

TEST_F(ServerAccessTest, ListsAndFindsHoldOnlyWhatTheCallerMaySee) {
  const std::map<std::string, int> expected = {{"clinic.station.1", 1},
                                               {"lab.station.1", 1},
                                               {"depot.station.1", 1},
                                               {"other.station.1", 0},
                                               {"overseer.station.1", 1}};
  for (const auto& [name, count] : expected) {
    RawCaller caller = Caller(name);
    pb::ListTherapiesReply list;
    CUSTODY_EXPECT_OK(caller
                          .Ask(*caller.custody, &pb::Custody::Stub::ListTherapies,
                               pb::ListTherapiesRequest(), &list)
                          .status);
    EXPECT_EQ(list.therapies_size(), count) << name;
    pb::FindRequest find;
    find.set_value(std::string(kMainDin));
    pb::FindReply found;
    CUSTODY_EXPECT_OK(caller.Ask(*caller.custody, &pb::Custody::Stub::Find, find, &found).status);
    EXPECT_EQ(found.found_size() > 0, count > 0) << name;
  }
}

TEST_F(ServerAccessTest, SignedEventsAreServedWholeOrNotAtAll) {
  const auto bodies = [&](const char* name) {
    RawCaller caller = Caller(name);
    std::set<std::string> served;
    for (const pb::EntryReply& entry : ReadEvents(caller, "therapy/T1")) {
      EXPECT_FALSE(entry.entry().empty()) << name;
      if (!entry.has_signed_()) continue;
      const ParsedEvent parsed = Must(ParseEvent(entry.signed_().payload()));
      served.insert(std::string(BodyName(parsed.event)));
    }
    return served;
  };
  const std::set<std::string> clinic = bodies("clinic.station.1");
  EXPECT_THAT(clinic, Contains("consent_obtained"));
  EXPECT_THAT(clinic, Contains("received_mfg"));
  EXPECT_EQ(bodies("overseer.station.1"), clinic);
  const std::set<std::string> lab = bodies("lab.station.1");
  EXPECT_THAT(lab, Contains("received_mfg"));
  for (const char* clinical : {"consent_obtained", "eligibility_assessed", "patient_enrolled"}) {
    EXPECT_THAT(lab, Not(Contains(clinical)));
  }
  // The wristband is scanned in the checks before the needle: clinical, wherever it stands.
  EXPECT_THAT(clinic, Contains("apheresis_started"));
  EXPECT_THAT(lab, Not(Contains("apheresis_started")));
  EXPECT_THAT(bodies("depot.station.1"), IsEmpty());
}

TEST_F(ServerAccessTest, TheWholeLogShowsItsStructureToAllAndEventsToParties) {
  const auto served = [&](const char* name) {
    RawCaller caller = Caller(name);
    int therapy_events = 0;
    const std::vector<pb::EntryReply> entries = ReadEvents(caller, "");
    EXPECT_THAT(entries, SizeIs(world_.ledger().log().size())) << name;
    for (const pb::EntryReply& entry : entries) {
      if (!entry.has_signed_()) continue;
      const ParsedEvent parsed = Must(ParseEvent(entry.signed_().payload()));
      therapy_events += parsed.event.chain() == "therapy/T1" ? 1 : 0;
    }
    return therapy_events;
  };
  EXPECT_GT(served("clinic.station.1"), served("lab.station.1"));
  EXPECT_GT(served("lab.station.1"), 0);
  EXPECT_EQ(served("other.station.1"), 0);
  EXPECT_EQ(served("depot.station.1"), 0);
  EXPECT_EQ(served("admin"), 0);
}

TEST_F(ServerAccessTest, EveryReadIsNotedAsWhatItWas) {
  CUSTODY_ASSERT_OK(Caller("admin").ConfirmClock());
  RawCaller clinic = Caller("clinic.station.1");
  std::map<std::string, CallCase> calls;
  for (const std::vector<CallCase>& cases : {Searches(), Reads(), Changes()}) {
    for (const CallCase& one : cases) calls.emplace(one.name, one);
  }
  const auto last = [&] {
    const std::vector<pb::AccessRecord> log = AccessLog();
    return log.empty() ? "nothing" : log.back().call() + ": " + log.back().detail();
  };
  const std::pair<const char*, std::string> expected[] = {
      {"GetTherapy", "ReadTherapies: state"},
      {"ListTherapies", "ReadTherapies: list"},
      {"WatchTherapies", "ReadTherapies: watch"},
      {"NextSteps", "ReadTherapies: next steps"},
      {"Find", "ReadTherapies: find coi"},
      {"Trace", "Trace: trace coi"},
      {"ReadEntries of the therapy", "ReadChain: entries"},
      {"GetSubject, the secret", "GetSubject: secret"},
      {"GetSubject, breaking the glass",
       "GetSubject: break-glass names as AUDITOR: a complaint is looked into"},
      {"PutSubject", "PutSubject: identifiers written"},
      {"Get of a logger's file",
       "GetAttachment: attachment " + Sha256(world_.FileOf("telemetry_batch")).ToHex()},
  };
  for (const auto& [name, detail] : expected) {
    EXPECT_EQ(calls.at(name).call(clinic), kOk) << name;
    EXPECT_EQ(last(), detail) << name;
  }
  ReadEvents(clinic, "therapy/T1");
  EXPECT_EQ(last(), "ReadChain: entries with events");
  ReadEvents(clinic, "");
  EXPECT_EQ(last(), "ReadLog: events of the log");
  world_.ledger().set_now(SystemClock().Now());
  pb::PreviewRequest preview;
  *preview.mutable_signed_() = ConsentWithdrawnBy(world_.ledger(), "therapy/T1").Sign();
  pb::PreviewReply verdict;
  CUSTODY_EXPECT_OK(
      clinic.Ask(*clinic.custody, &pb::Custody::Stub::Preview, preview, &verdict).status);
  EXPECT_EQ(last(), "Preview: preview");
  for (const pb::AccessRecord& record : AccessLog()) {
    EXPECT_EQ(record.station(), "clinic.station.1");
    EXPECT_EQ(record.site(), "CLINIC");
  }
}

TEST_F(ServerAccessTest, EveryReadIsNotedWithWhoAndWhatAndNobodysThatWasRefused) {
  CUSTODY_ASSERT_OK(Caller("admin").ConfirmClock());
  EnrolAtOther();
  for (const char* name : kCallers) {
    RawCaller caller = Caller(name);
    for (const CallCase& one : Reads()) one.call(caller);
  }
  std::set<std::pair<std::string, std::string>> noted;
  std::string details;
  for (const pb::AccessRecord& record : AccessLog()) {
    EXPECT_EQ(record.therapy(), "T1");
    noted.emplace(record.station(), record.call());
    details += record.station() + ": " + record.detail() + "\n";
  }
  for (const char* name : {"clinic.station.1", "lab.station.1", "overseer.station.1"}) {
    for (const char* call : {"ReadTherapies", "ReadChain", "GetSubject", "GetAttachment"}) {
      EXPECT_THAT(noted, Contains(std::make_pair(std::string(name), std::string(call))));
    }
  }
  EXPECT_THAT(noted, Contains(std::make_pair("depot.station.1", "ReadTherapies")));
  EXPECT_THAT(noted, Not(Contains(std::make_pair("depot.station.1", "GetSubject"))));
  EXPECT_THAT(details, HasSubstr("lab.station.1: names as QA"));
  EXPECT_THAT(details, HasSubstr("overseer.station.1: break-glass names as AUDITOR: a complaint"));
  EXPECT_THAT(details, Not(HasSubstr("other.station.1")));
  EXPECT_THAT(details, Not(HasSubstr("admin")));
}

TEST_F(ServerAccessTest, ARetiredStationIsRefusedOnConnectionsAndStreamsThatAreOpen) {
  CUSTODY_ASSERT_OK(Caller("admin").ConfirmClock());
  RawCaller stolen = Caller("clinic.station.2");
  RawCaller clinic = Caller("clinic.station.1");
  pb::HelloReply hello;
  CUSTODY_ASSERT_OK(
      stolen.Ask(*stolen.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &hello).status);
  grpc::ClientContext watching;
  RawCaller::Bound(watching);
  const auto watch = stolen.custody->WatchTherapies(&watching, pb::WatchTherapiesRequest());
  pb::WatchTherapiesReply told;
  ASSERT_TRUE(watch->Read(&told));
  EXPECT_EQ(told.therapy().state().therapy(), "T1");
  grpc::ClientContext recording;
  RawCaller::Bound(recording);
  const auto stream = stolen.ledger->RecordMany(&recording);
  pb::RecordRequest request;
  *request.mutable_signed_() =
      PatientEnrolledBy(world_.ledger(), "therapy/T2").Record().signed_event;
  ASSERT_TRUE(stream->Write(request));
  pb::RecordReply reply;
  ASSERT_TRUE(stream->Read(&reply));
  ASSERT_FALSE(reply.has_error()) << reply.error().message();
  ASSERT_TRUE(watch->Read(&told));  // of T2

  RecordAsAdmin(Retire("clinic.station.2"));

  EXPECT_THAT(
      stolen.Ask(*stolen.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &hello).status,
      StatusIs(StatusCode::kPermissionDenied, "retired"));
  *request.mutable_signed_() =
      ConsentWithdrawnBy(world_.ledger(), "therapy/T2").Record().signed_event;
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&reply));
  EXPECT_EQ(reply.error().code(), static_cast<int>(StatusCode::kPermissionDenied));
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());
  // The next change is not told any more.
  CUSTODY_ASSERT_OK(clinic.Record(request.signed_(), &reply).status);
  EXPECT_FALSE(watch->Read(&told));
  EXPECT_THAT(FromGrpc(watch->Finish()).status, StatusIs(StatusCode::kPermissionDenied, "retired"));
}

TEST_F(ServerAccessTest, OnlyTheCertificateOfTheNewestEnrolmentOpens) {
  CUSTODY_ASSERT_OK(Caller("admin").ConfirmClock());
  RawCaller before = Caller("clinic.station.2");
  RawCaller after = Caller("clinic.station.2");
  pb::HelloReply hello;
  const auto greet = [&](RawCaller& caller) {
    return caller.Ask(*caller.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &hello).status;
  };
  const auto closed = StatusIs(StatusCode::kPermissionDenied,
                               "station clinic.station.2 was enrolled with another certificate");
  CUSTODY_EXPECT_OK(greet(before));  // enrolled without one: known by its name
  CUSTODY_EXPECT_OK(greet(after));
  RecordAsAdmin(Enrol("clinic.station.2", before.certificate()));
  CUSTODY_EXPECT_OK(greet(before));
  // The authority vouches for it, and no registrar: whoever has it could not be put out.
  EXPECT_THAT(greet(after), closed);
  RecordAsAdmin(Enrol("clinic.station.2", after.certificate()));
  EXPECT_THAT(greet(before), closed);
  CUSTODY_EXPECT_OK(greet(after));
  RawCaller third = Caller("clinic.station.2");
  RecordAsAdmin(Enrol("clinic.station.2", ""));  // its name changed, say
  EXPECT_THAT(greet(before), closed);
  EXPECT_THAT(greet(third), closed);
  CUSTODY_EXPECT_OK(greet(after));
  RawCaller neighbour = Caller("clinic.station.1");
  CUSTODY_EXPECT_OK(greet(neighbour));
}

TEST_F(ServerAccessTest, CertificatesOfAnotherPurposeOrTimeOpenNothing) {
  const auto hello = [&](RawCaller caller) {
    pb::HelloReply reply;
    return caller.Ask(*caller.ledger, &pb::Ledger::Stub::Hello, pb::HelloRequest(), &reply).status;
  };
  const auto refused = ::testing::AnyOf(StatusIs(StatusCode::kUnauthenticated, "certificate"),
                                        StatusIs(StatusCode::kUnavailable, "cannot be reached"));
  // A server's certificate, though its name is a station's.
  EXPECT_THAT(hello(RawCaller(server_.address(), world_.authority().pem(),
                              [&](const std::filesystem::path& key) {
                                return world_.authority().Issue("clinic.station.1", true, key);
                              })),
              refused);
  EXPECT_THAT(hello(RawCaller(server_.address(), world_.authority().pem(),
                              [&](const std::filesystem::path& key) {
                                return world_.authority().IssueExpired("clinic.station.1", key);
                              })),
              refused);
  // It was the certificates: the server is there, and opens to the right one.
  CUSTODY_EXPECT_OK(hello(Caller("clinic.station.1")));
}

}  // namespace
}  // namespace custody

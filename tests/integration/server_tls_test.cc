// The real server, real certificates, real connections on loopback.

#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "client/session.h"
#include "crypto/file.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "custody/v1/service.grpc.pb.h"
#include "tests/integration/server_world.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

class ServerTlsTest : public ::testing::Test {
 protected:
  // A station's folder, open; `Connect` connects it.
  StationFolder Station(const RunningServer& server, std::string_view name = "clinic.station.1",
                        const Authority* issuer = nullptr) {
    const auto path = world_.MakeStation(name, "CLINIC", server.address(),
                                         issuer != nullptr ? *issuer : world_.authority());
    auto folder = StationFolder::Open(path);
    CUSTODY_CHECK(folder.ok());
    return *std::move(folder);
  }
  static StatusOr<std::unique_ptr<Session>> Connect(StationFolder& folder) {
    return Session::Connect(folder, SystemClock());
  }
  // What openssl's own client says of a handshake with `options`.
  std::string Handshake(const RunningServer& server, const StationFolder* with,
                        const std::string& options, int& exit_code) {
    std::string command = "openssl s_client -connect " + server.address() + " -alpn h2 -CAfile " +
                          (world_.data() / "tls/ca.pem").string() + " " + options;
    if (with != nullptr) {
      command += " -cert " + (with->path() / "tls/station.pem").string() + " -key " +
                 (with->path() / "tls/station.key").string();
    }
    return Shell(command + " </dev/null", exit_code);
  }

  ServerWorld world_;
};

TEST_F(ServerTlsTest, OnlyTls13IsSpoken) {
  const RunningServer server(world_.data());
  const StationFolder station = Station(server);
  int exit_code = 0;
  const std::string modern = Handshake(server, &station, "-tls1_3", exit_code);
  EXPECT_EQ(exit_code, 0) << modern;
  EXPECT_THAT(modern, ::testing::HasSubstr("TLSv1.3")) << modern;
  EXPECT_THAT(modern, ::testing::HasSubstr("Verify return code: 0 (ok)")) << modern;
  const std::string old = Handshake(server, &station, "-tls1_2", exit_code);
  EXPECT_NE(exit_code, 0) << old;
  EXPECT_THAT(old, ::testing::HasSubstr("New, (NONE), Cipher is (NONE)")) << old;
}

TEST_F(ServerTlsTest, WithoutAClientCertificateNothingIsServed) {
  const RunningServer server(world_.data());
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = world_.authority().pem();
  const auto stub =
      pb::Ledger::NewStub(grpc::CreateChannel(server.address(), grpc::SslCredentials(tls)));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  pb::HelloReply reply;
  const grpc::Status status = stub->Hello(&context, pb::HelloRequest(), &reply);
  EXPECT_EQ(status.error_code(), grpc::UNAVAILABLE) << status.error_message();
  EXPECT_EQ(reply.ByteSizeLong(), 0u);
  // What was missing was the certificate: the same server opens to who has one.
  StationFolder station = Station(server);
  CUSTODY_EXPECT_OK(Connect(station));
}

TEST_F(ServerTlsTest, AStationOfAnotherAuthorityIsRefused) {
  const RunningServer server(world_.data());
  const Authority stranger;
  StationFolder station = Station(server, "clinic.station.1", &stranger);
  EXPECT_THAT(Connect(station),
              ::testing::AnyOf(StatusIs(StatusCode::kUnauthenticated, "certificate"),
                               StatusIs(StatusCode::kUnavailable, "cannot be reached")));
  StationFolder ours = Station(server);
  CUSTODY_EXPECT_OK(Connect(ours));
}

TEST_F(ServerTlsTest, AServerOfAnotherAuthorityIsRefusedByTheClient) {
  const RunningServer server(world_.data());
  StationFolder station = Station(server);
  const Authority stranger;
  CUSTODY_ASSERT_OK(WriteFileAtomically(station.path() / "tls/ca.pem", stranger.pem()));
  EXPECT_THAT(Connect(station), StatusIs(StatusCode::kUnauthenticated, "certificate"));
}

TEST_F(ServerTlsTest, AServerThatIsNotThereIsUnreachable) {
  StationFolder station = [&] {
    const RunningServer server(world_.data());
    return Station(server);
  }();
  EXPECT_THAT(Connect(station), StatusIs(StatusCode::kUnavailable, "cannot be reached"));
}

TEST_F(ServerTlsTest, UnknownAndRetiredStationsAreRefused) {
  const RunningServer server(world_.data());
  StationFolder unknown = Station(server, "clinic.station.99");
  EXPECT_THAT(Connect(unknown), StatusIs(StatusCode::kPermissionDenied, "not enrolled"));
  StationFolder second = Station(server, "clinic.station.2");
  CUSTODY_ASSERT_OK(Connect(second));
  StationFolder admin = Station(server, "admin");
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect(admin));
  CUSTODY_ASSERT_OK(session->Record(world_.Retire("clinic.station.2")).status);
  EXPECT_THAT(Connect(second), StatusIs(StatusCode::kPermissionDenied, "retired"));
}

TEST_F(ServerTlsTest, TheAdministrationRecordsNoTherapyAndReadsNone) {
  const RunningServer server(world_.data());
  StationFolder folder = Station(server, "admin");
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto admin, Connect(folder));
  EXPECT_THAT(admin->Record(world_.Next("therapy/T1")).status,
              StatusIs(StatusCode::kPermissionDenied, "registry events only"));
  EXPECT_THAT(admin->GetTherapy("T1", std::nullopt), StatusIs(StatusCode::kPermissionDenied));
  CUSTODY_EXPECT_OK(admin->GetStatus());
  CUSTODY_EXPECT_OK(admin->LoadRegistry());
}

TEST_F(ServerTlsTest, AnEventGoesTheWholeWayAndSurvivesAKill) {
  auto server = std::make_unique<RunningServer>(world_.data());
  StationFolder folder = Station(*server);
  const pb::SignedEvent event = world_.Next("therapy/T1");
  RecordResult first;
  {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect(folder));
    EXPECT_EQ(session->hello().station(), "clinic.station.1");
    EXPECT_EQ(session->hello().site(), "CLINIC");
    first = session->Record(event);
    CUSTODY_ASSERT_OK(first.status);
    EXPECT_FALSE(first.known);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::SignedEvent kept, folder.KeptEvent("therapy/T1", 0));
    EXPECT_EQ(kept.payload(), event.payload());
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto state, session->GetTherapy("T1", std::nullopt));
    EXPECT_EQ(state.length(), 1u);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto chain, session->ReadChain("therapy/T1"));
    ASSERT_EQ(chain.size(), 1u);
    EXPECT_EQ(chain[0].signed_().payload(), event.payload());
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto none, session->ReadChain("therapy/T2"));
    EXPECT_TRUE(none.empty());
    CUSTODY_EXPECT_OK(session->LoadRegistry());
    CUSTODY_EXPECT_OK(session->ExportBundle("T1", true));
  }
  EXPECT_EQ(server->Signal(SIGKILL), 128 + SIGKILL);
  RunningServer again(world_.data());
  StationFolder anew = Station(again);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string last, folder.LastCheckpoint());
  CUSTODY_ASSERT_OK(anew.KeepCheckpoint(last));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect(anew));
  const RecordResult retry = session->Record(event);
  CUSTODY_ASSERT_OK(retry.status);
  EXPECT_TRUE(retry.known);
  EXPECT_EQ(retry.receipt.index(), first.receipt.index());
  EXPECT_EQ(retry.receipt.entry(), first.receipt.entry());
}

TEST_F(ServerTlsTest, AStaleEventIsAnsweredWithTheHeadOfNow) {
  const RunningServer server(world_.data());
  StationFolder folder = Station(server);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect(folder));
  const pb::SignedEvent first = world_.Next("therapy/T1");
  const pb::SignedEvent second = world_.Next("therapy/T1");
  const pb::SignedEvent third = world_.Next("therapy/T1");
  CUSTODY_ASSERT_OK(session->Record(first).status);
  const RecordResult refused = session->Record(third);
  EXPECT_THAT(refused.status, StatusIs(StatusCode::kAborted));
  ASSERT_TRUE(refused.moved.has_value());
  EXPECT_EQ(refused.moved->length(), 1u);
  CUSTODY_ASSERT_OK(session->Record(second).status);
  CUSTODY_ASSERT_OK(session->Record(third).status);
}

TEST_F(ServerTlsTest, OtherSitesLearnNothingOfATherapy) {
  const RunningServer server(world_.data());
  StationFolder folder = Station(server);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect(folder));
  CUSTODY_ASSERT_OK(session->Record(world_.Next("therapy/T1")).status);
  const Status hidden = session->GetTherapy("T2", std::nullopt).status();
  EXPECT_THAT(hidden, StatusIs(StatusCode::kNotFound, "T2 that this station may read"));
}

TEST_F(ServerTlsTest, TermAnswersWhatWasAccepted) {
  auto server = std::make_unique<RunningServer>(world_.data());
  constexpr int kTherapies = 8;
  std::vector<pb::SignedEvent> events;
  for (int i = 0; i < kTherapies; ++i) {
    events.push_back(world_.Next("therapy/D" + std::to_string(i)));
  }
  StationFolder folder = Station(*server);
  CUSTODY_ASSERT_OK_AND_ASSIGN(auto session, Connect(folder));
  // One is certainly recorded; the others race with the signal.
  CUSTODY_ASSERT_OK(session->Record(events[0]).status);
  std::atomic<int> acknowledged = 1;
  std::vector<std::thread> threads;
  for (int i = 1; i < kTherapies; ++i) {
    threads.emplace_back([&, i] {
      const Status status = session->Record(events[static_cast<std::size_t>(i)]).status;
      if (status.ok()) ++acknowledged;
      EXPECT_TRUE(status.ok() || status.code() == StatusCode::kUnavailable) << status.ToString();
    });
  }
  server->Send(SIGTERM);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(server->Wait(), 0);

  const RunningServer again(world_.data());
  StationFolder anew = Station(again);
  CUSTODY_ASSERT_OK_AND_ASSIGN(session, Connect(anew));
  int known = 0;
  for (const pb::SignedEvent& event : events) {
    const RecordResult retry = session->Record(event);
    CUSTODY_ASSERT_OK(retry.status);
    known += retry.known ? 1 : 0;
  }
  EXPECT_GE(known, acknowledged);
}

TEST_F(ServerTlsTest, AServerThatLostHistoryIsCaughtByItsClient) {
  const std::filesystem::path before = world_.Scratch("before");
  std::filesystem::copy(world_.data(), before, std::filesystem::copy_options::recursive);
  StationFolder folder = [&] {
    const RunningServer server(world_.data());
    return Station(server);
  }();
  const auto use = [&](const RunningServer& server) {
    // The same station, wherever the server listens now.
    const std::string toml = "server = \"" + server.address() +
                             "\"\nstation = \"clinic.station.1\"\nsite = \"CLINIC\"\n"
                             "zone = \"Europe/Berlin\"\n";
    CUSTODY_CHECK(WriteFileAtomically(folder.path() / "station.toml", toml).ok());
    return *StationFolder::Open(folder.path());
  };
  {
    const RunningServer server(world_.data());
    StationFolder station = use(server);
    CUSTODY_ASSERT_OK_AND_ASSIGN(const auto session, Connect(station));
    CUSTODY_ASSERT_OK(session->Record(world_.Next("therapy/T1")).status);
  }
  const RunningServer old(before);
  StationFolder station = use(old);
  EXPECT_THAT(Connect(station), StatusIs(StatusCode::kDataLoss, "rewrote history"));
  EXPECT_FALSE(std::filesystem::is_empty(folder.path() / "evidence"));
}

}  // namespace
}  // namespace custody

// custody-audit against what runs: a server as it serves, one that holds something back, and the
// bundle it exports.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crypto/file.h"
#include "tests/integration/program_world.h"
#include "tests/support/odd_server.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Ended Audit(const std::filesystem::path& station, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--folder", station.string()});
  return Execute({.program = "custody-audit", .arguments = std::move(arguments)});
}

class ProgramsAuditTest : public ::testing::Test {
 protected:
  ProgramsAuditTest() {
    world_.Start();
    therapy_ = world_.Enrol();
  }

  ProgramWorld world_;
  std::string therapy_;
};

TEST_F(ProgramsAuditTest, AServerIsVerifiedAsItServes) {
  const Ended whole = Audit(world_.Station("overseer.station.1"), {"verify", "--server"});
  EXPECT_EQ(whole.exit_code, 0) << whole.said();
  EXPECT_THAT(whole.out, AllOf(HasSubstr("COMPLETE AND UNCHANGED"), Not(HasSubstr("withheld"))));
  // Who may not read a therapy still verifies where its events stand, and is told how many.
  const Ended part = Audit(world_.Station("lab.station.1"), {"verify", "--server"});
  EXPECT_EQ(part.exit_code, 0) << part.said();
  EXPECT_THAT(part.out, HasSubstr("1 events were not to be had"));
  const Ended json = Audit(world_.Station("lab.station.1"), {"verify", "--server", "--json"});
  EXPECT_EQ(json.exit_code, 0) << json.said();
  EXPECT_TRUE(nlohmann::json::parse(json.out, nullptr, false).contains("sentence")) << json.out;
  world_.Stop();
  const Ended gone = Audit(world_.Station("lab.station.1"), {"verify", "--server", "--json"});
  EXPECT_EQ(gone.exit_code, 3) << gone.said();
  EXPECT_THAT(gone.error, IsEmpty());
  EXPECT_THAT(gone.out, HasSubstr("UNAVAILABLE"));
}

TEST_F(ProgramsAuditTest, ExportWritesAVerifiedBundleOnce) {
  const std::filesystem::path clinic = world_.Station("clinic.station.1");
  const std::filesystem::path file = world_.world().Scratch("one.custody.json");
  const Ended first = Audit(clinic, {"export", therapy_, "-o", file.string()});
  EXPECT_EQ(first.exit_code, 0) << first.said();
  EXPECT_THAT(first.out, AllOf(HasSubstr("COMPLETE AND UNCHANGED"), HasSubstr("written to")));
  const Ended offline = Execute(
      {.program = "custody-audit",
       .arguments = {"verify", file.string(), "--trust", (clinic / "ledger.trust.json").string()}});
  EXPECT_EQ(offline.exit_code, 0) << offline.said();

  const std::string written = Must(ReadFile(file, 1 << 24));
  const Ended again = Audit(clinic, {"export", therapy_, "-o", file.string()});
  EXPECT_EQ(again.exit_code, 1) << again.said();
  EXPECT_EQ(Must(ReadFile(file, 1 << 24)), written);
  const std::filesystem::path other = world_.world().Scratch("other.custody.json");
  const Ended json = Audit(clinic, {"export", therapy_, "-o", other.string(), "--json"});
  const auto told = nlohmann::json::parse(json.out, nullptr, false);
  EXPECT_EQ(told.value("therapy", ""), therapy_) << json.said();
  EXPECT_TRUE(told.contains("report"));

  const std::filesystem::path none = world_.world().Scratch("none.custody.json");
  const Ended unknown = Audit(clinic, {"export", "NOSUCH", "-o", none.string()});
  EXPECT_EQ(unknown.exit_code, 1) << unknown.said();
  const Ended foreign =
      Audit(world_.Station("lab.station.1"), {"export", therapy_, "-o", none.string()});
  EXPECT_EQ(foreign.exit_code, 1) << foreign.said();
  const Ended admin = Audit(world_.Station("admin"), {"export", therapy_, "-o", none.string()});
  EXPECT_EQ(admin.exit_code, 4) << admin.said();
  EXPECT_THAT(admin.error, HasSubstr("not open to"));
  world_.Stop();
  EXPECT_EQ(Audit(clinic, {"export", therapy_, "-o", none.string()}).exit_code, 3);
  EXPECT_FALSE(std::filesystem::exists(none));
}

// What it greets with has more entries than it gives out.
TEST(OddServerAuditTest, AServerThatHoldsBackItsEndIsFound) {
  ServerWorld world;
  OddServer server(world.ledger());
  server.greeting.set_environment(pb::DEMO);
  grpc::SslServerCredentialsOptions tls(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  const std::filesystem::path key = world.Scratch("odd.key");
  const std::string certificate = world.authority().Issue("custody-server", true, key);
  tls.pem_root_certs = world.authority().pem();
  tls.pem_key_cert_pairs.push_back({Must(ReadFile(key, 1 << 16)), certificate});
  int port = 0;
  const auto running = server.Start(grpc::SslServerCredentials(tls), &port);
  const std::filesystem::path station = world.MakeStation(
      "clinic.station.1", "CLINIC", "127.0.0.1:" + std::to_string(port), world.authority());
  const Ended whole = Audit(station, {"verify", "--server"});
  EXPECT_EQ(whole.exit_code, 0) << whole.said();
  server.held_back = 1;
  const Ended short_of_one = Audit(station, {"verify", "--server"});
  EXPECT_EQ(short_of_one.exit_code, 1) << short_of_one.said();
  EXPECT_THAT(short_of_one.out, AllOf(HasSubstr("DO NOT RELY"), HasSubstr("[size]")));
}

}  // namespace
}  // namespace custody

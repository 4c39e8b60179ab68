// Whom a station believes: a server with another certificate, one that went back to an older
// backup, one that lives on beside another copy of itself, and people who are not who they say they
// are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "crypto/file.h"
#include "tests/integration/program_world.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgramsTrustTest : public ::testing::Test {
 protected:
  ProgramsTrustTest() {
    world_.Start();
    therapy_ = world_.Enrol();
  }
  Ended Observe(std::string_view temperature, std::string_view station = "clinic.station.1",
                const std::string& person = "clinic.rn.1") {
    std::vector<std::string> arguments = ProgramWorld::Observe(therapy_, temperature);
    arguments[5] = person + ":RN";
    return Execute(world_.At(station, arguments));
  }
  // A copy of the server's data as of now; the server runs on.
  std::filesystem::path Copy(std::string_view name) {
    world_.Stop();
    const std::filesystem::path copy = world_.world().Scratch(name);
    std::filesystem::copy(world_.world().data(), copy, std::filesystem::copy_options::recursive);
    world_.Start();
    return copy;
  }

  ProgramWorld world_;
  std::string therapy_;
};

TEST_F(ProgramsTrustTest, AServerRestoredFromAnOlderBackupIsCaughtByItsStations) {
  const std::filesystem::path older = Copy("older");
  ASSERT_EQ(Observe("38.1").exit_code, 0);
  world_.StartOver(older);
  const Ended caught = Observe("38.2");
  EXPECT_EQ(caught.exit_code, 1) << caught.said();
  EXPECT_THAT(caught.said(), AllOf(HasSubstr("rewrote history"), HasSubstr("tell the trustees"),
                                   HasSubstr("evidence"), Not(HasSubstr("*** RECORDED"))));
  // The server now knows too, and records for nobody until people have decided.
  world_.GiveKeys("clinic.station.2", {"clinic.rn.2"});
  const Ended other = Observe("38.3", "clinic.station.2", "clinic.rn.2");
  EXPECT_EQ(other.exit_code, 3) << other.said();
  EXPECT_THAT(other.said(), AllOf(HasSubstr("NOT YET RECORDED"), HasSubstr("read-only")));
  EXPECT_EQ(world_.Outbox("clinic.station.2").size(), 1U);
  // And the station goes on saying so, also when it sees an honest server again.
  world_.Start();
  EXPECT_THAT(world_.Clinic({"next", therapy_}).out, HasSubstr("*** DO NOT RELY ***"));
}

TEST_F(ProgramsTrustTest, AServerThatWentAnotherWayIsCaughtByTheStationThatSawTheFirst) {
  const std::filesystem::path fork = Copy("fork");
  ASSERT_EQ(Observe("38.1").exit_code, 0);
  world_.StartOver(fork);
  // Another station, which saw nothing of the first way, makes the fork longer than it.
  world_.GiveKeys("clinic.station.2", {"clinic.rn.2"});
  for (const char* temperature : {"36.1", "36.2", "36.3"}) {
    const Ended ended = Observe(temperature, "clinic.station.2", "clinic.rn.2");
    ASSERT_EQ(ended.exit_code, 0) << ended.said();
  }
  const Ended caught = Observe("38.2");
  EXPECT_EQ(caught.exit_code, 1) << caught.said();
  EXPECT_THAT(caught.said(), AllOf(HasSubstr("rewrote history"), HasSubstr("evidence")));
}

TEST_F(ProgramsTrustTest, AServerWithAnotherAuthoritysCertificateIsNotTheLedgers) {
  world_.Stop();
  const Authority stranger;
  const std::filesystem::path tls = world_.world().data() / "tls";
  std::filesystem::remove(tls / "server.key");
  Must(WriteFileAtomically(tls / "server.pem",
                           stranger.Issue("custody-server", true, tls / "server.key")));
  world_.Start();
  const Ended refused = Observe("38.1");
  EXPECT_EQ(refused.exit_code, 4) << refused.said();
  EXPECT_THAT(refused.said(), HasSubstr("do not trust each other's certificates"));
}

TEST_F(ProgramsTrustTest, AnotherPersonsKeyAWrongPassphraseAndAWrongRoleSignNothing) {
  const std::filesystem::path folder = world_.Station("clinic.station.1");
  Must(WriteFileAtomically(folder / "pins/clinic.rn.1.pin", "guessed\n", 0600));
  const Ended wrong = Observe("38.1");
  EXPECT_EQ(wrong.exit_code, 4) << wrong.said();
  EXPECT_THAT(wrong.said(), AllOf(HasSubstr("passphrase"), Not(HasSubstr("guessed"))));

  // The key of one nurse in the place of another's.
  std::filesystem::copy_file(folder / "keys/clinic.rn.2.pem", folder / "keys/clinic.rn.1.pem",
                             std::filesystem::copy_options::overwrite_existing);
  Must(WriteFileAtomically(folder / "pins/clinic.rn.1.pin", "the passphrase of clinic.rn.2\n",
                           0600));
  const Ended borrowed = Observe("38.1");
  EXPECT_EQ(borrowed.exit_code, 4) << borrowed.said();

  std::vector<std::string> as_physician = ProgramWorld::Observe(therapy_, "38.1");
  as_physician[5] = "clinic.rn.2:PHY";
  const Ended role = world_.Clinic(as_physician);
  EXPECT_THAT(role.exit_code, AnyOf(1, 4)) << role.said();
  EXPECT_THAT(role.said(), HasSubstr("R01"));

  std::vector<std::string> nobody = ProgramWorld::Observe(therapy_, "38.1");
  nobody[5] = "clinic.rn.9:RN";
  const Ended unknown = world_.Clinic(nobody);
  EXPECT_EQ(unknown.exit_code, 4) << unknown.said();
  EXPECT_THAT(unknown.said(), HasSubstr("not enrolled"));

  EXPECT_EQ(world_.Length(therapy_), 1U);
  EXPECT_TRUE(world_.Outbox().empty());
}

TEST_F(ProgramsTrustTest, APassphraseFileThatOthersMayReadIsRefused) {
  const std::filesystem::path pin = world_.Station("clinic.station.1") / "pins" / "clinic.rn.1.pin";
  std::filesystem::permissions(pin, std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  const Ended refused = Observe("38.1");
  EXPECT_EQ(refused.exit_code, 4) << refused.said();
  EXPECT_THAT(refused.said(), HasSubstr("make its mode 0600"));
}

}  // namespace
}  // namespace custody

// custody-admin against a server over the ledger that it founded: acts and their quorum, what a
// revocation and a retirement stop, and the upkeep of what runs. Long because one small ledger,
// founded in the fixture, serves for all that its administration does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "client/session.h"
#include "crypto/certificate.h"
#include "crypto/dsse.h"
#include "crypto/file.h"
#include "crypto/key.h"
#include "custody/event.h"
#include "custody/registry.h"
#include "custody/time.h"
#include "tests/integration/program_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A ledger with two trustees, founded by `init`; nobody else is enrolled.
class ProgramsAdminTest : public ::testing::Test {
 protected:
  ProgramsAdminTest() {
    std::filesystem::create_directories(pins_);
    for (const char* person : {"authority", "T-1", "T-2"}) Pin(person);
    const Ended founded = Found("ledger", "admin");
    EXPECT_EQ(founded.exit_code, 0) << founded.said();
    Start(data_);
  }
  Ended Found(std::string_view data, std::string_view folder) {
    return Run("custody-admin",
               {"init", "--data", (temp_ / data).string(), "--folder", (temp_ / folder).string(),
                "--origin", "demo.example/custody-1", "--environment", "DEMO", "--trustee",
                "T-1:Theodora Lind", "--trustee", "T-2:Tomas Okafor", "--quorum", "2", "--server",
                "127.0.0.1:7443", "--zone", "Europe/Berlin"});
  }
  void Start(const std::filesystem::path& data, const std::filesystem::path& log = {}) {
    server_ = std::make_unique<RunningServer>(data, "", log);
    ServerWorld::Point(admin_, server_->address());
    if (std::filesystem::exists(ward_ / "station.toml")) {
      ServerWorld::Point(ward_, server_->address());
    }
  }
  void StartAgain(const std::filesystem::path& log = {}) {
    EXPECT_EQ(server_->Signal(SIGTERM), 0);
    Start(data_, log);
  }
  void Pin(const std::string& person) {
    Must(
        WriteFileAtomically(pins_ / (person + ".pin"), "the passphrase of " + person + "\n", 0600));
  }
  Ended Run(const char* program, std::vector<std::string> arguments,
            const std::filesystem::path& folder = {}) {
    return Execute(
        {.program = program,
         .arguments = std::move(arguments),
         .environment = {{"CUSTODY_STATION", folder.string()}, {"CUSTODY_PINS", pins_.string()}}});
  }
  Ended Admin(std::vector<std::string> arguments) {
    return Run("custody-admin", std::move(arguments), admin_);
  }
  // The same, by both trustees, or by both registrars.
  Ended Trustees(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--as", "T-1", "--as", "T-2"});
    return Admin(std::move(arguments));
  }
  Ended Registrars(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--as", "REG-1", "--as", "REG-2"});
    return Admin(std::move(arguments));
  }
  // A further key, which `trustee` alone may enrol; its id.
  std::string EnrolSecondKey(const std::string& trustee) {
    const StationFolder folder = Must(StationFolder::Open(admin_));
    const auto session = Must(Session::Connect(folder, SystemClock()));
    const auto registry = Must(session->LoadRegistry());
    const std::vector<pb::EntryReply> entries = Must(session->ReadChain("registry"));
    const PrivateKey own = Must(folder.LoadKey(trustee, "the passphrase of " + trustee));
    const PrivateKey further = Must(PrivateKey::Generate(KeyAlgorithm::kEd25519));
    const pb::KeyProof proof =
        Must(SignKeyRequest(registry->genesis(), trustee, further, Sha256("random").view()));
    pb::Event event;
    event.set_chain("registry");
    event.set_sequence(entries.size());
    event.set_previous(EventId(entries.back().signed_().payload()).ToString());
    *event.mutable_occurred_at() = *event.mutable_signed_at() = ToProto(session->Now());
    event.set_time_zone("Europe/Berlin");
    event.set_station(folder.settings().station);
    event.set_ledger(registry->genesis().ToString());
    event.set_entry(pb::LIVE);
    pb::KeyEnrolled& body = *event.mutable_key_enrolled();
    body.set_person(trustee);
    body.set_spki(further.public_key().spki());
    body.set_request(proof.request());
    body.set_request_signature(proof.request_signature());
    pb::Signer& signer = *event.add_signers();
    signer.set_key_id(own.key_id().ToString());
    signer.set_person(trustee);
    signer.set_printed_name(registry->FindPerson(trustee)->printed_names.back());
    signer.set_role(pb::TRUSTEE);
    signer.set_meaning(pb::APPROVED);
    *signer.mutable_identified_at() = event.signed_at();
    const PrivateKey* const keys[] = {&own};
    Must(session->Record(Must(SignEvent(event, keys))).status);
    return further.key_id().ToHex();
  }
  // Puts in place of a certificate the same that ended yesterday.
  void LetEnd(const std::filesystem::path& file) {
    constexpr std::int64_t kDay = 86'400;
    const std::int64_t now = SystemClock().Now().micros / kMicrosPerSecond;
    const std::filesystem::path authority = admin_ / "authority";
    const PrivateKey key =
        Must(PrivateKey::Load(authority / "authority.pem", "the passphrase of authority"));
    Must(WriteFileAtomically(
        file, Must(RenewCertificate(Must(ReadFile(file, 1 << 16)), now - 3 * kDay, now - kDay, key,
                                    Must(ReadFile(authority / "certificate.pem", 1 << 16))))));
  }
  static void Done(const Ended& ended) { ASSERT_EQ(ended.exit_code, 0) << ended.said(); }
  std::uint64_t Entries() {
    const auto status = nlohmann::json::parse(Admin({"status", "--json"}).out, nullptr, false);
    return status.value("entries", std::uint64_t{0});
  }

  // The clinic, its two registrars, and a station that has asked to join.
  void EnrolClinic() {
    Done(Trustees({"enrol", "organisation", "HOSPITAL", "--name", "University Hospital", "--kind",
                   "TREATMENT_CENTRE"}));
    Done(Trustees({"enrol", "site", "CLINIC", "--organisation", "HOSPITAL", "--name", "Ward",
                   "--zone", "Europe/Berlin", "--facility", "A9990"}));
    for (const char* person : {"REG-1", "REG-2"}) {
      Done(Trustees({"enrol", "person", person, "--name", std::string("Name of ") + person,
                     "--organisation", "HOSPITAL", "--site", "CLINIC", "--role", "REGISTRAR"}));
      Pin(person);
      Done(Admin({"key", "new", "--person", person}));
      Done(Trustees(
          {"enrol", "key", (admin_ / "keys" / person).string() + ".request", "--site", "CLINIC"}));
    }
    Done(Run("custody-clinic", {"join", "--station", "WARD-3", "--site", "CLINIC"}, ward_));
  }
  std::vector<std::string> Issue() {
    return {"station", "issue",        (ward_ / "station.request").string(), "-o", answer_.string(),
            "--zone",  "Europe/Berlin"};
  }
  // And the station at work, with a nurse and a coordinator.
  void StaffWard() {
    EnrolClinic();
    Done(Registrars(Issue()));
    Done(Run("custody-clinic", {"join", answer_.string()}, ward_));
    for (const auto& [person, role] : {std::pair("RN-1", "RN"), std::pair("CO-1", "COORD")}) {
      Done(Registrars({"enrol", "person", person, "--name", std::string("Name of ") + person,
                       "--organisation", "HOSPITAL", "--site", "CLINIC", "--role", role,
                       "--training-until", "+8760h"}));
      Pin(person);
      const Ended made = Run("custody-clinic", {"key", "new", "--person", person, "--json"}, ward_);
      key_ids_[person] = nlohmann::json::parse(made.out, nullptr, false).value("key_id", "");
      Done(Registrars(
          {"enrol", "key", (ward_ / "keys" / person).string() + ".request", "--site", "CLINIC"}));
    }
  }
  Ended Enrol() {
    const std::string mrn = "mrn:HOSPITAL:4711023";
    return Run("custody-clinic",
               {"record", "patient_enrolled", "--json", "--as", "CO-1:COORD", "--as", "RN-1:RN",
                "--identifier", mrn, "--identifier", "dob::19680214", "--identifier-again", mrn,
                "--identifier-again", "dob::19680214", "--birth-year", "1968"},
               ward_);
  }
  TempDir temp_;
  const std::filesystem::path data_ = temp_ / "ledger";
  const std::filesystem::path admin_ = temp_ / "admin";
  const std::filesystem::path ward_ = temp_ / "ward";
  const std::filesystem::path pins_ = temp_ / "pins";
  const std::filesystem::path answer_ = temp_ / "WARD-3.station.json";
  std::map<std::string, std::string> key_ids_;
  std::unique_ptr<RunningServer> server_;
};

TEST_F(ProgramsAdminTest, AFolderThatExistsIsNotFounded) {
  const std::string key = Must(ReadFile(data_ / "log.key", 1 << 16));
  for (const auto& [data, folder] : {std::pair("ledger", "other"), std::pair("other", "admin")}) {
    const Ended again = Found(data, folder);
    EXPECT_EQ(again.exit_code, 1) << again.said();
    EXPECT_THAT(again.error, HasSubstr("is founded in new folders"));
    EXPECT_FALSE(std::filesystem::exists(temp_ / "other"));
  }
  EXPECT_EQ(Must(ReadFile(data_ / "log.key", 1 << 16)), key);
}

TEST_F(ProgramsAdminTest, AnActNeedsItsQuorum) {
  const std::uint64_t before = Entries();
  const std::vector<std::string> act = {"enrol",  "organisation",     "HOSPITAL", "--name", "H",
                                        "--kind", "TREATMENT_CENTRE", "--as",     "T-1"};
  const Ended alone = Admin(act);
  EXPECT_EQ(alone.exit_code, 4) << alone.said();
  EXPECT_THAT(alone.error, HasSubstr("expected the signatures of 2 trustees"));
  std::vector<std::string> twice = act;
  twice.insert(twice.end(), {"--as", "T-1"});
  const Ended same = Admin(twice);
  EXPECT_NE(same.exit_code, 0) << same.said();
  EXPECT_THAT(same.out, Not(HasSubstr("RECORDED")));
  std::vector<std::string> json = act;
  json.emplace_back("--json");
  EXPECT_THAT(Admin(json).out, HasSubstr("\"code\":\"PERMISSION_DENIED\""));
  EXPECT_EQ(Entries(), before);
}

TEST_F(ProgramsAdminTest, AWrongPassphraseSignsNothing) {
  const std::uint64_t before = Entries();
  Must(WriteFileAtomically(pins_ / "T-2.pin", "guessed\n", 0600));
  const Ended wrong = Trustees({"publish", "schema"});
  EXPECT_EQ(wrong.exit_code, 4) << wrong.said();
  EXPECT_THAT(wrong.error, AllOf(HasSubstr("the passphrase is wrong"), Not(HasSubstr("guessed"))));
  EXPECT_EQ(Entries(), before);
}

TEST_F(ProgramsAdminTest, RulesAndSchemaArePublished) {
  const Ended schema = Trustees({"publish", "schema", "--json"});
  EXPECT_EQ(schema.exit_code, 0) << schema.said();
  EXPECT_THAT(schema.out, HasSubstr("schema published"));
  const Ended rules = Trustees({"publish", "rules", "2", "--reason", "R20 restated"});
  EXPECT_NE(rules.exit_code, 0) << rules.said();
  EXPECT_THAT(rules.error, HasSubstr("that this program knows"));
}

TEST_F(ProgramsAdminTest, StatusAndClock) {
  const Ended status = Admin({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.said();
  EXPECT_THAT(status.out, AllOf(HasSubstr("entries"), HasSubstr("recording             yes"),
                                HasSubstr("server time"), Not(HasSubstr("demo clock ahead"))));
  EXPECT_EQ(Admin({"clock", "--confirm"}).exit_code, 0);
  EXPECT_EQ(Admin({"clock", "--set", "+3h"}).exit_code, 0);
  // From the moment of the asking, so a little less by now.
  EXPECT_THAT(Admin({"status"}).out, AnyOf(HasSubstr("demo clock ahead by   0 days 3 h"),
                                           HasSubstr("demo clock ahead by   0 days 2 h 59 min")));
  const Ended back = Admin({"clock", "--set", "-1h"});
  EXPECT_NE(back.exit_code, 0) << back.said();
  EXPECT_EQ(server_->Signal(SIGTERM), 0);
  const Ended gone = Admin({"status", "--json"});
  EXPECT_EQ(gone.exit_code, 3) << gone.said();
  EXPECT_THAT(gone.error, IsEmpty());
  EXPECT_THAT(gone.out, HasSubstr("\"code\":\"UNAVAILABLE\""));
}

TEST_F(ProgramsAdminTest, ABackupIsCheckedClean) {
  const std::filesystem::path backup = temp_ / "backup";
  const std::string trust = (admin_ / "ledger.trust.json").string();
  Done(Admin({"backup", backup.string()}));
  for (const std::filesystem::path& folder : {backup, data_}) {  // also beside the server
    const Ended clean = Admin({"check", folder.string(), "--trust", trust});
    EXPECT_EQ(clean.exit_code, 0) << clean.said();
    EXPECT_THAT(clean.out, HasSubstr("COMPLETE AND UNCHANGED"));
  }
  const auto report = nlohmann::json::parse(
      Admin({"check", backup.string(), "--trust", trust, "--json"}).out, nullptr, false);
  EXPECT_THAT(report.value("sentence", ""), HasSubstr("COMPLETE AND UNCHANGED"));
  const Ended again = Admin({"backup", backup.string()});
  EXPECT_EQ(again.exit_code, 1) << again.said();

  // A name that stands in the backup, changed in every file that holds it.
  int changed = 0;
  for (const auto& item : std::filesystem::recursive_directory_iterator(backup)) {
    if (!item.is_regular_file()) continue;
    std::string bytes = Must(ReadFile(item.path(), 64 << 20));
    const std::size_t at = bytes.find("Tomas Okafor");
    if (at == std::string::npos) continue;
    bytes[at] = 'L';
    Must(WriteFileAtomically(item.path(), bytes));
    ++changed;
  }
  ASSERT_GT(changed, 0);
  const Ended damaged = Admin({"check", backup.string(), "--trust", trust});
  EXPECT_EQ(damaged.exit_code, 1) << damaged.said();
  EXPECT_THAT(damaged.said(), Not(HasSubstr("COMPLETE AND UNCHANGED")));
}

TEST_F(ProgramsAdminTest, ARefusedStationLeavesNoAnswer) {
  EnrolClinic();
  const std::uint64_t before = Entries();
  const Ended refused = Trustees(Issue());
  EXPECT_EQ(refused.exit_code, 4) << refused.said();
  EXPECT_THAT(refused.error, HasSubstr("registrar"));
  EXPECT_FALSE(std::filesystem::exists(answer_));
  EXPECT_EQ(Entries(), before);
  // Whoever is asked again, by those who may, gets one.
  const Ended issued = Registrars(Issue());
  EXPECT_EQ(issued.exit_code, 0) << issued.said();
  Done(Run("custody-clinic", {"join", answer_.string()}, ward_));
  EXPECT_EQ(Run("custody-clinic", {"board"}, ward_).exit_code, 0);
}

TEST_F(ProgramsAdminTest, ARevokedKeySignsNothingMore) {
  StaffWard();
  Done(Enrol());
  const std::uint64_t before = Entries();
  Done(Registrars(
      {"revoke", key_ids_["RN-1"], "--site", "CLINIC", "--reason", "badge and PIN lost"}));
  const Ended refused = Enrol();
  EXPECT_NE(refused.exit_code, 0) << refused.said();
  EXPECT_THAT(refused.said(), HasSubstr("revoked"));
  EXPECT_EQ(Entries(), before + 1);
}

TEST_F(ProgramsAdminTest, ARetiredStationIsCutOffAndARetiredPersonSignsNothing) {
  StaffWard();
  Done(Enrol());
  Done(Registrars({"retire", "person", "CO-1", "--site", "CLINIC", "--reason", "left"}));
  const Ended left = Enrol();
  EXPECT_NE(left.exit_code, 0) << left.said();
  EXPECT_THAT(left.said(), Not(HasSubstr("\"recorded\":true")));
  EXPECT_EQ(Run("custody-clinic", {"board"}, ward_).exit_code, 0);
  Done(Registrars({"retire", "station", "WARD-3", "--site", "CLINIC", "--reason", "stolen"}));
  const Ended cut = Run("custody-clinic", {"board"}, ward_);
  EXPECT_EQ(cut.exit_code, 4) << cut.said();
  EXPECT_THAT(cut.error, HasSubstr("retired"));
}

TEST_F(ProgramsAdminTest, ARenewedCertificateIsRecordedAndTheOneBeforeOpensNothing) {
  StaffWard();
  Done(Enrol());  // with the first certificate
  const std::filesystem::path renewed = temp_ / "renewed";
  const std::filesystem::path answer = temp_ / "WARD-3.renewed.json";
  Done(Run("custody-clinic", {"join", "--station", "WARD-3", "--site", "CLINIC"}, renewed));
  const std::vector<std::string> renew = {
      "station", "renew",        (renewed / "station.request").string(), "-o", answer.string(),
      "--zone",  "Europe/Berlin"};
  const std::uint64_t before = Entries();
  EXPECT_EQ(Trustees(renew).exit_code, 4);  // registrars' to sign, as `issue` is
  EXPECT_FALSE(std::filesystem::exists(answer));
  EXPECT_EQ(Entries(), before);
  Done(Registrars(renew));
  EXPECT_EQ(Entries(), before + 1);
  Done(Run("custody-clinic", {"join", answer.string()}, renewed));
  ServerWorld::Point(renewed, server_->address());
  Done(Run("custody-clinic", {"board"}, renewed));
  const Ended old = Run("custody-clinic", {"board"}, ward_);
  EXPECT_THAT(old.said(), HasSubstr("was enrolled with another certificate than this one"));
}

TEST_F(ProgramsAdminTest, TheServersCertificateIsRenewedBeforeItEndsAndPeopleAreTold) {
  const std::filesystem::path certificate = data_ / "tls/server.pem";
  const std::vector<std::string> renew = {"station", "renew-server", certificate.string()};
  const CertificateFields founded = Must(ReadCertificate(Must(ReadFile(certificate, 1 << 16))));
  EXPECT_THAT(Admin({"status"}).out,
              AllOf(HasSubstr("certificate, server   ends "),
                    HasSubstr("certificate, administration ends "), Not(HasSubstr(" DAYS"))));

  std::vector<std::string> shorter = renew;
  shorter.insert(shorter.end(), {"--days", "59"});
  const Ended renewed = Admin(shorter);
  EXPECT_EQ(renewed.exit_code, 0) << renewed.said();
  EXPECT_THAT(renewed.out, HasSubstr("when it is started again"));
  StartAgain(temp_ / "server.log");
  EXPECT_THAT(Admin({"status"}).out,
              testing::ContainsRegex(": IN 5[89] DAYS, and nothing connects without it: "
                                     "custody-admin station renew-server"));
  EXPECT_THAT(Must(ReadFile(temp_ / "server.log", 1 << 20)),
              HasSubstr("custody-admin station renew-server"));

  EXPECT_EQ(server_->Signal(SIGTERM), 0);  // it needs no server
  Done(Admin(renew));
  Start(data_);
  const CertificateFields now = Must(ReadCertificate(Must(ReadFile(certificate, 1 << 16))));
  EXPECT_EQ(now.key_sha256, founded.key_sha256);
  EXPECT_NE(now.serial_hex, founded.serial_hex);
  EXPECT_THAT(Admin({"status"}).out, Not(HasSubstr(" DAYS")));
  const auto status = nlohmann::json::parse(Admin({"status", "--json"}).out, nullptr, false);
  ASSERT_EQ(status["certificates"].size(), 2U);
  EXPECT_EQ(status["certificates"][0]["whose"], "server");
  EXPECT_GE(status["certificates"][0]["daysLeft"], 395);
}

TEST_F(ProgramsAdminTest, TheAdministrationRenewsItsOwnCertificateAndNoOther) {
  Done(Admin({"station", "renew-admin", "--days", "20"}));
  EXPECT_THAT(Admin({"status"}).out,
              testing::ContainsRegex(": IN (19|20) DAYS, and nothing connects without it: "
                                     "custody-admin station renew-admin"));
  Done(Admin({"station", "renew-admin"}));
  EXPECT_THAT(Admin({"status"}).out, Not(HasSubstr(" DAYS")));

  const std::string own = (admin_ / "tls/station.pem").string();
  const std::string before = Must(ReadFile(own, 1 << 16));
  const Ended mistaken = Admin({"station", "renew-server", own});
  EXPECT_EQ(mistaken.exit_code, 2) << mistaken.said();
  EXPECT_THAT(mistaken.error, HasSubstr("is the certificate of \"admin\", not of a server"));
  EXPECT_EQ(Admin({"station", "renew-admin", "--days", "826"}).exit_code, 2);
  Must(WriteFileAtomically(pins_ / "authority.pin", "guessed\n", 0600));
  EXPECT_EQ(Admin({"station", "renew-admin"}).exit_code, 4);
  EXPECT_EQ(Must(ReadFile(own, 1 << 16)), before);
}

// At whatever hour: who is to act reads what to do, and the ward works on.
TEST_F(ProgramsAdminTest, AnEndedCertificateIsNamedWithWhatRenewsItAndTheWardWorksOn) {
  StaffWard();
  Done(Enrol());
  const std::string server = (data_ / "tls/server.pem").string();
  LetEnd(server);
  StartAgain();
  const Ended status = Admin({"status"});
  EXPECT_EQ(status.exit_code, 3) << status.said();
  EXPECT_THAT(status.error, testing::ContainsRegex("the certificate of the server ended on "
                                                   "[0-9][0-9] [A-Z][a-z][a-z] 20[0-9][0-9] "));
  EXPECT_THAT(status.error,
              AllOf(HasSubstr("custody-admin station renew-server"), Not(HasSubstr("SSL"))));
  const Ended board = Run("custody-clinic", {"board"}, ward_);
  EXPECT_EQ(board.exit_code, 0) << board.said();
  EXPECT_THAT(board.said(), HasSubstr("the certificate of the server ended on "));
  Done(Admin({"station", "renew-server", server}));
  StartAgain();
  Done(Admin({"status"}));

  LetEnd(admin_ / "tls/station.pem");
  EXPECT_THAT(Admin({"status"}).error,
              AllOf(HasSubstr("the certificate of the administration ended on "),
                    HasSubstr("custody-admin station renew-admin")));
  LetEnd(ward_ / "tls/station.pem");
  EXPECT_THAT(Run("custody-clinic", {"board"}, ward_).said(),
              AllOf(HasSubstr("the certificate of this station, WARD-3, ended on "),
                    HasSubstr("custody-admin station renew)")));
}

TEST_F(ProgramsAdminTest, AStolenAdministrationsKeyOpensNothingOnceItIsRevoked) {
  const std::filesystem::path stolen = temp_ / "stolen";
  std::filesystem::copy(admin_, stolen, std::filesystem::copy_options::recursive);
  const Ended renewed = Admin({"station", "renew-admin", "--new-key"});
  EXPECT_EQ(renewed.exit_code, 0) << renewed.said();
  EXPECT_THAT(renewed.out, AllOf(HasSubstr("station.old.pem"), HasSubstr("tls/revoked.pem")));
  Done(Admin({"status"}));
  Must(WriteFileAtomically(data_ / "tls/revoked.pem",
                           Must(ReadFile(admin_ / "tls/station.old.pem", 1 << 16))));
  StartAgain();
  Done(Admin({"status"}));
  // A ledger that is restored knows it too.
  Done(Admin({"backup", (temp_ / "backup").string()}));
  EXPECT_EQ(Must(ReadFile(temp_ / "backup/tls/revoked.pem", 1 << 16)),
            Must(ReadFile(data_ / "tls/revoked.pem", 1 << 16)));
  // Nor does another certificate for the same key, which whoever has the folder may hold.
  ServerWorld::Point(stolen, server_->address());
  for (const bool again : {false, true}) {
    if (again) Done(Run("custody-admin", {"station", "renew-admin"}, stolen));
    const Ended refused = Run("custody-admin", {"status"}, stolen);
    EXPECT_EQ(refused.exit_code, 4) << refused.said();
    EXPECT_THAT(refused.error, HasSubstr("was revoked at the server"));
  }
}

// What a thief has can be revoked by its certificate alone.
TEST_F(ProgramsAdminTest, NoCertificateBeforeANewKeyIsEverWrittenOver) {
  const std::filesystem::path present = admin_ / "tls/station.pem";
  const auto kept = [this] { return Must(ReadFile(admin_ / "tls/station.old.pem", 1 << 16)); };
  const std::string first = Must(ReadFile(present, 1 << 16));
  Done(Admin({"station", "renew-admin", "--new-key"}));
  EXPECT_EQ(kept(), first);
  const std::string second = Must(ReadFile(present, 1 << 16));
  Done(Admin({"station", "renew-admin", "--new-key"}));
  EXPECT_EQ(kept(), first + second);
  // Cut short before the new certificate was in place, and done again.
  Must(WriteFileAtomically(present, second));
  Done(Admin({"station", "renew-admin", "--new-key"}));
  EXPECT_EQ(kept(), first + second);
  Done(Admin({"status"}));
}

TEST_F(ProgramsAdminTest, AServerWithAnRsaCertificateDoesNotStart) {
  EXPECT_EQ(server_->Signal(SIGTERM), 0);
  const std::filesystem::path toml = temp_ / "rsa.toml";
  int made = 0;
  const std::string said =
      Shell("openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=custody-server -keyout " +
                (temp_ / "rsa.key").string() + " -out " + (temp_ / "rsa.pem").string(),
            made);
  ASSERT_EQ(made, 0) << said;
  std::filesystem::permissions(
      temp_ / "rsa.key", std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  Must(WriteFileAtomically(toml, "[tls]\ncertificate = \"rsa.pem\"\nkey = \"rsa.key\"\n"));
  const Ended refused = Run("custody-server", {"--config", toml.string(), "--dir", data_.string(),
                                               "--listen", "127.0.0.1:0"});
  EXPECT_EQ(refused.exit_code, 2) << refused.said();
  EXPECT_THAT(refused.error,
              AllOf(HasSubstr("must have a key of kind P-256"), HasSubstr("found RSA of 2048 bits"),
                    HasSubstr("TLS 1.2"), HasSubstr("station renew-server")));
}

// One of a trustee's two keys may be a thief's: which is to stay people say, and no list does
// unseen.
TEST_F(ProgramsAdminTest, OfATrusteesTwoKeysNoneWinsUnseenWhenTheTrusteesChange) {
  const std::string second = EnrolSecondKey("T-1");
  Pin("T-3");
  Done(Admin({"key", "new", "--person", "T-3"}));
  const std::vector<std::string> change = {
      "publish",  "trustees",  "--add", "Tessa Novak:" + (admin_ / "keys/T-3.request").string(),
      "--reason", "succession"};
  const std::uint64_t before = Entries();
  const Ended refused = Trustees(change);
  EXPECT_EQ(refused.exit_code, 1) << refused.said();
  EXPECT_THAT(refused.error, AllOf(HasSubstr("trustee T-1 has two keys that sign"),
                                   HasSubstr(second), HasSubstr("custody-admin revoke")));
  EXPECT_EQ(Entries(), before);
  Done(Trustees({"revoke", second, "--reason", "not mine"}));
  Done(Trustees(change));
  Done(Admin({"publish", "schema", "--as", "T-1", "--as", "T-3"}));
}

TEST_F(ProgramsAdminTest, TrusteesChangeByTheirQuorumAndWhoLeftDecidesNothingMore) {
  Pin("T-3");
  Done(Admin({"key", "new", "--person", "T-3"}));
  const std::string request = (admin_ / "keys/T-3.request").string();
  const std::vector<std::string> change = {
      "publish",  "trustees", "--add",    "Tessa Novak:" + request,
      "--remove", "T-2",      "--reason", "succession"};
  const std::uint64_t before = Entries();
  std::vector<std::string> alone = change;
  alone.insert(alone.end(), {"--as", "T-1"});
  const Ended refused = Admin(alone);
  EXPECT_EQ(refused.exit_code, 4) << refused.said();
  EXPECT_THAT(refused.error, HasSubstr("expected the signatures of 2 trustees"));
  for (const auto& [more, says] : std::vector<std::pair<std::vector<std::string>, const char*>>{
           {{}, "say what changes"},
           {{"--remove", "T-9"}, "is no trustee"},
           {{"--add", "Nobody"}, "PRINTED NAME:FILE"},
           {{"--quorum", "3"}, "quorum"}}) {
    std::vector<std::string> odd = {"publish", "trustees", "--reason", "r"};
    odd.insert(odd.end(), more.begin(), more.end());
    const Ended ended = Trustees(odd);
    EXPECT_NE(ended.exit_code, 0) << ended.said();
    EXPECT_THAT(ended.error, HasSubstr(says));
  }
  EXPECT_EQ(Entries(), before);

  const Ended changed = Trustees(change);
  EXPECT_EQ(changed.exit_code, 0) << changed.said();
  EXPECT_THAT(changed.out, HasSubstr("trustees are T-1, T-3 from now on, 2 of them decide"));
  EXPECT_EQ(Entries(), before + 1);
  EXPECT_NE(Trustees({"publish", "schema"}).exit_code, 0);
  Done(Admin({"publish", "schema", "--as", "T-1", "--as", "T-3"}));
  const Ended clean =
      Admin({"check", data_.string(), "--trust", (admin_ / "ledger.trust.json").string()});
  EXPECT_EQ(clean.exit_code, 0) << clean.said();
}

TEST(ProgramsCheckTest, SettingsThatTellAlertsInClearAreRefusedInProductionAlone) {
  for (const pb::Environment environment : {pb::DEMO, pb::PRODUCTION}) {
    const ServerWorld world({.small = true}, "one", environment);
    const std::filesystem::path settings = world.Scratch("server.toml");
    const auto check = [&](const std::string& webhook) {
      Must(WriteFileAtomically(settings, "[[alerts.recipient]]\nname = \"hook\"\nwebhook = \"" +
                                             webhook +
                                             "\"\n[[alerts.list]]\nsite = \"CLINIC\"\n"
                                             "tell = [\"hook\"]\n"));
      return Execute(
          {.program = "custody-admin",
           .arguments = {"check", world.data().string(), "--settings", settings.string()}});
    };
    const Ended clear = check("http://alarm.example/token");
    const bool refused = clear.said().find("in clear: nothing is handed") != std::string::npos;
    EXPECT_EQ(refused, environment == pb::PRODUCTION) << clear.said();
    EXPECT_EQ(refused, clear.exit_code == 1) << clear.said();
    EXPECT_THAT(clear.said(), Not(HasSubstr("token")));
    EXPECT_THAT(check("https://alarm.example/token").said(), Not(HasSubstr("in clear")));
    EXPECT_EQ(check("ftp://alarm.example").exit_code, 2);
  }
}

}  // namespace
}  // namespace custody

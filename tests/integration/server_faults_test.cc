// The real server on a bad day: files at their limit, a full disk, folders that cannot be served,
// kills and signals under load. Whatever was acknowledged stays; whatever is refused says why.

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "crypto/dsse.h"
#include "crypto/file.h"
#include "custody/auditor.h"
#include "server/ledger/reader.h"
#include "server/store/store.h"
#include "tests/integration/raw_caller.h"
#include "tests/integration/server_world.h"
#include "tests/support/audits.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

// What was acknowledged: event id to log index.
using Acknowledged = std::map<std::string, std::uint64_t>;

std::string IdOf(const pb::SignedEvent& event) { return EventId(event.payload()).ToHex(); }

class ServerFaultsTest : public ::testing::Test {
 protected:
  RawCaller Caller(const RunningServer& server, std::string_view name = "clinic.station.1") {
    return RawCaller(server.address(), world_.authority(), name);
  }
  // Sends `event` until it is recorded; its answer.
  static pb::RecordReply Insist(RawCaller& caller, const pb::SignedEvent& event) {
    const std::int64_t end = SystemClock().MonotonicMicros() + 90 * kMicrosPerSecond;
    pb::RecordReply reply;
    Status status;
    do {
      status = caller.Record(event, &reply).status;
    } while (!status.ok() && SystemClock().MonotonicMicros() < end);
    CUSTODY_EXPECT_OK(status);
    return reply;
  }
  // What the program says when it is started over `folder` and cannot serve it.
  static std::string Start(const fs::path& folder, int& exit_code, const std::string& before = "",
                           const fs::path& program = CUSTODY_BIN_DIR "/custody-server") {
    return Shell(before + " timeout 60 " + program.string() + " --dir " + folder.string() +
                     " --listen 127.0.0.1:0",
                 exit_code);
  }
  pb::AuditReport Audit(const fs::path& folder) {
    const auto reader = Must(LedgerReader::Open(folder));
    LogAuditor auditor(nullptr, {});
    Must(reader->ForEach(0, [&](std::uint64_t, const StatusOr<std::string>& entry,
                                const StatusOr<pb::SignedEvent>& signed_event) {
      auditor.Add(entry.value(), &signed_event.value());
      return true;
    }));
    return auditor.Finish(Must(reader->NewestCheckpoint()));
  }

  ServerWorld world_;
};

// Says, for whoever reads the test's output, that this machine cannot show the behaviour; where
// CUSTODY_CI is set nothing may stay untried.
void NotTried(const char* why) {
  if (std::getenv("CUSTODY_CI") != nullptr) ADD_FAILURE() << "not tried: " << why;
  std::printf("NOT TRIED: %s\n", why);
  ::testing::Test::RecordProperty("not_tried", why);
}

// The largest of the database's write-ahead logs, in bytes.
std::uintmax_t LogBytes(const fs::path& data) {
  std::uintmax_t largest = 0;
  for (const fs::directory_entry& file : fs::directory_iterator(data / "db")) {
    if (file.path().extension() == ".log") largest = std::max(largest, file.file_size());
  }
  return largest;
}

TEST_F(ServerFaultsTest, AFileAtItsLimitStopsRecordingAndItResumesByItselfWithNothingLost) {
  const RunningServer server(world_.data());
  RawCaller caller = Caller(server);
  Acknowledged acknowledged;
  pb::RecordReply reply;
  pb::SignedEvent event = world_.Next("therapy/A");
  acknowledged[IdOf(event)] = Insist(caller, event).receipt().index();
  rlimit limit{LogBytes(world_.data()) + 20'000, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);

  Status refused;
  for (int i = 0; i < 200 && refused.ok(); ++i) {
    event = world_.Next("therapy/A");
    refused = caller.Record(event, &reply).status;
    if (refused.ok()) acknowledged[IdOf(event)] = reply.receipt().index();
  }
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable, "send the same event again"));
  EXPECT_GT(acknowledged.size(), 2u);

  limit.rlim_cur = RLIM_INFINITY;
  ASSERT_EQ(::prlimit(server.pid(), RLIMIT_FSIZE, &limit, nullptr), 0);
  acknowledged[IdOf(event)] = Insist(caller, event).receipt().index();
  for (const Recorded& recorded : world_.ledger().log()) {
    const auto known = acknowledged.find(IdOf(recorded.signed_event));
    if (known == acknowledged.end()) continue;
    const pb::RecordReply again = Insist(caller, recorded.signed_event);
    EXPECT_TRUE(again.known());
    EXPECT_EQ(again.receipt().index(), known->second);
  }
  pb::GetStatusReply status;
  CUSTODY_ASSERT_OK(
      caller.Ask(*caller.custody, &pb::Custody::Stub::GetStatus, pb::GetStatusRequest(), &status)
          .status);
  EXPECT_FALSE(status.read_only()) << status.read_only_reason();
  EXPECT_EQ(status.entries(), world_.ledger().log().size());
}

// A volume of its own, which is full when nearly all of it is taken.
class SmallVolume {
 public:
  SmallVolume(fs::path path, const char* size) : path_(std::move(path)) {
    fs::create_directories(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, size) == 0;
  }
  SmallVolume(const SmallVolume&) = delete;
  SmallVolume& operator=(const SmallVolume&) = delete;
  ~SmallVolume() {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  bool mounted_ = false;
};

TEST_F(ServerFaultsTest, AFullDiskIsSaidSoAndRecordingGoesOnWhenThereIsRoom) {
  const SmallVolume volume(world_.Scratch("volume"), "size=160m");
  if (!volume.mounted()) return NotTried("it needs the right to mount a volume");
  const fs::path data = volume.path() / "data";
  fs::copy(world_.data(), data, fs::copy_options::recursive);
  const RunningServer server(data);
  RawCaller caller = Caller(server);
  const pb::SignedEvent first = world_.Next("therapy/A");
  const std::uint64_t index = Insist(caller, first).receipt().index();
  const pb::SignedEvent second = world_.Next("therapy/A");
  Must(WriteFileAtomically(volume.path() / "filler", std::string(120 << 20, 'x')));
  pb::RecordReply reply;
  EXPECT_THAT(caller.Record(second, &reply).status,
              StatusIs(StatusCode::kResourceExhausted, "is full"));
  // What is recorded can still be proved; what needs to write a note of the read cannot be read.
  EXPECT_TRUE(Insist(caller, first).known());
  fs::remove(volume.path() / "filler");
  CUSTODY_ASSERT_OK(caller.Record(second, &reply).status);
  EXPECT_FALSE(reply.known());
  EXPECT_EQ(reply.receipt().index(), index + 1);
}

TEST_F(ServerFaultsTest, AFolderThatIsServedAlreadyIsRefused) {
  const RunningServer server(world_.data());
  int exit_code = 0;
  EXPECT_THAT(Start(world_.data(), exit_code),
              HasSubstr("is open already, probably by a running custody-server; stop it first"));
  EXPECT_EQ(exit_code, 3);
}

TEST_F(ServerFaultsTest, AFolderWithNoLedgerIsRefused) {
  fs::rename(world_.data() / "db", world_.data() / "elsewhere");
  int exit_code = 0;
  EXPECT_THAT(Start(world_.data(), exit_code),
              HasSubstr("there is no ledger in " + world_.data().string() +
                        "; make one with custody-admin init"));
  EXPECT_EQ(exit_code, 2);
}

TEST_F(ServerFaultsTest, ALedgerUnderAnotherLogKeyIsRefused) {
  Must(Must(PrivateKey::Generate(KeyAlgorithm::kEd25519)).SavePlain(world_.Scratch("log.key")));
  fs::rename(world_.Scratch("log.key"), world_.data() / "log.key");
  int exit_code = 0;
  EXPECT_THAT(Start(world_.data(), exit_code), HasSubstr("use the log.key that was made with"));
  EXPECT_EQ(exit_code, 1);
}

TEST_F(ServerFaultsTest, ADatabaseOfAnotherLedgerIsRefused) {
  const ServerWorld other({.small = true}, "two");
  fs::remove_all(world_.data() / "db");
  fs::copy(other.data() / "db", world_.data() / "db", fs::copy_options::recursive);
  int exit_code = 0;
  EXPECT_THAT(Start(world_.data(), exit_code), HasSubstr("put this ledger's own database back"));
  EXPECT_EQ(exit_code, 1);
  // Also when its key came along, and only the anchor is the first one's.
  fs::copy(other.data() / "log.key", world_.data() / "log.key",
           fs::copy_options::overwrite_existing);
  EXPECT_THAT(Start(world_.data(), exit_code), HasSubstr("the anchor is of another ledger"));
  EXPECT_EQ(exit_code, 1);
}

TEST_F(ServerFaultsTest, AFolderOfANewerFormatIsRefused) {
  {
    StoreOptions options;
    options.folder = world_.data() / "db";
    const auto store = Must(OpenRocksStore(options));
    const StoreVersion version = store->GetSnapshot()->version();
    Batch batch;
    batch.Put(Table::kMeta, "store.format", "2");
    Must(store->Commit(batch, version, version.log_size).status);
  }
  int exit_code = 0;
  EXPECT_THAT(Start(world_.data(), exit_code), HasSubstr("use the newer program"));
  EXPECT_EQ(exit_code, 1);
}

TEST_F(ServerFaultsTest, AFolderThatMayNotBeWrittenIsRefusedAndUntouched) {
  std::string as_owner;
  const bool root = ::geteuid() == 0;
  if (root) as_owner = "setpriv --reuid=65534 --regid=65534 --clear-groups";
  // Where everybody may run it, wherever it was built.
  const fs::path program = world_.Scratch("custody-server");
  fs::copy_file(CUSTODY_BIN_DIR "/custody-server", program);
  fs::permissions(world_.data().parent_path(), fs::perms(0755));
  fs::permissions(program, fs::perms(0755));
  int exit_code = 0;
  Shell(as_owner + " test -x " + program.string(), exit_code);
  if (exit_code != 0) return NotTried("the program cannot be run by another user from here");
  if (root) {
    Shell("chown -R 65534:65534 " + world_.data().string(), exit_code);
  }
  Shell("chmod -R u-w " + world_.data().string(), exit_code);
  const std::string before = Shell("ls -lR " + world_.data().string(), exit_code);
  const std::string said = Start(world_.data(), exit_code, as_owner, program);
  EXPECT_THAT(said, AllOf(HasSubstr("may not write its anchor"), HasSubstr("mount them writable")));
  EXPECT_EQ(exit_code, 4) << said;
  EXPECT_EQ(Shell("ls -lR " + world_.data().string(), exit_code), before);
  Shell("chmod -R u+w " + world_.data().string(), exit_code);
}

TEST_F(ServerFaultsTest, SignalsThatAreNoOrderToStopDoNotStop) {
  RunningServer server(world_.data());
  RawCaller caller = Caller(server);
  server.Send(SIGPIPE);
  server.Send(SIGXFSZ);
  Insist(caller, world_.Next("therapy/A"));
  EXPECT_EQ(server.Signal(SIGHUP), 0);  // the terminal is gone: drained like by SIGTERM
}

// Sends `events` from the `begin`th on through one stream until the server is gone; what it
// acknowledged. `acknowledged_one` is called for each answer.
RpcError Stream(RawCaller& caller, const std::vector<pb::SignedEvent>& events, std::size_t begin,
                Acknowledged& acknowledged, const std::function<void()>& acknowledged_one) {
  grpc::ClientContext context;
  RawCaller::Bound(context);
  const auto stream = caller.ledger->RecordMany(&context);
  std::thread writer([&] {
    for (std::size_t i = begin; i < events.size(); ++i) {
      pb::RecordRequest request;
      *request.mutable_signed_() = events[i];
      if (!stream->Write(request)) return;
    }
    stream->WritesDone();
  });
  pb::RecordReply reply;
  for (std::size_t i = begin; stream->Read(&reply); ++i) {
    EXPECT_FALSE(reply.has_error()) << i << ": " << reply.error().message();
    const auto [known, fresh] = acknowledged.emplace(IdOf(events[i]), reply.receipt().index());
    EXPECT_EQ(known->second, reply.receipt().index()) << i;
    EXPECT_TRUE(fresh || reply.known()) << i;
    acknowledged_one();
  }
  writer.join();
  return FromGrpc(stream->Finish());
}

std::vector<pb::SignedEvent> Load(ServerWorld& world, int count, int chains) {
  std::vector<pb::SignedEvent> events;
  for (int i = 0; i < count; ++i) {
    events.push_back(world.Next("therapy/L" + std::to_string(i % chains)));
  }
  return events;
}

TEST_F(ServerFaultsTest, TermUnderLoadAnswersEveryEventThatItTookAndNoOther) {
  const std::vector<pb::SignedEvent> events = Load(world_, 600, 30);
  auto server = std::make_unique<RunningServer>(world_.data());
  Acknowledged acknowledged;
  int answers = 0;
  {
    RawCaller caller = Caller(*server);
    const RpcError end = Stream(caller, events, 0, acknowledged, [&] {
      if (++answers == 40) server->Send(SIGTERM);
    });
    EXPECT_THAT(end.status, StatusIs(StatusCode::kUnavailable, "send the unanswered again"));
  }
  EXPECT_EQ(server->Wait(), 0);
  ASSERT_LT(acknowledged.size(), events.size()) << "the signal came too late to show anything";
  // Neither lost nor taken and left unanswered.
  const std::size_t before = world_.ledger().log().size() - events.size();
  EXPECT_EQ(Must(LedgerReader::Open(world_.data()))->size(), before + acknowledged.size());
  server = std::make_unique<RunningServer>(world_.data());
  RawCaller caller = Caller(*server);
  CUSTODY_EXPECT_OK(Stream(caller, events, 0, acknowledged, [] {}).status);
  EXPECT_EQ(acknowledged.size(), events.size());
  EXPECT_EQ(server->Signal(SIGTERM), 0);
  EXPECT_EQ(Findings(Audit(world_.data())), "");
}

// Each killed CUSTODY_KILLS times, 10 unless that is set; five of them make 50.
class ServerKillTest : public ServerFaultsTest, public ::testing::WithParamInterface<unsigned> {};

TEST_P(ServerKillTest, KilledAtAnyMomentUnderLoadItLosesNothingThatItAcknowledged) {
  const char* wanted = std::getenv("CUSTODY_KILLS");
  const int kills = wanted != nullptr ? std::atoi(wanted) : 10;
  std::mt19937 random(GetParam());
  const std::vector<pb::SignedEvent> events = Load(world_, 60 * kills, 24);
  Acknowledged acknowledged;
  for (int kill = 0; kill < kills; ++kill) {
    RunningServer server(world_.data());
    RawCaller caller = Caller(server);
    // From the first that is not acknowledged on: behind it are some that are.
    std::size_t begin = 0;
    while (begin < events.size() && acknowledged.contains(IdOf(events[begin]))) ++begin;
    unsigned left = static_cast<unsigned>(random() % 60);
    const auto count = [&] {
      if (left-- == 0) server.Send(SIGKILL);
    };
    count();
    Stream(caller, events, begin, acknowledged, count);
    server.Send(SIGKILL);
    EXPECT_EQ(server.Wait(), 128 + SIGKILL);
  }
  EXPECT_GT(acknowledged.size(), static_cast<std::size_t>(kills));
  {
    RunningServer server(world_.data());
    RawCaller caller = Caller(server);
    CUSTODY_EXPECT_OK(Stream(caller, events, 0, acknowledged, [] {}).status);
    EXPECT_EQ(server.Signal(SIGTERM), 0);
  }
  EXPECT_EQ(acknowledged.size(), events.size());
  EXPECT_EQ(Findings(Audit(world_.data())), "");
  EXPECT_EQ(Must(LedgerReader::Open(world_.data()))->size(), world_.ledger().log().size());
}

INSTANTIATE_TEST_SUITE_P(Seeds, ServerKillTest, ::testing::Values(1, 2, 3, 4, 5));

}  // namespace
}  // namespace custody

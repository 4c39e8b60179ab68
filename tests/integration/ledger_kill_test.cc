// SIGKILL at some moment under load: whatever was acknowledged is there, and the rest is sound.
//
// The page cache survives a kill, so this shows that nothing is acknowledged before it is written
// whole; that it is synced before is shown by RocksStoreTest.EveryCommitIsSyncedBeforeItReturns.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>

#include "crypto/file.h"
#include "tests/support/audits.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

// Starts the writer on `folder`, kills it after `lines` acknowledgements, and gives all that it
// acknowledged: index to event id.
std::map<std::uint64_t, std::string> WriteAndKill(const std::filesystem::path& folder,
                                                  std::size_t lines) {
  std::map<std::uint64_t, std::string> acknowledged;
  int pipe[2];
  if (::pipe(pipe) != 0) return acknowledged;
  const std::string program = std::string(CUSTODY_BIN_DIR) + "/ledger_writer";
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::execl(program.c_str(), program.c_str(), folder.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(pipe[1]);
  std::FILE* in = ::fdopen(pipe[0], "r");
  unsigned long long index = 0;
  char id[65] = {};
  while (std::fscanf(in, "%llu %64s", &index, id) == 2) {
    acknowledged[index] = id;
    if (acknowledged.size() == lines) ::kill(child, SIGKILL);  // what is in the pipe still counts
  }
  std::fclose(in);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  return acknowledged;
}

class LedgerKillTest : public ::testing::TestWithParam<std::size_t> {};

TEST_P(LedgerKillTest, WhatWasAcknowledgedIsThereAndTheLogAuditsClean) {
  TempDir folder;
  const auto acknowledged = WriteAndKill(folder.path(), GetParam());
  ASSERT_GE(acknowledged.size(), GetParam());

  TestLedger world(pb::DEMO, "one", {.small = true});
  FakeClock clock(world.now());
  LedgerOptions options;
  options.folder = folder.path();
  options.clock = &clock;
  CUSTODY_ASSERT_OK_AND_ASSIGN(PrivateKey key, PrivateKey::LoadPlain(folder / "log.key"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(auto ledger, Ledger::Open(options, std::move(key)));
  for (const auto& [index, id] : acknowledged) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::Receipt receipt,
                                 ledger->GetInclusionProof(index, std::nullopt));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::LogEntry entry, ParseLogEntry(receipt.entry()));
    EXPECT_EQ(Must(Hash::FromBytes(entry.event_id())).ToHex(), id) << index;
  }
  ledger.reset();

  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto reader, LedgerReader::Open(folder.path()));
  LogAuditor auditor(nullptr, {});
  CUSTODY_ASSERT_OK(reader->ForEach(0, [&](std::uint64_t, const StatusOr<std::string>& entry,
                                           const StatusOr<pb::SignedEvent>& signed_event) {
    auditor.Add(entry.value(), &signed_event.value());
    return true;
  }));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string checkpoint, reader->NewestCheckpoint());
  EXPECT_EQ(Findings(auditor.Finish(checkpoint)), "");
}

INSTANTIATE_TEST_SUITE_P(Moments, LedgerKillTest, ::testing::Values(1, 17, 40, 133, 400));

}  // namespace
}  // namespace custody

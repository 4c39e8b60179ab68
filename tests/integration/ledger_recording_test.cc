// Recording through a whole ledger: receipts, retries, order, refusals, groups.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

#include "crypto/dsse.h"
#include "crypto/heads_map.h"
#include "tests/support/audits.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

class LedgerRecordingTest : public ::testing::Test {
 protected:
  void SetUp() override { folder_.Begin(); }
  RecordOutcome Record(const pb::SignedEvent& event) { return RecordNow(folder_.ledger(), event); }
  LedgerFolder folder_;
};

TEST_F(LedgerRecordingTest, ReceiptsVerifyAndTheFolderAuditsClean) {
  const std::uint64_t first = folder_.world().next_index();
  for (std::uint64_t i = 0; i < 40; ++i) {
    const pb::SignedEvent& event = folder_.Next("therapy/T" + std::to_string(i % 3));
    const RecordOutcome outcome = Record(event);
    CUSTODY_ASSERT_OK(outcome.status);
    EXPECT_FALSE(outcome.reply.known());
    EXPECT_EQ(outcome.reply.receipt().index(), first + i);
    CUSTODY_EXPECT_OK(VerifyReceipt(outcome.reply.receipt(), event, folder_.log()));
  }
  folder_.Close();
  const pb::AuditReport report = folder_.Audit();
  EXPECT_EQ(report.entries(), first + 40);
  EXPECT_EQ(Findings(report), "");
}

TEST_F(LedgerRecordingTest, RetryGetsItsFirstReceiptAlsoAfterReopening) {
  const pb::SignedEvent event = folder_.Next();
  const RecordOutcome first = Record(event);
  CUSTODY_ASSERT_OK(first.status);
  CUSTODY_ASSERT_OK(Record(folder_.Next()).status);
  for (int round = 0; round < 2; ++round) {
    const RecordOutcome again = Record(event);
    CUSTODY_ASSERT_OK(again.status);
    EXPECT_TRUE(again.reply.known());
    EXPECT_EQ(again.reply.receipt().SerializeAsString(), first.reply.receipt().SerializeAsString());
    CUSTODY_ASSERT_OK(folder_.Open());
  }
}

TEST_F(LedgerRecordingTest, SignaturesSentWithARetryAreIgnored) {
  pb::SignedEvent event = folder_.Next();
  CUSTODY_ASSERT_OK(Record(event).status);
  event.mutable_signatures(0)->set_value(std::string(64, '\1'));
  const RecordOutcome again = Record(event);
  CUSTODY_ASSERT_OK(again.status);
  EXPECT_TRUE(again.reply.known());
}

TEST_F(LedgerRecordingTest, TheSameEventTwiceInFlightIsOneEntry) {
  const pb::SignedEvent event = folder_.Next();
  std::vector<std::promise<RecordOutcome>> answers(20);
  for (auto& answer : answers) {
    folder_.ledger().Record(event, "clinic.station.1", [&answer](RecordOutcome outcome) {
      answer.set_value(std::move(outcome));
    });
  }
  std::set<std::uint64_t> indexes;
  int fresh = 0;
  for (auto& answer : answers) {
    const RecordOutcome outcome = answer.get_future().get();
    CUSTODY_ASSERT_OK(outcome.status);
    CUSTODY_EXPECT_OK(VerifyReceipt(outcome.reply.receipt(), event, folder_.log()));
    indexes.insert(outcome.reply.receipt().index());
    fresh += outcome.reply.known() ? 0 : 1;
  }
  EXPECT_EQ(indexes.size(), 1U);
  EXPECT_EQ(fresh, 1);
}

TEST_F(LedgerRecordingTest, AStalePreviousIsAbortedAndNamesTheHead) {
  CUSTODY_ASSERT_OK(Record(folder_.Next()).status);
  const Recorded& head = folder_.world().log().back();
  EventBuilder stale = PatientEnrolledBy(folder_.world(), "therapy/T1");
  const RecordOutcome outcome = Record(stale.After(0, Hash()).Sign());
  EXPECT_THAT(outcome.status, StatusIs(StatusCode::kAborted));
  ASSERT_TRUE(outcome.moved.has_value());
  EXPECT_EQ(outcome.moved->chain(), "therapy/T1");
  EXPECT_EQ(outcome.moved->length(), 1U);
  EXPECT_EQ(outcome.moved->head(), head.parsed.event_id.view());
}

TEST_F(LedgerRecordingTest, AnAdoptedOriginalIsKnownFromThenOn) {
  CUSTODY_ASSERT_OK(Record(folder_.Next()).status);
  // Signed offline on a place that is taken meanwhile.
  const pb::SignedEvent original =
      ConsentWithdrawnBy(folder_.world(), "therapy/T1", "clinic.rn.2").Sign();
  CUSTODY_ASSERT_OK(Record(folder_.Next()).status);
  EXPECT_THAT(Record(original).status, StatusIs(StatusCode::kAborted));

  EventBuilder adopting = folder_.world().On("therapy/T1").By("clinic.rn.1", pb::TRANSCRIBED);
  adopting.Set(&pb::Event::mutable_adopted, [&](pb::AdoptedEvent& body) {
    *body.mutable_original() = original;
    body.set_reason("the ward was offline");
  });
  const RecordOutcome adopted = Record(adopting.Sign());
  CUSTODY_ASSERT_OK(adopted.status);
  const RecordOutcome retry = Record(original);
  CUSTODY_ASSERT_OK(retry.status);
  EXPECT_TRUE(retry.reply.known());
  EXPECT_EQ(retry.reply.receipt().index(), adopted.reply.receipt().index());

  EventBuilder again = folder_.world().On("therapy/T1").By("clinic.rn.2", pb::TRANSCRIBED);
  again.Set(&pb::Event::mutable_adopted, [&](pb::AdoptedEvent& body) {
    *body.mutable_original() = original;
    body.set_reason("twice");
  });
  EXPECT_THAT(Record(again.Sign()).status, StatusIs(StatusCode::kAlreadyExists));
}

TEST_F(LedgerRecordingTest, AnOriginalThatFollowsWhatWasNeverRecordedIsNotAdopted) {
  CUSTODY_ASSERT_OK(Record(folder_.Next()).status);
  // Two signed offline, one on the other; the first of them was dropped.
  TestLedger& world = folder_.world();
  EventBuilder first = ConsentWithdrawnBy(world, "therapy/T1", "clinic.rn.2");
  EventBuilder second = ConsentWithdrawnBy(world, "therapy/T1", "clinic.rn.1");
  second.After(first.event().sequence(), EventId(first.Sign().payload()));
  std::optional<Hash> last;  // the adoption that the world does not know of
  const auto adopt = [&](EventBuilder& original) {
    EventBuilder adopting = world.On("therapy/T1").By("clinic.rn.1", pb::TRANSCRIBED);
    adopting.Set(&pb::Event::mutable_adopted, [&](pb::AdoptedEvent& body) {
      *body.mutable_original() = original.Sign();
      body.set_reason("the ward was offline");
    });
    if (last) adopting.After(2, *last);
    const pb::SignedEvent adoption = adopting.Sign();
    const Status status = Record(adoption).status;
    if (status.ok()) last = EventId(adoption.payload());
    return status;
  };
  CUSTODY_ASSERT_OK(Record(folder_.Next()).status);
  const Status refused = adopt(second);
  EXPECT_THAT(refused, StatusIs(StatusCode::kFailedPrecondition, "does not have"));
  CUSTODY_ASSERT_OK(adopt(first));
  CUSTODY_ASSERT_OK(adopt(second));
}

TEST_F(LedgerRecordingTest, BadBytesAndBadSignaturesAreRefusedAndNothingIsWritten) {
  pb::SignedEvent event = ConsentWithdrawnBy(folder_.world(), "therapy/T1").Sign();
  const std::uint64_t entries = folder_.ledger().GetStatus().entries();
  pb::SignedEvent bad = event;
  bad.mutable_signatures(0)->mutable_value()->at(5) ^= 1;
  EXPECT_THAT(Record(bad).status, StatusIs(StatusCode::kInvalidArgument));
  bad = event;
  bad.mutable_payload()->push_back('\1');
  EXPECT_THAT(Record(bad).status, StatusIs(StatusCode::kInvalidArgument));
  bad = event;
  bad.clear_signatures();
  EXPECT_THAT(Record(bad).status, StatusIs(StatusCode::kInvalidArgument));
  const TestPerson& stranger = folder_.world().MakePerson("CLINIC", pb::RN, "clinic.rn.9");
  const pb::SignedEvent unknown =
      ConsentWithdrawnBy(folder_.world(), "therapy/T1", stranger.id).Sign();
  EXPECT_THAT(Record(unknown).status, StatusIs(StatusCode::kPermissionDenied));
  EXPECT_EQ(folder_.ledger().GetStatus().entries(), entries);
}

TEST_F(LedgerRecordingTest, RulesAndSchemasThatTheServerDoesNotHaveAreRefused) {
  const std::uint64_t entries = folder_.ledger().GetStatus().entries();
  const auto quorum = [&] {
    return folder_.world().On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
  };
  EventBuilder rules = quorum();
  rules.event().mutable_rules_adopted()->set_rules_version(999);
  rules.event().mutable_rules_adopted()->set_reason("by mistake");
  EXPECT_THAT(Record(rules.Sign()).status,
              StatusIs(StatusCode::kPermissionDenied, "rules version 999"));
  EventBuilder schema = quorum();
  schema.event().mutable_schema_published()->set_schema_sha256(Sha256("foreign").ToString());
  EXPECT_THAT(Record(schema.Sign()).status,
              StatusIs(StatusCode::kPermissionDenied, "the schema that this program has"));
  EXPECT_EQ(folder_.ledger().GetStatus().entries(), entries);
  schema.event().mutable_schema_published()->set_schema_sha256(Sha256(Schema()).ToString());
  CUSTODY_EXPECT_OK(Record(schema.Sign()).status);
}

TEST_F(LedgerRecordingTest, AChainSentAtOnceIsJudgedInTheOrderInWhichItCame) {
  std::vector<pb::SignedEvent> chain;
  for (int i = 0; i < 60; ++i) chain.push_back(folder_.Next("therapy/FAST"));
  std::vector<std::promise<RecordOutcome>> answers(chain.size());
  for (std::size_t i = 0; i < chain.size(); ++i) {
    folder_.ledger().Record(chain[i], "clinic.station.1", [&answers, i](RecordOutcome outcome) {
      answers[i].set_value(std::move(outcome));
    });
  }
  for (auto& answer : answers) CUSTODY_EXPECT_OK(answer.get_future().get().status);
  EXPECT_LT(folder_.ledger().GetStatus().groups(), folder_.ledger().GetStatus().entries());
}

TEST_F(LedgerRecordingTest, AFullQueueRefusesAtOnce) {
  std::vector<pb::SignedEvent> events;
  for (int i = 0; i < 5; ++i) events.push_back(folder_.Next("therapy/Q" + std::to_string(i)));
  folder_.options().queue_capacity = 4;
  CUSTODY_ASSERT_OK(folder_.Open());
  // The committer stands still in the first answer, so that nothing leaves the queue.
  std::promise<void> go;
  std::shared_future<void> gate = go.get_future().share();
  std::atomic<int> answered = 0;
  std::promise<void> standing;
  folder_.ledger().Record(events[0], "", [&](RecordOutcome) {
    standing.set_value();
    gate.wait();
  });
  standing.get_future().wait();
  for (int i = 1; i < 4; ++i) {
    folder_.ledger().Record(events[static_cast<std::size_t>(i)], "", [&](RecordOutcome outcome) {
      CUSTODY_EXPECT_OK(outcome.status);
      ++answered;
    });
  }
  EXPECT_EQ(answered, 0);
  Status refused;
  folder_.ledger().Record(events[4], "", [&](RecordOutcome outcome) { refused = outcome.status; });
  EXPECT_THAT(refused, StatusIs(StatusCode::kResourceExhausted));
  go.set_value();
  folder_.ledger().Drain();
  EXPECT_EQ(answered, 3);
}

TEST_F(LedgerRecordingTest, DrainAnswersAllAndThenRefuses) {
  std::atomic<int> answered = 0;
  for (int i = 0; i < 30; ++i) {
    folder_.ledger().Record(folder_.Next("therapy/D"), "", [&](RecordOutcome outcome) {
      CUSTODY_EXPECT_OK(outcome.status);
      ++answered;
    });
  }
  folder_.ledger().Drain();
  EXPECT_EQ(answered, 30);
  EXPECT_THAT(Record(folder_.Next("therapy/D")).status, StatusIs(StatusCode::kUnavailable));
}

TEST_F(LedgerRecordingTest, HeadsAndConsistencyAreProvedForEveryKeptCheckpoint) {
  std::vector<std::pair<std::string, std::uint64_t>> kept;  // checkpoint, length of T1 at it
  std::uint64_t length = 0;
  for (int i = 0; i < 12; ++i) {
    const std::string chain = i % 3 == 0 ? "therapy/T1" : "therapy/X" + std::to_string(i);
    const RecordOutcome outcome = Record(folder_.Next(chain));
    CUSTODY_ASSERT_OK(outcome.status);
    if (i % 3 == 0) ++length;
    kept.emplace_back(outcome.reply.receipt().checkpoint(), length);
  }
  const Checkpoint newest = Must(OpenCheckpoint(kept.back().first, folder_.log()));
  for (const auto& [note, expected] : kept) {
    const Checkpoint checkpoint = Must(OpenCheckpoint(note, folder_.log()));
    CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::HeadsProofReply proof,
                                 folder_.ledger().GetHeadsProof("therapy/T1", checkpoint.size));
    ASSERT_TRUE(proof.present());
    EXPECT_EQ(proof.length(), expected);
    HeadsProof siblings;
    for (const std::string& hash : proof.siblings()) {
      siblings.siblings.push_back(Must(Hash::FromBytes(hash)));
    }
    const pb::LogEntry last = Must(ParseLogEntry(proof.last_entry().entry()));
    CUSTODY_EXPECT_OK(
        VerifyPresence({Sha256("therapy/T1"), Must(Hash::FromBytes(proof.head())), proof.length()},
                       siblings, Must(Hash::FromBytes(last.heads_root()))));
    EXPECT_EQ(proof.last_entry().checkpoint(), note);
    EXPECT_EQ(proof.last_entry().index(), checkpoint.size - 1);

    CUSTODY_ASSERT_OK_AND_ASSIGN(
        const pb::ConsistencyProofReply grown,
        folder_.ledger().GetConsistencyProof(checkpoint.size, newest.size));
    std::vector<Hash> path;
    for (const std::string& hash : grown.path()) path.push_back(Must(Hash::FromBytes(hash)));
    CUSTODY_EXPECT_OK(
        VerifyConsistency(checkpoint.size, checkpoint.root, newest.size, newest.root, path));
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::HeadsProofReply absent,
                               folder_.ledger().GetHeadsProof("therapy/NOBODY", std::nullopt));
  EXPECT_FALSE(absent.present());
}

TEST_F(LedgerRecordingTest, ReadsGiveWhatWasRecorded) {
  const pb::SignedEvent event = folder_.Next("therapy/A");
  CUSTODY_ASSERT_OK(Record(event).status);
  CUSTODY_ASSERT_OK(Record(folder_.Next("therapy/B")).status);
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto ids, folder_.ledger().ListTherapies("", 10));
  EXPECT_EQ(ids, (std::vector<std::string>{"A", "B"}));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto after, folder_.ledger().ListTherapies("A", 10));
  EXPECT_EQ(after, (std::vector<std::string>{"B"}));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto therapy, folder_.ledger().GetTherapy("A", std::nullopt));
  EXPECT_EQ(therapy.length(), 1U);
  EXPECT_THAT(folder_.ledger().GetTherapy("C", std::nullopt), StatusIs(StatusCode::kNotFound));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::FindReply found, folder_.ledger().Find([] {
    pb::FindRequest request;
    request.set_value("B");
    return request;
  }()));
  ASSERT_EQ(found.found_size(), 1);
  EXPECT_EQ(found.found(0).therapy(), "B");

  pb::ReadEntriesRequest request;
  request.set_chain("therapy/A");
  request.set_with_events(true);
  std::vector<pb::EntryReply> entries;
  CUSTODY_ASSERT_OK(folder_.ledger().ReadEntries(
      request, [](const Hash&) { return true; },
      [&](const pb::EntryReply& entry) {
        entries.push_back(entry);
        return true;
      }));
  ASSERT_EQ(entries.size(), 1U);
  EXPECT_EQ(entries[0].signed_().SerializeAsString(), event.SerializeAsString());
  request.clear_chain();
  entries.clear();
  CUSTODY_ASSERT_OK(folder_.ledger().ReadEntries(
      request, [](const Hash&) { return false; },
      [&](const pb::EntryReply& entry) {
        entries.push_back(entry);
        return true;
      }));
  EXPECT_EQ(entries.size(), folder_.ledger().GetStatus().entries());
  EXPECT_FALSE(entries.back().has_signed_());
}

TEST_F(LedgerRecordingTest, WatchersAreToldOfEachCommitUntilTheyLeave) {
  std::vector<std::string> told;
  const auto note = [&told](const LedgerChange& change) {
    if (change.chain == "therapy/W") told.push_back(change.body);
  };
  const std::shared_ptr<void> stays = folder_.ledger().Watch(note);
  folder_.ledger().Watch([&told](const LedgerChange&) { told.push_back("left"); }).reset();
  CUSTODY_ASSERT_OK(Record(folder_.Next("therapy/W")).status);
  CUSTODY_ASSERT_OK(Record(folder_.Next("therapy/W")).status);
  folder_.Close();  // joins the committer, which tells after it has answered
  EXPECT_EQ(told, (std::vector<std::string>{"patient_enrolled", "consent_withdrawn"}));
}

TEST_F(LedgerRecordingTest, AReservedChainWaitsForItsStation) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const pb::ReserveReply reserved,
                               folder_.ledger().Reserve("therapy/R", "clinic.station.2", 60));
  EXPECT_EQ(reserved.head().length(), 0U);
  EXPECT_THAT(folder_.ledger().Reserve("therapy/R", "clinic.station.1", 60),
              StatusIs(StatusCode::kAborted, "clinic.station.2"));
  const pb::SignedEvent event = folder_.Next("therapy/R");
  EXPECT_THAT(Record(event).status, StatusIs(StatusCode::kAborted, "clinic.station.2"));
  folder_.clock().Pass(61 * kMicrosPerSecond);
  CUSTODY_EXPECT_OK(Record(event).status);
  EXPECT_THAT(folder_.ledger().Reserve("therapy/R", "clinic.station.1", 301),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(LedgerRecordingTest, WhoWaitedForAReservedChainGoesFirst) {
  const auto reserve = [&](std::string_view station) {
    return folder_.ledger().Reserve("therapy/R", station, 300);
  };
  CUSTODY_ASSERT_OK(reserve("clinic.station.2"));
  const pb::SignedEvent event = folder_.Next("therapy/R");
  EXPECT_THAT(Record(event).status, StatusIs(StatusCode::kAborted, "clinic.station.2"));
  folder_.clock().Pass(200 * kMicrosPerSecond);
  EXPECT_THAT(reserve("clinic.station.2"), StatusIs(StatusCode::kAborted, "others wait"));
  folder_.clock().Pass(101 * kMicrosPerSecond);
  EXPECT_THAT(reserve("clinic.station.2"), StatusIs(StatusCode::kAborted, "others wait"));
  CUSTODY_ASSERT_OK(Record(event).status);
  CUSTODY_EXPECT_OK(reserve("clinic.station.2"));
}

TEST_F(LedgerRecordingTest, TheRegistryIsNeverReserved) {
  for (const char* chain : {"registry", "registry/CLINIC"}) {
    EXPECT_THAT(folder_.ledger().Reserve(chain, "clinic.station.2", 60),
                StatusIs(StatusCode::kInvalidArgument, "only a therapy's chain is"));
    EXPECT_THAT(folder_.ledger().Reserve(chain, "clinic.station.2", 0),
                StatusIs(StatusCode::kInvalidArgument));
  }
}

TEST_F(LedgerRecordingTest, ABackupIsClosedToOthersBeforeAnythingIsInIt) {
  namespace fs = std::filesystem;
  const mode_t usual = ::umask(022);
  const TempDir elsewhere;
  CUSTODY_EXPECT_OK(folder_.ledger().Backup(elsewhere / "backup"));
  ::umask(usual);
  EXPECT_EQ(fs::status(elsewhere / "backup").permissions(), fs::perms::owner_all);
}

}  // namespace
}  // namespace custody

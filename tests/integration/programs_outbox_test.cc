// What a station does while the server is away, killed, or its own disk is full: whatever was
// signed is in the ledger or in the outbox, and what the program says of it is true.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>

#include "client/station_folder.h"
#include "crypto/dsse.h"
#include "crypto/file.h"
#include "tests/integration/program_world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kMostStops = 80;  // more than any of the programs below has

class ProgramsOutboxTest : public ::testing::Test {
 protected:
  ProgramsOutboxTest() {
    world_.Start();
    therapy_ = world_.Enrol();
    // Opened once, so that the station knows it when the server is away.
    EXPECT_EQ(world_.Clinic({"next", therapy_}).exit_code, 0);
  }
  Launch Observe(std::string_view temperature) {
    return world_.At("clinic.station.1", ProgramWorld::Observe(therapy_, temperature));
  }
  std::string Events() {
    const Ended shown = world_.Clinic({"show", therapy_});
    EXPECT_EQ(shown.exit_code, 0) << shown.said();
    return shown.out;
  }

  ProgramWorld world_;
  std::string therapy_;
};

TEST_F(ProgramsOutboxTest, WhatIsSignedWhileTheServerIsAwayIsSentInOrderWhenItIsBack) {
  world_.Stop();
  for (const char* temperature : {"37.1", "38.2", "39.3"}) {
    const Ended kept = Execute(Observe(temperature));
    EXPECT_EQ(kept.exit_code, 3) << kept.said();
    EXPECT_THAT(kept.out, AllOf(HasSubstr("*** OFFLINE ***"), HasSubstr("*** NOT YET RECORDED ***"),
                                HasSubstr("kept in outbox")));
    EXPECT_THAT(kept.out, Not(HasSubstr("*** RECORDED")));
  }
  const Ended listed = world_.Clinic({"outbox"});
  EXPECT_EQ(listed.exit_code, 0) << listed.said();
  EXPECT_THAT(listed.out, HasSubstr("3 waiting"));
  world_.Start();
  const Ended sent = world_.Clinic({"outbox", "send"});
  EXPECT_EQ(sent.exit_code, 0) << sent.said();
  EXPECT_THAT(sent.out, HasSubstr("3 sent, 0 adopted, 0 waiting, 0 stuck"));
  EXPECT_TRUE(world_.Outbox().empty());
  EXPECT_EQ(world_.Length(therapy_), 4U);
  int number = 1;
  for (const char* temperature : {"37.1", "38.2", "39.3"}) {
    const Ended one = world_.Clinic({"show", therapy_, "--event", std::to_string(number++)});
    EXPECT_THAT(one.out, HasSubstr(temperature));
  }
}

TEST_F(ProgramsOutboxTest, AFileStopsAtTheFirstLineThatIsNeitherRecordedNorKept) {
  world_.Stop();
  const std::filesystem::path consent = world_.world().Scratch("consent.txt");
  Must(WriteFileAtomically(consent, "signed"));
  const auto reading = [](std::string_view temperature) {
    return R"({"event": "observations_recorded", "signers": ["clinic.rn.1:RN"], "fields": {)"
           R"("observations": [{"vitals": {"at": "now", "temperature_c": )" +
           std::string(temperature) + R"(}}], "interval_minutes": 240}})" + "\n";
  };
  const std::string paper =
      R"({"event": "consent_withdrawn", "signers": ["clinic.rn.1:RN"], "fields": {"document": "@)" +
      consent.string() + "\"}}\n";
  const std::string file = reading("37.1") + paper + reading("38.2");
  const Ended stopped =
      world_.Clinic({"record", "--file", "-", "--therapy", therapy_, "--json"}, file);
  EXPECT_EQ(stopped.exit_code, 1) << stopped.said();
  EXPECT_EQ(world_.Outbox().size(), 1U);  // what stood behind it waits for it
  const Ended through = world_.Clinic(
      {"record", "--file", "-", "--therapy", therapy_, "--json", "--keep-going"}, file);
  EXPECT_EQ(through.exit_code, 1) << through.said();  // worse than that others wait
  EXPECT_EQ(world_.Outbox().size(), 3U);
  const Ended kept =
      world_.Clinic({"record", "--file", "-", "--therapy", therapy_, "--json"}, reading("38.3"));
  EXPECT_EQ(kept.exit_code, 3) << kept.said();
}

TEST_F(ProgramsOutboxTest, ADamagedFileIsListedAndHoldsBackNothingElse) {
  const std::string other = world_.Enrol();
  world_.Stop();
  for (const char* temperature : {"37.1", "38.2"}) {
    ASSERT_EQ(Execute(Observe(temperature)).exit_code, 3);
  }
  const std::filesystem::path first = world_.Outbox().front();
  std::filesystem::resize_file(first, 10);
  const std::string name = first.stem().string();
  EXPECT_EQ(world_.Clinic({"next", therapy_}).exit_code, 0);
  const Ended listed = world_.Clinic({"outbox"});
  EXPECT_EQ(listed.exit_code, 0) << listed.said();
  EXPECT_THAT(listed.said(), AllOf(HasSubstr("2 waiting"), HasSubstr("DAMAGED"), HasSubstr(name),
                                   HasSubstr("record --late")));
  world_.Start();
  // Another therapy's is sent past it; the second of this chain stands on what cannot be read.
  const Ended sent = world_.Clinic({"outbox", "send"});
  EXPECT_EQ(sent.exit_code, 1) << sent.said();
  EXPECT_THAT(sent.said(), AllOf(HasSubstr("0 sent, 0 adopted, 0 waiting, 2 stuck"),
                                 HasSubstr(name + " cannot be read"), HasSubstr("--adopt")));
  const Ended more = world_.Clinic(ProgramWorld::Observe(other, "37.0"));
  EXPECT_EQ(more.exit_code, 0) << more.said();
  EXPECT_THAT(more.out, HasSubstr("signed before stay in the outbox"));
  const Ended dropped = world_.Clinic({"outbox", "drop", name, "--yes"});
  EXPECT_EQ(dropped.exit_code, 0) << dropped.said();
  EXPECT_EQ(world_.Outbox().size(), 1U);
  EXPECT_TRUE(std::filesystem::exists(first.string() + ".damaged"));
}

TEST_F(ProgramsOutboxTest, OfflineAStationSaysSinceWhenTheTherapyWasNotConfirmed) {
  world_.Stop();
  const Ended ended = world_.Clinic({"station"}, therapy_ + "\n\nquit\n");
  EXPECT_THAT(ended.out, AllOf(HasSubstr("NOT CHECKED FOR RECALL SINCE"), HasSubstr("PHONE QA")));
}

TEST_F(ProgramsOutboxTest, AStationFindsTheServerAgainWithoutBeingRestarted) {
  world_.Stop();
  ASSERT_EQ(Execute(Observe("38.5")).exit_code, 3);
  world_.Start();
  const Ended ended = world_.Clinic({"station"}, "send\nquit\n");
  EXPECT_EQ(ended.exit_code, 0) << ended.said();
  EXPECT_THAT(ended.out, HasSubstr("*** RECORDED ***"));
  EXPECT_TRUE(world_.Outbox().empty());
}

TEST_F(ProgramsOutboxTest, AnEventWhosePlaceWasTakenStaysUntilItIsAdopted) {
  world_.GiveKeys("clinic.station.2", {"clinic.rn.2"});
  world_.Stop();
  ASSERT_EQ(Execute(Observe("38.5")).exit_code, 3);
  world_.Start();
  std::vector<std::string> other = ProgramWorld::Observe(therapy_, "36.6");
  other[5] = "clinic.rn.2:RN";
  const Ended meanwhile = Execute(world_.At("clinic.station.2", other));
  ASSERT_EQ(meanwhile.exit_code, 0) << meanwhile.said();

  const Ended stuck = world_.Clinic({"outbox", "send"});
  EXPECT_EQ(stuck.exit_code, 1) << stuck.said();
  EXPECT_THAT(stuck.out, AllOf(HasSubstr("0 sent, 0 adopted, 0 waiting, 1 stuck"),
                               HasSubstr("outbox send --adopt"), HasSubstr("outbox drop")));
  EXPECT_EQ(world_.Outbox().size(), 1U);
  const Ended adopted = world_.Clinic(
      {"outbox", "send", "--adopt", "--as", "clinic.rn.2:RN", "--reason", "the network was down"});
  EXPECT_EQ(adopted.exit_code, 0) << adopted.said();
  EXPECT_THAT(adopted.out, HasSubstr("0 sent, 1 adopted, 0 waiting, 0 stuck"));
  EXPECT_TRUE(world_.Outbox().empty());
  EXPECT_EQ(world_.Length(therapy_), 3U);
  EXPECT_THAT(Events(), HasSubstr("dopted"));
}

// Nothing is wrong with it but the time: it is neither adopted nor thrown away, and what follows it
// waits with it.
TEST_F(ProgramsOutboxTest, WhatWasSignedAheadOfTheLedgersTimeWaitsUntilThatHasCome) {
  TestLedger& ledger = world_.world().ledger();
  ledger.set_now(SystemClock().Now() + kMicrosPerHour);
  const pb::SignedEvent first = PatientEnrolledBy(ledger, "therapy/AHEAD").Sign();
  EventBuilder second = ConsentWithdrawnBy(ledger, "therapy/AHEAD");
  second.After(0, EventId(first.payload()));
  const StationFolder folder = Must(StationFolder::Open(world_.Station("clinic.station.1")));
  for (const pb::SignedEvent& event : {first, second.Sign()}) {
    ASSERT_THAT(folder.Enqueue(event), IsOk());
  }
  const std::vector<std::vector<std::string>> commands = {
      {"outbox", "send"},
      {"outbox", "send", "--adopt", "--as", "clinic.rn.1:RN", "--reason", "it was done"}};
  for (const std::vector<std::string>& command : commands) {
    const Ended waits = world_.Clinic(command);
    EXPECT_EQ(waits.exit_code, 1) << waits.said();
    EXPECT_THAT(waits.out, AllOf(HasSubstr("*** NOT YET RECORDED ***"), HasSubstr("R03"),
                                 HasSubstr("`outbox send` when this station's clock is right"),
                                 HasSubstr("0 sent, 0 adopted, 2 waiting, 0 stuck")));
    EXPECT_THAT(waits.out, AllOf(Not(HasSubstr("--adopt")), Not(HasSubstr("outbox drop"))));
    EXPECT_EQ(world_.Outbox().size(), 2U);
  }
}

// What can never be recorded is not offered to be adopted: that would be refused as well.
TEST_F(ProgramsOutboxTest, WhatIsNoEventIsNotOfferedForAdoption) {
  TestLedger& ledger = world_.world().ledger();
  ledger.set_now(SystemClock().Now());
  EventBuilder malformed = ConsentWithdrawnBy(ledger, "therapy/" + therapy_);
  malformed.event().mutable_signers(0)->clear_printed_name();
  const StationFolder folder = Must(StationFolder::Open(world_.Station("clinic.station.1")));
  ASSERT_THAT(folder.Enqueue(malformed.Sign()), IsOk());
  const Ended stuck = world_.Clinic({"outbox", "send"});
  EXPECT_EQ(stuck.exit_code, 1) << stuck.said();
  EXPECT_THAT(stuck.out, AllOf(HasSubstr("can never be recorded as it stands"),
                               HasSubstr("0 waiting, 1 stuck"), Not(HasSubstr("--adopt"))));
}

TEST_F(ProgramsOutboxTest, WhatWasNotDoneIsThrownAwayOnlyOnPurpose) {
  world_.Stop();
  ASSERT_EQ(Execute(Observe("38.5")).exit_code, 3);
  EXPECT_EQ(world_.Clinic({"outbox", "drop", "00000001"}).exit_code, 2);
  EXPECT_EQ(world_.Outbox().size(), 1U);
  EXPECT_EQ(world_.Clinic({"outbox", "drop", "00000001", "--yes"}).exit_code, 0);
  EXPECT_TRUE(world_.Outbox().empty());
}

// Offline: at every moment the outbox holds what it held before, and the new event whole or not.
TEST_F(ProgramsOutboxTest, AProgramKilledAtAnyMomentOfflineLosesNothingThatWasKept) {
  world_.Stop();
  int kept = 0;
  int stop = 1;
  for (; stop < kMostStops; ++stop) {
    Launch launch = Observe("38.5");
    launch.stop_at = stop;
    const Ended ended = Execute(launch);
    const auto items = static_cast<int>(world_.Outbox().size());
    EXPECT_TRUE(items == kept || items == kept + 1) << items << " after " << kept;
    const bool said = ended.out.find("NOT YET RECORDED") != std::string::npos;
    if (said) {
      EXPECT_EQ(items, kept + 1);
    }
    kept = items;
    if (ended.exit_code != 128 + SIGKILL) {
      EXPECT_EQ(ended.exit_code, 3) << ended.said();
      break;
    }
  }
  EXPECT_GT(stop, 5) << "nothing was stopped";
  ASSERT_LT(stop, kMostStops);
  ASSERT_GE(kept, 1);
  world_.Start();
  const Ended sent = world_.Clinic({"outbox", "send"});
  EXPECT_EQ(sent.exit_code, 0) << sent.said();
  EXPECT_THAT(sent.out, HasSubstr(std::to_string(kept) + " sent, 0 adopted, 0 waiting, 0 stuck"));
  EXPECT_EQ(world_.Length(therapy_), 1U + static_cast<std::uint64_t>(kept));
}

// Online: what was signed is in the ledger once, or in the outbox, or was never kept anywhere; and
// sending again what a killed program left records nothing twice.
TEST_F(ProgramsOutboxTest, AProgramKilledAtAnyMomentWhileSendingRecordsNothingTwice) {
  world_.Stop();
  ASSERT_EQ(Execute(Observe("38.5")).exit_code, 3);
  world_.Start();
  int stop = 1;
  for (; stop < kMostStops; ++stop) {
    Launch launch = world_.At("clinic.station.1", {"outbox", "send"});
    launch.stop_at = stop;
    const Ended ended = Execute(launch);
    if (ended.exit_code != 128 + SIGKILL) break;
  }
  EXPECT_GT(stop, 5) << "nothing was stopped";
  ASSERT_LT(stop, kMostStops);
  EXPECT_TRUE(world_.Outbox().empty());
  EXPECT_EQ(world_.Length(therapy_), 2U);
  EXPECT_THAT(
      ReadFile(world_.Station("clinic.station.1") / "receipts/therapy" / therapy_ / "00000001",
               1 << 20),
      IsOk());
}

TEST_F(ProgramsOutboxTest, WhatAProgramSaysIsTrueAtWhateverWriteTheDiskFills) {
  std::uint64_t length = world_.Length(therapy_);
  int stop = 1;
  bool recorded_without_receipt = false;
  for (; stop < kMostStops; ++stop) {
    Launch launch = Observe("38.5");
    launch.stop_at = stop;
    launch.stop_how = "full";
    const Ended ended = Execute(launch);
    const bool said = ended.out.find("*** RECORDED ***") != std::string::npos;
    const bool unkept = ended.out.find("RECEIPT NOT KEPT") != std::string::npos;
    const std::uint64_t now = world_.Length(therapy_);
    EXPECT_EQ(now - length, said ? 1U : 0U) << "stop " << stop << "\n" << ended.said();
    if (!said) {
      EXPECT_NE(ended.exit_code, 0) << ended.said();
      EXPECT_THAT(ended.said(), HasSubstr("No space left on device")) << "stop " << stop;
    }
    if (!said && ended.out.find("NOT YET RECORDED") == std::string::npos) {
      EXPECT_TRUE(world_.Outbox().empty()) << "stop " << stop << "\n" << ended.said();
    }
    if (unkept) {
      recorded_without_receipt = true;
      const Ended fetched = world_.Clinic({"outbox", "send"});
      EXPECT_EQ(fetched.exit_code, 0) << fetched.said();
    }
    EXPECT_TRUE(world_.Outbox().empty());
    length = now;
    if (ended.exit_code == 0) break;
  }
  EXPECT_TRUE(recorded_without_receipt);
  EXPECT_GT(stop, 5) << "nothing was stopped";
  ASSERT_LT(stop, kMostStops);
}

TEST_F(ProgramsOutboxTest, WhatLiesInAStationsFolderIsItsOwnersAlone) {
  world_.Stop();
  ASSERT_EQ(Execute(Observe("38.5")).exit_code, 3);
  const std::filesystem::path folder = world_.Station("clinic.station.1");
  for (const char* inner : {"outbox", "receipts", "known"}) {
    struct stat status {};
    ASSERT_EQ(::stat((folder / inner).c_str(), &status), 0) << inner;
    EXPECT_EQ(status.st_mode & 0777U, 0700U) << inner;
  }
  for (const auto& item : world_.Outbox()) {
    struct stat status {};
    ASSERT_EQ(::stat(item.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
  }
  for (const auto& item : std::filesystem::recursive_directory_iterator(folder)) {
    EXPECT_FALSE(item.path().filename().string().starts_with(".")) << item.path();
  }
}

}  // namespace
}  // namespace custody

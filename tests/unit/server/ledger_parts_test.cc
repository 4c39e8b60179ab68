// The ledger's small parts: the anchor, the clock guard, reservations, the queue, what events name.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "custody/event_contents.h"
#include "server/ledger/admission_queue.h"
#include "server/ledger/anchor.h"
#include "server/ledger/clock_guard.h"
#include "server/ledger/registry_history.h"
#include "server/ledger/reservations.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

TEST(AnchorTest, TheNewerWholeSlotCounts) {
  TempDir folder;
  const auto path = folder / "anchor";
  CUSTODY_ASSERT_OK(Anchor::Create(path, {1, "one"}));
  for (std::uint64_t writes = 2; writes < 6; ++writes) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(Anchor anchor, Anchor::Open(path));
    EXPECT_EQ(anchor.mark().writes, writes - 1);
    CUSTODY_ASSERT_OK(anchor.Write({writes, "note " + std::to_string(writes)}));
    EXPECT_EQ(anchor.mark().writes, writes);
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Anchor last, Anchor::Open(path));
  EXPECT_EQ(last.mark().checkpoint, "note 5");
}

TEST(AnchorTest, EveryTornByteOfTheNewerSlotLeavesTheOlder) {
  TempDir folder;
  const auto path = folder / "anchor";
  // 89 bytes: the header, the digest and the note; what follows is padding.
  for (std::streamoff at = 0; at < 89; ++at) {
    CUSTODY_ASSERT_OK(Anchor::Create(path, {1, "one"}));
    {
      CUSTODY_ASSERT_OK_AND_ASSIGN(Anchor anchor, Anchor::Open(path));
      CUSTODY_ASSERT_OK(anchor.Write({2, "two"}));
    }
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 + at);
    file.put('#');
    file.close();
    CUSTODY_ASSERT_OK_AND_ASSIGN(const Anchor anchor, Anchor::Open(path));
    EXPECT_EQ(anchor.mark().writes, 1U) << at;
  }
}

TEST(ClockGuardTest, HoldsAfterAJumpAndUntilConfirmed) {
  FakeClock clock(Instant{1'000 * kMicrosPerDay});
  ClockGuard guard;
  guard.AtOpening(clock, clock.Now(), clock.Now() + -kMaxSilenceMicros);
  CUSTODY_EXPECT_OK(guard.Check(clock));
  clock.Pass(40 * kMicrosPerDay);
  CUSTODY_EXPECT_OK(guard.Check(clock));
  clock.Jump(kMaxClockDriftMicros);
  CUSTODY_EXPECT_OK(guard.Check(clock));
  clock.Jump(1);
  EXPECT_THAT(guard.Check(clock), StatusIs(StatusCode::kFailedPrecondition));
  clock.Jump(-1);
  EXPECT_THAT(guard.Check(clock), StatusIs(StatusCode::kFailedPrecondition)) << "stays held";
  guard.Confirm(clock);
  CUSTODY_EXPECT_OK(guard.Check(clock));
  clock.Jump(-kMaxClockDriftMicros - 1);
  EXPECT_THAT(guard.Check(clock), StatusIs(StatusCode::kFailedPrecondition));
}

TEST(ReservationsTest, OneStationAtATimeUntilItEnds) {
  Reservations reservations;
  CUSTODY_EXPECT_OK(reservations.Take("c", "one", 0, 100));
  CUSTODY_EXPECT_OK(reservations.Take("c", "one", 10, 200));
  EXPECT_THAT(reservations.Take("c", "two", 20, 300), StatusIs(StatusCode::kAborted, "one"));
  CUSTODY_EXPECT_OK(reservations.Check("c", "one", "gateway", 20));
  CUSTODY_EXPECT_OK(reservations.Check("c", "named", "one", 20));
  CUSTODY_EXPECT_OK(reservations.Check("other", "two", "two", 20));
  EXPECT_THAT(reservations.Check("c", "two", "two", 20), StatusIs(StatusCode::kAborted));
  reservations.GiveBack("c", "two", 20);
  EXPECT_THAT(reservations.Check("c", "two", "two", 199), StatusIs(StatusCode::kAborted));
  CUSTODY_EXPECT_OK(reservations.Check("c", "two", "two", 200));
  reservations.GiveBack("c", "one", 200);
  CUSTODY_EXPECT_OK(reservations.Check("c", "two", "two", 200));
}

constexpr std::int64_t kMinute = kMicrosPerMinute;

TEST(ReservationsTest, WhatOthersWaitForIsNotRenewedAndTheyGoFirst) {
  // Whether another wanted to reserve it or to record in it.
  for (const bool takes : {true, false}) {
    Reservations reservations;
    const auto wanted = [&](std::int64_t now) {
      return takes ? reservations.Take("c", "two", now, now + kMinute)
                   : reservations.Check("c", "two", "two", now);
    };
    CUSTODY_ASSERT_OK(reservations.Take("c", "one", 0, 5 * kMinute));
    EXPECT_THAT(wanted(kMinute), StatusIs(StatusCode::kAborted, "reserved by station one"));
    EXPECT_THAT(reservations.Take("c", "one", 2 * kMinute, 7 * kMinute),
                StatusIs(StatusCode::kAborted, "others wait for c"));
    // It still ends when it was to, and not back to back.
    EXPECT_THAT(wanted(5 * kMinute - 1), StatusIs(StatusCode::kAborted, "reserved by station one"));
    EXPECT_THAT(reservations.Take("c", "one", 5 * kMinute, 10 * kMinute),
                StatusIs(StatusCode::kAborted, "others wait for c"));
    CUSTODY_EXPECT_OK(wanted(5 * kMinute + 1));
    reservations.GiveBack("c", "two", 5 * kMinute + 2);
    CUSTODY_EXPECT_OK(reservations.Take("c", "one", 5 * kMinute + 3, 6 * kMinute));
  }
}

TEST(ReservationsTest, GivingBackAndTakingAnewIsNoWayAroundWhoWaits) {
  Reservations reservations;
  CUSTODY_ASSERT_OK(reservations.Take("c", "one", 0, 5 * kMinute));
  EXPECT_THAT(reservations.Check("c", "two", "two", 10), StatusIs(StatusCode::kAborted));
  reservations.GiveBack("c", "one", 20);
  EXPECT_THAT(reservations.Take("c", "one", 30, 5 * kMinute),
              StatusIs(StatusCode::kAborted, "in 10 s"));
  // Nobody came: it is free for all again.
  CUSTODY_EXPECT_OK(reservations.Take("c", "one", 20 + kReservationGapMicros, 5 * kMinute));
  reservations.GiveBack("c", "one", kMinute);
  CUSTODY_EXPECT_OK(reservations.Take("c", "one", kMinute, 5 * kMinute)) << "nobody waited";
}

TEST(ReservationsTest, AStationKeepsABoundedNumberAndOthersAsManyAsTheyMay) {
  Reservations reservations;
  const auto take = [&](std::size_t i, std::string_view station, std::int64_t now) {
    return reservations.Take("c" + std::to_string(i), station, now, now + 100);
  };
  std::size_t next = 0;
  while (next < kMaxReservationsOfStation) CUSTODY_ASSERT_OK(take(next++, "one", 0));
  EXPECT_THAT(take(next, "one", 1), StatusIs(StatusCode::kResourceExhausted, "give one back"));
  CUSTODY_EXPECT_OK(take(0, "one", 1)) << "one that it has";
  CUSTODY_EXPECT_OK(take(next, "two", 1));
  reservations.GiveBack("c3", "one", 2);
  CUSTODY_EXPECT_OK(take(next + 1, "one", 3));
  EXPECT_THAT(take(next + 2, "one", 99), StatusIs(StatusCode::kResourceExhausted));
  CUSTODY_EXPECT_OK(take(next + 2, "one", 100)) << "those of time 0 are over";
}

TEST(RegistryHistoryTest, KeepsFewRegistriesHoweverManyEventsThereWere) {
  std::shared_ptr<const RegistryHistory> history = std::make_shared<RegistryHistory>();
  std::vector<std::weak_ptr<const Registry>> all;
  for (std::uint64_t index = 0; index < 10'000; ++index) {
    const auto registry = std::make_shared<const Registry>();
    all.push_back(registry);
    history = history->With(index, registry);
  }
  const auto kept = std::ranges::count_if(all, [](const auto& one) { return !one.expired(); });
  EXPECT_GE(kept, 16);
  EXPECT_LE(kept, 33);
  EXPECT_FALSE(all.back().expired());
}

TEST(EventContentsTest, ProductIdentifiersAreNamedAndPatientsAreNot) {
  pb::Event event;
  event.set_chain("therapy/T1");
  auto& body = *event.mutable_consent_obtained();
  body.mutable_document()->set_sha256(std::string(32, 'x'));
  body.mutable_document()->set_size(5);
  EventContents contents = ContentsOf(event);
  ASSERT_EQ(contents.attachments.size(), 1U);
  EXPECT_EQ(contents.attachments[0].size(), 5U);
  EXPECT_TRUE(contents.identifiers.empty());
  for (const std::string& type : IdentifierTypes()) {
    EXPECT_NE(type, "wristband");
    EXPECT_NE(type, "badge");
  }
  EXPECT_TRUE(ContentsOf(pb::Event()).attachments.empty());
}

std::unique_ptr<Admission> Sized(std::size_t bytes) {
  auto admission = std::make_unique<Admission>();
  admission->signed_event.set_payload(std::string(bytes, 'x'));
  return admission;
}

class AdmissionQueueTest : public ::testing::Test {
 protected:
  AdmissionQueue::Work Take() { return queue_.WaitForWork(std::chrono::steady_clock::now()); }
  AdmissionQueue queue_{{.capacity = 10,
                         .group_events = 4,
                         .group_bytes = 1'000,
                         .group_wait = std::chrono::microseconds(1'000)}};
};

TEST_F(AdmissionQueueTest, GroupsKeepTheOrderAndWaitForTheFront) {
  std::vector<Admission*> pushed;
  for (int i = 0; i < 6; ++i) {
    auto admission = Sized(10);
    pushed.push_back(admission.get());
    CUSTODY_ASSERT_OK(queue_.Push(admission));
  }
  for (Admission* expected : pushed) EXPECT_EQ(queue_.NextToVerify(), expected);
  queue_.Verified(pushed[1]);
  queue_.Verified(pushed[2]);
  EXPECT_TRUE(Take().group.empty()) << "the first is not verified yet";
  queue_.Verified(pushed[0]);
  const auto first = Take();
  ASSERT_EQ(first.group.size(), 3U);
  EXPECT_EQ(first.group[0].get(), pushed[0]);
  EXPECT_EQ(first.group[2].get(), pushed[2]);
  for (int i = 3; i < 6; ++i) queue_.Verified(pushed[static_cast<std::size_t>(i)]);
  EXPECT_EQ(Take().group.size(), 3U);
}

TEST_F(AdmissionQueueTest, GroupsAreBoundedInEventsAndBytes) {
  for (int i = 0; i < 6; ++i) {
    auto admission = Sized(i == 4 ? 2'000 : 10);
    CUSTODY_ASSERT_OK(queue_.Push(admission));
  }
  for (int i = 0; i < 6; ++i) queue_.Verified(queue_.NextToVerify());
  EXPECT_EQ(Take().group.size(), 4U);
  EXPECT_EQ(Take().group.size(), 1U) << "a large one alone";
  EXPECT_EQ(Take().group.size(), 1U);
}

TEST_F(AdmissionQueueTest, PlacesAreGivenBackByAnswers) {
  for (int i = 0; i < 10; ++i) {
    auto admission = Sized(10);
    CUSTODY_ASSERT_OK(queue_.Push(admission));
  }
  auto late = Sized(10);
  EXPECT_THAT(queue_.Push(late), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_NE(late, nullptr) << "stays the caller's";
  queue_.Verified(queue_.NextToVerify());
  EXPECT_EQ(Take().group.size(), 1U);
  EXPECT_THAT(queue_.Push(late), StatusIs(StatusCode::kResourceExhausted));
  queue_.Answered(1);
  CUSTODY_EXPECT_OK(queue_.Push(late));
}

TEST_F(AdmissionQueueTest, ClosingServesWhatIsThereAndEndsTheWorkers) {
  auto admission = Sized(10);
  CUSTODY_ASSERT_OK(queue_.Push(admission));
  queue_.Close();
  auto late = Sized(10);
  EXPECT_THAT(queue_.Push(late), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(queue_.PushJob([] {}), StatusIs(StatusCode::kUnavailable));
  Admission* const last = queue_.NextToVerify();
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(queue_.NextToVerify(), nullptr);
  queue_.Verified(last);
  EXPECT_FALSE(Take().finished);
  EXPECT_TRUE(Take().finished);
}

}  // namespace
}  // namespace custody

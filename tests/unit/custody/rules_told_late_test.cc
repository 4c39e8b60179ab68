// What is told late changes nothing that was decided since: a release, an order or a decision from
// before it was taken back gives nothing back, and what others wrote down permits nothing.
// Long because each permission is told in each of the ways in which it may be.
#include <gmock/gmock.h>

#include "custody/next_steps.h"
#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class ToldLateTest : public RulesTest {
 protected:
  // A copy of the main path's step, checked and signed now.
  EventBuilder Now(std::string_view body) {
    EventBuilder event = RulesTest::Now(body);
    FitChecks(event);
    return event;
  }
  // The same, as it was done at `at` and is written down by two clerks now.
  EventBuilder FromPaper(std::string_view body, Instant at) {
    EventBuilder event = Now(body);
    event.HappenedAt(at);
    FitChecks(event);
    return Late(std::move(event));
  }
  // The same, by its own people.
  EventBuilder OwnLate(std::string_view body, Instant at) {
    EventBuilder event = Now(body);
    event.HappenedAt(at).Late("not signed in time");
    FitChecks(event);
    return event;
  }
  // What was signed offline, taken over now.
  EventBuilder Adopted(const EventBuilder& original, const std::string& by) {
    EventBuilder adopting = ledger.On("therapy/T1").By(by, pb::TRANSCRIBED);
    *adopting.event().mutable_adopted()->mutable_original() = original.Sign();
    adopting.event().mutable_adopted()->set_reason("the station was offline");
    return adopting;
  }
  pb::Verdict Must(EventBuilder event) {
    pb::Verdict verdict = run.Record(event);
    EXPECT_FALSE(verdict.refused()) << Explain(verdict);
    return verdict;
  }
  void CloseDeviations() {
    const pb::TherapyState state = run.state();
    for (const pb::Deviation& deviation : state.deviations()) {
      if (!deviation.open()) continue;
      MustDo({"lab.qa.1"}, "deviation_closed { deviation: '" + deviation.id() +
                               "' outcome: DEVIATION_ACCEPTED cause: 'told late' impact: 'none' }");
    }
  }
  const pb::Container& Bag() { return *FindContainer(run.state(), kMainBag); }
  const pb::Lot& Lot() { return run.state().lots(0); }
  bool Stands(std::string_view order) {
    const pb::InfusionOrder* known = FindOrder(run.state(), order);
    return known != nullptr && known->open();
  }

 private:
  static void FitChecks(EventBuilder& event) {
    pb::Event& e = event.event();
    const auto fit = [&](auto* checks) {
      for (auto& check : *checks) *check.mutable_at() = e.occurred_at();
    };
    if (e.has_bedside_id_verified()) fit(e.mutable_bedside_id_verified()->mutable_checks());
    if (e.has_prethaw_id_verified()) fit(e.mutable_prethaw_id_verified()->mutable_checks());
  }
};

constexpr const char* kWithdraw =
    "release_withdrawn { lot: 'LOT26001' certificate: 'CERT-1' reason: 'doubtful count' "
    "product_recall: NO }";

TEST_F(ToldLateTest, AReleaseFromBeforeItsWithdrawalReleasesNothing) {
  run.Until("ld_started");
  const EventBuilder offline = Now("released");
  Pass(kMicrosPerHour);
  MustDo({"lab.qa.1"}, kWithdraw);
  Pass(kMicrosPerHour);
  const pb::Verdict verdict = Must(Adopted(offline, "lab.qp.1"));
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_THAT(Of(verdict, "R16")[0].next_step(), HasSubstr("signs now"));
  EXPECT_EQ(Lot().state(), pb::LOT_WITHDRAWN);
  EXPECT_FALSE(Bag().released());
  CloseDeviations();
  Must(Now("released"));
  EXPECT_EQ(Lot().state(), pb::LOT_RELEASED);
}

TEST_F(ToldLateTest, NorIsAContainerReleasedThatWasTakenBackAlone) {
  run.Until("ld_started");
  const Instant before = ledger.now();
  Pass(kMicrosPerHour);
  MustDo({"lab.qp.1"},
         "release_withdrawn { lot: 'LOT26001' containers: 'LOT26001-1' certificate: 'CERT-1' "
         "reason: 'x' product_recall: NO }");
  EventBuilder late = Late(Now("released"), "lab.wh");
  Must(late.HappenedAt(before));
  EXPECT_FALSE(Bag().released());
  CloseDeviations();
  Must(Now("released"));
  EXPECT_TRUE(Bag().released());
}

TEST_F(ToldLateTest, WhereClocksCannotTellTheWithdrawalCounts) {
  run.Until("ld_started");
  MustDo({"lab.qa.1"}, kWithdraw);
  const Instant withdrawn = ledger.now();
  Pass(kMicrosPerMinute);
  // At its place in the chain it is signed by somebody who knows of the withdrawal.
  EXPECT_FALSE(run.Judge(Now("released")).refused()) << Explain(run.Judge(Now("released")));
  Pass(kMicrosPerHour);
  EventBuilder late = Late(Now("released"), "lab.wh");
  late.HappenedAt(withdrawn + kMicrosPerMinute);
  EXPECT_TRUE(Says(run.Judge(late), "R16"));
  late.HappenedAt(withdrawn + 3 * kMicrosPerMinute);
  EXPECT_FALSE(Says(run.Judge(late), "R16")) << Explain(run.Judge(late));
}

TEST_F(ToldLateTest, AYesOfTheSiteOrOfTheReviewFromBeforeItsNoBringsNothingBack) {
  run.Until("released");
  const Instant before = ledger.now();
  const auto site = [&](const char* suitable) {
    return run.Draft({"lab.qa.2"}, std::string("site_qa_disposition { lot: 'LOT26001' suitable: ") +
                                       suitable + " ship_under_quarantine: NO }");
  };
  Must(site("YES"));
  ASSERT_EQ(Lot().releases_size(), 1);
  Pass(kMicrosPerHour);
  Must(site("NO"));
  MustDo({"lab.qa.2"},
         "batch_record_reviewed { lot: 'LOT26001' deviations_closed: YES record $FILE complete: NO "
         "}");
  EXPECT_TRUE(Lot().releases().empty());
  EXPECT_TRUE(Lot().review().empty());
  EventBuilder yes = Late(site("YES"), "lab.wh");
  Must(yes.HappenedAt(before));
  EventBuilder review = Late(Now("batch_record_reviewed"), "lab.wh");
  Must(review.HappenedAt(before));
  EXPECT_TRUE(Lot().releases().empty());
  EXPECT_TRUE(Lot().review().empty());
  Must(Now("batch_record_reviewed"));
  Must(site("YES"));
  EXPECT_EQ(Lot().releases_size(), 1);
  EXPECT_FALSE(Lot().review().empty());
}

TEST_F(ToldLateTest, ANoFromBeforeTheYesThatStandsTakesNothingAway) {
  run.Until("released");
  const auto site = [&](const char* suitable) {
    return run.Draft({"lab.qa.2"}, std::string("site_qa_disposition { lot: 'LOT26001' suitable: ") +
                                       suitable + " ship_under_quarantine: NO }");
  };
  const auto incomplete = [&] {
    EventBuilder review = Now("batch_record_reviewed");
    review.event().mutable_batch_record_reviewed()->set_complete(pb::NO);
    return review;
  };
  Must(site("YES"));
  const auto told = [&](EventBuilder no, std::int64_t at) {
    EventBuilder late = Late(std::move(no), "lab.wh");
    return Must(late.HappenedAt(Instant{at}));
  };
  Pass(kMicrosPerHour);
  for (const pb::Verdict& old : {told(incomplete(), Lot().review_us() - 3 * kMicrosPerMinute),
                                 told(site("NO"), Lot().disposition_us() - 3 * kMicrosPerMinute)}) {
    ASSERT_EQ(Of(old, "R16").size(), 1U) << Explain(old);
    EXPECT_TRUE(Of(old, "R16")[0].critical());
    EXPECT_THAT(Of(old, "R16")[0].next_step(), HasSubstr("changes nothing"));
  }
  EXPECT_FALSE(Lot().review().empty());
  EXPECT_EQ(Lot().releases_size(), 1);
  EXPECT_EQ(Lot().release_ended_us(), 0);
  CloseDeviations();
  EXPECT_FALSE(run.Judge(Now("released")).refused()) << Explain(run.Judge(Now("released")));
  // Where clocks cannot tell which was said first, the no counts.
  told(incomplete(), Lot().review_us() - kMicrosPerMinute);
  told(site("NO"), Lot().disposition_us() - kMicrosPerMinute);
  EXPECT_TRUE(Lot().review().empty());
  EXPECT_TRUE(Lot().releases().empty());
}

TEST_F(ToldLateTest, AfterTheReleaseItHoldsNothingEitherAndALaterOneDoes) {
  run.Until("ld_started");
  const auto told = [&](std::int64_t at) {
    EventBuilder review = Now("batch_record_reviewed");
    review.event().mutable_batch_record_reviewed()->set_complete(pb::NO);
    EventBuilder late = Late(std::move(review), "lab.wh");
    return Must(late.HappenedAt(Instant{at}));
  };
  EXPECT_TRUE(Says(told(Lot().review_us() - kMicrosPerHour), "R16"));
  EXPECT_EQ(Lot().state(), pb::LOT_RELEASED);
  EXPECT_FALSE(Lot().review().empty());
  EXPECT_TRUE(run.state().holds().empty());
  // Said after the review, and before the release, whose signer did not know of it.
  ASSERT_LT(Lot().review_us() + 3 * kMicrosPerMinute, Lot().released_us());
  EXPECT_TRUE(Says(told(Lot().review_us() + 3 * kMicrosPerMinute), "R16"));
  EXPECT_TRUE(Lot().review().empty());
  ASSERT_EQ(run.state().holds_size(), 1);
  EXPECT_TRUE(run.state().holds(0).open());
}

TEST_F(ToldLateTest, ACancelledInfusionOrderDoesNotStandAgain) {
  run.Until("removed_from_storage");
  const Instant before = ledger.now();
  Pass(5 * kMicrosPerMinute);
  MustDo({"clinic.phy.1"}, "infusion_order_cancelled { order: 'INF-1' reason: 'wrong dose' }");
  Pass(5 * kMicrosPerMinute);
  EXPECT_TRUE(Says(Must(FromPaper("infusion_ordered", before)), "R37"));
  EXPECT_FALSE(Stands("INF-1"));
  EXPECT_TRUE(Says(Must(OwnLate("infusion_ordered", before)), "R37"));
  EXPECT_FALSE(Stands("INF-1"));
  // Its number ended with it, also for who knows that: what names it would fit again.
  const pb::Verdict again = run.Judge(Now("infusion_ordered"));
  EXPECT_TRUE(again.refused());
  ASSERT_EQ(Of(again, "R37").size(), 1U) << Explain(again);
  EXPECT_THAT(Of(again, "R37")[0].next_step(), HasSubstr("new number"));
  EventBuilder other = Now("infusion_ordered");
  other.event().mutable_infusion_ordered()->set_order("INF-2");
  Must(other);
  EXPECT_TRUE(Stands("INF-2"));
}

TEST_F(ToldLateTest, AReplacedOrderComesBackNeitherByItsNumberNorBeforeTheNewOne) {
  run.Until("prethaw_id_verified");
  const Instant before = ledger.now() + -2 * kMicrosPerHour;
  EventBuilder second = Now("infusion_ordered");
  second.event().mutable_infusion_ordered()->set_order("INF-2");
  second.event().mutable_infusion_ordered()->set_replaces("INF-1");
  Must(second);
  Pass(5 * kMicrosPerMinute);
  EXPECT_TRUE(Says(Must(OwnLate("infusion_ordered", before)), "R37"));
  EXPECT_FALSE(Stands("INF-1"));
  // Another one that was given before: it stands, behind what was ordered since.
  EventBuilder third = OwnLate("infusion_ordered", before);
  third.event().mutable_infusion_ordered()->set_order("INF-3");
  EXPECT_FALSE(Says(Must(third), "R37"));
  EXPECT_TRUE(Stands("INF-3"));
  const pb::Verdict check = run.Judge(Now("prethaw_id_verified"));
  ASSERT_TRUE(Says(check, "R37"));
  EXPECT_THAT(Of(check, "R37")[0].expected(), HasSubstr("INF-2"));
  // And one that takes the place of what was ended later.
  EventBuilder fourth = OwnLate("infusion_ordered", before);
  fourth.event().mutable_infusion_ordered()->set_order("INF-4");
  fourth.event().mutable_infusion_ordered()->set_replaces("INF-1");
  EXPECT_TRUE(Says(Must(fourth), "R37"));
  EXPECT_FALSE(Stands("INF-4"));
}

TEST_F(ToldLateTest, WhatStandsIsNotReplacedByItsOwnPaper) {
  run.Until("prethaw_id_verified");
  EXPECT_TRUE(Says(Must(FromPaper("infusion_ordered", ledger.now())), "R37"));
  EXPECT_TRUE(Stands("INF-1"));
  EXPECT_FALSE(Says(run.Judge(Now("prethaw_id_verified")), "R37"));
  // Who gave it may state it anew.
  EXPECT_FALSE(Says(Must(Now("infusion_ordered")), "R37"));
  EXPECT_TRUE(Stands("INF-1"));
}

// Whoever takes an order back may be faster than the order.
TEST_F(ToldLateTest, AnOrderThatArrivesAfterItsCancellationDoesNotStand) {
  run.Until("infusion_ordered");
  const EventBuilder offline = Now("infusion_ordered");
  Pass(5 * kMicrosPerMinute);
  const pb::Verdict cancelled =
      Do({"clinic.phy.1"}, "infusion_order_cancelled { order: 'INF-1' reason: 'wrong dose' }");
  EXPECT_FALSE(cancelled.refused()) << Explain(cancelled);
  EXPECT_TRUE(Says(Must(Adopted(offline, "clinic.rn.1")), "R37"));
  EXPECT_FALSE(Stands("INF-1"));
  EXPECT_TRUE(run.Judge(Now("infusion_ordered")).refused());
}

TEST_F(ToldLateTest, AfterAWithdrawalProductIsDatedAnewForAllToSee) {
  run.Until("ld_started");
  EventBuilder later = Now("released");
  auto* expiry = later.event().mutable_released()->mutable_expires_at();
  expiry->set_seconds(expiry->seconds() + 30 * 86'400);
  EXPECT_TRUE(run.Judge(later).refused());
  MustDo({"lab.qa.1"}, kWithdraw);
  Pass(kMicrosPerHour);
  EventBuilder anew = Now("released");
  *anew.event().mutable_released()->mutable_expires_at() = *expiry;
  const std::int64_t known = Bag().expiry_us();
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (bag.id() == kMainBag) bag.set_expiry_us(ledger.now().micros - kMicrosPerDay);
  }
  EXPECT_TRUE(run.Judge(anew).refused()) << "what has expired is cured by F6 alone";
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (bag.id() == kMainBag) bag.set_expiry_us(known);
  }
  const pb::Verdict verdict = Must(anew);
  ASSERT_EQ(Of(verdict, "R16").size(), 1U) << Explain(verdict);
  EXPECT_TRUE(Of(verdict, "R16")[0].critical());
  EXPECT_GT(Bag().expiry_us(), known + 29 * kMicrosPerDay);
}

TEST_F(ToldLateTest, ACancelledTherapyIsNotOrderedAgainByItsOldOrder) {
  run.Until("ld_started");
  const Instant before = ledger.now();
  Pass(kMicrosPerHour);
  MustDo({"clinic.phy.1"}, "therapy_cancelled { order_number: 'ORD-1' reason: 'progress' }");
  EXPECT_TRUE(Says(Must(FromPaper("therapy_ordered", before)), "R37"));
  EXPECT_FALSE(run.state().ordered());
  EXPECT_TRUE(run.Judge(Now("therapy_ordered")).refused());
  EventBuilder anew = Now("therapy_ordered");
  anew.event().mutable_therapy_ordered()->set_order_number("ORD-2");
  Must(anew);
  EXPECT_TRUE(run.state().ordered());
  EXPECT_TRUE(Says(Must(FromPaper("therapy_ordered", before)), "R37"));
  EXPECT_EQ(run.state().order_number(), "ORD-2");
}

class DecidedBeforeTest : public ToldLateTest {
 protected:
  EventBuilder Use(const std::string& more = "") {
    return run.Draft({"lab.qa.1"},
                     "quarantine_decided { containers: 'LOT26001-1' verdict: QUARANTINE_USE "
                     "cause: QUARANTINED_FOR_TEMPERATURE reason: 'short' " +
                         more + " }");
  }
  // The same decision at the same time, told by who made it.
  EventBuilder OwnUse(const EventBuilder& decided) {
    EventBuilder late = Use();
    late.HappenedAt(FromProto(decided.Build().occurred_at()));
    late.Late("the network was down").By("lab.wh.1", pb::CHECKED);
    return late;
  }
  EventBuilder Warm() {
    return run.Draft({"clinic.pharm.1"},
                     "temperature_excursion { from $T-3h containers: 'LOT26001-1' }");
  }
  const pb::Quarantine& Q(int i) { return run.state().quarantines(i); }
};

TEST_F(DecidedBeforeTest, AUseThatIsToldLiftsOnlyWhatItNames) {
  run.Until("ld_started");
  Must(Warm());
  Pass(10 * kMicrosPerMinute);
  const EventBuilder offline = Use();
  Pass(10 * kMicrosPerMinute);
  Must(Warm());
  Pass(10 * kMicrosPerMinute);
  for (const pb::Verdict& told : {Must(Adopted(offline, "lab.qa.1")), Must(OwnUse(offline))}) {
    EXPECT_TRUE(Q(0).open());
    EXPECT_TRUE(Q(1).open());
    ASSERT_EQ(Of(told, "F9").size(), 1U) << Explain(told);
    EXPECT_THAT(Of(told, "F9")[0].found(), HasSubstr(Q(1).id()));
  }
  Must(Use());
  EXPECT_FALSE(Q(0).open());
  EXPECT_FALSE(Q(1).open());
}

TEST_F(DecidedBeforeTest, NorWhatWasFoundLaterAndHadHappenedBefore) {
  run.Until("ld_started");
  Must(Warm());
  Pass(10 * kMicrosPerMinute);
  const EventBuilder offline = Use();
  Pass(kMicrosPerHour);
  EventBuilder found = Warm();
  Must(found.HappenedAt(ledger.now() + -3 * kMicrosPerHour));
  Must(Adopted(offline, "lab.qa.1"));
  EXPECT_TRUE(Q(0).open());
  EXPECT_TRUE(Q(1).open());
}

TEST_F(DecidedBeforeTest, WhatIsToldOfTheSameMinuteNamesWhatItDecides) {
  run.Until("ld_started");
  Must(Warm());
  EventBuilder late = Use();
  late.Late("the network was down").By("lab.wh.1", pb::CHECKED);
  EXPECT_TRUE(Says(run.Judge(late), "F9"));
  EventBuilder named = Use("quarantine: '" + Q(0).id() + "'");
  named.Late("the network was down").By("lab.wh.1", pb::CHECKED);
  EXPECT_FALSE(Says(Must(named), "F9"));
  EXPECT_FALSE(Q(0).open());
}

class FromPaperTest : public ToldLateTest {
 protected:
  bool Offered(std::string_view body) {
    for (const pb::NextStep& step : NextStepsOf(run.state(), run.registry(), ledger.now())) {
      if (step.body() == body) return true;
    }
    return false;
  }
};

TEST_F(FromPaperTest, ACheckBeforeTheThawThatOthersWroteDownOpensNoThaw) {
  run.Until("prethaw_id_verified");
  Must(FromPaper("prethaw_id_verified", ledger.now()));
  EXPECT_TRUE(Bag().prethaw_from_paper());
  Must(Now("removed_from_storage"));
  const pb::Verdict thaw = run.Judge(Now("thaw_started"));
  EXPECT_TRUE(thaw.refused());
  ASSERT_EQ(Of(thaw, "R35").size(), 1U) << Explain(thaw);
  EXPECT_THAT(Of(thaw, "R35")[0].next_step(), HasSubstr("verify it now"));
  EXPECT_TRUE(Offered("prethaw_id_verified"));
  // What was done on paper goes on as it was.
  EXPECT_FALSE(Says(run.Judge(FromPaper("thaw_started", ledger.now())), "R35"));
  Must(Now("prethaw_id_verified"));
  EXPECT_FALSE(run.Judge(Now("thaw_started")).refused());
}

TEST_F(FromPaperTest, AnOrderThatOthersWroteDownOpensNothingUntilItsGiversSignIt) {
  run.Until("infusion_ordered");
  run.Skip("preinfusion_check_passed");
  Must(FromPaper("infusion_ordered", ledger.now()));
  EXPECT_TRUE(Offered("infusion_ordered"));
  run.Until("prethaw_id_verified");
  const pb::Verdict check = run.Judge(Now("prethaw_id_verified"));
  EXPECT_TRUE(check.refused());
  ASSERT_EQ(Of(check, "R37").size(), 1U) << Explain(check);
  EXPECT_THAT(Of(check, "R37")[0].next_step(), HasSubstr("order it again"));
  EXPECT_FALSE(Says(Must(FromPaper("prethaw_id_verified", ledger.now())), "R37"));
  EXPECT_EQ(Of(run.Judge(Now("thaw_started")), "R35").size(), 2U);
  Must(Now("infusion_ordered"));
  Must(Now("prethaw_id_verified"));
  EXPECT_FALSE(Says(run.Judge(Now("thaw_started")), "R35"));
}

TEST_F(FromPaperTest, APassThatOthersWroteDownOpensNoInfusion) {
  run.Until("bedside_id_verified");
  const Instant at = ledger.now();
  Must(FromPaper("bedside_id_verified", at));
  Pass(2 * kMicrosPerMinute);
  const pb::Verdict start = run.Judge(Now("infusion_started"));
  EXPECT_TRUE(start.refused());
  ASSERT_EQ(Of(start, "R26").size(), 1U) << Explain(start);
  EXPECT_THAT(Of(start, "R26")[0].next_step(), HasSubstr("verify at the bedside now"));
  EXPECT_FALSE(Says(run.Judge(FromPaper("infusion_started", ledger.now())), "R26"));
  Must(Now("bedside_id_verified"));
  EXPECT_FALSE(run.Judge(Now("infusion_started")).refused());
}

TEST_F(FromPaperTest, WhatItsOwnPeopleSignedLateOrOfflineOpensAsEver) {
  run.Until("bedside_id_verified");
  Must(OwnLate("bedside_id_verified", ledger.now()));
  EXPECT_FALSE(Says(run.Judge(Now("infusion_started")), "R26"));
  const EventBuilder offline = Now("bedside_id_verified");
  Pass(2 * kMicrosPerMinute);
  MustDo({"clinic.rn.1"}, "weight_changed { weight_kg: 72 weighed_at $T }");
  Must(Adopted(offline, "clinic.rn.1"));
  EXPECT_FALSE(Says(run.Judge(Now("infusion_started")), "R26"));
}

TEST_F(FromPaperTest, WhatWasThawedOnPaperIsGivenByThePassOfTheTwoAtTheBed) {
  run.Until("prethaw_id_verified");
  for (const char* body :
       {"prethaw_id_verified", "removed_from_storage", "thaw_started", "thaw_completed"}) {
    Must(FromPaper(body, ledger.now()));
    Pass(10 * kMicrosPerMinute);
  }
  Pass(15 * kMicrosPerMinute);
  Must(Now("bedside_id_verified"));
  const pb::Verdict start = run.Judge(Now("infusion_started"));
  EXPECT_FALSE(Says(start, "R35")) << Explain(start);
  EXPECT_FALSE(Says(start, "R26")) << Explain(start);
}

}  // namespace
}  // namespace custody

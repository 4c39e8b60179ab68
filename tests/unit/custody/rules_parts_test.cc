// R32 and R33: a dose in two parts, as Aucatzyl's, and components that are infused one after the
// other, as Breyanzi's.
#include <gmock/gmock.h>

#include <optional>

#include "tests/unit/custody/rules_test.h"

namespace custody {
namespace {

using testing::HasSubstr;

class PartsTest : public RulesTest {
 protected:
  // A dose in two parts, as Aucatzyl's.
  void PublishSplit() {
    Publish([](pb::Profile& p) {
      pb::SplitDose& plan = *p.mutable_split_dose();
      plan.set_second_from_day(8);
      plan.set_second_to_day(12);
      plan.set_latest_day(21);
      plan.set_crs_wait_grade(2);
      plan.set_crs_stop_grade(3);
      plan.set_icans_wait_grade(1);
      plan.set_icans_stop_grade(2);
      plan.set_marrow_days(7);
      plan.set_marrow_blasts_percent(20);
      plan.set_first_1e6(100);
      plan.set_second_1e6(310);
      plan.set_first_above_1e6(10);
      plan.set_second_above_1e6(400);
    });
  }
  pb::Container& Bag() {
    for (pb::Container& container : *run.mutable_state().mutable_containers()) {
      if (container.id() == kMainBag) return container;
    }
    ADD_FAILURE() << "no bag";
    return *run.mutable_state().add_containers();
  }
  pb::PatientCondition& Patient() { return *run.mutable_state().mutable_condition(); }
};

class SplitTest : public PartsTest {
 protected:
  // The removal of the bag as of the second dose, on day `day` from the first.
  pb::Verdict Second(int day) {
    pb::TherapyState& state = run.mutable_state();
    state.mutable_orders(0)->set_dose_number(2);
    state.set_first_infused_us(ledger.now().micros - (day - 1) * kMicrosPerDay);
    state.set_last_infused_us(state.first_infused_us());
    return run.Judge(*removal_);
  }
  void Crs(int worst, int open) {
    Patient().set_crs_max(worst);
    Patient().set_crs_grade(open);
    Patient().set_crs_open(open != 0);
  }
  void Icans(int worst, int open) {
    Patient().set_icans_max(worst);
    Patient().set_icans_grade(open);
    Patient().set_icans_open(open != 0);
  }
  std::optional<EventBuilder> removal_;
};

TEST_F(SplitTest, R32WantsAFreshMarrowBeforeLymphodepletion) {
  EventBuilder start = At("ld_started");
  EXPECT_FALSE(Says(run.Judge(start), "R32")) << "one dose";
  PublishSplit();
  pb::LdStarted& body = *start.event().mutable_ld_started();
  EXPECT_TRUE(Says(run.Judge(start), "R32"));
  body.set_marrow_blasts_percent(0);
  EXPECT_TRUE(Says(run.Judge(start), "R32")) << "sampled when?";
  *body.mutable_marrow_sampled_at() = ToProto(ledger.now() + -7 * kMicrosPerDay);
  EXPECT_FALSE(Says(run.Judge(start), "R32")) << Explain(run.Judge(start));
  *body.mutable_marrow_sampled_at() = ToProto(ledger.now() + -8 * kMicrosPerDay);
  const pb::Verdict old = run.Judge(start);
  EXPECT_TRUE(old.refused());
  ASSERT_TRUE(Says(old, "R32"));
  EXPECT_THAT(Of(old, "R32")[0].grantors(), testing::ElementsAre(pb::PHY));
  *body.mutable_marrow_sampled_at() = ToProto(ledger.now() + kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(start), "R32")) << "not yet sampled";
}

TEST_F(SplitTest, R32GivesTheSecondDoseOnItsDays) {
  removal_.emplace(At("removed_from_storage"));
  PublishSplit();
  EXPECT_TRUE(Says(Second(7), "R32"));
  EXPECT_FALSE(Says(Second(8), "R32")) << Explain(Second(8));
  EXPECT_FALSE(Says(Second(12), "R32"));
  const pb::Verdict late = Second(13);
  ASSERT_TRUE(Says(late, "R32"));
  EXPECT_THAT(Of(late, "R32")[0].found(), HasSubstr("day 13"));
  EXPECT_THAT(Of(late, "R32")[0].grantors(), testing::ElementsAre(pb::PHY));
}

TEST_F(SplitTest, R32WaitsForAReactionAndStopsAfterAWorseOne) {
  removal_.emplace(At("removed_from_storage"));
  PublishSplit();
  Crs(1, 1);
  EXPECT_FALSE(Says(Second(10), "R32"));
  EXPECT_TRUE(Says(Second(13), "R32"));
  Crs(2, 2);
  EXPECT_TRUE(Says(Second(10), "R32")) << "it lasts";
  Crs(2, 0);
  EXPECT_FALSE(Says(Second(10), "R32"));
  EXPECT_FALSE(Says(Second(21), "R32")) << "waited for";
  EXPECT_TRUE(Says(Second(22), "R32"));
  Crs(3, 0);
  EXPECT_TRUE(Says(Second(10), "R32"));
  Crs(0, 0);
  Icans(1, 1);
  EXPECT_TRUE(Says(Second(10), "R32"));
  Icans(1, 0);
  EXPECT_FALSE(Says(Second(20), "R32"));
  Icans(2, 0);
  const pb::Verdict stopped = Second(10);
  ASSERT_TRUE(Says(stopped, "R32"));
  EXPECT_THAT(Of(stopped, "R32")[0].next_step(), HasSubstr("no second dose"));
}

TEST_F(SplitTest, R32HasNoSecondDoseBeforeTheFirst) {
  EventBuilder removal = At("removed_from_storage");
  PublishSplit();
  EXPECT_FALSE(Says(run.Judge(removal), "R32")) << "the first";
  run.mutable_state().mutable_orders(0)->set_dose_number(2);
  EXPECT_TRUE(Says(run.Judge(removal), "R32"));
}

TEST_F(SplitTest, R32DividesTheAmountsByTheBlasts) {
  EventBuilder order = At("infusion_ordered");
  PublishSplit();
  pb::InfusionOrdered& body = *order.event().mutable_infusion_ordered();
  const auto fits = [&](double blasts, double planned) {
    run.mutable_state().mutable_ld()->set_blasts_percent(blasts);
    body.mutable_containers(0)->set_planned_dose_1e6(planned);
    return !Says(run.Judge(order), "R32");
  };
  EXPECT_TRUE(Says(run.Judge(order), "R32")) << "blasts unknown";
  EXPECT_TRUE(fits(20, 100));
  EXPECT_TRUE(fits(20, 110));
  EXPECT_FALSE(fits(20, 111));
  EXPECT_FALSE(fits(20, 10));
  EXPECT_FALSE(fits(20.1, 100)) << "ten times too much";
  EXPECT_TRUE(fits(20.1, 10));
  body.set_dose_number(2);
  EXPECT_TRUE(fits(5, 310));
  EXPECT_TRUE(fits(50, 400));
  EXPECT_FALSE(fits(50, 310));
}

TEST_F(SplitTest, R32OrdersTheSecondDoseAsWhatItIs) {
  EventBuilder order = At("infusion_ordered");
  PublishSplit();
  run.mutable_state().mutable_ld()->set_blasts_percent(5);
  pb::InfusionOrdered& body = *order.event().mutable_infusion_ordered();
  body.mutable_containers(0)->set_planned_dose_1e6(100);
  run.mutable_state().set_doses_given(1);
  run.mutable_state().set_first_infused_us(ledger.now().micros - 9 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(order), "R32")) << "dose 1 again";
  body.set_dose_number(2);
  body.mutable_containers(0)->set_planned_dose_1e6(310);
  EXPECT_FALSE(Says(run.Judge(order), "R32")) << Explain(run.Judge(order));
  *body.mutable_planned_at() = ToProto(ledger.now() + 5 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(order), "R32")) << "planned for day 15";
}

TEST_F(SplitTest, R32CountsTheOtherOrdersOfTheSameDose) {
  EventBuilder order = At("infusion_ordered");
  PublishSplit();
  run.mutable_state().mutable_ld()->set_blasts_percent(35);
  pb::InfusionOrdered& body = *order.event().mutable_infusion_ordered();
  body.mutable_containers(0)->set_planned_dose_1e6(10);
  ASSERT_FALSE(run.Record(order).refused()) << Explain(run.Judge(order));
  ASSERT_EQ(run.state().orders(0).planned_dose_1e6_size(), 1);
  EXPECT_EQ(run.state().orders(0).planned_dose_1e6(0), 10);
  pb::Container other = Bag();
  other.set_id("LOT26001-2");
  *run.mutable_state().add_containers() = other;
  body.set_order("INF-2");
  body.mutable_containers(0)->set_container("LOT26001-2");
  const pb::Verdict twice = run.Judge(order);
  ASSERT_EQ(Of(twice, "R32").size(), 1U) << Explain(twice);
  EXPECT_THAT(Of(twice, "R32")[0].found(), HasSubstr("20 x 10^6, of it 10 in other orders"));
  body.set_replaces("INF-1");
  EXPECT_FALSE(Says(run.Judge(order), "R32")) << Explain(run.Judge(order));
  for (pb::Container& bag : *run.mutable_state().mutable_containers()) {
    if (bag.id() == kMainBag) bag.set_infusion_started_us(ledger.now().micros);
  }
  EXPECT_TRUE(Says(run.Judge(order), "R32")) << "what is begun is not planned away";
  body.set_dose_number(3);
  EXPECT_TRUE(Says(run.Judge(order), "R32"));
}

TEST_F(SplitTest, R32GivesInOneDoseWhatTheProfileDoesNotDivide) {
  EventBuilder order = At("infusion_ordered");
  pb::InfusionOrdered& body = *order.event().mutable_infusion_ordered();
  EXPECT_FALSE(Says(run.Judge(order), "R32"));
  body.set_dose_number(2);
  const pb::Verdict second = run.Judge(order);
  EXPECT_TRUE(second.refused());
  ASSERT_EQ(Of(second, "R32").size(), 1U) << Explain(second);
  EXPECT_THAT(Of(second, "R32")[0].grantors(), testing::ElementsAre(pb::PHY));
}

TEST_F(SplitTest, R20AsksOfEveryBagOfADoseThatIsNotDivided) {
  EventBuilder removal = At("removed_from_storage");
  pb::TherapyState& state = run.mutable_state();
  state.mutable_orders(0)->set_dose_number(2);
  state.set_first_infused_us(ledger.now().micros - 9 * kMicrosPerDay);
  state.mutable_ld()->set_last_dose_us(ledger.now().micros - 30 * kMicrosPerDay);
  EXPECT_TRUE(Says(run.Judge(removal), "R20"));
  PublishSplit();
  EXPECT_FALSE(Says(run.Judge(removal), "R20")) << Explain(run.Judge(removal));
}

TEST_F(SplitTest, TheBlastsOfTheStartAreKept) {
  EventBuilder start = At("ld_started");
  PublishSplit();
  pb::LdStarted& body = *start.event().mutable_ld_started();
  body.set_marrow_blasts_percent(35);
  *body.mutable_marrow_sampled_at() = ToProto(ledger.now() + -3 * kMicrosPerDay);
  ASSERT_FALSE(run.Record(start).refused());
  EXPECT_EQ(run.state().ld().blasts_percent(), 35);
  EXPECT_EQ(run.state().ld().blasts_us(), ledger.now().micros - 3 * kMicrosPerDay);
}

TEST_F(SplitTest, TheSecondDoseIsANextStepOnItsDays) {
  run.Through("infusion_completed");
  const auto offered = [&] {
    const std::vector<pb::NextStep> steps =
        NextStepsOf(run.state(), ledger.registry(), ledger.now());
    const auto found = std::ranges::find_if(
        steps, [](const pb::NextStep& step) { return step.body() == "infusion_ordered"; });
    return found == steps.end() ? pb::NextStep() : *found;
  };
  EXPECT_TRUE(offered().body().empty());
  PublishSplit();
  const pb::NextStep step = offered();
  ASSERT_EQ(step.body(), "infusion_ordered");
  EXPECT_EQ(step.opens_us(), run.state().first_infused_us() + 7 * kMicrosPerDay);
  EXPECT_EQ(step.due_us(), run.state().first_infused_us() + 11 * kMicrosPerDay);
  EXPECT_FALSE(step.blocked()) << step.DebugString();
  Patient().set_crs_max(3);
  EXPECT_TRUE(offered().blocked());
}

class ComponentTest : public PartsTest {
 protected:
  void PublishComponents() {
    Publish([](pb::Profile& p) {
      p.add_components("CD8");
      p.add_components("CD4");
    });
  }
  // One more container of the first order, of 4 mL.
  pb::Container& Ordered(const std::string& id, const std::string& component) {
    pb::Container vial = Bag();
    vial.set_id(id);
    vial.set_component(component);
    pb::InfusionOrder& order = *run.mutable_state().mutable_orders(0);
    order.add_containers(id);
    order.add_planned_ml(4);
    pb::Container& added = *run.mutable_state().add_containers();
    added = vial;
    return added;
  }
};

TEST_F(ComponentTest, R33InfusesTheFirstComponentBeforeTheSecond) {
  EventBuilder start = At("infusion_started");
  EXPECT_FALSE(Says(run.Judge(start), "R33")) << "one component";
  PublishComponents();
  const pb::Verdict unknown = run.Judge(start);
  ASSERT_TRUE(Says(unknown, "R33"));
  EXPECT_THAT(Of(unknown, "R33")[0].found(), HasSubstr("no component"));
  Bag().set_component("CD8");
  EXPECT_FALSE(Says(run.Judge(start), "R33")) << "the first";
  Bag().set_component("CD4");
  const pb::Verdict alone = run.Judge(start);
  ASSERT_TRUE(Says(alone, "R33"));
  EXPECT_THAT(Of(alone, "R33")[0].found(), HasSubstr("no CD8"));
  EXPECT_THAT(Of(alone, "R33")[0].grantors(), testing::ElementsAre(pb::PHY));
  pb::Container& first = Ordered("LOT26001-2", "CD8");
  EXPECT_THAT(Of(run.Judge(start), "R33")[0].found(), HasSubstr("LOT26001-2"));
  first.set_state(pb::CONTAINER_INFUSED);
  EXPECT_FALSE(Says(run.Judge(start), "R33")) << Explain(run.Judge(start));
}

TEST_F(ComponentTest, R33CountsWhatWasGivenOfEveryVialAndItsSyringes) {
  EventBuilder start = At("infusion_started");
  PublishComponents();
  Bag().set_component("CD4");
  Ordered("LOT26001-2", "CD8").set_state(pb::CONTAINER_INFUSED);
  pb::Container& vial = Ordered("LOT26001-3", "CD8");
  const std::string id = vial.id();
  vial.set_state(pb::CONTAINER_INFUSED_PARTIAL);
  vial.set_infused_ml(1.5);
  EXPECT_TRUE(Says(run.Judge(start), "R33"));
  pb::Container syringe = vial;
  syringe.set_id("LOT26001-3-S1");
  syringe.set_parent(id);
  syringe.set_infused_ml(2.2);
  *run.mutable_state().add_containers() = syringe;
  EXPECT_FALSE(Says(run.Judge(start), "R33")) << "3.7 of 4 mL: " << Explain(run.Judge(start));
  run.mutable_state().mutable_containers()->rbegin()->set_infused_ml(2);
  EXPECT_TRUE(Says(run.Judge(start), "R33"));
}

}  // namespace
}  // namespace custody

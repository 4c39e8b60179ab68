// The next steps beside the main path: through whole journeys each step that goes on is among those
// that are offered, and nothing stands against it there.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "custody/event.h"
#include "custody/rules.h"
#include "custody/therapy.h"
#include "tests/support/journey.h"
#include "tests/support/player.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

// What the next steps guide to; what people tell beside it is theirs to tell.
const std::set<std::string_view> kGuided = {"label_issued",
                                            "label_affixed",
                                            "apheresis_started",
                                            "apheresis_completed",
                                            "label_completed",
                                            "recollection_ordered",
                                            "packed",
                                            "handed_to_carrier",
                                            "received_mfg",
                                            "incoming_qc_passed",
                                            "batch_opened",
                                            "cells_selected",
                                            "activated",
                                            "transduced",
                                            "harvested",
                                            "formulated",
                                            "filled",
                                            "cryopreserved",
                                            "remanufacture_ordered",
                                            "oos_detected",
                                            "batch_record_reviewed",
                                            "released",
                                            "site_qa_disposition",
                                            "qp_certification",
                                            "released_oos",
                                            "received_clinic",
                                            "stored_clinic",
                                            "stored_in_shipper",
                                            "ld_started",
                                            "ld_waived",
                                            "ld_repeated",
                                            "ld_completed",
                                            "prophylaxis_given",
                                            "preinfusion_check_passed",
                                            "lot_selected_for_infusion",
                                            "infusion_ordered",
                                            "prethaw_id_verified",
                                            "removed_from_storage",
                                            "thaw_started",
                                            "thaw_completed",
                                            "issued_to_ward",
                                            "received_on_ward",
                                            "bedside_id_verified",
                                            "infusion_started",
                                            "infusion_completed",
                                            "discharged",
                                            "custody_closed"};

// The states of a journey's therapies.
class StateStage final : public Stage {
 public:
  explicit StateStage(TestLedger& world) : world_(world) {}

  Status Reach(Instant) override { return {}; }
  Status Attach(std::string_view, std::string_view, std::string_view, std::string_view) override {
    return {};
  }
  StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) override {
    CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(signed_event.payload()));
    return Said(parsed);
  }
  Answer Record(const pb::SignedEvent& signed_event) override {
    const ParsedEvent parsed = Must(ParseEvent(signed_event.payload()));
    if (!parsed.event.chain().starts_with("therapy/")) return {};  // the world has taken it already
    Answer answer{{}, Said(parsed)};
    if (answer.verdict.refused()) {
      answer.status = FailedPrecondition("refused");
      return answer;
    }
    pb::TherapyState& state = states_[parsed.event.chain()];
    ApplyToTherapy(parsed, PlaceIn(state), answer.verdict, world_.registry(), state);
    return answer;
  }
  const pb::TherapyState& StateOf(const std::string& therapy) {
    return states_["therapy/" + therapy];
  }

 private:
  Place PlaceIn(const pb::TherapyState& state) const {
    return {world_.next_index(), state.length(), world_.now()};
  }
  pb::Verdict Said(const ParsedEvent& parsed) {
    const pb::TherapyState& state = states_[parsed.event.chain()];
    return Judge(parsed, world_.registry(), state, PlaceIn(state));
  }

  TestLedger& world_;
  std::map<std::string, pb::TherapyState> states_;
};

class GuidedJourneyTest : public testing::TestWithParam<const char*> {};

TEST_P(GuidedJourneyTest, EachStepThatGoesOnIsOfferedAndNothingIsSaidAgainstIt) {
  const std::filesystem::path folder =
      std::filesystem::path(CUSTODY_SOURCE_DIR) / "tests" / "journeys";
  const Journey journey = Must(ReadJourney(folder / (std::string(GetParam()) + ".txt")));
  TestLedger world;
  StateStage stage(world);
  const Instant begins = world.now();
  Player player(world, stage, begins);
  Must(player.Publish(journey));
  int guided = 0;
  for (const JourneyStep& step : journey.steps) {
    const std::string body = step.body.substr(0, step.body.find(' '));
    const bool goes_on = step.refused.empty() && step.deviates.empty() && step.cites.empty() &&
                         step.mode == pb::LIVE && !step.held && step.adopts.empty() &&
                         step.therapy == journey.therapy;
    if (goes_on && kGuided.contains(body)) {
      ++guided;
      bool offered = false;
      bool open = false;
      std::string against;
      const auto steps =
          NextStepsOf(stage.StateOf(step.therapy), world.registry(), begins + step.after);
      for (const pb::NextStep& one : steps) {
        if (one.body() != body) continue;
        offered = true;
        open = open || !one.blocked();
        if (one.blocked()) against += one.reasons(0).rule() + " " + one.reasons(0).found() + "; ";
      }
      EXPECT_TRUE(offered) << step.where << ": " << body << " is not offered";
      EXPECT_TRUE(open || !offered) << step.where << ": " << body << " is blocked by " << against;
    }
    static_cast<void>(Must(player.Play(step)));
  }
  EXPECT_GT(guided, 25);
}

INSTANTIATE_TEST_SUITE_P(
    Scripts, GuidedJourneyTest,
    testing::Values("normal_course", "eu_two_releases", "f03_recollection_after_low_yield",
                    "f04_remanufactured_from_retained_cells", "f12_batch_rejected_and_made_again",
                    "f06_released_out_of_specification", "pooled_collection_days_of_a_child",
                    "site_without_nitrogen_storage", "ward_apart_from_the_cell_laboratory",
                    "ld_waived", "lymphodepletion_repeated", "product_tisa_cel_eu",
                    "product_obe_cel", "product_liso_cel"),
    [](const auto& script) { return std::string(script.param); });

}  // namespace
}  // namespace custody

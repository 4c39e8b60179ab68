// Every script of this folder, played against a real ledger in a folder: what must be refused is,
// by the rules it names and no other, what is recorded meets exactly the objections it names; and
// what the audit program says of it at the end is what `expected/` says.
//
// CUSTODY_UPDATE=1 writes `expected/` anew: read the difference before it is kept.
#include "tests/support/journey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "crypto/file.h"
#include "custody/bundle.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/main_path.h"
#include "tests/support/player.h"
#include "tests/support/status_matchers.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

const std::filesystem::path kFolder = std::filesystem::path(CUSTODY_SOURCE_DIR) / "tests/journeys";
constexpr std::size_t kMaxFile = 4 << 20;

std::vector<std::string> Scripts() {
  std::vector<std::string> names;
  for (const auto& file : std::filesystem::directory_iterator(kFolder)) {
    if (file.path().extension() == ".txt" && file.path().filename() != "CMakeLists.txt") {
      names.push_back(file.path().stem());
    }
  }
  std::ranges::sort(names);
  return names;
}

// A real ledger in a folder, in this process.
class LedgerStage final : public Stage {
 public:
  explicit LedgerStage(LedgerFolder& folder) : folder_(folder) {}

  Status Reach(Instant now) override {
    folder_.clock().Reach(now);
    return {};
  }
  Status Attach(std::string_view, std::string_view therapy, std::string_view media_type,
                std::string_view bytes) override {
    return folder_.ledger().PutAttachment(therapy, media_type, bytes).status();
  }
  StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) override {
    return folder_.ledger().Preview(signed_event);
  }
  Answer Record(const pb::SignedEvent& signed_event) override {
    RecordOutcome outcome = RecordNow(folder_.ledger(), signed_event);
    return {std::move(outcome.status), std::move(*outcome.reply.mutable_verdict())};
  }

 private:
  LedgerFolder& folder_;
};

// What the audit program says of a therapy: its verdict, and its timeline.
std::string Told(LedgerFolder& folder, Player& player, const std::string& therapy) {
  const std::filesystem::path bundle = folder.path() / "bundle.custody.json";
  const std::filesystem::path trust = folder.path() / "ledger.trust.json";
  Bundle whole = BundleOf(folder.world(), "therapy/" + therapy);
  whole.attachments = player.AttachedTo(therapy);
  Must(WriteFileAtomically(bundle, Must(WriteBundle(whole))));
  Must(WriteFileAtomically(trust, TrustIn(folder.world()).ToJson()));
  VerifyOptions verify;
  verify.target = bundle;
  verify.trust = trust.string();
  const Answer verified = Must(Verify(verify));
  EXPECT_THAT(verified.text, testing::HasSubstr("COMPLETE AND UNCHANGED")) << therapy;
  return verified.text + "\n" + Must(Timeline(verify, false)).text;
}

class JourneyTest : public testing::TestWithParam<std::string> {};

TEST_P(JourneyTest, GoesAsItsScriptSays) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Journey journey, ReadJourney(kFolder / (GetParam() + ".txt")));
  ASSERT_FALSE(journey.title.empty());
  LedgerFolder folder(false, pb::DEMO, TestWorld{});
  folder.Begin();
  LedgerStage stage(folder);
  Player player(folder.world(), stage, folder.world().now());
  CUSTODY_ASSERT_OK(player.Publish(journey));
  for (const JourneyStep& step : journey.steps) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const Played played, player.Play(step));
    ASSERT_EQ(played.otherwise, "") << step.where;
  }
  const std::string told = Told(folder, player, journey.therapy);
  const std::filesystem::path expected = kFolder / "expected" / (GetParam() + ".txt");
  if (std::getenv("CUSTODY_UPDATE") != nullptr) {
    CUSTODY_ASSERT_OK(WriteFileAtomically(expected, told));
    return;
  }
  EXPECT_EQ(told, ReadFile(expected, kMaxFile).value_or("")) << "CUSTODY_UPDATE=1 writes it anew";
}

// The profile that a script's order names.
std::string OrderedProfile(const Journey& journey) {
  for (const JourneyStep& step : journey.steps) {
    if (!step.body.starts_with("therapy_ordered ")) continue;
    return Must(BodyOf(step, Instant{}, {})).therapy_ordered().profile();
  }
  return {};
}

TEST(ProductJourneyTest, EveryProfileOfAProductHasANormalCourseWithoutOverrideOrDeviation) {
  std::set<std::string> played;
  for (const std::string& name : Scripts()) {
    if (!name.starts_with("product_")) continue;
    CUSTODY_ASSERT_OK_AND_ASSIGN(const Journey journey, ReadJourney(kFolder / (name + ".txt")));
    for (const JourneyStep& step : journey.steps) {
      EXPECT_TRUE(step.refused.empty() && step.deviates.empty() && step.cites.empty())
          << name << ", " << step.where;
    }
    const std::string told = Must(ReadFile(kFolder / "expected" / (name + ".txt"), kMaxFile));
    EXPECT_THAT(told, testing::HasSubstr("0 overrides, 0 open deviations")) << name;
    EXPECT_THAT(told, testing::Not(testing::HasSubstr(" ! "))) << name;
    played.insert(OrderedProfile(journey));
  }
  const std::filesystem::path profiles = kFolder.parent_path().parent_path() / "custody/profiles";
  for (const auto& file : std::filesystem::directory_iterator(profiles)) {
    if (file.path().extension() != ".textproto") continue;
    const pb::Profile profile = ProfileNamed(file.path().stem());
    const bool real = profile.environment() != pb::DEMO && !profile.product_code().empty();
    EXPECT_TRUE(!real || played.contains(profile.name())) << file.path();
  }
}

INSTANTIATE_TEST_SUITE_P(Scripts, JourneyTest, testing::ValuesIn(Scripts()),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace custody

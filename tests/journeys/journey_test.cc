// Every script of this folder, played against a real ledger in a folder: what must be refused is,
// by the rules it names and no other, what is recorded meets exactly the objections it names; and
// what the audit program says of it at the end is what `expected/` says.
//
// CUSTODY_UPDATE=1 writes `expected/` anew: read the difference before it is kept.
#include "tests/support/journey.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "crypto/file.h"
#include "custody/bundle.h"
#include "custody/rules.h"
#include "tests/support/event_builder.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

constexpr std::string_view kChain = "therapy/T1";
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

pb::Profile ReadProfile(const std::string& name) {
  pb::Profile profile;
  const std::string text = Must(ReadFile(
      std::filesystem::path(CUSTODY_SOURCE_DIR) / "custody/profiles" / (name + ".textproto"),
      kMaxFile));
  CUSTODY_CHECK(google::protobuf::TextFormat::ParseFromString(text, &profile));
  return profile;
}

// The rules that have more than a note to say, each once.
std::vector<std::string> RulesOf(const pb::Verdict& verdict) {
  std::set<std::string> rules;
  for (const pb::Reason& reason : verdict.reasons()) {
    const bool note = reason.kind() == pb::REASON_NOTE || reason.kind() == pb::REASON_NOT_JUDGED;
    if (!note) rules.insert(reason.rule());
  }
  return {rules.begin(), rules.end()};
}

// A ledger in a folder, with the people of TestLedger, in which one journey happens.
class Stage {
 public:
  explicit Stage(const Journey& journey) {
    for (const std::string& name : journey.profiles) world().PublishProfile(ReadProfile(name));
    begins_ = world().now();
    folder_.Begin();
    Must(folder_.ledger().PutAttachment("T1", "application/pdf", kJourneyFile).status());
  }

  void Play(const JourneyStep& step) {
    SCOPED_TRACE(step.where);
    world().set_now(begins_ + step.signed_after);
    EventBuilder event = Build(step);
    const pb::SignedEvent signed_event = event.Sign();
    folder_.clock().Reach(world().now());
    const RecordOutcome outcome = RecordNow(folder_.ledger(), signed_event);
    const pb::Verdict& verdict = outcome.reply.verdict();
    if (outcome.status.ok()) {
      const Recorded& recorded = world().Record(signed_event);
      if (!step.name.empty()) ids_[step.name] = recorded.parsed.event_id.ToString();
      EXPECT_TRUE(step.refused.empty()) << "was recorded";
      EXPECT_EQ(RulesOf(verdict), step.deviates) << Explain(verdict);
      return;
    }
    EXPECT_EQ(RulesOf(verdict), step.refused) << Message(outcome.status);
  }

  // What the audit program says of the therapy: its verdict, and its timeline.
  std::string Told() {
    const std::filesystem::path bundle = folder_.path() / "bundle.custody.json";
    const std::filesystem::path trust = folder_.path() / "ledger.trust.json";
    Bundle whole = BundleOf(world(), kChain);
    whole.attachments[Sha256(kJourneyFile).ToHex()] = {"application/pdf", kJourneyFile.size(),
                                                       std::string(kJourneyFile)};
    Must(WriteFileAtomically(bundle, Must(WriteBundle(whole))));
    Must(WriteFileAtomically(trust, TrustIn(world()).ToJson()));
    VerifyOptions verify;
    verify.target = bundle;
    verify.trust = trust.string();
    const Answer verified = Must(Verify(verify));
    EXPECT_THAT(verified.text, testing::Not(testing::HasSubstr("DO NOT RELY")));
    return verified.text + "\n" + Must(Timeline(verify, false)).text;
  }

 private:
  TestLedger& world() { return folder_.world(); }
  EventBuilder Build(const JourneyStep& step) {
    EventBuilder event = world().On(kChain);
    for (const std::string& signer : step.signers) {
      if (step.mode == pb::LIVE) {
        event.By(signer);
      } else {
        event.By(signer, event.Build().signers_size() == 0 ? pb::TRANSCRIBED : pb::CHECKED);
      }
    }
    const Instant at = begins_ + step.after;
    event.event().MergeFrom(Must(BodyOf(step, at, ids_)));
    event.HappenedAt(at);
    if (step.mode == pb::LATE) event.Late(step.reason);
    if (step.mode == pb::DOWNTIME) event.Downtime(step.reason);
    for (const std::string& person : step.performed_by) event.PerformedBy(person);
    if (!step.cites.empty()) event.event().add_grants(ids_.at(step.cites));
    return event;
  }

  LedgerFolder folder_{false, pb::DEMO, TestWorld{}};
  Instant begins_;
  std::map<std::string, std::string> ids_;
};

class JourneyTest : public testing::TestWithParam<std::string> {};

TEST_P(JourneyTest, GoesAsItsScriptSays) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Journey journey, ReadJourney(kFolder / (GetParam() + ".txt")));
  ASSERT_FALSE(journey.title.empty());
  Stage stage(journey);
  for (const JourneyStep& step : journey.steps) {
    stage.Play(step);
    if (HasFailure()) return;
  }
  const std::string told = stage.Told();
  const std::filesystem::path expected = kFolder / "expected" / (GetParam() + ".txt");
  if (std::getenv("CUSTODY_UPDATE") != nullptr) {
    CUSTODY_ASSERT_OK(WriteFileAtomically(expected, told));
    return;
  }
  EXPECT_EQ(told, ReadFile(expected, kMaxFile).value_or("")) << "CUSTODY_UPDATE=1 writes it anew";
}

INSTANTIATE_TEST_SUITE_P(Scripts, JourneyTest, testing::ValuesIn(Scripts()),
                         [](const auto& script) { return script.param; });

}  // namespace
}  // namespace custody

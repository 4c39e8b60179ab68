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
#include <map>
#include <set>

#include "crypto/file.h"
#include "custody/bundle.h"
#include "custody/rules.h"
#include "custody/telemetry.h"
#include "tests/support/event_builder.h"
#include "tests/support/ledger_bundle.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/logger_file.h"
#include "tests/support/main_path.h"
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
    for (const std::string& name : journey.profiles) world().PublishProfile(ProfileNamed(name));
    begins_ = world().now();
    folder_.Begin();
    Attach("application/pdf", std::string(kJourneyFile));
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
    whole.attachments = attached_;
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
  void Attach(const std::string& media_type, const std::string& bytes) {
    Must(folder_.ledger().PutAttachment("T1", media_type, bytes).status());
    attached_[Sha256(bytes).ToHex()] = {media_type, bytes.size(), bytes};
  }
  // What a script says of a logger's file becomes such a file; its summary is what it gives.
  void ReadOut(pb::TelemetryBatch& batch) {
    const std::string file = LoggerFileOf(batch);
    Attach("text/csv", file);
    batch.mutable_file()->set_sha256(Sha256(file).ToString());
    batch.mutable_file()->set_size(file.size());
    batch.mutable_file()->set_media_type("text/csv");
    Summarize(Must(ParseLoggerFile(file)), batch);
  }
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
    if (event.event().has_telemetry_batch()) ReadOut(*event.event().mutable_telemetry_batch());
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
  std::map<std::string, BundleAttachment> attached_;  // by SHA-256 in hex
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

#include "tests/integration/therapy_world.h"

#include <algorithm>
#include <future>
#include <map>

#include "crypto/file.h"
#include "custody/telemetry.h"
#include "server/ledger/ledger.h"
#include "tests/support/fake_clock.h"
#include "tests/support/logger_file.h"
#include "tests/support/main_path.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

constexpr std::string_view kTherapy = "T1";

// Gives every attachment that `message` names bytes of its own.
void NameFile(google::protobuf::Message& message, const std::string& bytes) {
  if (message.GetDescriptor() == pb::AttachmentRef::descriptor()) {
    pb::AttachmentRef named;
    named.CopyFrom(message);
    named.set_sha256(Sha256(bytes).ToString());
    named.set_size(bytes.size());
    message.CopyFrom(named);
    return;
  }
  const google::protobuf::Reflection& look = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> filled;
  look.ListFields(message, &filled);
  for (const google::protobuf::FieldDescriptor* field : filled) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      NameFile(*look.MutableMessage(&message, field), bytes);
      continue;
    }
    for (int i = 0; i < look.FieldSize(message, field); ++i) {
      NameFile(*look.MutableRepeatedMessage(&message, field, i), bytes);
    }
  }
}

}  // namespace

struct TherapyWorld::Rep {
  TempDir folder;
  std::filesystem::path data = folder / "data";
  TestLedger world;
  FakeClock clock{world.now()};
  Authority authority;
  pb::TherapyState folded;
  std::map<std::string, std::string> files;  // by body

  void Lay() const {
    std::filesystem::create_directories(data / "tls");
    Must(world.log_key().SavePlain(data / "log.key"));
    Must(WriteFileAtomically(data / "vault.key", std::string(32, 'v'), 0600));
    Must(WriteFileAtomically(data / "tls" / "ca.pem", authority.pem()));
    Must(WriteFileAtomically(data / "tls" / "server.pem",
                             authority.Issue("custody-server", true, data / "tls" / "server.key")));
  }

  // Records what the world has and the ledger has not.
  void RecordFrom(Ledger& ledger, std::size_t& next) {
    for (; next < world.log().size(); ++next) {
      clock.Reach(world.log()[next].received_at);
      std::promise<Status> answer;
      ledger.Record(world.log()[next].signed_event, "",
                    [&answer](const RecordOutcome& outcome) { answer.set_value(outcome.status); });
      Must(answer.get_future().get());
    }
  }

  void Walk(Ledger& ledger, std::string_view through) {
    std::size_t recorded = 1;
    TherapyRun run(world, "therapy/" + std::string(kTherapy));
    const bool last = through.starts_with("last ");
    if (last) through.remove_prefix(5);
    auto left = last ? std::ranges::count(run.steps(), through, &MainStep::body) : 1;
    bool reached = false;
    for (const MainStep& step : run.steps()) {
      if (reached && step.body != through) break;
      if (step.body == through) --left;
      reached = step.body == through && left <= 0;
      EventBuilder event = run.Next();
      std::string bytes = "file of " + step.body;
      if (event.event().has_telemetry_batch()) {
        pb::TelemetryBatch& batch = *event.event().mutable_telemetry_batch();
        bytes = LoggerFileOf(batch);
        Summarize(Must(ParseLoggerFile(bytes)), batch);
      }
      files.emplace(step.body, bytes);
      const std::string before = event.Build().SerializeAsString();
      NameFile(event.event(), bytes);
      if (event.Build().SerializeAsString() != before) {
        Must(ledger.PutAttachment(kTherapy, "text/plain", bytes).status());
      }
      CUSTODY_CHECK(!run.Record(event).refused());
      RecordFrom(ledger, recorded);
    }
    folded = run.state();
  }
};

TherapyWorld::TherapyWorld(std::string_view through) : rep_(std::make_unique<Rep>()) {
  rep_->Lay();
  LedgerOptions options;
  options.folder = rep_->data;
  options.clock = &rep_->clock;
  Must(Ledger::Create(options, rep_->world.log()[0].signed_event, rep_->world.log_key()));
  const auto ledger =
      Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(rep_->data / "log.key"))));
  rep_->Walk(*ledger, through);
  rep_->world.set_now(SystemClock().Now());
}

TherapyWorld::~TherapyWorld() = default;

const std::filesystem::path& TherapyWorld::data() const { return rep_->data; }
const Authority& TherapyWorld::authority() const { return rep_->authority; }
const pb::TherapyState& TherapyWorld::folded() const { return rep_->folded; }
const std::string& TherapyWorld::FileOf(const std::string& body) const {
  return rep_->files.at(body);
}
TestLedger& TherapyWorld::ledger() { return rep_->world; }

}  // namespace custody

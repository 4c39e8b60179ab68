// publish: what the ledger judges by, and who decides it: the acts of the trustees' quorum.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "client/hand_over_files.h"
#include "crypto/file.h"
#include "custody/registry.h"
#include "tools/admin/commands.h"

namespace custody {
namespace {

constexpr std::size_t kMaxProfileBytes = 1 << 20;
constexpr std::size_t kMaxRequestBytes = 64 << 10;

// The first thing protobuf's parser objects to: later ones mostly follow from it.
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (!what_.empty()) return;
    where_ = ", line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1);
    what_ = message;
  }
  const std::string& where() const { return where_; }
  const std::string& what() const { return what_; }

 private:
  std::string where_;
  std::string what_;
};

void AddPublishProfile(CLI::App& publish, CommandLine& line) {
  auto file = std::make_shared<std::string>();
  CLI::App* command = publish.add_subcommand("profile", "A product's numbers, from a text file");
  AddSigning(*command, line);
  command->add_option("file", *file, "Profile in protobuf's text format")->required();
  command->footer(
      "Example: custody-admin publish profile product.textproto --folder admin --as T-1 --as T-2");
  command->callback([file, &line] {
    line.run = [file, &line]() -> StatusOr<std::string> {
      CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(*file, kMaxProfileBytes));
      pb::Profile profile;
      FirstError error;
      google::protobuf::TextFormat::Parser parser;
      parser.RecordErrorsTo(&error);
      if (!parser.ParseFromString(text, &profile)) {
        return InvalidArgument(*file + error.where() + ": this is no profile in text format: " +
                               error.what() + "; custody/profiles has an example");
      }
      return RecordAct(line, "registry", "profile " + profile.name() + " published",
                       [&profile](pb::Event& event) -> Status {
                         *event.mutable_profile_published()->mutable_profile() = profile;
                         return absl::OkStatus();
                       });
    };
  });
}

void AddPublishVersions(CLI::App& publish, CommandLine& line) {
  auto version = std::make_shared<std::uint32_t>(0);
  auto reason = std::make_shared<std::string>();
  CLI::App* rules = publish.add_subcommand("rules", "The rules version that judges from now on");
  AddSigning(*rules, line);
  rules->add_option("version", *version, "Rules version")->required();
  rules->add_option("--reason", *reason, "Why")->required();
  rules->footer(
      "Example: custody-admin publish rules 2 --reason \"R20 restated\" --folder admin \\\n"
      "             --as T-1 --as T-2");
  rules->callback([version, reason, &line] {
    line.run = [version, reason, &line]() -> StatusOr<std::string> {
      return RecordAct(line, "registry", "rules version " + std::to_string(*version) + " adopted",
                       [&](pb::Event& event) -> Status {
                         event.mutable_rules_adopted()->set_rules_version(*version);
                         event.mutable_rules_adopted()->set_reason(*reason);
                         return absl::OkStatus();
                       });
    };
  });
  CLI::App* schema = publish.add_subcommand("schema", "The schema this program was built with");
  AddSigning(*schema, line);
  schema->footer("Example: custody-admin publish schema --folder admin --as T-1 --as T-2");
  schema->callback([&line] {
    line.run = [&line]() -> StatusOr<std::string> {
      return RecordAct(line, "registry", "schema published", [](pb::Event& event) -> Status {
        event.mutable_schema_published()->set_schema_sha256(Sha256(Schema()).ToString());
        return absl::OkStatus();
      });
    };
  });
}

// What the new list is made of, as typed.
struct Change {
  std::vector<std::string> added;  // PRINTED NAME:FILE
  std::vector<std::string> removed;
  std::uint32_t quorum = 0;
  std::string reason;
};

// The key of a trustee that signs today; null: none. A list names one for each and ends all others,
// so whoever has two says first which is theirs: the other may be a thief's, or the lost one.
StatusOr<const EnrolledKey*> OnlyKey(const Registry& registry, const std::string& person) {
  const EnrolledKey* only = nullptr;
  for (const auto& [id, key] : registry.keys()) {
    if (key.person != person || key.revoked_at) continue;
    if (only != nullptr) {
      return FailedPrecondition("trustee " + person + " has two keys that sign, " +
                                only->key.key_id().ToHex() + " and " + key.key.key_id().ToHex() +
                                ", and one would end unseen: revoke the one that is not to stay "
                                "(custody-admin revoke), then change the trustees");
    }
    only = &key;
  }
  return only;
}

// Takes `person` off the list; whether they stood on it.
bool TakeOff(pb::TrusteesChanged& body, const std::string& person) {
  auto& listed = *body.mutable_trustees();
  const auto found = std::ranges::find(listed, person, &pb::Trustee::person);
  if (found == listed.end()) return false;
  listed.erase(found);
  return true;
}

Status AddTrustee(const std::string& text, pb::TrusteesChanged& body) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
    return InvalidArgument("who becomes a trustee is PRINTED NAME:FILE, found \"" + text + "\"");
  }
  const std::string file = text.substr(colon + 1);
  CUSTODY_ASSIGN_OR_RETURN(const std::string json, ReadFile(file, kMaxRequestBytes));
  const StatusOr<KeyRequestFile> request = KeyRequestFile::Parse(json);
  if (!request.ok()) return WithContext(request.status(), file);
  pb::KeyRequest asked;
  if (!asked.ParseFromString(request->request)) {
    return InvalidArgument(file + ": the request inside cannot be read");
  }
  TakeOff(body, request->person);  // who is a trustee already has a new key
  pb::Trustee& trustee = *body.add_trustees();
  trustee.set_person(request->person);
  trustee.set_printed_name(text.substr(0, colon));
  trustee.set_spki(asked.spki());
  pb::KeyProof& proof = *body.add_proofs();
  proof.set_request(request->request);
  proof.set_request_signature(request->signature);
  return absl::OkStatus();
}

// The whole new list: who is a trustee now, without the removed, with the added.
StatusOr<pb::TrusteesChanged> NewList(const Registry& registry, const Change& change) {
  pb::TrusteesChanged body;
  std::map<std::string, Status> doubtful;  // those who go, or come anew, are in no doubt
  for (const auto& [id, person] : registry.persons()) {
    if (!person.trustee) continue;
    pb::Trustee& trustee = *body.add_trustees();
    trustee.set_person(id);
    trustee.set_printed_name(person.printed_names.back());
    // Who has no key left is to be removed, or added with a new one: the list says which.
    const StatusOr<const EnrolledKey*> key = OnlyKey(registry, id);
    if (!key.ok()) doubtful.emplace(id, key.status());
    if (key.ok() && *key != nullptr) trustee.set_spki((*key)->key.spki());
  }
  for (const std::string& person : change.removed) {
    if (!TakeOff(body, person)) return NotFound("\"" + person + "\" is no trustee");
  }
  for (const std::string& text : change.added) CUSTODY_RETURN_IF_ERROR(AddTrustee(text, body));
  for (const pb::Trustee& trustee : body.trustees()) {
    if (!trustee.spki().empty()) continue;
    if (const auto why = doubtful.find(trustee.person()); why != doubtful.end()) return why->second;
    return FailedPrecondition("trustee " + trustee.person() +
                              " has no key that signs: --remove them, or --add them with a new "
                              "key's request");
  }
  body.set_quorum(change.quorum == 0 ? registry.quorum() : change.quorum);
  body.set_reason(change.reason);
  return body;
}

StatusOr<std::string> ChangeTrustees(const CommandLine& line, const Change& change) {
  if (change.added.empty() && change.removed.empty() && change.quorum == 0) {
    return InvalidArgument("say what changes: --add, --remove or --quorum");
  }
  CUSTODY_ASSIGN_OR_RETURN(const auto administration, Administration::Open(line.act));
  CUSTODY_ASSIGN_OR_RETURN(const auto registry, administration->session().LoadRegistry());
  CUSTODY_ASSIGN_OR_RETURN(const pb::TrusteesChanged body, NewList(*registry, change));
  CUSTODY_ASSIGN_OR_RETURN(const std::string id,
                           administration->Record("registry", [&body](pb::Event& event) -> Status {
                             *event.mutable_trustees_changed() = body;
                             return absl::OkStatus();
                           }));
  std::string who;
  for (const pb::Trustee& trustee : body.trustees()) {
    who += (who.empty() ? "" : ", ") + trustee.person();
  }
  return Done(
      line,
      "trustees are " + who + " from now on, " + std::to_string(body.quorum()) + " of them decide",
      id);
}

void AddPublishTrustees(CLI::App& publish, CommandLine& line) {
  auto change = std::make_shared<Change>();
  CLI::App* command = publish.add_subcommand(
      "trustees", "Who the trustees are from now on, and how many decide (quorum of those before)");
  AddSigning(*command, line);
  Repeatable(command->add_option("--add", change->added,
                                 "PRINTED NAME:FILE, a new trustee by the request that they made "
                                 "with `key new`, or a trustee's new key; may be repeated"));
  Repeatable(command->add_option("--remove", change->removed,
                                 "Person id of a trustee who leaves; may be repeated"));
  command->add_option("--quorum", change->quorum, "How many decide together; else as before");
  command->add_option("--reason", change->reason, "Why")->required();
  command->footer(
      "Example: custody-admin publish trustees --add \"Dora Trustee:T-4.request\" --remove T-3 \\\n"
      "             --reason \"succession\" --folder admin --as T-1 --as T-2\n"
      "Every trustee keeps one key, the newest; their others, and those of who leaves, sign\n"
      "nothing more.");
  command->callback(
      [change, &line] { line.run = [change, &line] { return ChangeTrustees(line, *change); }; });
}

}  // namespace

void AddPublish(CLI::App& app, CommandLine& line) {
  CLI::App* publish = app.add_subcommand(
      "publish", "Publish profiles, rule and schema versions, trustees (quorum)");
  publish->require_subcommand(1);
  AddPublishProfile(*publish, line);
  AddPublishVersions(*publish, line);
  AddPublishTrustees(*publish, line);
}

}  // namespace custody

// A therapy's story as the people who were part of it would tell it: local times, names, what was
// done. Whatever does not hold is named and not told, so that nobody reads a forged line as
// history.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "client/event_words.h"
#include "crypto/file.h"
#include "custody/audit_report.h"
#include "custody/bundle.h"
#include "custody/event.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBundleBytes = std::size_t{4} << 30;

std::string Lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool Speaks(const pb::Finding& finding) {
  return finding.grade() == pb::UNREADABLE || finding.grade() == pb::FORGED ||
         finding.grade() == pb::INCONSISTENT || finding.grade() == pb::UNAUTHORISED;
}

// What the audit has to say at each log index.
using Remarks = std::map<std::uint64_t, std::vector<const pb::Finding*>>;

Remarks RemarksOf(const pb::AuditReport& report) {
  Remarks remarks;
  for (const pb::Finding& finding : report.findings()) {
    if (finding.has_index()) remarks[finding.index()].push_back(&finding);
  }
  return remarks;
}

class Teller {
 public:
  Teller(const Remarks& remarks, bool full) : remarks_(remarks), full_(full) {}

  void Tell(const BundleEntry& entry);
  const std::string& text() const { return text_; }
  const Json& json() const { return json_; }

 private:
  void TellEvent(const pb::Event& event);
  std::string Signers(const pb::Event& event) const;

  const Remarks& remarks_;
  bool full_;
  std::string text_;
  Json json_ = Json::array();
};

std::string Teller::Signers(const pb::Event& event) const {
  std::string names;
  for (const pb::Signer& signer : event.signers()) {
    names += (names.empty() ? "" : ", ") + signer.printed_name() + " (" +
             pb::Role_Name(signer.role()) + ") " + Lower(pb::Meaning_Name(signer.meaning()));
  }
  return names + ", at " + event.station();
}

void Teller::TellEvent(const pb::Event& event) {
  const pb::EventRule& rule = BodyRule(event);
  const Instant occurred = FromProto(event.occurred_at());
  text_ += FormatLocal(occurred, event.time_zone()) + "  " + rule.label();
  if (!rule.state_after().empty()) text_ += "  -> " + Lower(rule.state_after());
  text_ += "\n    " + Signers(event) + "\n";
  if (event.entry() != pb::LIVE) {
    text_ += "    entered " + std::string(event.entry() == pb::LATE ? "late" : "from paper") +
             ", signed " + FormatLocal(FromProto(event.signed_at()), event.time_zone()) + ": " +
             event.late_reason() + "\n";
    for (const pb::Performer& performer : event.performed_by())
      text_ += "    done by " + performer.printed_name() + " (" + pb::Role_Name(performer.role()) +
               ")\n";
  }
  if (event.grants_size() > 0)
    text_ += "    uses " + std::to_string(event.grants_size()) + " override\n";
  if (full_) text_ += RenderEvent(event, event.time_zone());
  Json& told = json_.back();
  told["occurredAt"] = FormatUtc(occurred);
  told["local"] = FormatLocal(occurred, event.time_zone());
  told["event"] = BodyName(event);
  told["label"] = rule.label();
  told["signers"] = Json::array();
  for (const pb::Signer& signer : event.signers())
    told["signers"].push_back({{"name", signer.printed_name()},
                               {"role", pb::Role_Name(signer.role())},
                               {"meaning", pb::Meaning_Name(signer.meaning())}});
}

void Teller::Tell(const BundleEntry& entry) {
  json_.push_back({{"index", entry.index}});
  const auto found = remarks_.find(entry.index);
  const auto& remarks = found == remarks_.end() ? std::vector<const pb::Finding*>() : found->second;
  const auto parsed = ParseEvent(entry.signed_event.payload());
  if (!parsed.ok() || std::any_of(remarks.begin(), remarks.end(),
                                  [](const auto* finding) { return Speaks(*finding); })) {
    text_ += "EVENT " + std::to_string(entry.index) + " DOES NOT HOLD and is not told\n";
  } else {
    TellEvent(parsed->effective());
  }
  json_.back()["remarks"] = Json::array();
  for (const pb::Finding* finding : remarks) {
    text_ += "    ! [" + finding->check() + "] " + finding->reason() + "\n";
    json_.back()["remarks"].push_back(finding->check() + ": " + finding->reason());
  }
}

}  // namespace

StatusOr<Answer> Timeline(const VerifyOptions& options, bool full) {
  std::error_code ignored;
  if (std::filesystem::is_directory(options.target, ignored))
    return InvalidArgument("expected a bundle, found a folder: export the therapy first");
  CUSTODY_ASSIGN_OR_RETURN(const pb::AuditReport report, Audit(options));
  CUSTODY_ASSIGN_OR_RETURN(const std::string file, ReadFile(options.target, kMaxBundleBytes));
  std::vector<pb::Finding> reported;  // by the audit already
  CUSTODY_ASSIGN_OR_RETURN(const Bundle bundle, ParseBundle(file, reported));
  const Remarks remarks = RemarksOf(report);
  Teller teller(remarks, full);
  const auto chain = bundle.chains.find(report.therapy());
  if (chain != bundle.chains.end()) {
    for (const BundleEntry& entry : chain->second) teller.Tell(entry);
  }
  if (options.json) {
    const Json object = {{"therapy", report.therapy()},
                         {"environment", report.environment()},
                         {"events", teller.json()},
                         {"sentence", report.sentence()}};
    return Answer{.text = object.dump(2) + "\n", .exit_code = ExitCode(report)};
  }
  std::string text = report.therapy() + "\n";
  if (report.environment() != EnvironmentWord(pb::PRODUCTION))
    text += std::string(kTrainingMark) + "\n";
  text += "\n" + teller.text() + "\n" + report.sentence() + "\n";
  return Answer{.text = text, .exit_code = ExitCode(report)};
}

}  // namespace custody

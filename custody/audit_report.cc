#include "custody/audit_report.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "crypto/utf8.h"
#include "custody/auditor.h"

namespace custody {
namespace {

// Grades that speak against the record itself, not against what people did.
bool IsIntegrity(pb::FindingGrade grade) {
  return grade == pb::UNREADABLE || grade == pb::FORGED || grade == pb::INCONSISTENT ||
         grade == pb::UNAUTHORISED;
}

std::string Count(std::uint64_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

// `Locate` says where a finding stands, as people say it.
std::string Locate(const pb::Finding& finding) {
  std::string place = finding.has_index() ? "event " + std::to_string(finding.index()) : "";
  if (!finding.chain().empty()) {
    std::string inside = finding.chain();
    if (finding.has_sequence()) inside += " number " + std::to_string(finding.sequence());
    place += place.empty() ? inside : " (" + inside + ")";
  }
  return place.empty() ? "the file" : place;
}

std::uint64_t CountIf(const pb::AuditReport& report, bool (*holds)(pb::FindingGrade)) {
  return static_cast<std::uint64_t>(
      std::count_if(report.findings().begin(), report.findings().end(),
                    [&](const pb::Finding& finding) { return holds(finding.grade()); }));
}

std::string Process(const pb::AuditReport& report) {
  std::string words;
  if (const auto rules = CountIf(report, [](auto grade) { return grade == pb::RULE; }); rules > 0)
    words += Count(rules, "broken rule") + ", ";
  return words + Count(report.overrides(), "override") + ", " +
         Count(report.open_deviations(), "open deviation");
}

std::uint64_t CountOf(const pb::AuditReport& report, pb::FindingGrade grade,
                      std::string_view check) {
  return static_cast<std::uint64_t>(std::count_if(
      report.findings().begin(), report.findings().end(),
      [&](const pb::Finding& f) { return f.grade() == grade && f.check() == check; }));
}

// What is said of a record against which nothing stands; "complete" only of what was seen whole.
std::string Claim(const pb::AuditReport& report, const AuditReplay& replay) {
  const auto absent = CountOf(report, pb::INCOMPLETE, "attachment");
  const auto acts = CountOf(report, pb::INCOMPLETE, "withheld");
  if (!replay.signatures_checked())
    return "SIGNATURES NOT CHECKED: rely on nothing that this says of who signed; hashes and "
           "chains "
           "agree";
  if (acts > 0)
    return "DO NOT RELY ON WHO SIGNED: " + Count(acts, "act") +
           " of the registry withheld; hashes and chains agree";
  if (!report.registry_pinned())
    return "CONSISTENT, REGISTRY NOT PINNED (whoever holds the log's key could have invented it; "
           "verify with the trust file of a trustee)";
  if (replay.withheld() > 0)
    return "UNCHANGED, BUT " + std::to_string(replay.withheld()) +
           (replay.withheld() == 1 ? " EVENT" : " EVENTS") + " WITHHELD FROM THIS VERIFIER";
  if (absent > 0)
    return "UNCHANGED, BUT " + std::to_string(absent) +
           (absent == 1 ? " ATTACHMENT" : " ATTACHMENTS") + " NOT HERE";
  return "COMPLETE AND UNCHANGED";
}

std::string Unchanged(const pb::AuditReport& report, const AuditReplay& replay,
                      std::string_view up_to) {
  const auto suspect = CountIf(report, [](auto grade) { return grade == pb::SUSPECT; });
  std::string words = Claim(report, replay) + " up to " + std::string(up_to);
  if (suspect > 0)
    words += "; SUSPECT: " + Count(suspect, "signature") + " after a key was reported compromised";
  return words + "; " + Process(report);
}

std::string Sentence(const pb::AuditReport& report, const AuditReplay& replay,
                     std::string_view up_to) {
  const auto first =
      std::find_if(report.findings().begin(), report.findings().end(),
                   [](const pb::Finding& finding) { return IsIntegrity(finding.grade()); });
  std::string words;
  if (first == report.findings().end()) {
    words = Unchanged(report, replay, up_to);
  } else {
    words = "DO NOT RELY: " + Locate(*first) + ": " + first->reason();
    if (const auto more = CountIf(report, IsIntegrity) - 1; more > 0)
      words += " (and " + Count(more, "finding") + " more against the record)";
    words += "; process: " + Process(report);
  }
  if (report.environment() != EnvironmentWord(pb::PRODUCTION))
    words += "; " + std::string(kTrainingMark);
  return words;
}

void Section(std::string_view title, const pb::AuditReport& report, bool (*holds)(pb::FindingGrade),
             std::string& text) {
  if (CountIf(report, holds) == 0) return;
  text += std::string(title) + "\n";
  for (const pb::Finding& finding : report.findings()) {
    if (!holds(finding.grade())) continue;
    text += "  " + pb::FindingGrade_Name(finding.grade()) + "  " + Locate(finding) + "  [" +
            finding.check() + "] " + finding.reason() + "\n";
  }
}

}  // namespace

std::string_view EnvironmentWord(pb::Environment environment) {
  if (environment == pb::DEMO) return "demo";
  if (environment == pb::VALIDATION) return "validation";
  if (environment == pb::PRODUCTION) return "production";
  return {};
}

void ReportFile(pb::FindingGrade grade, std::string_view check, std::string reason,
                std::vector<pb::Finding>& findings) {
  pb::Finding& finding = findings.emplace_back();
  finding.set_grade(grade);
  finding.set_check(std::string(check));
  finding.set_reason(std::move(reason));
}

std::optional<Checkpoint> CheckCheckpoint(std::string_view text,
                                          const std::optional<NoteVerifier>& log_key,
                                          const TrustAnchor* trust,
                                          std::vector<pb::Finding>& findings) {
  const auto note = Note::Parse(text);
  if (!note.ok()) {
    ReportFile(pb::UNREADABLE, "checkpoint", Message(note.status()), findings);
    return std::nullopt;
  }
  const auto checkpoint = Checkpoint::Parse(note->text);
  if (!checkpoint.ok()) {
    ReportFile(pb::UNREADABLE, "checkpoint", Message(checkpoint.status()), findings);
    return std::nullopt;
  }
  if (!log_key) {
    ReportFile(pb::FORGED, "checkpoint", "no key to verify the log's signature with", findings);
  } else if (auto opened = OpenCheckpoint(text, *log_key); !opened.ok()) {
    ReportFile(pb::FORGED, "checkpoint", Message(opened.status()), findings);
  }
  if (trust != nullptr && trust->policy) {
    if (const Status status = trust->policy->Satisfied(*note); !status.ok())
      ReportFile(pb::FORGED, "witness-policy", Message(status), findings);
    for (const std::string& witness : trust->policy->BrokenCosigners(*note))
      ReportFile(pb::NOTE, "witness-policy",
                 "the cosignature of witness " + witness + " does not hold and was not counted",
                 findings);
  }
  return *checkpoint;
}

void CheckGenesis(const AuditReplay& replay, const TrustAnchor* trust,
                  std::vector<pb::Finding>& findings) {
  if (!replay.genesis()) {
    ReportFile(pb::INCONSISTENT, "genesis", "the first entry of the log is not here", findings);
    return;
  }
  if (trust == nullptr) return;
  if (trust->genesis && *trust->genesis != *replay.genesis())
    ReportFile(pb::INCONSISTENT, "genesis",
               "expected the ledger that begins with " + trust->genesis->ToHex() + ", found " +
                   replay.genesis()->ToHex() + ": another ledger, or an invented one",
               findings);
  if (!replay.registry().created()) return;  // reported at entry 0
  if (replay.registry().origin() != trust->origin)
    ReportFile(pb::INCONSISTENT, "genesis",
               "expected the ledger " + trust->origin + ", found " + replay.registry().origin(),
               findings);
  if (replay.registry().log_key() != trust->log_key.ToString())
    ReportFile(pb::INCONSISTENT, "genesis", "the ledger was created with another log key",
               findings);
}

void Conclude(AuditReplay& replay, const TrustAnchor* trust, std::vector<pb::Finding> findings,
              const std::optional<Instant>& up_to, pb::AuditReport& report) {
  std::move(replay.findings().begin(), replay.findings().end(), std::back_inserter(findings));
  replay.findings().clear();
  const auto key = [](const pb::Finding& finding) {
    return std::make_tuple(finding.has_index(), finding.index(), std::string_view(finding.check()));
  };
  std::stable_sort(findings.begin(), findings.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (pb::Finding& finding : findings) {
    finding.set_chain(Plain(finding.chain()));
    finding.set_reason(Plain(finding.reason()));
  }
  report.mutable_findings()->Assign(std::make_move_iterator(findings.begin()),
                                    std::make_move_iterator(findings.end()));
  report.set_therapy(Plain(report.therapy()));
  report.set_entries(replay.entries());
  report.set_signatures(replay.signatures());
  report.set_overrides(replay.overrides());
  report.set_open_deviations(replay.open_deviations());
  report.set_registry_pinned(trust != nullptr && trust->genesis.has_value());
  report.set_environment(std::string(EnvironmentWord(replay.registry().environment())));
  std::string end = "entry " + std::to_string(report.checkpoint_size());
  if (up_to) end += " of " + FormatUtc(*up_to);
  report.set_sentence(
      Sentence(report, replay, end + " (completeness " + report.completeness() + ")"));
}

int ExitCode(const pb::AuditReport& report) {
  return CountIf(report, [](auto grade) { return grade != pb::NOTE; }) == 0 ? 0 : 1;
}

std::string Render(const pb::AuditReport& report) {
  std::string text;
  Section("Against the record:", report, IsIntegrity, text);
  Section(
      "To be asked about:", report,
      [](auto grade) { return grade == pb::SUSPECT || grade == pb::INCOMPLETE; }, text);
  Section(
      "Against the process:", report, [](auto grade) { return grade == pb::RULE; }, text);
  Section(
      "Notes:", report, [](auto grade) { return grade == pb::NOTE; }, text);
  text += Count(report.entries(), "record") + " and " + Count(report.signatures(), "signature") +
          " verified";
  if (!report.therapy().empty()) text += " for " + report.therapy();
  return text + ".\n" + report.sentence() + "\n";
}

}  // namespace custody

// A therapy's story as the people who were part of it would tell it: one line an event, in local
// times, what it says and who signed it; below it what the rules had against it and what was
// overridden. Whatever does not hold is named and not told, so that nobody reads a forged line as
// history.
//
// What the rules said to an event stands in no record: it is judged here again, as the auditor
// does, over the events that hold.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "client/event_words.h"
#include "client/forms.h"
#include "crypto/file.h"
#include "crypto/utf8.h"
#include "custody/audit_report.h"
#include "custody/bundle.h"
#include "custody/event.h"
#include "custody/rules.h"
#include "custody/state.h"
#include "custody/therapy.h"
#include "tools/audit/commands.h"
#include "tools/audit/gist.h"

namespace custody {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxBundleBytes = std::size_t{4} << 30;
constexpr std::size_t kDay = sizeof("02 Mar 2026") - 1;  // of what FormatLocal gives
constexpr std::string_view kBelow = "             ";

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

// Whether an entry is what it claims to be.
bool Holds(const Remarks& remarks, std::uint64_t index) {
  const auto found = remarks.find(index);
  return found == remarks.end() ||
         std::ranges::none_of(found->second, [](const auto* finding) { return Speaks(*finding); });
}

// Whether a remark is told by the rules' own words, or is of use to nobody who reads a story.
bool IsToldOtherwise(const pb::Finding& finding) {
  return finding.grade() == pb::NOTE || finding.grade() == pb::RULE;
}

// What the rules said to each event that holds, by log index; what had become overdue when it came;
// and where the therapy stands after all of them.
struct Judged {
  std::map<std::uint64_t, pb::Verdict> verdicts;
  std::map<std::uint64_t, std::vector<std::string>> overdue;
  pb::TherapyState state;
};

// What nobody did in time no event opens: it is found by the next one that comes.
std::vector<std::string> Overdue(const pb::TherapyState& state, int known,
                                 const pb::Verdict& verdict) {
  std::vector<std::string> words;
  for (int i = known; i < state.deviations_size(); ++i) {
    const pb::Deviation& opened = state.deviations(i);
    const bool told =
        opened.rule().empty() ||
        std::ranges::any_of(verdict.reasons(), [&](const pb::Reason& reason) {
          return reason.rule() == opened.rule() && reason.subject() == opened.subject();
        });
    if (told) continue;
    words.push_back(std::string(opened.critical() ? "CRITICAL " : "") + "deviation " + opened.id() +
                    " from " + opened.rule() + ", open since " +
                    FormatLocal(Instant{opened.opened_us()}, state.zone()) + ": " + opened.found());
  }
  return words;
}

Judged JudgeAgain(const Bundle& bundle, const std::string& therapy, const Remarks& remarks) {
  std::map<std::uint64_t, std::pair<const BundleEntry*, bool>> order;  // by log index
  for (const auto& [chain, entries] : bundle.chains) {
    for (const BundleEntry& entry : entries) order[entry.index] = {&entry, chain == therapy};
  }
  Registry registry;
  Judged judged;
  pb::TherapyState& state = judged.state;
  for (const auto& [index, place] : order) {
    const bool holds = Holds(remarks, index);
    const auto parsed = ParseEvent(place.first->signed_event.payload());
    const auto entry = ParseLogEntry(place.first->entry);
    if (!holds || !parsed.ok() || !entry.ok()) continue;
    if (!place.second) {
      // An act that does not fit has no effect, here as in the audit.
      static_cast<void>(registry.Apply(*parsed, index));
      continue;
    }
    const Place at{.index = index,
                   .sequence = entry->sequence(),
                   .received_at = FromProto(entry->received_at())};
    const pb::Verdict& verdict = judged.verdicts[index] = Judge(*parsed, registry, state, at);
    const int known = state.deviations_size();
    ApplyToTherapy(*parsed, at, verdict, registry, state);
    judged.overdue[index] = Overdue(state, known, verdict);
  }
  return judged;
}

// What others name by its event id.
struct Entries {
  struct Entry {
    std::string said;  // "13 Apr 2026 11:15 CEST Thaw started"
    bool from_paper = false;
  };
  std::map<std::string, Entry> entries;  // by event id
  std::set<std::string> on_sheets;       // ids that a scanned sheet of an outage names
};

Entries EntriesOf(const std::vector<BundleEntry>& chain, const Remarks& remarks) {
  Entries told;
  for (const BundleEntry& entry : chain) {
    const auto parsed = ParseEvent(entry.signed_event.payload());
    if (!parsed.ok() || !Holds(remarks, entry.index)) continue;
    const pb::Event& event = parsed->effective();
    told.entries[parsed->effective_id().ToString()] = {
        FormatLocal(FromProto(event.occurred_at()), event.time_zone()) + " " +
            BodyRule(event).label(),
        event.entry() == pb::DOWNTIME};
    for (const pb::DowntimeSheet& paper : event.downtime_ended().papers())
      told.on_sheets.insert(paper.entries().begin(), paper.entries().end());
  }
  return told;
}

// A field's name as words; of a number or a person nothing changes.
std::string AsWords(std::string subject) {
  const bool field =
      std::ranges::all_of(subject, [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); });
  if (field) std::ranges::replace(subject, '_', ' ');
  return subject;
}

// A reason as a remark; empty when there is nothing to remark.
std::string RemarkOf(const pb::Reason& reason, bool refused) {
  std::string what;
  if (reason.overridden()) {
    what = "override of " + reason.rule();
  } else if (reason.kind() == pb::REASON_QUARANTINE) {
    what = "QUARANTINE by " + reason.rule();
  } else if (reason.kind() == pb::REASON_DEVIATION) {
    what = std::string(reason.critical() ? "CRITICAL " : "") + "deviation from " + reason.rule();
  } else if (reason.kind() == pb::REASON_GATE) {
    what = refused ? "AGAINST " + reason.rule() : "CRITICAL deviation from " + reason.rule();
  } else if (reason.kind() == pb::REASON_STRUCTURE) {
    what = "AGAINST " + reason.rule();
  } else {
    return {};
  }
  if (!reason.subject().empty()) what += " (" + AsWords(reason.subject()) + ")";
  what += ": expected " + reason.expected();
  return reason.found().empty() ? what : what + ", found " + reason.found();
}

class Teller {
 public:
  Teller(const Remarks& remarks, const Judged& judged, const Entries& told, bool full)
      : remarks_(remarks), judged_(judged), told_(told), full_(full) {}

  void Tell(const BundleEntry& entry);
  const std::string& text() const { return text_; }
  const Json& json() const { return json_; }

 private:
  void TellEvent(const ParsedEvent& parsed);
  void TellSheets(const pb::DowntimeEnded& outage);
  void TellWhatItIsOf(const pb::Event& event);
  std::string Said(const std::string& id) const;
  void TellJson(const pb::Event& event, const std::string& gist);
  void TellVerdict(std::uint64_t index);
  void Remark(const std::string& words);
  static std::string Signers(const pb::Event& event);

  const Remarks& remarks_;
  const Judged& judged_;
  const Entries& told_;
  bool full_;
  std::string day_;  // the last one told
  std::string text_;
  Json json_ = Json::array();
};

bool IsDestruction(const pb::Event& event) {
  const pb::DispositionKind kind = event.disposition().kind();
  return kind == pb::DISPOSITION_DESTROYED || kind == pb::DISPOSITION_RESIDUE_DESTROYED;
}

std::string Teller::Signers(const pb::Event& event) {
  std::string names;
  for (const pb::Performer& performer : event.performed_by())
    names += (names.empty() ? "" : ", ") + performer.printed_name() + " (" +
             pb::Role_Name(performer.role()) + ") did it";
  for (const pb::Signer& signer : event.signers()) {
    names += (names.empty() ? "" : ", ") + signer.printed_name() + " (" +
             pb::Role_Name(signer.role()) + ")";
    if (signer.meaning() != pb::PERFORMED) names += " " + Lower(pb::Meaning_Name(signer.meaning()));
  }
  if (IsDestruction(event)) names = "witnesses: " + names;
  return names + ", at " + event.station();
}

void Teller::Remark(const std::string& words) {
  const std::string plain = Plain(words);
  text_ += std::string(kBelow) + "! " + plain + "\n";
  json_.back()["remarks"].push_back(plain);
}

void Teller::TellJson(const pb::Event& event, const std::string& gist) {
  Json& told = json_.back();
  told["occurredAt"] = FormatUtc(FromProto(event.occurred_at()));
  told["local"] = FormatLocal(FromProto(event.occurred_at()), event.time_zone());
  told["event"] = BodyName(event);
  told["label"] = BodyRule(event).label();
  told["says"] = gist;
  told["signers"] = Json::array();
  for (const pb::Signer& signer : event.signers())
    told["signers"].push_back({{"name", signer.printed_name()},
                               {"role", pb::Role_Name(signer.role())},
                               {"meaning", pb::Meaning_Name(signer.meaning())}});
}

// The entry of that id, with its day when that is another one than the last told.
std::string Teller::Said(const std::string& id) const {
  const auto entry = told_.entries.find(id);
  if (entry == told_.entries.end()) return ShortId(id) + " (not in this record)";
  const std::string& said = entry->second.said;
  return said.starts_with(day_) ? said.substr(kDay + 1) : said;
}

// What says something of an earlier entry names it by its id, which nobody can read.
void Teller::TellWhatItIsOf(const pb::Event& event) {
  std::vector<std::string> ids(event.attested().events().begin(), event.attested().events().end());
  ids.push_back(event.record_corrected().corrected_event());
  ids.push_back(event.override_confirmed().grant());
  ids.push_back(event.death_recorded_in_error().death());
  for (const std::string& id : ids) {
    if (id.empty()) continue;
    const std::string said = Plain(Said(id));
    text_ += std::string(kBelow) + "  of " + said + "\n";
    json_.back()["of"].push_back(said);
  }
}

// Each sheet with what was entered from it, so that it can be held against its scan.
void Teller::TellSheets(const pb::DowntimeEnded& outage) {
  int number = 0;
  for (const pb::DowntimeSheet& paper : outage.papers()) {
    std::string told;
    for (const std::string& id : paper.entries()) {
      const auto entry = told_.entries.find(id);
      const bool live = entry != told_.entries.end() && !entry->second.from_paper;
      told += (told.empty() ? "" : "; ") + Said(id) + (live ? " (not from paper)" : "");
    }
    std::string line = "sheet " + std::to_string(++number);
    if (!paper.scan().name().empty()) line += " (" + paper.scan().name() + ")";
    line = Plain(line + ": " + (told.empty() ? "nothing entered" : told));
    text_ += std::string(kBelow) + "  " + line + "\n";
    json_.back()["sheets"].push_back(line);
  }
}

void Teller::TellEvent(const ParsedEvent& parsed) {
  const pb::Event& event = parsed.effective();
  const std::string local = FormatLocal(FromProto(event.occurred_at()), event.time_zone());
  const std::string day = local.substr(0, kDay);
  if (day != day_) text_ += (day_.empty() ? "" : "\n") + day + "\n";
  day_ = day;
  const std::string gist = Plain(Gist(event));
  TellJson(event, gist);
  text_ += "  " + local.substr(kDay + 1) + "  " + BodyRule(event).label();
  if (!gist.empty()) text_ += ": " + gist;
  text_ += "  [" + Plain(Signers(event)) + "]\n";
  json_.back()["remarks"] = Json::array();
  if (event.entry() != pb::LIVE)
    Remark("entered " + std::string(event.entry() == pb::LATE ? "late" : "from paper") +
           ", signed " + FormatLocal(FromProto(event.signed_at()), event.time_zone()) + ": " +
           event.late_reason());
  if (event.entry() == pb::DOWNTIME && !told_.on_sheets.contains(parsed.effective_id().ToString()))
    Remark("no scanned sheet stands beside this entry");
  TellSheets(event.downtime_ended());
  TellWhatItIsOf(event);
  if (parsed.original != nullptr)
    Remark("signed offline, and taken over into the record afterwards");
  if (full_) text_ += RenderEvent(event, event.time_zone());
}

void Teller::TellVerdict(std::uint64_t index) {
  const auto judged = judged_.verdicts.find(index);
  if (judged == judged_.verdicts.end()) return;
  for (const pb::Reason& reason : judged->second.reasons()) {
    if (const auto words = RemarkOf(reason, judged->second.refused()); !words.empty())
      Remark(words);
  }
  for (const std::string& words : judged_.overdue.at(index)) Remark(words);
}

void Teller::Tell(const BundleEntry& entry) {
  json_.push_back({{"index", entry.index}});
  const auto found = remarks_.find(entry.index);
  const auto& remarks = found == remarks_.end() ? std::vector<const pb::Finding*>() : found->second;
  const auto parsed = ParseEvent(entry.signed_event.payload());
  const bool holds = parsed.ok() && Holds(remarks_, entry.index);
  if (holds) {
    TellEvent(*parsed);
  } else {
    text_ += "EVENT " + std::to_string(entry.index) + " DOES NOT HOLD and is not told\n";
    json_.back()["remarks"] = Json::array();
  }
  if (holds) TellVerdict(entry.index);
  for (const pb::Finding* finding : remarks) {
    if (!holds || !IsToldOtherwise(*finding))
      Remark("[" + finding->check() + "] " + finding->reason());
  }
}

// The day until which the record is kept; empty while there is no product.
std::string KeptUntil(const pb::TherapyState& state) {
  if (state.retain_until_us() == 0) return {};
  return FormatLocal(Instant{state.retain_until_us()}, state.zone()).substr(0, kDay);
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
  const Judged judged = JudgeAgain(bundle, report.therapy(), remarks);
  const auto chain = bundle.chains.find(report.therapy());
  const std::vector<BundleEntry> none;
  const std::vector<BundleEntry>& entries = chain == bundle.chains.end() ? none : chain->second;
  const Entries told = EntriesOf(entries, remarks);
  Teller teller(remarks, judged, told, full);
  for (const BundleEntry& entry : entries) teller.Tell(entry);
  if (options.json) {
    const Json object = {{"therapy", report.therapy()},
                         {"environment", report.environment()},
                         {"events", teller.json()},
                         {"keptUntil", KeptUntil(judged.state)},
                         {"sentence", report.sentence()}};
    return Answer{.text = object.dump(2) + "\n", .exit_code = ExitCode(report)};
  }
  std::string text = report.therapy() + "\n";
  if (report.environment() != EnvironmentWord(pb::PRODUCTION))
    text += std::string(kTrainingMark) + "\n";
  // Who reads a story first must not learn only at its end that it may be invented.
  if (ExitCode(report) != 0 || !report.registry_pinned()) text += report.sentence() + "\n";
  text += "\n" + teller.text() + "\n";
  if (const std::string kept = KeptUntil(judged.state); !kept.empty())
    text += "This record is kept at least until " + kept + " (R31).\n";
  text += report.sentence() + "\n";
  return Answer{.text = text, .exit_code = ExitCode(report)};
}

}  // namespace custody

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/event_words.h"
#include "custody/profile.h"
#include "custody/rules.h"
#include "tools/audit/commands.h"

namespace custody {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPageWidth = 100;

std::string_view Binds(const Rule& rule) {
  switch (rule.kind) {
    case pb::REASON_STRUCTURE:
      return "refuses always";
    case pb::REASON_GATE:
      return "refuses a step about to be taken; entered as done it opens a critical deviation";
    case pb::REASON_DEVIATION:
      return "accepts, and opens a deviation";
    case pb::REASON_QUARANTINE:
      return "accepts, and puts what it is about in quarantine";
    default:
      return "remarks";
  }
}

std::string_view Word(const Rule& rule) {
  switch (rule.kind) {
    case pb::REASON_STRUCTURE:
      return "structure";
    case pb::REASON_GATE:
      return "gate";
    case pb::REASON_DEVIATION:
      return "deviation";
    case pb::REASON_QUARANTINE:
      return "quarantine";
    default:
      return "note";
  }
}

Json RuleJson(const Rule& rule) {
  Json object;
  object["id"] = rule.id;
  object["version"] = rule.version;
  object["since"] = rule.since;
  object["kind"] = Word(rule);
  object["statement"] = rule.statement;
  object["source"] = rule.source;
  object["ledgerWide"] = rule.ledger_wide;
  object["overrideBy"] = Json::array();
  for (const pb::Role role : rule.grantors) object["overrideBy"].push_back(pb::Role_Name(role));
  return object;
}

// `text` after `head`, on lines that fit a page, each but the first indented as far as `head` is
// long.
std::string Wrapped(const std::string& head, std::string_view text) {
  std::string lines = head;
  std::size_t column = head.size();
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    if (column > head.size() && column + 1 + space > kPageWidth) {
      lines += "\n" + std::string(head.size(), ' ');
      column = head.size();
    } else if (column > head.size()) {
      lines += ' ';
      ++column;
    }
    lines += text.substr(0, space);
    column += space;
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return lines + "\n";
}

std::string Padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

// What the rules go by where a profile says nothing.
struct Default {
  std::string_view rule;
  double value;
  std::string_view what;
};
constexpr Default kDefaults[] = {
    {"R03", 2, "min that a signature may lie ahead of the ledger's clock (no profile changes it)"},
    {"R04", Defaults::kPresenceMinutes, "min between two people who check together"},
    {"row 10", Defaults::kLabelMinutes, "min from the wristband to the label"},
    {"F3", Defaults::kCollections, "collections"},
    {"R09", Defaults::kFreshTargetHours, "h from collection to processing, fresh: aim"},
    {"R09", Defaults::kFreshSoftHours, "h from collection to processing, fresh: deviation"},
    {"R09", Defaults::kFreshHardHours, "h from collection to processing, fresh: gate"},
    {"R10", Defaults::kFrozenMonths, "months that frozen collected cells keep"},
    {"R12", Defaults::kShipperHoldHours, "h that a shipper holds"},
    {"R12", Defaults::kPlannedPercent, "% of that which a trip may take as planned"},
    {"R13", Defaults::kGapMinutes, "min without a reading"},
    {"R13", Defaults::kFrozenMaxC, "C, at most, for what is frozen"},
    {"R13", Defaults::kFrozenWarningC, "C below that: a note"},
    {"R13", Defaults::kFrozenSettlingMinutes, "min in which a dry shipper settles"},
    {"R14", Defaults::kGapIntervals, "intervals of a logger without a reading"},
    {"R20", Defaults::kLdMaxDays, "d from lymphodepletion to infusion, at most"},
    {"R21", Defaults::kLdMinDays, "d from lymphodepletion to infusion, at least"},
    {"R20", Defaults::kWaiverWbcDays, "d that a count for a waiver is good"},
    {"R20", Defaults::kWaiverWbcMax, "10^9/L white cells, at most, for a waiver"},
    {"R24", Defaults::kWeightChangePercent, "% change of weight"},
    {"R24", Defaults::kDoseTolerancePercent, "% around a dose that has a target alone"},
    {"R26", Defaults::kBedsidePassMinutes, "min that the check at the bedside is good"},
    {"R30", Defaults::kVisitWindowDays, "d around a follow-up visit"},
    {"R31", Defaults::kRetainYears, "years that the record is kept"},
    {"R32", Defaults::kMarrowDays, "d that a marrow finding is good for a split dose"},
    {"R32, R33", Defaults::kPlannedTolerancePercent, "% off what was planned"},
    {"R35", Defaults::kPreinfusionMinutes, "min that the check before the infusion is good"},
    {"R39", Defaults::kBaselineMinutes, "min that vital signs are good as a baseline"},
    {"row 33", Defaults::kOutMinutes, "min out of frozen storage and back"},
    {"row 33a", Defaults::kWardMinutes, "min from the wristband on the ward to the thaw"},
    {"row 35", Defaults::kTimeOutVitalsMinutes, "min that vital signs are good at the time-out"},
    {"F8b", Defaults::kQaOnCallMinutes, "min in which quality answers after a thaw"},
    {"R42", Defaults::kReleaseAlertDays, "d from the batch's beginning to its release: alert"},
    {"row 26", Defaults::kFinalDays, "d to the final result of a test that was negative to date"},
    {"ATTEST", Defaults::kAttestHours, "h to attest, or to confirm what was ordered by word"},
    {"VOLUME", Defaults::kVolumePercent, "% of a volume that may be missing, or"},
    {"VOLUME", Defaults::kVolumeMl, "mL, the larger of both"},
};

std::string DefaultsInWords() {
  std::string text = "\nWhat they go by where the product's profile states no number of its own:\n";
  for (const Default& one : kDefaults) {
    std::string value = std::to_string(static_cast<std::int64_t>(one.value));
    text += Wrapped(Padded(std::string(one.rule), 11) + Padded(std::move(value), 5), one.what);
  }
  return text;
}

// Nobody cites a version that never was.
Status Settle(std::uint32_t& rules_version) {
  if (rules_version == 0) rules_version = kNewestRulesVersion;
  if (rules_version <= kNewestRulesVersion) return {};
  return InvalidArgument("there is no rules version " + std::to_string(rules_version) +
                         "; the newest that this program knows is " +
                         std::to_string(kNewestRulesVersion));
}

}  // namespace

StatusOr<Answer> ListRules(std::uint32_t rules_version, bool json) {
  CUSTODY_RETURN_IF_ERROR(Settle(rules_version));
  Json all = Json::array();
  std::string text = "Rules, version " + std::to_string(rules_version) + "\n";
  for (const Rule& rule : Rules()) {
    if (FindRule(rule.id, rules_version) != &rule) continue;
    all.push_back(RuleJson(rule));
    text += Wrapped(Padded(std::string(rule.id), 11) + Padded(std::string(Word(rule)), 12),
                    rule.statement);
  }
  text +=
      "\nstructure   refuses always\n"
      "gate        refuses a step about to be taken; entered as done it opens a critical "
      "deviation\n"
      "deviation   accepts, and opens a deviation\n"
      "quarantine  accepts, and puts what it is about in quarantine\n"
      "`custody-audit explain ID` says of one who may override it and where it comes from.\n";
  text += DefaultsInWords();
  return Answer{.text = json ? all.dump(2) + "\n" : text, .exit_code = 0};
}

StatusOr<Answer> ExplainRule(std::string_view id, std::uint32_t rules_version, bool json) {
  CUSTODY_RETURN_IF_ERROR(Settle(rules_version));
  const Rule* rule = FindRule(id, rules_version);
  if (rule == nullptr)
    return InvalidArgument("no rule " + std::string(id) + " in rules version " +
                           std::to_string(rules_version) + "; `custody-audit rules` lists them");
  if (json) return Answer{.text = RuleJson(*rule).dump(2) + "\n", .exit_code = 0};
  std::string text = std::string(rule->id) + ", version " + std::to_string(rule->version) +
                     ", in force since rules version " + std::to_string(rule->since) + "\n";
  text += Wrapped("  ", rule->statement);
  text += Wrapped("  Binds:    ", Binds(*rule));
  text += Wrapped("  Override: ", rule->grantors.empty()
                                      ? std::string("never")
                                      : "by " + RoleNames(rule->grantors) +
                                            "; one grant for one step, or for one container from "
                                            "its removal to the end of its infusion");
  if (rule->ledger_wide)
    text += Wrapped("  Judged:   ",
                    "by the ledger, and by an audit of all of it; an audit of one therapy "
                    "says \"not judged here\"");
  text += Wrapped("  Source:   ", rule->source);
  return Answer{.text = text, .exit_code = 0};
}

}  // namespace custody

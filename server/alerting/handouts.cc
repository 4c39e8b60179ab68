// Escalation has no state of its own. Who is told is read off what was handed out, each time anew:
// the first of a list always; the one behind another when that one took its first message and
// nobody acknowledged for as long as the settings say, or when it cannot be reached; and whoever
// was told once goes on being told. So a restart, a changed list or a clock that was put right need
// no case of their own.
#include "server/alerting/handouts.h"

#include <algorithm>

namespace custody {
namespace {

constexpr std::int64_t kFirstPause = 30 * kMicrosPerSecond;
constexpr std::int64_t kLongestPause = 15 * kMicrosPerMinute;

struct Intervals {
  std::int64_t repeat = 0;
  std::int64_t escalate = 0;
};

Intervals IntervalsFor(const AlertingConfig& config, const TellList& list,
                       pb::AlertSeverity severity) {
  if (severity == pb::ALERT_ROUTINE) {
    const std::int64_t routine = config.routine_hours * kMicrosPerHour;
    return {routine, routine};
  }
  const int repeat = list.repeat_minutes != 0 ? list.repeat_minutes : config.repeat_minutes;
  const int escalate = list.escalate_minutes != 0 ? list.escalate_minutes : config.escalate_minutes;
  return {repeat * kMicrosPerMinute, escalate * kMicrosPerMinute};
}

std::vector<pb::Role> RolesOf(const pb::AlertRecord& record) {
  std::vector<pb::Role> roles;
  for (const int role : record.roles()) roles.push_back(static_cast<pb::Role>(role));
  return roles;
}

// A clock that was put back must not keep anybody waiting.
bool IsOver(std::int64_t since_us, std::int64_t interval, Instant now) {
  return now.micros - since_us >= interval || since_us > now.micros;
}

RecipientHealth HealthOf(const Healths& healths, const std::string& name) {
  const auto found = healths.find(name);
  return found == healths.end() ? RecipientHealth() : found->second;
}

void AddDue(const AlertingConfig& config, const TellList& list, const pb::AlertRecord& record,
            const Healths& healths, Instant now, std::vector<DueHandout>& due) {
  const Intervals intervals = IntervalsFor(config, list, record.severity());
  for (std::size_t i = 0; i < list.tell.size(); ++i) {
    const std::string& name = list.tell[i];
    const pb::Handout* const handed = FindHandout(record, list.site, name);
    const bool taken = handed != nullptr && handed->has_last();
    const bool failed = handed != nullptr && handed->failures() != 0;
    const RecipientHealth health = HealthOf(healths, name);
    const bool paused = health.failing() && health.next_try_us > now.micros &&
                        health.next_try_us - now.micros <= kLongestPause;
    const bool old =
        !taken || failed || IsOver(FromProto(handed->last()).micros, intervals.repeat, now);
    const bool listed = std::ranges::any_of(due, [&](const DueHandout& one) {
      return one.site == list.site && one.recipient->name == name;
    });
    if (!paused && old && !listed) {
      due.push_back({list.site, FindRecipient(config, name), static_cast<std::uint32_t>(i + 1)});
    }
    if (i + 1 == list.tell.size()) return;
    const bool told = FindHandout(record, list.site, list.tell[i + 1]) != nullptr;
    const bool late = taken && IsOver(FromProto(handed->first()).micros, intervals.escalate, now);
    const bool unreachable = health.failing() && (!taken || failed);
    if (!told && !late && !unreachable) return;
  }
}

}  // namespace

std::vector<DueHandout> DueHandouts(const AlertingConfig& config, const pb::AlertRecord& record,
                                    const Healths& healths, Instant now) {
  std::vector<DueHandout> due;
  const std::vector<pb::Role> roles = RolesOf(record);
  for (const std::string& site : record.waiting()) {
    for (const TellList* list : ListsFor(config, site, roles)) {
      AddDue(config, *list, record, healths, now, due);
    }
  }
  return due;
}

std::vector<std::string> Unreached(const AlertingConfig& config, const pb::AlertRecord& record) {
  std::vector<std::string> sites;
  const std::vector<pb::Role> roles = RolesOf(record);
  for (const std::string& site : record.waiting()) {
    if (ListsFor(config, site, roles).empty()) sites.push_back(site);
  }
  return sites;
}

void NoteOutcome(const DueHandout& handed, const Status& outcome, Instant now,
                 pb::AlertRecord& record, RecipientHealth& health) {
  const auto is_it = [&](const pb::Handout& one) {
    return one.site() == handed.site && one.recipient() == handed.recipient->name;
  };
  auto* all = record.mutable_handouts();
  const auto found = std::find_if(all->begin(), all->end(), is_it);
  pb::Handout& handout = found == all->end() ? *all->Add() : *found;
  handout.set_site(handed.site);
  handout.set_recipient(handed.recipient->name);
  handout.set_step(handed.step);
  *handout.mutable_tried() = ToProto(now);
  if (outcome.ok()) {
    if (!handout.has_first()) *handout.mutable_first() = ToProto(now);
    *handout.mutable_last() = ToProto(now);
    handout.set_times(handout.times() + 1);
    handout.set_failures(0);
    handout.clear_error();
    health = {0, "", 0, now.micros};
    return;
  }
  handout.set_failures(handout.failures() + 1);
  handout.set_error(Message(outcome));
  const std::uint32_t doublings = std::min<std::uint32_t>(health.failures, 5);
  health.next_try_us = now.micros + std::min(kFirstPause << doublings, kLongestPause);
  health.error = Message(outcome);
  ++health.failures;
}

const pb::Handout* FindHandout(const pb::AlertRecord& record, const std::string& site,
                               const std::string& recipient) {
  for (const pb::Handout& one : record.handouts()) {
    if (one.site() == site && one.recipient() == recipient) return &one;
  }
  return nullptr;
}

}  // namespace custody

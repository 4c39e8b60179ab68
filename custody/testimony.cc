// Whose word an event is: who did what it says, who signed that, and what they could know of when
// they did.
#include <algorithm>
#include <string>
#include <vector>

#include "custody/event.h"
#include "custody/state.h"
#include "custody/time.h"

namespace custody {

std::vector<StepPerson> SignersOf(const pb::Event& event) {
  std::vector<StepPerson> people;
  for (const pb::Signer& signer : event.signers()) {
    const bool clerk = signer.meaning() == pb::TRANSCRIBED || signer.meaning() == pb::CHECKED;
    if (event.entry() != pb::LIVE && clerk) continue;
    people.push_back({signer.person(), signer.role()});
  }
  return people;
}

std::vector<StepPerson> PeopleOf(const pb::Event& event) {
  std::vector<StepPerson> people;
  for (const pb::Performer& who : event.performed_by()) {
    people.push_back({who.person().empty() ? who.printed_name() : who.person(), who.role()});
  }
  for (StepPerson& signer : SignersOf(event)) people.push_back(std::move(signer));
  return people;
}

bool IsFromPaper(const pb::Event& event) {
  const std::vector<StepPerson> signers = SignersOf(event);
  return std::ranges::any_of(event.performed_by(), [&](const pb::Performer& who) {
    return who.person().empty() ||
           std::ranges::find(signers, who.person(), &StepPerson::person) == signers.end();
  });
}

std::int64_t KnownUntil(const pb::Event& event, bool told) {
  return Micros(event.occurred_at()) + (told ? -kMaxClockAheadMicros : kMaxClockAheadMicros);
}

std::int64_t ExpiryOf(const google::protobuf::Timestamp& at, const std::string& zone,
                      pb::Answer date_only) {
  if (date_only != pb::YES) return Micros(at);
  const StatusOr<std::int64_t> day = CalendarDay(FromProto(at), zone);
  if (!day.ok()) return Micros(at);
  const StatusOr<Instant> end = EndOfDay(*day, zone);
  return end.ok() ? end->micros : Micros(at);
}

bool IsDecidedBy(const pb::Quarantine& quarantine, const pb::Event& event, bool told) {
  const pb::QuarantineDecided& decision = event.quarantine_decided();
  if (!quarantine.open() || quarantine.kind() == pb::QUARANTINED_IDENTITY) return false;
  const bool use = decision.verdict() == pb::QUARANTINE_USE;
  const pb::QuarantineKind kind = KindOfCause(decision.cause());
  if (!decision.quarantine().empty()) {
    // Who lifts one says what it was for: that missing data do no harm is no word on heat.
    const bool meant = kind == pb::QUARANTINE_KIND_UNSPECIFIED || kind == quarantine.kind();
    return quarantine.id() == decision.quarantine() && (meant || !use);
  }
  // What is rejected for whatever else needs no further word.
  if (kind == pb::QUARANTINE_KIND_UNSPECIFIED) return !use;
  if (quarantine.kind() != kind) return false;
  if (!use) return true;
  // What is told later names what it decides: nobody can say which of them its signer had seen.
  return !told && quarantine.since_us() <= KnownUntil(event, told);
}

}  // namespace custody

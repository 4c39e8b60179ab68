// A therapy's state in words: for show, next, board and the station.
#ifndef CUSTODY_CLIENT_THERAPY_WORDS_H_
#define CUSTODY_CLIENT_THERAPY_WORDS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/desk.h"
#include "custody/pb.h"

namespace custody {

using Rows = std::vector<std::vector<std::string>>;

// `Joined` puts ", " between words.
template <typename Items>
std::string Joined(const Items& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

// `LocalTime` shows a state's time (microseconds; 0: never) in `zone`; empty for never.
std::string LocalTime(std::int64_t micros, std::string_view zone);

// `StepRows` are rows of {step, for, who, due, now}.
Rows StepRows(std::span<const pb::NextStep> steps, const Desk& desk);
// `HelpLines` say of steps what their body alone does not: "Discharged: usually 7 to 14 d ...".
std::vector<std::string> HelpLines(std::span<const pb::NextStep> steps);
// `ContainerRows` are rows of {container, kind, state, place, lot, expires}.
Rows ContainerRows(const pb::TherapyState& state, const Desk& desk);
// `EventRow` is {#, when, what, signed by, entered}.
std::vector<std::string> EventRow(const pb::Event& event, std::string_view zone);

// `Headline` names a therapy in one line: its product, state and chain of identity. Pseudonymous.
std::string Headline(const pb::TherapyState& state);
// `RenderTherapy` is the headline and everything open: holds, quarantines, deviations, shipments,
// offers, clocks that run, what is due.
std::string RenderTherapy(const pb::TherapyState& state, const Desk& desk);
// `Warnings` are the lines of it that stop somebody: holds, quarantines, withdrawn consent, death.
std::vector<std::string> Warnings(const pb::TherapyState& state, std::string_view zone);
// `AlertLines` are the alerts that nobody of this station's site has acknowledged yet, each with
// the id that ALERT_ACKNOWLEDGED names.
std::vector<std::string> AlertLines(const pb::TherapyState& state, const Desk& desk);

}  // namespace custody

#endif  // CUSTODY_CLIENT_THERAPY_WORDS_H_

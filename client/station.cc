#include "client/station.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "client/event_words.h"
#include "client/exit_code.h"
#include "client/field_values.h"
#include "client/form_filler.h"
#include "client/outbox.h"
#include "client/plain_lines.h"
#include "client/readout.h"
#include "client/therapy_words.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "custody/identity.h"

namespace custody {
namespace {

std::string ScanName(pb::ScanKind kind) {
  std::string name = pb::ScanKind_Name(kind);
  if (name.starts_with("SCAN_")) name = name.substr(5);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

std::optional<std::size_t> Number(std::string_view text) {
  std::size_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return number;
}

template <typename Roles>
std::vector<pb::Role> RolesOf(const Roles& roles) {
  std::vector<pb::Role> list;
  for (const auto role : roles) list.push_back(static_cast<pb::Role>(role));
  return list;
}

// What may be answered when a therapy is open.
constexpr std::string_view kAnswers =
    "a number of the list, the name of an event, \"why\" and a number, \"show\", a scan of another "
    "therapy, \"quit\", or nothing to close this one";

// A step that was named instead of chosen: judged when it is previewed.
std::optional<pb::NextStep> StepNamed(std::string_view name) {
  const auto* body = FindBody(name);
  if (body == nullptr || body->number() < 100) return std::nullopt;
  const pb::EventRule& rule = RuleOfBody(*body);
  pb::NextStep step;
  step.set_body(body->name());
  step.set_label(rule.label());
  for (const auto role : rule.enter()) step.add_roles(static_cast<pb::Role>(role));
  for (const auto role : rule.second()) step.add_second(static_cast<pb::Role>(role));
  step.set_two_person(rule.two_person());
  return step;
}

// What went wrong, below the question that it answers.
std::string Indented(const std::string& message) {
  return message.empty() ? message : "  " + PlainLines(message, "  ");
}

bool GaveUp(const Status& status) { return status.code() == StatusCode::kCancelled; }

// The name of a logger's file that can be read; empty: its values are typed.
StatusOr<std::string> AskLoggerFile(Console& console) {
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(
        const std::string name,
        console.Ask("  The logger's file [its name; empty: type what the logger shows]: "));
    if (name == "cancel") return absl::CancelledError("given up; nothing was recorded");
    if (name.empty()) return name;
    const Status read = ReadLoggerFile(name).status();
    if (read.ok()) return name;
    console.Say("  " + Message(read), Mood::kBad);
  }
}

}  // namespace

int Station::Run() {
  console_.Say("Station " + desk_.folder().settings().station + " of " +
               desk_.folder().settings().site + ". \"quit\" ends, \"cancel\" gives up a step.");
  while (true) {
    if (!desk_.online() && desk_.ReconnectNowAndThen().ok()) Send();
    const auto waiting = ReadOutbox(desk_);
    if (waiting.ok() && !waiting->empty()) {
      console_.Shout(
          Mood::kCareful, "NOT YET RECORDED",
          std::to_string(waiting->size()) + " waiting in the outbox; \"send\" sends them");
    }
    const auto line = console_.Ask("\nScan anything of a therapy (or: board, send, quit): ");
    if (!line.ok() || *line == "quit") return last_exit_;
    if (line->empty()) continue;
    if (*line == "send") {
      if (const Status there = desk_.Reconnect(); there.ok()) {
        Send();
      } else {
        console_.Complain(there);
        last_exit_ = ExitCodeOf(there);
      }
      continue;
    }
    if (*line == "board") {
      Status whole;
      for (const auto& one : desk_.Therapies(whole).value_or(std::vector<pb::GetTherapyReply>())) {
        console_.Say("  " + Headline(one.state()));
      }
      if (!whole.ok()) console_.Complain(whole);
      continue;
    }
    if (!Open(*line)) return last_exit_;
  }
}

void Station::Send() {
  last_exit_ = ExitCodeOf(SendOutbox(desk_, recorder_, console_, nullptr).first_problem);
}

bool Station::Open(const std::string& scan) {
  const auto id = desk_.Resolve(scan);
  if (id.ok()) return Choose(*id);
  last_exit_ = ExitCodeOf(id.status());
  console_.Shout(Mood::kBad, "STOP", Message(id.status()));
  return true;
}

void Station::ShowSteps(const pb::TherapyState& state, const std::vector<pb::NextStep>& steps) {
  console_.Say("\n" + Headline(state));
  for (const std::string& warning : Warnings(state, desk_.zone())) {
    console_.Shout(Mood::kBad, "STOP", warning);
  }
  if (!desk_.online()) {
    const auto confirmed = desk_.ConfirmedAt(state.therapy());
    const std::string since =
        confirmed.has_value() ? FormatLocal(*confirmed, desk_.zone()) : "THE SERVER WAS NEVER SEEN";
    console_.Shout(Mood::kBad, "OFFLINE",
                   "NOT CHECKED FOR RECALL SINCE " + since +
                       " - PHONE QA before anything is removed, thawed or infused");
  }
  Rows rows;
  for (const std::vector<std::string>& shown : StepRows(steps, desk_)) {
    rows.push_back({std::to_string(rows.size() + 1)});
    rows.back().insert(rows.back().end(), shown.begin(), shown.end());
  }
  console_.Table({"", "Next", "For", "Who", "Due", "Now"}, rows);
  for (const std::string& line : HelpLines(steps)) console_.Say("  " + line);
}

bool Station::Choose(const std::string& id) {
  while (true) {
    const auto therapy = desk_.Therapy(id);
    const auto steps = desk_.Next(id);
    if (!therapy.ok() || !steps.ok()) {
      console_.Complain(therapy.ok() ? steps.status() : therapy.status());
      return true;
    }
    ShowSteps(therapy->state(), *steps);
    const auto line =
        console_.Ask("Step (number or event; why NUMBER, show, quit; empty: another therapy): ");
    if (!line.ok()) return false;
    if (line->empty()) return true;
    if (*line == "quit") return false;
    if (*line == "show") {
      console_.Say(RenderTherapy(therapy->state(), desk_));
      continue;
    }
    const bool why = line->starts_with("why ");
    const auto number = Number(why ? std::string_view(*line).substr(4) : std::string_view(*line));
    std::optional<pb::NextStep> step;
    if (number && *number >= 1 && *number <= steps->size()) step = (*steps)[*number - 1];
    if (!number && !why) step = StepNamed(*line);
    if (!step) {
      if (const auto other = desk_.Resolve(*line); other.ok()) return Choose(*other);
      console_.Shout(Mood::kBad, "STOP",
                     "\"" + *line + "\" is no step and belongs to no therapy; expected " +
                         std::string(kAnswers));
      continue;
    }
    if (why || step->blocked()) {
      const bool early = step->opens_us() > desk_.Now().micros;
      const std::string when = early ? " opens on " + LocalTime(step->opens_us(), desk_.zone()) +
                                           "; nothing else stands against it"
                                     : " may be done";
      console_.Shout(step->blocked() ? Mood::kBad
                     : early         ? Mood::kCareful
                                     : Mood::kGood,
                     step->blocked() ? "STOP"
                     : early         ? "NOT YET"
                                     : "PASS",
                     step->label() + (step->blocked() ? " is not permitted now:" : when));
      const std::vector<pb::Reason> reasons(step->reasons().begin(), step->reasons().end());
      console_.Say(RenderReasons(reasons, "  "));
    }
    if (why) continue;
    const Status status = Step(id, *step);
    if (status.code() == StatusCode::kOutOfRange) return false;
    if (!status.ok()) console_.Say(Indented(Message(status)), Mood::kBad);
    if (!GaveUp(status)) last_exit_ = ExitCodeOf(status);
  }
}

StatusOr<DraftSigner> Station::AskSigner(const std::string& question,
                                         const std::vector<pb::Role>& roles) {
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string text, console_.Ask(question));
    if (text == "cancel" || text == "quit")
      return absl::CancelledError("given up; nothing was recorded");
    DraftSigner signer;
    if (text.find(':') != std::string::npos) {
      auto parsed = DraftSigner::Parse(text);
      if (!parsed.ok()) {
        console_.Say(Indented(Message(parsed.status())), Mood::kBad);
        continue;
      }
      signer = *std::move(parsed);
    } else {
      signer.person = text;
    }
    const EnrolledPerson* person = desk_.registry().FindPerson(signer.person);
    if (person == nullptr || person->retired) {
      console_.Say("  nobody is enrolled as \"" + signer.person + "\"; scan the badge again",
                   Mood::kBad);
      continue;
    }
    for (const pb::Role role : person->roles) {
      const bool fits = roles.empty() || std::ranges::find(roles, role) != roles.end();
      if (signer.role == pb::ROLE_UNSPECIFIED && fits) signer.role = role;
    }
    if (signer.role == pb::ROLE_UNSPECIFIED) {
      console_.Say("  " + signer.person + " has none of the roles " + RoleNames(roles), Mood::kBad);
      continue;
    }
    // Here and now this person stands at the station.
    signer.identified_at = FormatUtc(desk_.Now());
    return signer;
  }
}

StatusOr<std::vector<DraftSigner>> Station::AskSigners(const pb::NextStep& step) {
  const std::vector<pb::Role> first = RolesOf(step.roles());
  std::vector<pb::Role> second = RolesOf(step.second());
  if (second.empty()) second = first;
  std::vector<DraftSigner> signers;
  const std::string hint = first.empty() ? "" : " (" + RoleNames(first) + ")";
  CUSTODY_ASSIGN_OR_RETURN(DraftSigner one, AskSigner("Who does it" + hint + "? badge: ", first));
  signers.push_back(std::move(one));
  if (!step.two_person()) return signers;
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(DraftSigner two,
                             AskSigner("Second person (" +
                                           (second.empty() ? "any other enrolled person of the site"
                                                           : RoleNames(second)) +
                                           ")? badge: ",
                                       second));
    if (two.person != signers[0].person) {
      signers.push_back(std::move(two));
      return signers;
    }
    console_.Shout(Mood::kBad, "STOP",
                   "the same person twice: a second person has to check independently (R04)");
  }
}

// A blocked step can still be stated as already done: what happened is always recordable.
Status Station::AskEntry(const pb::NextStep& step, Draft& draft) {
  if (!step.blocked()) return absl::OkStatus();
  CUSTODY_ASSIGN_OR_RETURN(
      const std::string answer,
      console_.Ask("Was it done all the same? [done: enter it as already done; empty: no] "));
  if (answer != "done") return absl::CancelledError("nothing was recorded");
  draft.entry = pb::LATE;
  CUSTODY_ASSIGN_OR_RETURN(draft.reason, console_.Ask("Why is it entered now? "));
  CUSTODY_ASSIGN_OR_RETURN(draft.at, console_.Ask("When was it done? "));
  CUSTODY_ASSIGN_OR_RETURN(const std::string who,
                           console_.Ask("Who did it? [PERSON:ROLE:NAME; empty: those who sign] "));
  if (!who.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(pb::Performer performer, ParsePerformer(who));
    draft.performed_by.push_back(std::move(performer));
  }
  return absl::OkStatus();
}

Status Station::Step(const std::string& id, const pb::NextStep& chosen) {
  Draft draft;
  draft.event = chosen.body();
  draft.therapy = id;
  CUSTODY_RETURN_IF_ERROR(AskEntry(chosen, draft));
  pb::NextStep step = chosen;
  if (draft.entry != pb::LIVE) {
    // Transcriber and checker: any two enrolled people of the site.
    step.clear_roles();
    step.clear_second();
    step.set_two_person(true);
  }
  std::optional<Reservation> reserved;
  if (step.two_person()) {
    reserved.emplace(desk_, id);
    if (!reserved->status().ok()) {
      console_.Shout(Mood::kCareful, "WAIT", Message(reserved->status()));
    }
  }
  CUSTODY_ASSIGN_OR_RETURN(draft.signers, AskSigners(step));
  FieldSources sources;
  sources.zone = desk_.zone();
  sources.now = desk_.Now();
  if (clinic_) {
    // Only the form is checked here; the commitment itself is made when the event is built.
    sources.commit = [](std::string_view clear) -> StatusOr<v1::IdentifierCommitment> {
      CUSTODY_ASSIGN_OR_RETURN(const ClearIdentifier one, ClearIdentifier::Parse(clear));
      CUSTODY_RETURN_IF_ERROR(
          CommitIdentifier(std::string(32, '\0'), one.type, one.issuer, one.value).status());
      return v1::IdentifierCommitment();
    };
  }
  sources.attach = [](std::string_view file) -> StatusOr<v1::AttachmentRef> {
    if (!std::filesystem::is_regular_file(std::filesystem::path(file))) {
      return NotFound("there is no file " + std::string(file));
    }
    return v1::AttachmentRef();
  };
  FormFiller filler(console_, sources, draft.signers,
                    [&](pb::ScanKind kind, const std::string& value) {
                      return CheckScan(id, step, draft.signers, kind, value);
                    });
  const auto* body = FindBody(draft.event);
  if (body == nullptr) return NotFound("this program does not know the event " + draft.event);
  if (body->name() == "telemetry_batch") {
    CUSTODY_ASSIGN_OR_RETURN(draft.logger_file, AskLoggerFile(console_));
    if (!draft.logger_file.empty()) filler.LeaveOut(ComesWithFile);
  }
  if (draft.entry == pb::LIVE && MustPhone(id)) {
    filler.AskToo([](const auto& field) { return field.name() == "recall_call"; });
  }
  CUSTODY_ASSIGN_OR_RETURN(draft.fields, filler.Fill(*body));
  // What came of it was said by the recorder; here only the exit code is kept.
  last_exit_ = ExitCodeOf(recorder_.Record(std::move(draft)).status);
  return absl::CancelledError("");
}

bool Station::MustPhone(const std::string& id) const {
  constexpr std::int64_t kVerified = 4 * kMicrosPerHour;  // R36
  if (desk_.online()) return false;
  const auto confirmed = desk_.ConfirmedAt(id);
  return !confirmed.has_value() || desk_.Now() - *confirmed > kVerified;
}

// Only what is certainly wrong is stopped here; all else is for the rules, which see everything.
Status Station::CheckScan(const std::string& id, const pb::NextStep& step,
                          const std::vector<DraftSigner>& signers, pb::ScanKind kind,
                          const std::string& value) {
  const auto therapy = desk_.Therapy(id);
  CUSTODY_RETURN_IF_ERROR(therapy.status());
  const pb::TherapyState& state = therapy->state();
  if (kind == pb::SCAN_COI) {
    if (state.coi().empty() || state.coi() == value) return absl::OkStatus();
  } else if (kind != pb::SCAN_CONTAINER && kind != pb::SCAN_DIN && kind != pb::SCAN_LOT &&
             kind != pb::SCAN_CASSETTE && kind != pb::SCAN_CERTIFICATE) {
    return absl::OkStatus();
  }
  const auto other = desk_.Resolve(value);
  if (other.ok() && *other == id) return absl::OkStatus();
  if (!other.ok() && kind != pb::SCAN_COI) return absl::OkStatus();  // new, or not seen from here
  const std::string what = ScanName(kind) + " " + value;
  console_.Shout(Mood::kBad, "STOP - ANOTHER PATIENT'S", what + " does not belong to this therapy");
  OfferNearMiss(id, other.ok() ? *other : "", step, signers, kind, value);
  return FailedPrecondition("scan the right " + ScanName(kind));
}

void Station::OfferNearMiss(const std::string& id, const std::string& other,
                            const pb::NextStep& step, const std::vector<DraftSigner>& signers,
                            pb::ScanKind kind, const std::string& value) {
  if (!console_.Confirm("  Was nothing opened, packed or connected, and is it recorded as a near "
                        "miss?")) {
    console_.Say("  If anything was opened or connected, record identity_in_doubt now.",
                 Mood::kBad);
    return;
  }
  for (const auto& [therapy, counterpart] : {std::pair(id, other), std::pair(other, id)}) {
    if (therapy.empty()) continue;
    Draft draft;
    draft.event = "wrong_item_presented";
    draft.therapy = therapy;
    draft.signers = {signers[0]};
    draft.fields = {{"at-step", step.body()},
                    {"presented-type", ScanName(kind)},
                    {"presented", value},
                    {"nothing-done", "yes"}};
    if (!counterpart.empty()) draft.fields.emplace_back("other-therapy", TherapyChain(counterpart));
    recorder_.Record(std::move(draft));
  }
}

}  // namespace custody

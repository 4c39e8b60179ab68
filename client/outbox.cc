#include "client/outbox.h"

#include <set>

#include "crypto/dsse.h"
#include "custody/event.h"

namespace custody {
namespace {

bool StepIsDone(const Status& status) {
  return status.code() == StatusCode::kAborted || status.code() == StatusCode::kFailedPrecondition;
}

// The event that carries `waiting`, on the chain's head of now.
Outcome Adopt(Desk& desk, Recorder& recorder, const Waiting& waiting, const AdoptBy& adopt) {
  Outcome outcome;
  const auto attempt = [&]() -> Status {
    Draft draft;
    draft.therapy = waiting.event.chain().substr(waiting.event.chain().find('/') + 1);
    draft.signers = adopt.signers;
    for (DraftSigner& signer : draft.signers) {
      if (signer.meaning == pb::MEANING_UNSPECIFIED) signer.meaning = pb::TRANSCRIBED;
    }
    CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply head, desk.Therapy(draft.therapy));
    pb::Event event;
    CUSTODY_RETURN_IF_ERROR(recorder.Envelope(draft, head, event));
    *event.mutable_adopted()->mutable_original() = waiting.signed_event;
    event.mutable_adopted()->set_reason(adopt.reason);
    CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent signed_event, recorder.Sign(event));
    if (!desk.online()) return desk.Reachable();
    const Recorded recorded = desk.session().Record(signed_event);
    outcome.chain = event.chain();
    outcome.sequence = event.sequence();
    outcome.event_id = EventId(signed_event.payload()).ToHex();
    outcome.index = recorded.receipt.index();
    outcome.known = recorded.known;
    outcome.verdict = recorded.verdict;
    return recorded.status;
  };
  outcome.status = attempt();
  return outcome;
}

}  // namespace

StatusOr<std::vector<Waiting>> ReadOutbox(const Desk& desk) {
  std::vector<Waiting> all;
  CUSTODY_ASSIGN_OR_RETURN(const auto items, desk.folder().Outbox());
  for (const auto& item : items) {
    Waiting waiting;
    waiting.name = item.stem().string();
    CUSTODY_ASSIGN_OR_RETURN(waiting.signed_event, desk.folder().ReadOutbox(item));
    if (!waiting.event.ParseFromString(waiting.signed_event.payload())) {
      return DataLoss("this file of the outbox holds no event: " + item.string());
    }
    waiting.event_id = EventId(waiting.signed_event.payload()).ToHex();
    all.push_back(std::move(waiting));
  }
  return all;
}

OutboxReport SendOutbox(Desk& desk, Recorder& recorder, Console& console, const AdoptBy* adopt) {
  OutboxReport report;
  const auto all = ReadOutbox(desk);
  if (!all.ok()) {
    report.first_problem = all.status();
    return report;
  }
  const auto note = [&report](const Status& status) {
    if (report.first_problem.ok()) report.first_problem = status;
  };
  std::set<std::string> stopped;  // chains in which an earlier event stays
  for (const Waiting& waiting : *all) {
    if (!desk.online()) {
      ++report.waiting;
      note(desk.Reachable());
      continue;
    }
    if (stopped.contains(waiting.event.chain())) {
      ++report.stuck;
      continue;
    }
    const std::string label = BodyRule(waiting.event).label();
    Outcome outcome;
    Recorded recorded = desk.session().Record(waiting.signed_event);
    outcome.status = recorded.status;
    outcome.verdict = recorded.verdict;
    outcome.chain = waiting.event.chain();
    outcome.sequence = waiting.event.sequence();
    outcome.event_id = waiting.event_id;
    outcome.index = recorded.receipt.index();
    outcome.known = recorded.known;
    if (StepIsDone(outcome.status) && adopt != nullptr) {
      outcome = Adopt(desk, recorder, waiting, *adopt);
      if (outcome.status.ok()) ++report.adopted;
    } else if (outcome.status.ok()) {
      ++report.sent;
    }
    if (outcome.status.ok()) {
      const Status gone =
          desk.folder().Dequeue(desk.folder().path() / "outbox" / (waiting.name + ".event"));
      if (!gone.ok()) note(gone);
      recorder.Tell(outcome, label);
      continue;
    }
    note(outcome.status);
    const bool unreachable = outcome.status.code() == StatusCode::kUnavailable ||
                             outcome.status.code() == StatusCode::kDeadlineExceeded;
    if (unreachable) {
      desk.LoseSession(outcome.status);
      ++report.waiting;
      continue;
    }
    stopped.insert(waiting.event.chain());
    ++report.stuck;
    recorder.Tell(outcome, label);
    if (adopt == nullptr && StepIsDone(outcome.status)) {
      console.Say("  It stays in the outbox as " + waiting.name +
                  ". If the step was done: `outbox send --adopt --as PERSON:ROLE --reason ...`; if "
                  "it was not done: `outbox drop " +
                  waiting.name + "`.");
    }
  }
  return report;
}

}  // namespace custody

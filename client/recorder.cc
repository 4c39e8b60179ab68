#include "client/recorder.h"

#include <chrono>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "client/event_words.h"
#include "client/filled_in.h"
#include "client/forms.h"
#include "client/local_time.h"
#include "client/readout.h"
#include "client/right_time.h"
#include "crypto/dsse.h"
#include "crypto/encoding.h"
#include "crypto/file.h"
#include "crypto/utf8.h"
#include "custody/chain.h"
#include "custody/event.h"
#include "custody/rules.h"

namespace custody {
namespace {

using google::protobuf::FieldDescriptor;
using AnyMessage = google::protobuf::Message;

constexpr int kMaxTries = 3;  // on a chain that moves each time

// One "now" for the whole event: nobody is identified after signing it, nothing happens after it.
Status FillSigners(const Draft& draft, const Desk& desk, const Keyring& keyring, Instant now,
                   pb::Event& event) {
  if (draft.signers.empty()) {
    return InvalidArgument("nobody signs: give --as PERSON:ROLE, once for each who signs");
  }
  for (std::size_t i = 0; i < draft.signers.size(); ++i) {
    const DraftSigner& draft_signer = draft.signers[i];
    const EnrolledPerson* person = desk.registry().FindPerson(draft_signer.person);
    if (person == nullptr || person->printed_names.empty()) {
      return PermissionDenied("\"" + draft_signer.person + "\" is not enrolled in this ledger");
    }
    pb::Signer& signer = *event.add_signers();
    CUSTODY_ASSIGN_OR_RETURN(const Hash key_id, keyring.KeyIdOf(draft_signer.person));
    signer.set_key_id(key_id.ToString());
    signer.set_person(draft_signer.person);
    signer.set_printed_name(person->printed_names.back());
    signer.set_role(draft_signer.role);
    signer.set_meaning(draft_signer.meaning == pb::MEANING_UNSPECIFIED
                           ? DefaultMeaning(draft.entry, i)
                           : draft_signer.meaning);
    const std::string& identified = draft_signer.identified_at;
    CUSTODY_ASSIGN_OR_RETURN(const Instant at,
                             ParseTime(identified.empty() ? "now" : identified, desk.zone(), now));
    *signer.mutable_identified_at() = ToProto(at);
  }
  return absl::OkStatus();
}

std::string MediaType(const std::filesystem::path& file) {
  static const std::map<std::string, std::string> kTypes = {
      {".csv", "text/csv"},        {".txt", "text/plain"},     {".json", "application/json"},
      {".pdf", "application/pdf"}, {".png", "image/png"},      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},     {".xml", "application/xml"}};
  const auto found = kTypes.find(file.extension().string());
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

std::string Rules(const pb::Verdict& verdict) {
  std::string rules;
  for (const pb::Reason& reason : verdict.reasons()) {
    const bool refuses = reason.kind() == pb::REASON_STRUCTURE ||
                         (reason.kind() == pb::REASON_GATE && !reason.overridden());
    if (refuses && rules.find(reason.rule()) == std::string::npos) {
      rules += (rules.empty() ? "" : ", ") + reason.rule();
    }
  }
  return rules;
}

// Two signatures of one person are one person's check, whatever roles they are given in.
Status CheckDifferentPeople(const pb::Event& event) {
  for (int i = 0; i < event.signers_size(); ++i) {
    for (int j = 0; j < i; ++j) {
      if (event.signers(i).person() != event.signers(j).person()) continue;
      return FailedPrecondition("refused by R04: expected different people, found " +
                                event.signers(i).printed_name() + " (" + event.signers(i).person() +
                                ") twice; a second person has to check independently");
    }
  }
  return absl::OkStatus();
}

// What the fields alone did not show and the rules of the format refuse is a refusal, not a slip of
// the command line.
Status AsRefusal(const Status& status) {
  if (status.code() != StatusCode::kInvalidArgument) return status;
  return FailedPrecondition(Message(status));
}

Status CheckEvent(const Draft& draft) {
  const FieldDescriptor* body = FindBody(draft.event);
  if (body != nullptr && body->number() >= 100) return absl::OkStatus();
  return InvalidArgument("there is no event \"" + draft.event + "\"; `describe` lists all");
}

bool NotReached(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kDeadlineExceeded ||
         code == StatusCode::kResourceExhausted;
}

}  // namespace

void Recorder::PauseOneSecond() { std::this_thread::sleep_for(std::chrono::seconds(1)); }

Status Recorder::Envelope(const Draft& draft, const pb::GetTherapyReply& head,
                          pb::Event& event) const {
  const Instant now = desk_.Now();
  event.set_chain(TherapyChain(draft.therapy));
  event.set_sequence(head.length());
  event.set_previous(head.head());
  CUSTODY_ASSIGN_OR_RETURN(const Instant at,
                           ParseTime(draft.at.empty() ? "now" : draft.at, desk_.zone(), now));
  *event.mutable_occurred_at() = ToProto(at);
  *event.mutable_signed_at() = ToProto(now);
  event.set_time_zone(desk_.zone());
  event.set_station(desk_.folder().settings().station);
  if (!desk_.folder().trust().genesis) {
    return FailedPrecondition(
        "this station's trust anchor names no genesis; ask for a complete one");
  }
  event.set_ledger(desk_.folder().trust().genesis->ToString());
  event.set_entry(draft.entry);
  if (draft.entry != pb::LIVE && draft.reason.empty()) {
    return InvalidArgument("what is entered later needs its reason");
  }
  if (draft.entry != pb::LIVE) event.set_late_reason(draft.reason);
  for (const pb::Performer& performer : draft.performed_by) *event.add_performed_by() = performer;
  for (const std::string& grant : draft.grants) {
    auto id = Hash::FromHex(grant);
    if (!id.ok()) {
      return InvalidArgument("--grant takes the event id of an override, 64 hex digits, found \"" +
                             grant + "\"");
    }
    event.add_grants(id->ToString());
  }
  return FillSigners(draft, desk_, keyring_, now, event);
}

StatusOr<v1::AttachmentRef> Recorder::Attach(std::string_view therapy, std::string_view file) {
  const std::filesystem::path path(file);
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxAttachmentBytes));
  CUSTODY_RETURN_IF_ERROR(desk_.Reachable());
  const std::string media_type = MediaType(path);
  CUSTODY_ASSIGN_OR_RETURN(const pb::PutAttachmentReply put,
                           desk_.session().PutAttachment(therapy, media_type, bytes));
  if (put.sha256() != Sha256(bytes).view() || put.size() != bytes.size()) {
    return DataLoss("the server kept something else than " + path.string());
  }
  v1::AttachmentRef reference;
  reference.set_sha256(put.sha256());
  reference.set_size(put.size());
  reference.set_media_type(media_type);
  reference.set_name(path.filename().string());
  return reference;
}

StatusOr<pb::Event> Recorder::Build(const Draft& draft, Patient& patient) {
  CUSTODY_RETURN_IF_ERROR(CheckEvent(draft));
  const FieldDescriptor* body_field = FindBody(draft.event);
  pb::GetTherapyReply head;
  auto therapy = desk_.Therapy(draft.therapy);
  const bool begins = body_field->name() == "patient_enrolled";
  // A therapy is begun where the server says that there is none yet.
  if (begins && !therapy.ok() && !desk_.online()) return desk_.Reachable();
  if (therapy.ok()) {
    head = *std::move(therapy);
  } else if (!begins || therapy.status().code() != StatusCode::kNotFound) {
    return therapy.status();
  }
  pb::Event event;
  CUSTODY_RETURN_IF_ERROR(Envelope(draft, head, event));
  FieldSources sources;
  sources.zone = desk_.zone();
  sources.now = FromProto(event.signed_at());
  sources.unusual = [this](const std::string& remark) {
    console_.Shout(Mood::kCareful, "CHECK", remark);
  };
  if (options_.clinic) {
    sources.commit = [&patient](std::string_view clear) { return patient.Commit(clear); };
  }
  if (desk_.online()) {
    sources.attach = [&](std::string_view file) { return Attach(draft.therapy, file); };
  }
  AnyMessage& body = *event.GetReflection()->MutableMessage(&event, body_field);
  for (const auto& [path, text] : draft.fields) {
    CUSTODY_RETURN_IF_ERROR(SetField(body, path, text, sources));
  }
  CUSTODY_RETURN_IF_ERROR(
      ReadOut(draft.logger_file, head.state(), desk_.registry(), sources, event));
  FillOwnChecks(event, body);
  FillComputedGrade(head.state(), event);
  // Asked for a moment ago, or as old as what is kept here.
  const auto verified = desk_.online() ? FromProto(event.signed_at())
                                       : desk_.ConfirmedAt(draft.therapy).value_or(Instant{});
  FillVerifiedAt(verified, event, body);
  return event;
}

StatusOr<pb::Verdict> Recorder::Preview(const pb::Event& event) {
  const std::string payload = event.SerializeAsString();
  if (desk_.online()) {
    pb::SignedEvent unsigned_event;
    unsigned_event.set_payload(payload);
    auto verdict = desk_.session().Preview(unsigned_event);
    if (!NotReached(verdict.status().code())) return verdict;
    desk_.LoseSession(verdict.status());
  }
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(payload));
  const std::string id = event.chain().substr(event.chain().find('/') + 1);
  CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply therapy, desk_.Therapy(id));
  return Judge(parsed, desk_.registry(), therapy.state(),
               {therapy.state().index() + 1, event.sequence(), desk_.Now()});
}

StatusOr<pb::Verdict> Recorder::Consider(Draft draft) {
  Patient patient(desk_, draft.therapy,
                  draft.signers.empty() ? pb::ROLE_UNSPECIFIED : draft.signers[0].role);
  CUSTODY_ASSIGN_OR_RETURN(const pb::Event event, Build(draft, patient));
  return Preview(event);
}

StatusOr<pb::SignedEvent> Recorder::Sign(pb::Event& event) {
  // Also when the second signer gives up: the first one's key must not sign the next event.
  struct Forgetting {
    Keyring& keyring;
    ~Forgetting() { keyring.Forget(); }
  };
  const Forgetting forgetting{keyring_};
  CUSTODY_RETURN_IF_ERROR(CheckClock(desk_, BodyRule(event), event.entry()));
  std::vector<const PrivateKey*> keys;
  for (pb::Signer& signer : *event.mutable_signers()) {
    CUSTODY_ASSIGN_OR_RETURN(const PrivateKey* key, keyring_.Unlock(signer.person()));
    signer.set_key_id(key->key_id().ToString());
    keys.push_back(key);
  }
  return SignEvent(event, keys);
}

Outcome Recorder::Send(const std::filesystem::path& item, const pb::SignedEvent& signed_event,
                       const pb::Event& event) {
  Outcome outcome;
  outcome.chain = event.chain();
  outcome.sequence = event.sequence();
  outcome.event_id = EventId(signed_event.payload()).ToHex();
  outcome.fate = Fate::kUnknown;
  outcome.status = desk_.Reachable();
  if (desk_.online()) {
    RecordResult recorded = desk_.session().Record(signed_event);
    outcome.fate = recorded.fate;
    outcome.status = std::move(recorded.status);
    outcome.known = recorded.known;
    outcome.verdict = std::move(recorded.verdict);
    outcome.index = recorded.receipt.index();
    for (const pb::BadField& bad : recorded.bad_fields.fields()) {
      console_.Say("  " + Plain(bad.path() + ": " + bad.reason()), Mood::kBad);
    }
  }
  switch (outcome.fate) {
    case Fate::kRecorded:
      // Left behind by a program that is killed here, it is found to be recorded when sent again.
      static_cast<void>(desk_.folder().Dequeue(item, signed_event));
      desk_.Advance(signed_event, outcome.index);
      break;
    case Fate::kUnkept:
      outcome.unkept = std::exchange(outcome.status, absl::OkStatus());
      break;
    case Fate::kUnknown:
      if (desk_.online()) desk_.LoseSession(outcome.status);
      [[fallthrough]];
    case Fate::kReserved:
    case Fate::kAhead:
    case Fate::kUnread:
      outcome.queued = true;
      outcome.status = AsRefusal(outcome.status);
      break;
    case Fate::kMoved:
    case Fate::kRefused:
      outcome.status = AsRefusal(outcome.status);
      break;
  }
  return outcome;
}

Outcome Recorder::HandIn(const pb::SignedEvent& signed_event, const pb::Event& event) {
  const auto item = desk_.folder().Enqueue(signed_event);
  if (!item.ok()) {
    Outcome outcome;
    outcome.chain = event.chain();
    outcome.sequence = event.sequence();
    outcome.status =
        WithContext(item.status(),
                    "this station cannot keep it, so it was not handed in; make room or write it "
                    "on paper");
    return outcome;
  }
  Outcome outcome = Send(*item, signed_event, event);
  for (std::uint32_t waited = 0; outcome.fate == Fate::kReserved && waited < kMaxReserveSeconds;
       ++waited) {
    if (waited == 0) console_.Shout(Mood::kCareful, "WAITING", Message(outcome.status));
    options_.pause();
    outcome = Send(*item, signed_event, event);
  }
  const bool ahead = outcome.fate == Fate::kAhead && event.entry() == pb::LIVE;
  if (outcome.fate == Fate::kMoved || outcome.fate == Fate::kRefused || ahead) {
    outcome.queued = false;
    // It was judged before the eyes of those who signed it: it is theirs to enter anew.
    const Status gone = desk_.folder().Dequeue(*item, signed_event);
    if (!gone.ok()) outcome.status = WithContext(outcome.status, Message(gone));
  }
  return outcome;
}

Outcome Recorder::Once(const Draft& draft, Patient& patient, bool again) {
  Outcome outcome;
  const auto fail = [&outcome](const Status& status) {
    outcome.status = status;
    return outcome;
  };
  if (options_.by_hand) WarnOfClock(desk_, console_);  // who sits here may do so for hours
  const FieldDescriptor* named = FindBody(draft.event);
  const pb::EventRule& rule = named ? RuleOfBody(*named) : pb::EventRule::default_instance();
  if (const Status clock = CheckClock(desk_, rule, draft.entry); !clock.ok()) return fail(clock);
  std::optional<Reservation> reserved;
  if (options_.by_hand && draft.signers.size() > 1) {
    reserved.emplace(desk_, draft.therapy);
    if (!reserved->status().ok()) {
      console_.Shout(Mood::kCareful, "WAIT", Message(reserved->status()));
    }
  }
  auto event = Build(draft, patient);
  if (!event.ok()) return fail(event.status());
  outcome.chain = event->chain();
  outcome.sequence = event->sequence();
  std::string missing;
  const FieldDescriptor* body = BodyField(*event);
  for (const std::string& path : MissingFields(event->GetReflection()->GetMessage(*event, body))) {
    missing += (missing.empty() ? "" : ", ") + RecordOption(path);
  }
  if (!missing.empty()) {
    return fail(
        InvalidArgument("still missing: " + missing + "; see `describe " + body->name() + "`"));
  }
  console_.Say(RenderEvent(*event, desk_.zone()));
  if (const Status people = CheckDifferentPeople(*event); !people.ok()) return fail(people);
  auto verdict = Preview(*event);
  if (!verdict.ok()) return fail(AsRefusal(verdict.status()));
  outcome.verdict = *verdict;
  if (verdict->reasons_size() > 0) console_.Say(RenderVerdict(*verdict));
  if (verdict->refused()) return fail(FailedPrecondition("refused by " + Rules(*verdict)));
  const bool ask = console_.look().terminal && !options_.yes;
  if (ask && !console_.Confirm(again ? "Sign it anew?" : "Is this right, and is it signed?")) {
    return fail(absl::CancelledError("nothing was signed, nothing was recorded"));
  }
  auto signed_event = Sign(*event);
  if (!signed_event.ok()) return fail(signed_event.status());
  const bool identifies =
      body->name() == "patient_enrolled" || body->name() == "patient_identifier_added";
  if (identifies) {
    if (const Status vault = patient.HandToVault(); !vault.ok()) return fail(vault);
  }
  outcome = HandIn(*signed_event, *event);
  if (outcome.fate == Fate::kMoved && desk_.online()) ShowMeanwhile(*event);
  return outcome;
}

Outcome Recorder::Record(Draft draft) {
  Patient patient(desk_, draft.therapy,
                  draft.signers.empty() ? pb::ROLE_UNSPECIFIED : draft.signers[0].role);
  const FieldDescriptor* body = FindBody(draft.event);
  const std::string label = body == nullptr ? draft.event : RuleOfBody(*body).label();
  Outcome outcome;
  outcome.status = CheckEvent(draft);
  if (!outcome.status.ok()) {
    // Nothing more is asked of it.
  } else if (body->name() == "patient_enrolled" && options_.clinic) {
    outcome.status = patient.Enrol(draft);
  } else if (draft.therapy.empty()) {
    outcome.status = InvalidArgument("which therapy? give --therapy ID");
  }
  for (int attempt = 0; outcome.status.ok() && attempt < kMaxTries; ++attempt) {
    outcome = Once(draft, patient, attempt > 0);
    if (outcome.fate != Fate::kMoved) break;
    if (attempt + 1 < kMaxTries) outcome.status = absl::OkStatus();
  }
  Tell(outcome, label);
  return outcome;
}

}  // namespace custody

#include "tests/support/player.h"

#include <algorithm>
#include <set>
#include <utility>

#include "crypto/dsse.h"
#include "crypto/hash.h"
#include "custody/event.h"
#include "custody/registry.h"
#include "custody/rules.h"
#include "custody/state.h"
#include "custody/telemetry.h"
#include "tests/support/logger_file.h"
#include "tests/support/main_path.h"

namespace custody {
namespace {

// The rules that have more than a note to say, each once.
std::vector<std::string> RulesOf(const pb::Verdict& verdict) {
  std::set<std::string> rules;
  for (const pb::Reason& reason : verdict.reasons()) {
    const bool note = reason.kind() == pb::REASON_NOTE || reason.kind() == pb::REASON_NOT_JUDGED;
    if (!note) rules.insert(reason.rule());
  }
  return {rules.begin(), rules.end()};
}

std::string Listed(const std::vector<std::string>& rules) {
  std::string list;
  for (const std::string& rule : rules) list += (list.empty() ? "" : " ") + rule;
  return list.empty() ? "no rule" : list;
}

// How what happened differs from what the script says; empty when it does not.
std::string Otherwise(const JourneyStep& step, const Stage::Answer& answer) {
  const std::vector<std::string> found = RulesOf(answer.verdict);
  const std::string said = Explain(answer.verdict);
  if (!answer.status.ok()) {
    if (!step.refused.empty() && found == step.refused) return {};
    return "expected " +
           (step.refused.empty() ? "to be recorded" : "a refusal by " + Listed(step.refused)) +
           ", found a refusal by " + Listed(found) + ": " + Message(answer.status) + "\n" + said;
  }
  if (!step.refused.empty()) {
    return "expected a refusal by " + Listed(step.refused) + ", found that it was recorded\n" +
           said;
  }
  if (found == step.deviates) return {};
  return "expected " + Listed(step.deviates) + " to have something against it, found " +
         Listed(found) + "\n" + said;
}

EventBuilder ByTrustees(TestLedger& world, std::string_view chain) {
  return world.On(chain).By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
}

// A site's first registrars, and their keys, are the trustees' to enrol.
void EnrolRegistrar(TestLedger& world, const TestPerson& person) {
  const std::string chain = "registry/" + person.site;
  EventBuilder enrolled = ByTrustees(world, chain);
  pb::PersonEnrolled& body = *enrolled.event().mutable_person_enrolled();
  body.set_person(person.id);
  body.set_printed_name(person.printed_name);
  body.set_organisation(person.organisation);
  body.add_sites(person.site);
  body.add_roles(person.role);
  enrolled.Record();
  EventBuilder key = ByTrustees(world, chain);
  const pb::KeyProof proof = Must(SignKeyRequest(world.genesis(), person.id, person.key,
                                                 Sha256({"request ", person.id}).view()));
  key.event().mutable_key_enrolled()->set_person(person.id);
  key.event().mutable_key_enrolled()->set_spki(person.key.public_key().spki());
  key.event().mutable_key_enrolled()->set_request(proof.request());
  key.event().mutable_key_enrolled()->set_request_signature(proof.request_signature());
  key.Record();
}

// One more site of an organisation that there is, with a station and its people.
void OpenSite(TestLedger& world, const JourneySite& added) {
  EventBuilder opened = ByTrustees(world, "registry");
  pb::SiteEnrolled& body = *opened.event().mutable_site_enrolled();
  body.set_site(added.site);
  body.set_organisation(added.organisation);
  body.set_name("Site " + Lower(added.site));
  body.set_time_zone("Europe/Berlin");
  opened.Record();
  const std::string lower = Lower(added.site);
  const std::string registrar = lower + ".registrar.";
  for (const char* number : {"1", "2"}) {
    EnrolRegistrar(world, world.MakePerson(added.site, pb::REGISTRAR, registrar + number));
  }
  EventBuilder station = world.On("registry/" + added.site).By(registrar + "1").By(registrar + "2");
  station.event().mutable_station_enrolled()->set_station(lower + ".station.1");
  station.event().mutable_station_enrolled()->set_site(added.site);
  station.event().mutable_station_enrolled()->set_name("Station 1");
  station.Record();
  for (const pb::Role role : {pb::PHY, pb::RN, pb::PHARM, pb::CELL_LAB}) {
    for (const char* number : {".1", ".2"}) {
      world.AddPerson(added.site, role, lower + "." + Lower(pb::Role_Name(role)) + number);
    }
  }
}

}  // namespace

Status Player::Publish(const Journey& journey) {
  const std::size_t known = world_.log().size();
  for (const JourneySite& added : journey.sites) OpenSite(world_, added);
  for (std::size_t i = known; i < world_.log().size(); ++i) {
    CUSTODY_RETURN_IF_ERROR(stage_.Record(world_.log()[i].signed_event).status);
  }
  for (const std::string& name : journey.profiles) {
    pb::Profile profile = ProfileNamed(name);
    // Those of real products are templates for validation ledgers: these trustees publish them for
    // their own.
    profile.set_environment(world_.registry().environment());
    world_.PublishProfile(profile);
    CUSTODY_RETURN_IF_ERROR(stage_.Record(world_.log().back().signed_event).status);
  }
  return {};
}

Status Player::Attach(const pb::Event& event, const std::string& media_type,
                      const std::string& bytes) {
  const std::string hash = Sha256(bytes).ToHex();
  const std::string therapy = event.chain().substr(event.chain().find('/') + 1);
  if (attached_[therapy].contains(hash)) return {};
  CUSTODY_RETURN_IF_ERROR(stage_.Attach(event.station(), therapy, media_type, bytes));
  attached_[therapy][hash] = {media_type, bytes.size(), bytes};
  unnamed_.push_back(hash);
  return {};
}

// What a script says of a logger's file becomes such a file; its summary is what it gives.
Status Player::ReadOut(pb::Event& event) {
  pb::TelemetryBatch& batch = *event.mutable_telemetry_batch();
  const std::string file = LoggerFileOf(batch);
  CUSTODY_RETURN_IF_ERROR(Attach(event, "text/csv", file));
  batch.mutable_file()->set_sha256(Sha256(file).ToString());
  batch.mutable_file()->set_size(file.size());
  batch.mutable_file()->set_media_type("text/csv");
  CUSTODY_ASSIGN_OR_RETURN(const LoggerFile parsed, ParseLoggerFile(file));
  Summarize(parsed, batch);
  return {};
}

// The original is sent first, as a station does that is back: its place is taken by now.
Status Player::HandInHeld(const JourneyStep& step, pb::Event& event) {
  const auto held = std::ranges::find(held_, step.adopts, &Held::name);
  if (held == held_.end())
    return InvalidArgument(step.where + ": nothing is held as " + step.adopts);
  const Status sent = stage_.Record(held->signed_event).status;
  if (sent.code() != StatusCode::kAborted) {
    return InvalidArgument(step.where + ": expected its place to be taken, found " + Message(sent));
  }
  *event.mutable_adopted()->mutable_original() = held->signed_event;
  held_.erase(held);
  return {};
}

StatusOr<EventBuilder> Player::Build(const JourneyStep& step) {
  EventBuilder builder = world_.On("therapy/" + step.therapy);
  if (step.held && !held_.empty()) builder.After(held_.back().sequence, held_.back().event_id);
  for (const std::string& signer : step.signers) {
    const bool first = builder.Build().signers().empty();
    const pb::Meaning as_entered = first ? pb::TRANSCRIBED : pb::CHECKED;
    const bool entered = step.mode != pb::LIVE || !step.adopts.empty();
    builder.By(signer, entered ? as_entered : pb::PERFORMED);
  }
  const Instant at = begins_ + step.after;
  CUSTODY_ASSIGN_OR_RETURN(const pb::Event body, BodyOf(step, at, ids_));
  pb::Event& event = builder.event();
  event.MergeFrom(body);
  if (!step.adopts.empty()) CUSTODY_RETURN_IF_ERROR(HandInHeld(step, event));
  if (step.body.find("$FILE") != std::string::npos) {
    CUSTODY_RETURN_IF_ERROR(Attach(event, "application/pdf", std::string(kJourneyFile)));
  }
  if (event.has_telemetry_batch()) CUSTODY_RETURN_IF_ERROR(ReadOut(event));
  builder.HappenedAt(at);
  if (step.mode == pb::LATE) builder.Late(step.reason);
  if (step.mode == pb::DOWNTIME) builder.Downtime(step.reason);
  for (const std::string& person : step.performed_by) builder.PerformedBy(person);
  if (!step.cites.empty()) {
    const auto grant = ids_.find(step.cites);
    if (grant == ids_.end()) return InvalidArgument(step.where + ": no grant named " + step.cites);
    event.add_grants(grant->second);
  }
  return builder;
}

StatusOr<Played> Player::Play(const JourneyStep& step) {
  const Instant now = begins_ + step.signed_after;
  if (now < last_ && step.refused.empty()) {
    return InvalidArgument(step.where + ": the step before was signed later");
  }
  last_ = std::max(last_, now, [](Instant a, Instant b) { return a.micros < b.micros; });
  world_.set_now(now);
  CUSTODY_RETURN_IF_ERROR(stage_.Reach(now));
  CUSTODY_ASSIGN_OR_RETURN(const EventBuilder builder, Build(step));
  Played played;
  played.event = builder.Build();
  const pb::SignedEvent signed_event = builder.Sign();
  const Hash event_id = EventId(signed_event.payload());
  if (step.held) {
    played.held = true;
    held_.push_back({step.name, signed_event, played.event.sequence(), event_id});
    if (!step.name.empty()) ids_[step.name] = event_id.ToString();
    return played;
  }
  const StatusOr<pb::Verdict> preview = stage_.Preview(signed_event);
  Stage::Answer answer = stage_.Record(signed_event);
  if (answer.status.ok()) {
    world_.Record(signed_event);
    unnamed_.clear();
    if (!step.name.empty()) ids_[step.name] = event_id.ToString();
  }
  // What a refused event would have named belongs to no bundle.
  for (const std::string& hash : std::exchange(unnamed_, {})) {
    attached_[step.therapy].erase(hash);
  }
  played.otherwise = Otherwise(step, answer);
  if (preview.ok() ? RulesOf(*preview) != RulesOf(answer.verdict) : answer.status.ok()) {
    played.otherwise += "\nthe preview said otherwise: " +
                        (preview.ok() ? Explain(*preview) : Message(preview.status()));
  }
  played.status = std::move(answer.status);
  played.verdict = std::move(answer.verdict);
  return played;
}

}  // namespace custody

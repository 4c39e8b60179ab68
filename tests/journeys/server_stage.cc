#include "tests/journeys/server_stage.h"

#include <algorithm>
#include <utility>

#include "client/station_folder.h"
#include "crypto/file.h"
#include "custody/event.h"

namespace custody {
namespace {

constexpr std::string_view kAdministration = "admin";

// "clinic.station.1" is of CLINIC.
std::string SiteOf(std::string_view station) {
  if (station == kAdministration) return {};
  std::string site(station.substr(0, station.find('.')));
  for (char& c : site) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return site;
}

}  // namespace

ServerStage::ServerStage(const std::filesystem::path& folder)
    : folder_(folder),
      world_({.begins = SystemClock().Now()}, "one", pb::DEMO, folder),
      server_(world_.data(), "", folder / "server.log") {
  Must(WriteFileAtomically(folder_ / "ledger.trust.json", world_.TrustJson()));
}

const std::filesystem::path& ServerStage::Station(std::string_view id) {
  const auto found = stations_.find(id);
  if (found != stations_.end()) return found->second;
  return stations_
      .emplace(id, world_.MakeStation(id, SiteOf(id), server_.address(), world_.authority()))
      .first->second;
}

StatusOr<Session*> ServerStage::SessionOf(std::string_view station) {
  const auto found = sessions_.find(station);
  if (found != sessions_.end()) return found->second.get();
  CUSTODY_ASSIGN_OR_RETURN(const StationFolder folder, StationFolder::Open(Station(station)));
  CUSTODY_ASSIGN_OR_RETURN(std::unique_ptr<Session> session,
                           Session::Connect(folder, SystemClock()));
  return sessions_.emplace(station, std::move(session)).first->second.get();
}

// What trustees and registrars sign is handed in by the administration.
StatusOr<Session*> ServerStage::SessionOf(const pb::SignedEvent& signed_event) {
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(signed_event.payload()));
  if (parsed.event.chain().starts_with("registry")) return SessionOf(kAdministration);
  return SessionOf(parsed.event.station());
}

Status ServerStage::Reach(Instant now) {
  if (now.micros <= reached_.micros) return {};
  reached_ = now;
  CUSTODY_ASSIGN_OR_RETURN(Session* const session, SessionOf(kAdministration));
  pb::SetClockRequest request;
  *request.mutable_time() = ToProto(now);
  return session->SetClock(request).status();
}

Status ServerStage::Attach(std::string_view station, std::string_view therapy,
                           std::string_view media_type, std::string_view bytes) {
  CUSTODY_ASSIGN_OR_RETURN(Session* const session, SessionOf(station));
  return session->PutAttachment(therapy, media_type, bytes).status();
}

StatusOr<pb::Verdict> ServerStage::Preview(const pb::SignedEvent& signed_event) {
  CUSTODY_ASSIGN_OR_RETURN(Session* const session, SessionOf(signed_event));
  return session->Preview(signed_event);
}

Stage::Answer ServerStage::Record(const pb::SignedEvent& signed_event) {
  const StatusOr<Session*> session = SessionOf(signed_event);
  if (!session.ok()) return {session.status(), {}};
  RecordResult result = (*session)->Record(signed_event);
  if (result.status.ok()) ++receipts_;
  return {std::move(result.status), std::move(result.verdict)};
}

StatusOr<pid_t> ServerStage::LeaveRunning() {
  for (const char* id : {"clinic.station.1", "lab.station.1", "depot.station.1"}) {
    const std::filesystem::path& station = Station(id);
    for (const char* inner : {"keys", "pins"}) std::filesystem::create_directories(station / inner);
    for (const TestPerson* person : world().PeopleOf(SiteOf(id))) {
      const std::string passphrase = "the passphrase of " + person->id;
      CUSTODY_RETURN_IF_ERROR(
          person->key.Save(station / "keys" / (person->id + ".pem"), passphrase));
      CUSTODY_RETURN_IF_ERROR(
          WriteFileAtomically(station / "pins" / (person->id + ".pin"), passphrase + "\n", 0600));
    }
  }
  sessions_.clear();  // each holds its station's folder
  return server_.LeaveRunning();
}

}  // namespace custody

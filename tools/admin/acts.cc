#include "tools/admin/acts.h"

#include <algorithm>
#include <utility>

#include "client/passphrase.h"
#include "client/plain_lines.h"
#include "crypto/dsse.h"
#include "crypto/sealing.h"
#include "custody/rules.h"

namespace custody {

StatusOr<pb::Role> ParseRole(std::string_view text) {
  pb::Role role = pb::ROLE_UNSPECIFIED;
  if (pb::Role_Parse(std::string(text), &role) && role != pb::ROLE_UNSPECIFIED) return role;
  std::string known;
  for (int i = 1; i < pb::Role_descriptor()->value_count(); ++i) {
    known += (known.empty() ? "" : ", ") + pb::Role_descriptor()->value(i)->name();
  }
  return InvalidArgument("there is no role \"" + std::string(text) + "\"; roles are " + known);
}

void AddSigner(pb::Event& event, const NamedSigner& signer, const PrivateKey& key, Instant now) {
  pb::Signer& added = *event.add_signers();
  added.set_key_id(key.key_id().ToString());
  added.set_person(signer.person);
  added.set_printed_name(signer.printed_name);
  added.set_role(signer.role);
  added.set_meaning(pb::APPROVED);
  *added.mutable_identified_at() = ToProto(now);
}

StatusOr<pb::SignedEvent> SignAll(const pb::Event& event, const std::vector<PrivateKey>& keys) {
  std::vector<const PrivateKey*> pointers;
  pointers.reserve(keys.size());
  for (const PrivateKey& key : keys) pointers.push_back(&key);
  return SignEvent(event, pointers);
}

Administration::Administration(ActOptions options, StationFolder folder)
    : options_(std::move(options)), folder_(std::move(folder)) {}

StatusOr<std::unique_ptr<Administration>> Administration::Open(const ActOptions& options) {
  CUSTODY_ASSIGN_OR_RETURN(StationFolder folder, StationFolder::Open(options.folder));
  std::unique_ptr<Administration> opened(new Administration(options, std::move(folder)));
  CUSTODY_ASSIGN_OR_RETURN(opened->session_, Session::Connect(opened->folder_, SystemClock()));
  return opened;
}

Status Administration::AddSigners(pb::Event& event, std::vector<PrivateKey>& keys) {
  if (options_.signers.empty()) {
    return InvalidArgument("nobody signs; name the people who do with --as PERSON");
  }
  // Nobody is identified after signing: one time for the whole act.
  const Instant now = FromProto(event.signed_at());
  for (const std::string& text : options_.signers) {
    const std::size_t colon = text.find(':');
    NamedSigner signer{.person = text.substr(0, colon), .printed_name = {}};
    const EnrolledPerson* person = registry_->FindPerson(signer.person);
    if (person == nullptr) return NotFound("\"" + signer.person + "\" is not enrolled");
    signer.printed_name = person->printed_names.back();
    if (colon != std::string::npos) {
      CUSTODY_ASSIGN_OR_RETURN(signer.role, ParseRole(text.substr(colon + 1)));
    } else {
      signer.role = person->trustee ? pb::TRUSTEE : pb::REGISTRAR;
    }
    CUSTODY_ASSIGN_OR_RETURN(
        std::string passphrase,
        AskPassphrase(options_.pins, signer.person, "passphrase of " + signer.printed_name));
    StatusOr<PrivateKey> key = folder_.LoadKey(signer.person, passphrase);
    Cleanse(passphrase);
    if (!key.ok()) return key.status();
    AddSigner(event, signer, *key, now);
    keys.push_back(*std::move(key));
  }
  return absl::OkStatus();
}

StatusOr<std::string> Administration::Record(std::string_view chain,
                                             const std::function<Status(pb::Event&)>& fill) {
  CUSTODY_ASSIGN_OR_RETURN(registry_, session_->LoadRegistry());
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<pb::EntryReply> entries, session_->ReadChain(chain));
  pb::Event event;
  event.set_chain(std::string(chain));
  event.set_sequence(entries.size());
  if (!entries.empty()) {
    event.set_previous(EventId(entries.back().signed_().payload()).ToString());
  }
  const Instant now = session_->Now();
  *event.mutable_occurred_at() = ToProto(now);
  *event.mutable_signed_at() = ToProto(now);
  event.set_time_zone(folder_.settings().zone);
  event.set_station(folder_.settings().station);
  event.set_ledger(registry_->genesis().ToString());
  event.set_entry(pb::LIVE);
  CUSTODY_RETURN_IF_ERROR(fill(event));
  std::vector<PrivateKey> keys;
  CUSTODY_RETURN_IF_ERROR(AddSigners(event, keys));
  pb::BadFields bad_fields;
  if (const Status shape = CheckShape(event, &bad_fields); !shape.ok()) return shape;
  CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent signed_event, SignAll(event, keys));
  const RecordResult recorded = session_->Record(signed_event);
  if (!recorded.status.ok()) {
    std::string why = Message(recorded.status);
    const std::string reasons = PlainLines(Explain(recorded.verdict), "  ");
    if (recorded.verdict.reasons_size() > 0 && why.find(reasons) == std::string::npos) {
      why += "\n" + reasons;
    }
    return MakeStatus(recorded.status.code(), why);
  }
  return EventId(signed_event.payload()).ToHex();
}

}  // namespace custody

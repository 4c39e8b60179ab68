// What workers do to an event before the committer sees it: everything that costs much and needs
// nothing of its neighbours.
#include "crypto/dsse.h"
#include "custody/chain.h"
#include "custody/rules.h"
#include "server/ledger/group.h"
#include "server/ledger/ledger_impl.h"
#include "server/ledger/proofs.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

// An error says one fault; a form wants them all.
pb::BadFields AllFaults(const std::string& payload) {
  pb::BadFields faults;
  pb::Event event;
  if (event.ParseFromString(payload)) static_cast<void>(CheckShape(event, &faults));
  return faults;
}

std::string WhyNoKey(const pb::Event& event, const pb::Signer& signer, const Hash& key_id,
                     const Registry& registry) {
  const std::string key = "key " + key_id.ToHex().substr(0, 16) + " of " + signer.person();
  const EnrolledKey* const enrolled = registry.FindKey(key_id);
  if (enrolled != nullptr && enrolled->revoked_at) {
    return "R01: expected a key that may sign; found " + key +
           ", which was revoked; its owner makes a new one (`key new`), has it enrolled and signs "
           "anew";
  }
  if (event.has_key_enrolled()) {
    const auto own = PublicKey::FromSpki(event.key_enrolled().spki());
    if (own.ok() && own->key_id() == key_id) {
      return "R01: expected others to enrol a key; found " + key +
             ", which this event would enrol and which signs for it; a key enrols nobody, its own "
             "person least: two registrars of the site sign";
    }
  }
  return "R01: expected an enrolled key; found " + key +
         ", which is not enrolled in this ledger; have it enrolled by two registrars of the site, "
         "then sign anew";
}

}  // namespace

Status CheckSigned(const pb::SignedEvent& signed_event, const ParsedEvent& parsed,
                   const Registry& registry, std::uint64_t index) {
  const KeyLookup keys = KeysAt(registry, index);
  Status verified = VerifySignatures(signed_event, parsed, keys);
  if (verified.code() != StatusCode::kPermissionDenied) return verified;
  for (const ParsedEvent* one : {&parsed, static_cast<const ParsedEvent*>(parsed.original.get())}) {
    if (one == nullptr) continue;
    for (const pb::Signer& signer : one->event.signers()) {
      const auto key_id = Hash::FromBytes(signer.key_id());
      if (!key_id.ok() || keys(*key_id) != nullptr) continue;
      const Status why = PermissionDenied(WhyNoKey(one->event, signer, *key_id, registry));
      return one == &parsed ? why : WithContext(why, "adopted event");
    }
  }
  return verified;
}

void LedgerImpl::Record(pb::SignedEvent signed_event, std::string_view station,
                        RecordCallback done) {
  Status refused;
  {
    const MutexLock lock(mutex_);
    refused = stopped_;
  }
  auto admission = std::make_unique<Admission>();
  admission->signed_event = std::move(signed_event);
  admission->station = std::string(station);
  admission->done = std::move(done);
  if (refused.ok()) refused = queue_.Push(admission);
  if (refused.ok()) return;
  RecordOutcome outcome;
  outcome.status = std::move(refused);
  admission->done(std::move(outcome));
}

void LedgerImpl::VerifyLoop() {
  while (Admission* const admission = queue_.NextToVerify()) {
    Verify(*admission);
    const bool sound = !admission->known && admission->parsed.ok() && admission->signatures.ok();
    if (sound) admission->file = ReckonAnew(*admission->parsed, admission->of_file);
    queue_.Verified(admission);
  }
}

void LedgerImpl::Verify(Admission& admission) {
  const std::string& payload = admission.signed_event.payload();
  admission.event_id = EventId(payload);
  StatusOr<View> view = live_.Look();
  if (!view.ok()) {
    admission.parsed = view.status();
    return;
  }
  const StatusOr<std::optional<std::uint64_t>> found =
      FindEvent(view->snapshot(), admission.event_id);
  if (found.ok() && *found) {
    StatusOr<pb::Receipt> receipt = FirstReceipt(view->snapshot(), **found);
    if (receipt.ok()) {
      admission.known.emplace();
      admission.known->set_known(true);
      *admission.known->mutable_receipt() = *std::move(receipt);
      return;
    }
  }
  admission.parsed = ParseEvent(payload);
  if (!admission.parsed.ok()) {
    admission.bad_fields = AllFaults(payload);
    return;
  }
  const Registry& registry = *view->history()->newest();
  admission.registry_version = registry.version();
  admission.signatures =
      CheckSigned(admission.signed_event, *admission.parsed, registry, view->size());
  if (admission.signatures.ok()) WarmFold(admission.parsed->event.chain(), *view);
}

// Opening a file and reckoning it takes a while: not on the committer, not holding the store open,
// and not before somebody enrolled has signed for it.
Status LedgerImpl::ReckonAnew(const ParsedEvent& event, pb::Verdict& verdict) {
  const pb::Event& effective = event.effective();
  if (!effective.has_telemetry_batch() || !IsTherapyChain(effective.chain())) return {};
  const pb::TelemetryBatch& batch = effective.telemetry_batch();
  CUSTODY_ASSIGN_OR_RETURN(const Hash sha256, Hash::FromBytes(batch.file().sha256()));
  const std::string therapy(TherapyOf(effective.chain()));
  const auto file = GetAttachment(therapy, sha256);
  if (file.status().code() == StatusCode::kNotFound) {
    return FailedPrecondition("attachment " + sha256.ToHex() +
                              " was not here yet; put it first, then send the event again");
  }
  CUSTODY_RETURN_IF_ERROR(file.status());
  CheckSummary(batch, file->first, verdict);
  return {};
}

// A cold therapy is folded here, beside the committer and not by it.
void LedgerImpl::WarmFold(const std::string& chain, const View& view) {
  if (!IsTherapyChain(chain) || folds_.Has(chain)) return;
  StatusOr<Fold> fold = LoadFold(chain, view.snapshot(), view.history());
  if (fold.ok() && fold->length > 0) folds_.Put(chain, std::make_unique<Fold>(*std::move(fold)));
}

}  // namespace custody

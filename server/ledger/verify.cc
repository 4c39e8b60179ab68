// What workers do to an event before the committer sees it: everything that costs much and needs
// nothing of its neighbours.
#include "crypto/dsse.h"
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

}  // namespace

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
      VerifySignatures(admission.signed_event, *admission.parsed, KeysAt(registry, view->size()));
  if (admission.signatures.ok()) WarmFold(admission.parsed->event.chain(), *view);
}

// A cold therapy is folded here, beside the committer and not by it.
void LedgerImpl::WarmFold(const std::string& chain, const View& view) {
  if (!chain.starts_with("therapy/") || folds_.Has(chain)) return;
  StatusOr<Fold> fold = LoadFold(chain, view.snapshot(), view.history());
  if (fold.ok() && fold->length > 0) folds_.Put(chain, std::make_unique<Fold>(*std::move(fold)));
}

}  // namespace custody

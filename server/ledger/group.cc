// What is asked of an event, in this order, and why in this order.
//
// Whether it is known comes first: a retry gets its first receipt even if its signer was revoked
// since, and nothing sent along with it counts. Then its own soundness (parsed and signed, judged
// again by the registry as it is now), then its place in the chain, because everything after that
// is judged against the chain's state; then what must be there before it (attachments, a clock that
// is right), and last the rules, which cost most and explain best.
//
// Everything that can fail happens before anything changes: an event is in the group whole or not
// at all. The heads map is the last thing that can fail and the first that changes.
#include "server/ledger/group.h"

#include <algorithm>

#include "crypto/dsse.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "custody/chain.h"
#include "custody/event_contents.h"
#include "custody/profile.h"
#include "custody/rules.h"
#include "custody/therapy.h"
#include "server/ledger/identifier_index.h"
#include "server/ledger/proofs.h"
#include "server/ledger/rows.h"
#include "server/ledger/vault.h"

namespace custody {
namespace {

// A fold is stored when it is this many events ahead of its stored snapshot: what a cold chain has
// to replay at most, against a row of several kilobytes.
constexpr std::uint64_t kFoldSnapshotEvery = 16;

// The rules say in detail what stands against the event; the code says of what kind that is.
Status Refusal(const pb::Verdict& verdict) {
  const std::string why = Explain(verdict);
  for (const pb::Reason& reason : verdict.reasons()) {
    if (reason.rule() == "R01" && reason.kind() == pb::REASON_STRUCTURE) {
      return PermissionDenied(why);
    }
  }
  return FailedPrecondition(why);
}

std::string Named(std::string_view event_id) {
  const StatusOr<Hash> id = Hash::FromBytes(event_id);
  return id.ok() ? "event " + id->ToHex() : "none";
}

// Three mistakes that are not one: the place is taken, something before it is missing, or another
// event than the one it was signed after stands before it.
Status NotNext(const pb::Event& event, std::uint64_t length, std::string_view head) {
  const std::string number = std::to_string(event.sequence());
  const std::string where = "chain " + event.chain() + ": expected number " +
                            std::to_string(length) + ", its next, signed after " + Named(head);
  if (event.sequence() < length) {
    return Aborted(where + "; found number " + number +
                   ", a place that another event has by now; look at what came in between and sign "
                   "anew, or adopt it if it is done");
  }
  if (event.sequence() > length) {
    return Aborted(where + "; found number " + number +
                   ", and what was signed before it is not here; hand that in first (`outbox "
                   "send`), or sign anew");
  }
  return Aborted(where + "; found that number signed after " + Named(event.previous()) +
                 ", which is not the last one here; look at what was recorded instead of it and "
                 "sign anew, or adopt it if it is done");
}

}  // namespace

Group::Group(GroupBase base)
    : base_(std::move(base)),
      registry_(base_.history->newest()),
      history_(base_.history),
      held_(*base_.tip.snapshot),
      first_index_(base_.tip.tree.size()) {}

Decision Group::Decide(Admission& admission) {
  Decision decision;
  if (admission.known) {
    decision.known = std::move(admission.known);
    return decision;
  }
  if (const auto twin = ids_.find(admission.event_id); twin != ids_.end()) {
    decision.index = twin->second;
    decision.twin = true;
    return decision;
  }
  const Snapshot& snapshot = *base_.tip.snapshot;
  const StatusOr<std::optional<std::uint64_t>> found = FindEvent(snapshot, admission.event_id);
  decision.status = found.status();
  if (!decision.status.ok()) return decision;
  if (*found) {  // recorded since the worker looked
    StatusOr<pb::Receipt> receipt = FirstReceipt(snapshot, **found);
    decision.status = receipt.status();
    if (!receipt.ok()) return decision;
    decision.known.emplace();
    decision.known->set_known(true);
    *decision.known->mutable_receipt() = *std::move(receipt);
    return decision;
  }
  decision.status = admission.parsed.status();
  if (!decision.status.ok()) return decision;

  Place place{Sha256(admission.parsed->event.chain()), std::nullopt};
  StatusOr<std::optional<ChainHead>> head = base_.tip.heads->Find(place.key);
  decision.status = head.status();
  if (!decision.status.ok()) return decision;
  place.head = *head;
  decision.status = Check(admission, place, decision);
  if (decision.status.ok()) decision.index = accepted_.back().index;
  return decision;
}

Status Group::Check(Admission& admission, const Place& place, Decision& decision) {
  const ParsedEvent& parsed = *admission.parsed;
  const pb::Event& event = parsed.event;
  if (admission.registry_version != registry_->version()) {
    admission.signatures = CheckSigned(admission.signed_event, parsed, *registry_, size());
  }
  CUSTODY_RETURN_IF_ERROR(admission.signatures);
  CUSTODY_RETURN_IF_ERROR(CheckOriginal(parsed));
  // What the registry says never waits: it is how a stolen station is put out.
  if (IsTherapyChain(event.chain())) {
    CUSTODY_RETURN_IF_ERROR(base_.reservations.Check(event.chain(), event.station(),
                                                     admission.station, base_.monotonic));
  }
  const std::string_view head = place.head ? place.head->head.view() : std::string_view();
  if (event.sequence() != place.length() || event.previous() != head) {
    decision.moved.emplace();
    decision.moved->set_chain(event.chain());
    decision.moved->set_length(place.length());
    decision.moved->set_head(std::string(head));
    return NotNext(event, place.length(), head);
  }
  CUSTODY_RETURN_IF_ERROR(CheckTimes(parsed, decision.verdict));
  CUSTODY_RETURN_IF_ERROR(CheckAttachments(parsed));
  if (parsed.effective().has_telemetry_batch()) CUSTODY_RETURN_IF_ERROR(admission.file);

  Fold* fold = nullptr;
  if (IsTherapyChain(event.chain())) {
    CUSTODY_ASSIGN_OR_RETURN(fold, FoldOf(event.chain(), place));
  }
  static const pb::TherapyState kNoTherapy;
  const pb::TherapyState& state = fold ? fold->state : kNoTherapy;
  const custody::Place at{size(), event.sequence(), base_.received_at};
  // What the whole ledger has to say admits the event, and is no part of its therapy's state: that
  // follows from the chain alone, here and for whoever has nothing but the chain.
  const pb::Verdict own = Judge(parsed, *registry_, state, at);
  decision.verdict = own;
  const pb::Event& effective = parsed.effective();
  const pb::Profile* const profile = ProfileFor(*registry_, state, effective);
  if (fold && !ClaimsAsked(effective, *registry_, state, profile).empty()) {
    decision.verdict = Judge(parsed, *registry_, state, at, &held_);
    CUSTODY_RETURN_IF_ERROR(held_.TakeStatus());
  }
  CheckServable(parsed, decision.verdict);
  decision.verdict.mutable_reasons()->MergeFrom(admission.of_file.reasons());
  decision.verdict.set_refused(decision.verdict.refused() || admission.of_file.refused());
  if (decision.verdict.refused()) return Refusal(decision.verdict);
  return Accept(parsed, admission.signed_event, place, own, fold);
}

// An original that is recorded already, by itself or adopted before, is not adopted again.
StatusOr<std::optional<std::uint64_t>> Group::IndexOf(const Hash& event_id) const {
  if (const auto here = ids_.find(event_id); here != ids_.end()) return here->second;
  return FindEvent(*base_.tip.snapshot, event_id);
}

// An auditor condemns what follows nothing of its chain for ever, so it must not come in.
Status Group::CheckOriginal(const ParsedEvent& event) const {
  if (!event.original) return {};
  CUSTODY_ASSIGN_OR_RETURN(const auto recorded, IndexOf(event.original->event_id));
  if (recorded) {
    return AlreadyExists("the event that this one adopts is recorded already, as entry " +
                         std::to_string(*recorded) + "; nothing needs to be adopted");
  }
  const pb::Event& original = event.original->event;
  if (original.previous().empty()) return {};
  CUSTODY_ASSIGN_OR_RETURN(const Hash previous, Hash::FromBytes(original.previous()));
  CUSTODY_ASSIGN_OR_RETURN(const auto before, IndexOf(previous));
  if (before && *before >= first_index_) {
    if (accepted_[*before - first_index_].chain == original.chain()) return {};
  } else if (before) {
    CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ReadEntry(*base_.tip.snapshot, *before));
    if (entry.chain_key() == Sha256(original.chain()).view()) return {};
  }
  return FailedPrecondition(
      "the event to adopt was signed after event " + previous.ToHex() + ", which chain " +
      original.chain() +
      " does not have; record or adopt that one first, or enter what was done as a new LATE event");
}

// Nothing is wrong with such an event but the time: R03 in the verdict tells it from what can never
// be recorded, so that its station keeps it and hands it in again.
Status Group::CheckTimes(const ParsedEvent& event, pb::Verdict& verdict) const {
  const ParsedEvent* const original = event.original.get();
  for (const ParsedEvent* one : {&event, original}) {
    if (one == nullptr) continue;
    const Instant signed_at = FromProto(one->event.signed_at());
    if (signed_at - base_.received_at <= kMaxClockAheadMicros) continue;
    pb::Reason& reason = *verdict.add_reasons();
    reason.set_rule("R03");
    reason.set_kind(pb::REASON_STRUCTURE);
    reason.set_field_class(pb::CUSTODY);
    reason.set_expected("signed at most two minutes after the ledger's time, " +
                        FormatUtc(base_.received_at));
    reason.set_found("signed at " + FormatUtc(signed_at));
    reason.set_next_step("set the station's clock right, then hand in the same event again");
    verdict.set_refused(true);
    verdict.set_rules_version(registry_->rules_version());
    return InvalidArgument("R03: the event is signed at " + FormatUtc(signed_at) +
                           ", more than two minutes after the ledger's time " +
                           FormatUtc(base_.received_at) + "; set the station's clock right");
  }
  return {};
}

Status Group::CheckAttachments(const ParsedEvent& event) const {
  const pb::Event& effective = event.effective();
  if (!IsTherapyChain(effective.chain())) return {};
  const std::string_view therapy = TherapyOf(effective.chain());
  for (const pb::AttachmentRef& named : ContentsOf(effective).attachments) {
    CUSTODY_ASSIGN_OR_RETURN(const Hash sha256, Hash::FromBytes(named.sha256()));
    CUSTODY_ASSIGN_OR_RETURN(const bool there, HasAttachment(*base_.tip.snapshot, therapy, sha256));
    if (!there) {
      return FailedPrecondition("attachment " + sha256.ToHex() +
                                " is not here yet; put it first, then record the event");
    }
    CUSTODY_ASSIGN_OR_RETURN(
        const bool fits, HasAttachmentOfSize(*base_.tip.snapshot, therapy, sha256, named.size()));
    if (!fits) {
      return FailedPrecondition("attachment " + sha256.ToHex() + " does not have the " +
                                std::to_string(named.size()) +
                                " bytes that the event says; name its true size and sign anew");
    }
  }
  return {};
}

StatusOr<Fold*> Group::FoldOf(const std::string& chain, const Place& place) {
  const auto mine = folds_.find(chain);
  if (mine != folds_.end()) return mine->second.get();
  std::unique_ptr<Fold> fold = base_.folds.Take(chain);
  const Snapshot& snapshot = *base_.tip.snapshot;
  // The chain has no event in this group yet, else its fold were here: the store's head is the
  // head.
  if (fold && fold->length < place.length()) {
    CUSTODY_RETURN_IF_ERROR(CatchUp(chain, snapshot, base_.history, std::nullopt, *fold));
  } else if (!fold) {
    CUSTODY_ASSIGN_OR_RETURN(Fold loaded, LoadFold(chain, snapshot, base_.history));
    fold = std::make_unique<Fold>(std::move(loaded));
  }
  if (fold->length != place.length() || (place.head && fold->head != place.head->head)) {
    return DataLoss("chain " + chain + " folds to another head than the heads map says");
  }
  return folds_.emplace(chain, std::move(fold)).first->second.get();
}

Status Group::Accept(const ParsedEvent& event, const pb::SignedEvent& signed_event,
                     const Place& place, const pb::Verdict& verdict, Fold* fold) {
  const std::uint64_t index = size();
  std::shared_ptr<Registry> registry;
  if (!IsTherapyChain(event.event.chain())) {
    registry = std::make_shared<Registry>(*registry_);
    CUSTODY_RETURN_IF_ERROR(registry->Apply(event, index));
  }
  CUSTODY_RETURN_IF_ERROR(base_.tip.heads->Set({place.key, event.event_id, place.length() + 1}));

  pb::LogEntry entry;
  entry.set_chain_key(place.key.ToString());
  entry.set_sequence(event.event.sequence());
  entry.set_event_id(event.event_id.ToString());
  entry.set_record(RecordOf(event.event_id, signed_event).ToString());
  *entry.mutable_received_at() = ToProto(base_.received_at);
  entry.set_heads_root(base_.tip.heads->root().ToString());
  const std::string bytes = entry.SerializeAsString();
  base_.tip.tree.Append(LeafHash(bytes));

  if (registry) {
    registry_ = std::move(registry);
    history_ = history_->With(index, registry_);
  }
  if (fold != nullptr) {
    // `registry_` is as before the event: a therapy's event never changes it.
    const std::vector<Claim> before = ClaimsOf(fold->state, *registry_);
    ApplyToTherapy(event, {index, event.event.sequence(), base_.received_at}, verdict, *registry_,
                   fold->state);
    held_.Change(event.event.chain(), before, ClaimsOf(fold->state, *registry_), batch_);
    fold->length = place.length() + 1;
    fold->head = event.event_id;
  }
  ids_.emplace(event.event_id, index);
  if (event.original) ids_.emplace(event.original->event_id, index);
  PutRows(event, signed_event, place.key, index, bytes);
  accepted_.push_back(
      {index, bytes, event.event.chain(), std::string(BodyName(event.effective()))});
  base_.reservations.GiveBack(event.event.chain(), event.event.station(), base_.monotonic);
  return {};
}

void Group::PutRows(const ParsedEvent& event, const pb::SignedEvent& signed_event, const Hash& key,
                    std::uint64_t index, const std::string& entry) {
  const std::string place = U64(index);
  batch_.Put(Table::kEntries, place, entry);
  batch_.Put(Table::kSigned, place, signed_event.SerializeAsString());
  batch_.Put(Table::kChains, ChainRow(key, event.event.sequence()), place);
  batch_.Put(Table::kEvents, event.event_id.view(), place);
  if (event.original) batch_.Put(Table::kEvents, event.original->event_id.view(), place);
  if (IsTherapyChain(event.event.chain())) PutIdentifiers(event);
  if (event.event.has_ledger_created() || event.event.has_schema_published()) {
    const std::string& wanted = event.event.has_ledger_created()
                                    ? event.event.ledger_created().schema_sha256()
                                    : event.event.schema_published().schema_sha256();
    const Hash ours = Sha256(Schema());
    if (wanted == ours.view()) {
      batch_.Put(Table::kMeta, std::string(kMetaSchema) + ours.ToHex(), Schema());
    }
  }
}

// Most identifiers of an event stand in the chain's earlier events too: a look is cheaper than a
// row.
void Group::PutIdentifiers(const ParsedEvent& event) {
  for (const std::string& row : IndexRowsOf(event)) {
    if (!identifier_rows_.emplace(row, true).second) continue;
    if (base_.tip.snapshot->Get(Table::kIdentifiers, row).ok()) continue;
    batch_.Put(Table::kIdentifiers, row, "");
  }
}

Status Group::Create(const pb::SignedEvent& genesis) {
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(genesis.payload()));
  if (!parsed.event.has_ledger_created()) {
    return InvalidArgument("the genesis must be a LedgerCreated event");
  }
  CUSTODY_RETURN_IF_ERROR(
      VerifySignatures(genesis, parsed, GenesisKeys(parsed.event.ledger_created())));
  pb::Verdict verdict;
  CUSTODY_RETURN_IF_ERROR(CheckTimes(parsed, verdict));
  verdict = Judge(parsed, *registry_, pb::TherapyState(), {0, 0, base_.received_at});
  CheckServable(parsed, verdict);
  if (verdict.refused()) return InvalidArgument("the genesis is not sound: " + Explain(verdict));
  batch_.Put(Table::kMeta, kMetaIndex, kIndexVersion);
  batch_.Put(Table::kMeta, kMetaHeld, HeldRowsVersion());
  return Accept(parsed, genesis, {Chain::Registry().key(), std::nullopt}, verdict, nullptr);
}

StatusOr<const Batch*> Group::Seal(const PrivateKey& log_key) {
  const Checkpoint checkpoint{registry_->origin(), size(), base_.tip.tree.root()};
  CUSTODY_ASSIGN_OR_RETURN(checkpoint_, SignCheckpoint(checkpoint, log_key));
  batch_.Put(Table::kCheckpoints, U64(size()), checkpoint_);
  base_.tip.tree.PutChangedRows(batch_);
  for (const auto& [path, tile] : base_.tip.heads->TakeDirty()) {
    batch_.Put(Table::kHeads, HeadsRow(path, size()), tile);
  }
  return &batch_;
}

std::shared_ptr<const RegistryHistory> Group::new_history() const {
  return history_ == base_.history ? nullptr : history_;
}

StatusOr<pb::Receipt> Group::Receipt(std::uint64_t index) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<Hash> path, base_.tip.tree.Path(index));
  pb::Receipt receipt;
  receipt.set_index(index);
  receipt.set_entry(accepted_[index - first_index_].entry);
  for (const Hash& hash : path) receipt.add_path(hash.ToString());
  receipt.set_checkpoint(checkpoint_);
  return receipt;
}

void Group::ReleaseFolds(Batch& snapshots) {
  for (auto& [chain, fold] : folds_) {
    if (fold->length >= fold->saved_length + kFoldSnapshotEvery) {
      snapshots.Put(Table::kFolds, chain, EncodeFold(*fold));
      fold->saved_length = fold->length;
    }
    base_.folds.Put(chain, std::move(fold));
  }
  folds_.clear();
}

std::vector<LedgerChange> Group::Changes() const {
  std::vector<LedgerChange> changes;
  changes.reserve(accepted_.size());
  for (const Accepted& one : accepted_) changes.push_back({one.index, one.chain, one.body});
  return changes;
}

}  // namespace custody

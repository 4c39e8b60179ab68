// Reads: each answers from one view, and none waits for the committer.
#include <algorithm>

#include "crypto/dsse.h"
#include "custody/chain.h"
#include "custody/rules.h"
#include "server/ledger/held_claims.h"
#include "server/ledger/identifier_index.h"
#include "server/ledger/ledger_impl.h"
#include "server/ledger/log_tree.h"
#include "server/ledger/proofs.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::size_t kPageEntries = 128;

// One page of entries: their log indices, in the order in which they are asked for.
StatusOr<std::vector<std::uint64_t>> PageOf(const Snapshot& snapshot,
                                            const pb::ReadEntriesRequest& request,
                                            std::uint64_t from, std::size_t count) {
  std::vector<std::uint64_t> page;
  if (request.chain().empty()) {
    const std::uint64_t size = snapshot.version().log_size;
    for (std::uint64_t i = from; i < size && page.size() < count; ++i) page.push_back(i);
    return page;
  }
  CUSTODY_ASSIGN_OR_RETURN(const Chain chain, Chain::Parse(request.chain()));
  const Hash key = chain.key();
  Status damage;
  CUSTODY_RETURN_IF_ERROR(snapshot.Scan(Table::kChains, ChainRow(key, from),
                                        [&](std::string_view row, std::string_view value) {
                                          if (row.substr(0, 32) != key.view()) return false;
                                          if (value.size() != 8) {
                                            damage = DataLoss("a row of the chains is damaged");
                                            return false;
                                          }
                                          page.push_back(ReadU64(value));
                                          return page.size() < count;
                                        }));
  CUSTODY_RETURN_IF_ERROR(damage);
  return page;
}

StatusOr<pb::EntryReply> EntryAt(const Snapshot& snapshot, std::uint64_t index,
                                 const pb::ReadEntriesRequest& request,
                                 const std::function<bool(const Hash& chain_key)>& may_read,
                                 const NodeSource& nodes) {
  pb::EntryReply reply;
  reply.set_index(index);
  const std::string what = "entry " + std::to_string(index);
  CUSTODY_ASSIGN_OR_RETURN(*reply.mutable_entry(),
                           GetPromised(snapshot, Table::kEntries, U64(index), what));
  if (request.with_events()) {
    CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ReadEntry(snapshot, index));
    CUSTODY_ASSIGN_OR_RETURN(const Hash chain_key, Hash::FromBytes(entry.chain_key()));
    if (may_read(chain_key)) {
      CUSTODY_ASSIGN_OR_RETURN(*reply.mutable_signed_(), ReadSigned(snapshot, index));
    }
  }
  if (request.has_paths_to() && index < request.paths_to()) {
    CUSTODY_ASSIGN_OR_RETURN(const std::vector<Hash> path,
                             InclusionPath(index, request.paths_to(), nodes));
    for (const Hash& hash : path) reply.add_path(hash.ToString());
  }
  return reply;
}

}  // namespace

StatusOr<std::string> LedgerImpl::GetCheckpoint(std::optional<std::uint64_t> size) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  CUSTODY_ASSIGN_OR_RETURN(KeptCheckpoint checkpoint, CheckpointOf(view.snapshot(), size));
  return std::move(checkpoint.note);
}

StatusOr<pb::Receipt> LedgerImpl::GetInclusionProof(std::uint64_t index,
                                                    std::optional<std::uint64_t> size) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  CUSTODY_ASSIGN_OR_RETURN(const KeptCheckpoint checkpoint, CheckpointOf(view.snapshot(), size));
  return ReceiptFor(view.snapshot(), index, checkpoint);
}

StatusOr<pb::ConsistencyProofReply> LedgerImpl::GetConsistencyProof(
    std::uint64_t old_size, std::optional<std::uint64_t> size) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return ConsistencyProofFor(view.snapshot(), old_size, size);
}

StatusOr<pb::HeadsProofReply> LedgerImpl::GetHeadsProof(std::string_view chain,
                                                        std::optional<std::uint64_t> size) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return HeadsProofFor(view.snapshot(), chain, size);
}

// The log only grows, so pages of several views are one answer as long as the first fixes its end;
// and no view is held while the caller looks at a page.
Status LedgerImpl::ReadEntries(const pb::ReadEntriesRequest& request,
                               const std::function<bool(const Hash& chain_key)>& may_read,
                               const std::function<bool(const pb::EntryReply&)>& visit) {
  std::uint64_t from = request.from();
  std::uint64_t left = request.limit() == 0 ? ~std::uint64_t{0} : request.limit();
  std::optional<std::uint64_t> end;
  while (left > 0) {
    std::vector<pb::EntryReply> replies;
    std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kPageEntries));
    {
      CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
      if (!end) {
        end = view.size();
        if (request.has_paths_to()) {
          CUSTODY_RETURN_IF_ERROR(CheckpointOf(view.snapshot(), request.paths_to()).status());
        }
      }
      CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::uint64_t> page,
                               PageOf(view.snapshot(), request, from, wanted));
      wanted = page.size();
      const NodeSource nodes = StoredNodes(view.snapshot());
      for (const std::uint64_t index : page) {
        if (index >= *end) break;
        CUSTODY_ASSIGN_OR_RETURN(replies.emplace_back(),
                                 EntryAt(view.snapshot(), index, request, may_read, nodes));
      }
    }
    for (const pb::EntryReply& reply : replies) {
      if (!visit(reply)) return {};
    }
    if (replies.empty() || replies.size() < wanted || wanted < kPageEntries) return {};
    from += replies.size();
    left -= replies.size();
  }
  return {};
}

std::shared_ptr<const Registry> LedgerImpl::registry() const { return live_.history()->newest(); }

// Found folded, or folded now and kept: with the head that `view` has, never a newer one.
StatusOr<std::unique_ptr<Fold>> LedgerImpl::FoldAt(const std::string& chain, const View& view,
                                                   Keep keep) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain name, Chain::Parse(chain));
  CUSTODY_ASSIGN_OR_RETURN(HeadsMap heads, HeadsMap::Open([&](std::string_view path) {
                             return HeadsTile(view.snapshot(), path, view.size());
                           }));
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<ChainHead> head, heads.Find(name.key()));
  if (!head) return NotFound("there is no " + chain + " here");
  std::unique_ptr<Fold> kept = folds_.CopyAt(chain, head->length, head->head);
  if (kept) return kept;
  CUSTODY_ASSIGN_OR_RETURN(Fold loaded, LoadFold(chain, view.snapshot(), view.history()));
  auto fold = std::make_unique<Fold>(std::move(loaded));
  if (fold->length != head->length || fold->head != head->head) {
    return DataLoss(chain + " folds to another head than the heads map says");
  }
  if (keep == Keep::kYes) folds_.Put(chain, std::make_unique<Fold>(*fold));
  return fold;
}

StatusOr<pb::GetTherapyReply> LedgerImpl::GetTherapy(std::string_view id,
                                                     std::optional<Instant> as_of, Keep keep) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain chain, Chain::Parse(TherapyChain(id)));
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  auto fold = std::make_unique<Fold>();
  if (as_of) {
    CUSTODY_RETURN_IF_ERROR(CatchUp(chain.name(), view.snapshot(), view.history(), as_of, *fold));
    if (fold->length == 0) return NotFound("there was no " + chain.name() + " then");
  } else {
    CUSTODY_ASSIGN_OR_RETURN(fold, FoldAt(chain.name(), view, keep));
  }
  pb::GetTherapyReply reply;
  *reply.mutable_state() = std::move(fold->state);
  reply.set_length(fold->length);
  reply.set_head(fold->head.ToString());
  return reply;
}

StatusOr<std::vector<std::string>> LedgerImpl::ListTherapies(std::string_view after,
                                                             std::size_t limit) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return TherapiesAfter(view.snapshot(), after, limit);
}

StatusOr<std::vector<std::string>> LedgerImpl::TherapiesNaming(std::string_view type,
                                                               std::string_view value,
                                                               bool prefix) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return custody::TherapiesNaming(view.snapshot(), type, value, prefix);
}

StatusOr<std::optional<pb::RecordReply>> LedgerImpl::FindRecorded(const Hash& event_id) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<std::uint64_t> index,
                           FindEvent(view.snapshot(), event_id));
  std::optional<pb::RecordReply> reply;
  if (!index) return reply;
  reply.emplace().set_known(true);
  CUSTODY_ASSIGN_OR_RETURN(*reply->mutable_receipt(), FirstReceipt(view.snapshot(), *index));
  return reply;
}

StatusOr<pb::ChainMoved> LedgerImpl::GetHead(std::string_view chain) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return HeadOf(view.snapshot(), chain);
}

StatusOr<pb::Verdict> LedgerImpl::Preview(const pb::SignedEvent& signed_event) {
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(signed_event.payload()));
  CUSTODY_ASSIGN_OR_RETURN(pb::Verdict verdict, JudgeNext(parsed));
  CUSTODY_RETURN_IF_ERROR(ReckonAnew(parsed, verdict));
  return verdict;
}

StatusOr<pb::Verdict> LedgerImpl::JudgeNext(const ParsedEvent& parsed) {
  const pb::Event& event = parsed.event;
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  CUSTODY_ASSIGN_OR_RETURN(const pb::ChainMoved head, HeadOf(view.snapshot(), event.chain()));
  if (event.sequence() != head.length() || event.previous() != head.head()) {
    return Aborted("chain " + event.chain() + " has " + std::to_string(head.length()) +
                   " events now and the preview is for number " + std::to_string(event.sequence()) +
                   (event.sequence() == head.length() ? " after another one" : ""));
  }
  auto fold = std::make_unique<Fold>();
  if (IsTherapyChain(event.chain())) {
    StatusOr<std::unique_ptr<Fold>> found = FoldAt(event.chain(), view);
    if (found.ok()) {
      fold = *std::move(found);
    } else if (found.status().code() != StatusCode::kNotFound) {
      return found.status();
    }
  }
  HeldClaims held(view.snapshot());
  pb::Verdict verdict = Judge(parsed, *view.history()->newest(), fold->state,
                              {view.size(), event.sequence(), Now()}, &held);
  CUSTODY_RETURN_IF_ERROR(held.TakeStatus());
  CheckServable(parsed, verdict);
  return verdict;
}

StatusOr<pb::FindReply> LedgerImpl::Find(const pb::FindRequest& request) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  std::vector<std::string> types{request.type()};
  if (request.type().empty()) types = IndexTypes();
  pb::FindReply reply;
  const auto found_size = [&] { return static_cast<std::size_t>(reply.found_size()); };
  CUSTODY_RETURN_IF_ERROR(ScanIdentifiers(view.snapshot(), types, request.value(), /*prefix=*/false,
                                          [&](const std::string& type, std::string_view id) {
                                            pb::FoundIdentifier& found = *reply.add_found();
                                            found.set_type(type);
                                            found.set_value(request.value());
                                            found.set_therapy(std::string(id));
                                            return found_size() <= kMostFound;
                                          }));
  if (found_size() > kMostFound) {
    return OutOfRange("more than " + std::to_string(kMostFound) + " therapies have " +
                      request.value() + "; name the type of the identifier");
  }
  return reply;
}

StatusOr<std::string> LedgerImpl::IndexLacks() {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  return custody::IndexLacks(view.snapshot());
}

StatusOr<std::string> LedgerImpl::GetSchema(std::string_view sha256) {
  CUSTODY_ASSIGN_OR_RETURN(const View view, live_.Look());
  Hash wanted = view.history()->newest()->schema_sha256();
  if (!sha256.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(wanted, Hash::FromBytes(sha256));
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::optional<std::string> kept,
                           GetMeta(view.snapshot(), std::string(kMetaSchema) + wanted.ToHex()));
  if (kept) return *kept;
  if (Sha256(Schema()) == wanted) return Schema();
  return NotFound("no schema " + wanted.ToHex() + " is kept here");
}

}  // namespace custody

// Reading chains whole: a chain is what the heads map says it is, entry by entry up to its head,
// all at one checkpoint, so that nothing in it was changed and nothing left out.

#include <algorithm>
#include <set>
#include <utility>

#include "client/grpc_session.h"
#include "custody/event.h"

namespace custody {
namespace {

Status CheckOrder(const GrpcSession::ProvedChain& chain, const std::string& name) {
  if (chain.entries.size() != chain.head.length) {
    return DataLoss(name + " has " + std::to_string(chain.head.length) + " events, but " +
                    std::to_string(chain.entries.size()) + " were served");
  }
  if (chain.entries.empty()) return Status();
  const StatusOr<pb::LogEntry> last = ParseLogEntry(chain.entries.back().entry());
  if (!last.ok() || last->event_id() != chain.head.head.view()) {
    return DataLoss("the last event served of " + name + " is not its head");
  }
  return Status();
}

// Folds the entries of all registry chains in log order, each under the authority of those before.
StatusOr<std::shared_ptr<const Registry>> Fold(
    const std::map<std::string, GrpcSession::ProvedChain>& chains,
    const std::optional<Hash>& genesis) {
  std::vector<const pb::EntryReply*> entries;
  for (const auto& [name, chain] : chains) {
    for (const pb::EntryReply& entry : chain.entries) entries.push_back(&entry);
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return a->index() < b->index(); });
  auto registry = std::make_shared<Registry>();
  for (const pb::EntryReply* entry : entries) {
    const auto apply = [&]() -> Status {
      if (!entry->has_signed_()) return PermissionDenied("the server withheld it");
      CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(entry->signed_().payload()));
      const bool first = entry->index() == 0;
      if (first && genesis.has_value() && parsed.event_id != *genesis) {
        return DataLoss("the ledger does not begin with the genesis this station trusts");
      }
      const KeyLookup keys =
          first ? GenesisKeys(parsed.event.ledger_created()) : KeysAt(*registry, entry->index());
      CUSTODY_RETURN_IF_ERROR(VerifySignatures(entry->signed_(), parsed, keys));
      pb::Verdict verdict;
      CheckAuthority(*registry, parsed, nullptr, entry->index(), verdict);
      for (const pb::Reason& reason : verdict.reasons()) {
        if (reason.kind() != pb::REASON_STRUCTURE) continue;
        return PermissionDenied(reason.rule() + ": expected " + reason.expected() + ", found " +
                                reason.found());
      }
      return registry->Apply(parsed, entry->index());
    };
    if (const Status status = apply(); !status.ok()) {
      return DataLoss("the registry's event at index " + std::to_string(entry->index()) +
                      " does not hold: " + Message(status));
    }
  }
  return std::shared_ptr<const Registry>(std::move(registry));
}

}  // namespace

StatusOr<GrpcSession::ProvedChain> GrpcSession::ProveChain(std::string_view chain,
                                                           std::optional<std::uint64_t> size) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain parsed, Chain::Parse(chain));
  CUSTODY_ASSIGN_OR_RETURN(pb::HeadsProofReply proof, GetHeadsProof(chain, size));
  ProvedChain proved;
  CUSTODY_ASSIGN_OR_RETURN(proved.head, CheckHead(parsed, std::move(proof), book_));
  if (size.has_value() && proved.head.checkpoint.size != *size) {
    return DataLoss("the server proved another size than was asked for");
  }
  Status unkept;
  CUSTODY_RETURN_IF_ERROR(Link(proved.head.checkpoint_note, unkept));
  CUSTODY_RETURN_IF_ERROR(unkept);
  if (proved.head.length == 0) return proved;

  pb::ReadEntriesRequest request;
  request.set_chain(std::string(chain));
  request.set_limit(proved.head.length);
  request.set_with_events(true);
  request.set_paths_to(proved.head.checkpoint.size);
  Hash previous;
  Status sound;
  CUSTODY_RETURN_IF_ERROR(ReadEntries(request, [&](const pb::EntryReply& entry) {
    sound = CheckChainEntry(parsed, proved.entries.size(), previous, entry, proved.head.checkpoint);
    if (!sound.ok()) return false;
    const StatusOr<pb::LogEntry> log_entry = ParseLogEntry(entry.entry());
    previous = *Hash::FromBytes(log_entry->event_id());  // checked just now
    proved.entries.push_back(entry);
    return proved.entries.size() < proved.head.length;
  }));
  CUSTODY_RETURN_IF_ERROR(sound);
  CUSTODY_RETURN_IF_ERROR(CheckOrder(proved, parsed.name()));
  return proved;
}

StatusOr<std::vector<pb::EntryReply>> GrpcSession::ReadChain(std::string_view chain) {
  CUSTODY_ASSIGN_OR_RETURN(ProvedChain proved, ProveChain(chain, std::nullopt));
  return std::move(proved.entries);
}

StatusOr<GrpcSession::ProvedRegistry> GrpcSession::ProveRegistry(
    std::optional<std::uint64_t> size) {
  ProvedRegistry proved;
  CUSTODY_ASSIGN_OR_RETURN(ProvedChain trunk, ProveChain("registry", size));
  const std::uint64_t at = trunk.head.checkpoint.size;
  std::set<std::string> sites;
  for (const pb::EntryReply& entry : trunk.entries) {
    pb::Event event;
    if (!event.ParseFromString(entry.signed_().payload())) continue;
    if (event.has_site_enrolled()) sites.insert(event.site_enrolled().site());
  }
  proved.chains.emplace("registry", std::move(trunk));
  for (const std::string& site : sites) {
    const std::string name = "registry/" + site;
    CUSTODY_ASSIGN_OR_RETURN(ProvedChain chain, ProveChain(name, at));
    if (chain.head.length > 0) proved.chains.emplace(name, std::move(chain));
  }
  CUSTODY_ASSIGN_OR_RETURN(proved.registry, Fold(proved.chains, folder_.trust().genesis));
  return proved;
}

StatusOr<std::shared_ptr<const Registry>> GrpcSession::LoadRegistry() {
  CUSTODY_ASSIGN_OR_RETURN(ProvedRegistry proved, ProveRegistry(std::nullopt));
  if (hello_.environment() != proved.registry->environment()) {
    return DataLoss("the server says that this is a ledger for " +
                    pb::Environment_Name(hello_.environment()) + ", but it was founded for " +
                    pb::Environment_Name(proved.registry->environment()));
  }
  return std::move(proved.registry);
}

}  // namespace custody

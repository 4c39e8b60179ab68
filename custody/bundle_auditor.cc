// The audit of a bundle: what the file says of itself, held against the log's checkpoint.
//
// The replay judges the records as it does for a whole ledger, in the order of their log index over
// all chains of the file. What differs is how it is known that they are the log's (each has a path
// to the checkpoint) and that none is missing (the heads map under the last entry says how long
// each chain is and how it ends).
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "custody/audit_replay.h"
#include "custody/audit_report.h"
#include "custody/auditor.h"
#include "custody/bundle.h"
#include "custody/chain.h"

namespace custody {
namespace {

using nlohmann::json;

class BundleAudit {
 public:
  BundleAudit(const TrustAnchor* trust, const AuditOptions& options)
      : trust_(trust), options_(options), replay_(ReplayOptions()) {}

  pb::AuditReport OfText(std::string_view text);
  pb::AuditReport Of(Bundle bundle);

 private:
  pb::AuditReport Conclusion();
  AuditReplay::Options ReplayOptions();
  void Read();
  void Replay();
  // Of one entry by itself; called from several threads.
  void CheckPath(AuditedEntry& entry) const;
  void CheckView(AuditedEntry& entry);
  // Shown every usable event in order.
  void Visit(const AuditedEntry& entry, const Registry& registry);

  void CheckHeader();
  void CheckLastEntry();
  void CheckChains();
  void CheckHeads();
  void CheckHead(const std::string& chain, const BundleHead& head);
  void CheckSchema();
  void CheckAttachments();
  void CheckAttachment(const pb::Finding& place, const pb::AttachmentRef& reference);
  void CheckContinues();
  void Report(pb::FindingGrade grade, std::string_view check, std::string reason) {
    ReportFile(grade, check, std::move(reason), findings_);
  }
  void ReportChain(const std::string& chain, std::string_view check, std::string reason) {
    Report(pb::INCONSISTENT, check, std::move(reason));
    findings_.back().set_chain(chain);
  }

  const TrustAnchor* trust_;
  const AuditOptions& options_;
  std::vector<pb::Finding> findings_;
  Bundle bundle_;
  std::optional<Checkpoint> checkpoint_;
  std::optional<pb::LogEntry> last_;
  std::string therapy_;
  std::vector<BundleEntry*> order_;            // by log index
  std::map<std::string, std::string> needed_;  // chain -> why it must be here
  std::vector<Hash> schemas_;                  // published, oldest first
  std::vector<std::pair<pb::Finding, pb::AttachmentRef>> references_;  // with their places
  std::vector<pb::LedgerContinued> continued_;
  AuditReplay replay_;  // last: its threads use what is above
};

AuditReplay::Options BundleAudit::ReplayOptions() {
  return {.threads = options_.threads,
          .signatures = options_.signatures,
          .whole_log = false,
          .check =
              [this](AuditedEntry& entry) {
                CheckPath(entry);
                CheckView(entry);
              },
          .visit = [this](const AuditedEntry& entry,
                          const Registry& registry) { Visit(entry, registry); }};
}

pb::AuditReport BundleAudit::OfText(std::string_view text) {
  auto bundle = ParseBundle(text, findings_);
  if (bundle.ok()) return Of(*std::move(bundle));
  Report(pb::UNREADABLE, "file", Message(bundle.status()));
  return Conclusion();
}

pb::AuditReport BundleAudit::Of(Bundle bundle) {
  bundle_ = std::move(bundle);
  Read();
  // Of a file that broke off the records before the break are judged, when all of the registry
  // stands before it; what should have stood behind it is not missed.
  const bool registry_read = std::ranges::any_of(
      bundle_.chains, [](const auto& chain) { return IsTherapyChain(chain.first); });
  if (bundle_.whole || registry_read) {
    Replay();
    CheckHeader();
  }
  if (!bundle_.whole) return Conclusion();
  CheckChains();
  CheckHeads();
  CheckSchema();
  CheckAttachments();
  CheckContinues();
  return Conclusion();
}

pb::AuditReport BundleAudit::Conclusion() {
  pb::AuditReport report;
  report.set_completeness("stated by the log");
  report.set_checkpoint(bundle_.checkpoint);
  report.set_therapy(therapy_);
  if (checkpoint_) report.set_checkpoint_size(checkpoint_->size);
  std::optional<Instant> up_to;
  if (last_) up_to = FromProto(last_->received_at());
  Conclude(replay_, trust_, std::move(findings_), up_to, report);
  return report;
}

void BundleAudit::Read() {
  const auto read = [this](std::string_view part) { return bundle_.whole || !part.empty(); };
  std::optional<NoteVerifier> log_key;
  auto stated = NoteVerifier::Parse(bundle_.log_key);
  if (!stated.ok() && read(bundle_.log_key))
    Report(pb::UNREADABLE, "log-key", Message(stated.status()));
  if (trust_ != nullptr) {
    log_key = trust_->log_key;
  } else if (stated.ok()) {
    log_key = *std::move(stated);
  }
  if (read(bundle_.checkpoint)) {
    checkpoint_ = CheckCheckpoint(bundle_.checkpoint, log_key, trust_, findings_);
  }
  if (read(bundle_.last_entry)) CheckLastEntry();
  for (auto& [chain, entries] : bundle_.chains) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      order_.push_back(&entries[i]);
      if (i > 0 && entries[i].index <= entries[i - 1].index)
        ReportChain(chain, "order",
                    "entry " + std::to_string(i) +
                        " stands after one with the same or a greater log index");
    }
  }
  std::stable_sort(order_.begin(), order_.end(),
                   [](const BundleEntry* a, const BundleEntry* b) { return a->index < b->index; });
}

void BundleAudit::CheckLastEntry() {
  auto entry = ParseLogEntry(bundle_.last_entry);
  if (!entry.ok()) {
    Report(pb::UNREADABLE, "last-entry", Message(entry.status()));
  } else {
    last_ = *std::move(entry);
  }
  if (!checkpoint_) return;
  if (bundle_.last_index + 1 != checkpoint_->size)
    Report(pb::INCONSISTENT, "last-entry",
           "expected the entry with index " + std::to_string(checkpoint_->size) +
               " less one, found index " + std::to_string(bundle_.last_index));
  const Status path = VerifyInclusion(LeafHash(bundle_.last_entry), bundle_.last_index,
                                      checkpoint_->size, bundle_.last_path, checkpoint_->root);
  if (!path.ok()) Report(pb::FORGED, "last-entry", Message(path));
}

void BundleAudit::Replay() {
  std::map<const BundleEntry*, const std::string*> chain_of;
  for (const auto& [chain, entries] : bundle_.chains) {
    for (const BundleEntry& entry : entries) chain_of[&entry] = &chain;
  }
  for (std::size_t i = 0; i < order_.size(); ++i) {
    AuditedEntry entry;
    entry.index = order_[i]->index;
    entry.entry = std::move(order_[i]->entry);
    entry.signed_event = std::move(order_[i]->signed_event);
    entry.stated_chain = *chain_of[order_[i]];
    entry.ordinal = i;
    if (i > 0 && order_[i - 1]->index == entry.index)
      entry.Report(pb::INCONSISTENT, "index", "another record of the file has the same log index");
    replay_.Add(std::move(entry));
    if (options_.progress && i % 256 == 0) options_.progress(i, order_.size());
  }
  replay_.Finish();
  if (options_.progress) options_.progress(order_.size(), order_.size());
  if (last_ && replay_.last_received() &&
      FromProto(last_->received_at()) < *replay_.last_received())
    Report(pb::INCONSISTENT, "received-at", "the last entry was received before an earlier one");
}

void BundleAudit::CheckPath(AuditedEntry& entry) const {
  const BundleEntry& stated = *order_[entry.ordinal];
  if (Sha256(entry.stated_chain).view() !=
      (entry.log_entry ? std::string_view(entry.log_entry->chain_key()) : std::string_view())) {
    if (entry.log_entry)
      entry.Report(pb::INCONSISTENT, "chain-name", "the entry belongs to another chain");
  }
  if (!checkpoint_) return;  // reported for the file
  const Status path = VerifyInclusion(entry.leaf_hash, entry.index, checkpoint_->size, stated.path,
                                      checkpoint_->root);
  if (!path.ok())
    entry.Report(pb::FORGED, "path",
                 "not shown to be in the log under this checkpoint: " + Message(path));
}

void BundleAudit::CheckView(AuditedEntry& entry) {
  std::string stated = std::exchange(order_[entry.ordinal]->view, {});
  if (!entry.event) return;
  const auto own = DecodedView(entry.event->event);
  if (!own.ok()) {
    entry.Report(pb::INCONSISTENT, "view", Message(own.status()));
  } else if (stated != *own && json::parse(stated, nullptr, false) != json::parse(*own)) {
    entry.Report(pb::INCONSISTENT, "view",
                 "the decoded view is not what was signed: rely on nothing it says");
  }
}

void BundleAudit::Visit(const AuditedEntry& entry, const Registry& registry) {
  const pb::Event& event = entry.event->event;
  for (const std::string& chain : ChainsNeededBy(*entry.event, registry))
    needed_.try_emplace(chain, "event " + std::to_string(entry.index) + " is signed from there");
  if (event.has_ledger_created()) {
    if (auto schema = Hash::FromBytes(event.ledger_created().schema_sha256()); schema.ok())
      schemas_.push_back(*schema);
  }
  if (event.has_schema_published()) {
    if (auto schema = Hash::FromBytes(event.schema_published().schema_sha256()); schema.ok())
      schemas_.push_back(*schema);
  }
  if (event.has_ledger_continued()) continued_.push_back(event.ledger_continued());
  const auto references = AttachmentsOf(entry.event->effective());
  if (references.empty()) return;
  pb::Finding place;
  place.set_index(entry.index);
  place.set_chain(event.chain());
  place.set_sequence(event.sequence());
  for (const pb::AttachmentRef* reference : references) references_.emplace_back(place, *reference);
}

void BundleAudit::CheckHeader() {
  CheckGenesis(replay_, trust_, findings_);
  if (trust_ != nullptr && bundle_.log_key != trust_->log_key.ToString())
    Report(pb::INCONSISTENT, "header", "the file names another log key than the trust file");
  if (replay_.genesis() && bundle_.genesis != *replay_.genesis())
    Report(pb::INCONSISTENT, "header", "\"genesis\" is not the id of the ledger's first event");
  const Registry& registry = replay_.registry();
  if (!registry.created()) return;
  if (bundle_.origin != registry.origin())
    Report(pb::INCONSISTENT, "header", "\"origin\" is not that of the ledger's first event");
  if (bundle_.log_key != registry.log_key())
    Report(pb::INCONSISTENT, "header", "\"logKey\" is not that of the ledger's first event");
  if (bundle_.environment != registry.environment())
    Report(pb::INCONSISTENT, "header", "\"environment\" is not that of the ledger's first event");
}

void BundleAudit::CheckChains() {
  std::size_t therapies = 0;
  for (const auto& [name, entries] : bundle_.chains) {
    const auto chain = Chain::Parse(name);
    if (!chain.ok()) {
      ReportChain(name, "chains", Message(chain.status()));
    } else if (chain->kind() == ChainKind::kTherapy) {
      ++therapies;
      therapy_ = name;
    }
  }
  if (therapies != 1)
    Report(pb::INCONSISTENT, "chains",
           "expected the chain of one therapy, found " + std::to_string(therapies));
  needed_.try_emplace("registry", "it says who may sign");
  for (const auto& [name, why] : needed_) {
    if (!bundle_.chains.contains(name))
      ReportChain(
          name, "chains",
          "the chain is not in the file, but " + why + ": keys revoked there would not be known");
  }
}

void BundleAudit::CheckHeads() {
  for (const auto& [name, entries] : bundle_.chains) {
    if (!bundle_.heads.contains(name))
      ReportChain(name, "heads", "no proof that the chain is complete");
  }
  for (const auto& [name, head] : bundle_.heads) {
    if (bundle_.chains.contains(name)) {
      CheckHead(name, head);
    } else {
      ReportChain(name, "heads", "a proof for a chain that is not in the file");
    }
  }
}

void BundleAudit::CheckHead(const std::string& name, const BundleHead& head) {
  const Hash key = Sha256(name);
  if (last_) {
    const Status proof = VerifyPresence({.key = key, .head = head.head, .length = head.length},
                                        {.siblings = head.siblings, .neighbour = std::nullopt},
                                        *Hash::FromBytes(last_->heads_root()));
    if (!proof.ok()) ReportChain(name, "heads", Message(proof));
  }
  const auto found = bundle_.chains.at(name).size();
  if (found != head.length)
    ReportChain(name, "heads",
                "the log holds " + std::to_string(head.length) + " events of the chain, found " +
                    std::to_string(found) + " here");
  const AuditReplay::ChainRecord* chain = replay_.FindChain(key);
  if (chain == nullptr || chain->head != head.head)
    ReportChain(name, "heads",
                "the chain does not end here with the event it ends with in the log");
}

void BundleAudit::CheckSchema() {
  const Hash schema = Sha256(bundle_.schema);
  if (std::find(schemas_.begin(), schemas_.end(), schema) == schemas_.end()) {
    Report(pb::INCONSISTENT, "schema", "the registry never published this schema");
  } else if (schema != schemas_.back()) {
    Report(pb::NOTE, "schema", "an older schema than the newest that was published");
  }
}

void BundleAudit::CheckAttachments() {
  std::set<std::string> referenced;
  for (const auto& [place, reference] : references_) {
    CheckAttachment(place, reference);
    if (const auto hash = Hash::FromBytes(reference.sha256()); hash.ok())
      referenced.insert(hash->ToHex());
  }
  for (const auto& [name, attachment] : bundle_.attachments) {
    if (!referenced.contains(name))
      Report(pb::INCONSISTENT, "attachment", "no event refers to attachment " + name);
    if (!attachment.bytes) continue;
    if (Sha256(*attachment.bytes).ToHex() != name)
      Report(pb::FORGED, "attachment", "the bytes of attachment " + name + " have another hash");
    if (attachment.bytes->size() != attachment.size)
      Report(pb::INCONSISTENT, "attachment",
             "the bytes of attachment " + name + " are not as many as its \"size\" says");
  }
}

void BundleAudit::CheckAttachment(const pb::Finding& place, const pb::AttachmentRef& reference) {
  const auto report = [&](pb::FindingGrade grade, const std::string& reason) {
    pb::Finding& finding = findings_.emplace_back(place);
    finding.set_grade(grade);
    finding.set_check("attachment");
    finding.set_reason("attachment " + reference.name() + ": " + reason);
  };
  const auto hash = Hash::FromBytes(reference.sha256());
  if (!hash.ok()) return report(pb::INCONSISTENT, Message(hash.status()));
  const auto found = bundle_.attachments.find(hash->ToHex());
  const bool named = found != bundle_.attachments.end();
  if (!named || !found->second.bytes)
    report(pb::INCOMPLETE, "not in the file; ask the ledger for " + hash->ToHex());
  if (!named) return;
  // What the file says of an attachment is held against the event even where its bytes are absent.
  if (found->second.size != reference.size())
    report(pb::INCONSISTENT, "the event states another size");
  if (found->second.media_type != reference.media_type())
    report(pb::INCONSISTENT, "the event states another media type");
}

// Formats section 9: the new ledger's registry names the old one's last known checkpoint; the file
// carries the old ledgers' names so that their bundles can be asked for.
void BundleAudit::CheckContinues() {
  if (continued_.empty() != bundle_.continues.empty())
    Report(pb::INCONSISTENT, "continues",
           continued_.empty() ? "names earlier ledgers, the registry continues none"
                              : "the registry continues an earlier ledger that is not named");
  for (std::size_t i = 0; i < bundle_.continues.size(); ++i) {
    const BundleContinuation& earlier = bundle_.continues[i];
    const auto log_key = NoteVerifier::Parse(earlier.log_key);
    const Status opened =
        log_key.ok() ? OpenCheckpoint(earlier.checkpoint, *log_key).status() : log_key.status();
    if (!opened.ok()) Report(pb::FORGED, "continues", earlier.origin + ": " + Message(opened));
    if (log_key.ok() && log_key->name() != earlier.origin)
      Report(pb::INCONSISTENT, "continues", earlier.origin + ": the log key is of another ledger");
    if (i > 0 || continued_.empty()) continue;
    const pb::LedgerContinued& stated = continued_.front();
    if (stated.old_origin() != earlier.origin || stated.old_log_key() != earlier.log_key ||
        stated.last_checkpoint() != earlier.checkpoint)
      Report(pb::INCONSISTENT, "continues", "not the ledger that the registry continues");
  }
}

}  // namespace

pb::AuditReport AuditBundle(std::string_view text, const TrustAnchor* trust,
                            const AuditOptions& options) {
  return BundleAudit(trust, options).OfText(text);
}

pb::AuditReport AuditBundle(Bundle bundle, const TrustAnchor* trust, const AuditOptions& options) {
  return BundleAudit(trust, options).Of(std::move(bundle));
}

}  // namespace custody

// Collecting a bundle: the therapy's chain, the registry chains that say who its signers are, heads
// and paths, all at one checkpoint.

#include <set>
#include <utility>
#include <vector>

#include "client/grpc_session.h"
#include "custody/audit_entry.h"
#include "custody/bundle.h"
#include "custody/chain.h"
#include "custody/event.h"

namespace custody {
namespace {

using Chains = std::map<std::string, GrpcSession::ProvedChain>;

StatusOr<std::vector<BundleEntry>> ToEntries(const GrpcSession::ProvedChain& chain,
                                             const std::string& name) {
  std::vector<BundleEntry> entries;
  for (const pb::EntryReply& reply : chain.entries) {
    if (!reply.has_signed_()) {
      return PermissionDenied("this station may not read all of " + name +
                              ": a bundle is exported where the whole therapy may be read");
    }
    BundleEntry& entry = entries.emplace_back();
    entry.index = reply.index();
    entry.entry = reply.entry();
    CUSTODY_ASSIGN_OR_RETURN(entry.path, ParsePath(reply.path()));
    entry.signed_event = reply.signed_();
  }
  return entries;
}

// The sites whose chains say who somebody is: that enrolled the person, where they work, and the
// station's.
void AddSites(const pb::Event& event, const Registry& registry, std::set<std::string>& sites) {
  if (event.has_adopted()) {
    pb::Event original;
    if (original.ParseFromString(event.adopted().original().payload())) {
      AddSites(original, registry, sites);
    }
  }
  if (const EnrolledStation* station = registry.FindStation(event.station())) {
    sites.insert(station->site);
  }
  const auto add_person = [&](const std::string& id) {
    const EnrolledPerson* person = registry.FindPerson(id);
    if (person == nullptr) return;
    sites.insert(person->sites.begin(), person->sites.end());
    if (person->enrolled_in.starts_with("registry/")) {
      sites.insert(person->enrolled_in.substr(sizeof("registry/") - 1));
    }
  };
  for (const pb::Signer& signer : event.signers()) add_person(signer.person());
  for (const pb::Performer& performer : event.performed_by()) add_person(performer.person());
}

// `SitesOf` closes over the sites: those who enrolled the signers have signed too.
std::set<std::string> SitesOf(const GrpcSession::ProvedChain& therapy,
                              const Chains& registry_chains, const Registry& registry) {
  std::set<std::string> sites;
  const auto add = [&](const GrpcSession::ProvedChain& chain) {
    for (const pb::EntryReply& entry : chain.entries) {
      pb::Event event;
      if (event.ParseFromString(entry.signed_().payload())) AddSites(event, registry, sites);
    }
  };
  add(therapy);
  std::size_t before = 0;
  while (before != sites.size()) {
    before = sites.size();
    const std::vector<std::string> known(sites.begin(), sites.end());  // `add` adds to `sites`
    for (const std::string& site : known) {
      const auto chain = registry_chains.find("registry/" + site);
      if (chain != registry_chains.end()) add(chain->second);
    }
  }
  return sites;
}

Status AddChain(const std::string& name, const GrpcSession::ProvedChain& chain, Bundle& bundle) {
  CUSTODY_ASSIGN_OR_RETURN(bundle.chains[name], ToEntries(chain, name));
  BundleHead& head = bundle.heads[name];
  head.length = chain.head.length;
  head.head = chain.head.head;
  CUSTODY_ASSIGN_OR_RETURN(head.siblings, ParsePath(chain.head.proof.siblings()));
  return Status();
}

Status AddAttachments(GrpcSession& session, std::string_view id, bool with_bytes, Bundle& bundle) {
  for (const BundleEntry& entry : bundle.chains[TherapyChain(id)]) {
    CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(entry.signed_event.payload()));
    std::vector<const pb::AttachmentRef*> found = AttachmentsOf(parsed.event);
    if (parsed.original) {
      for (const pb::AttachmentRef* more : AttachmentsOf(parsed.original->event)) {
        found.push_back(more);
      }
    }
    for (const pb::AttachmentRef* named : found) {
      CUSTODY_ASSIGN_OR_RETURN(const Hash sha256, Hash::FromBytes(named->sha256()));
      BundleAttachment& attachment = bundle.attachments[sha256.ToHex()];
      attachment.media_type = named->media_type();
      attachment.size = named->size();
      if (!with_bytes || attachment.bytes.has_value()) continue;
      CUSTODY_ASSIGN_OR_RETURN(attachment.bytes, session.GetAttachment(id, sha256));
    }
  }
  return Status();
}

}  // namespace

StatusOr<std::string> GrpcSession::ExportBundle(std::string_view id, bool with_attachments) {
  const std::string name = TherapyChain(id);
  CUSTODY_ASSIGN_OR_RETURN(const ProvedChain therapy, ProveChain(name, std::nullopt));
  if (therapy.head.length == 0) return NotFound("no therapy " + std::string(id));
  const std::uint64_t size = therapy.head.checkpoint.size;
  const TrustAnchor& trust = folder_.trust();
  if (trust.policy.has_value()) {
    CUSTODY_ASSIGN_OR_RETURN(const Note note, Note::Parse(therapy.head.checkpoint_note));
    if (const Status met = trust.policy->Satisfied(note); !met.ok()) {
      return FailedPrecondition("the newest checkpoint does not meet the trust anchor's policy: " +
                                Message(met));
    }
  }
  CUSTODY_ASSIGN_OR_RETURN(const ProvedRegistry registry, ProveRegistry(size));
  Bundle bundle;
  bundle.origin = registry.registry->origin();
  bundle.log_key = registry.registry->log_key();
  bundle.genesis = registry.registry->genesis();
  bundle.environment = registry.registry->environment();
  bundle.checkpoint = therapy.head.checkpoint_note;
  CUSTODY_RETURN_IF_ERROR(AddChain(name, therapy, bundle));
  CUSTODY_RETURN_IF_ERROR(AddChain("registry", registry.chains.at("registry"), bundle));
  for (const std::string& site : SitesOf(therapy, registry.chains, *registry.registry)) {
    const auto chain = registry.chains.find("registry/" + site);
    if (chain == registry.chains.end()) continue;
    CUSTODY_RETURN_IF_ERROR(AddChain(chain->first, chain->second, bundle));
  }
  const pb::Receipt& last = therapy.head.proof.last_entry();
  bundle.last_index = last.index();
  bundle.last_entry = last.entry();
  CUSTODY_ASSIGN_OR_RETURN(bundle.last_path, ParsePath(last.path()));
  CUSTODY_ASSIGN_OR_RETURN(bundle.schema, GetSchema(registry.registry->schema_sha256()));
  CUSTODY_RETURN_IF_ERROR(AddAttachments(*this, id, with_attachments, bundle));
  return WriteBundle(bundle);
}

}  // namespace custody

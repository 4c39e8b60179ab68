// The bundle: everything about one therapy in one file, checked with no server (formats section 7).
#ifndef CUSTODY_CUSTODY_BUNDLE_H_
#define CUSTODY_CUSTODY_BUNDLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/status.h"
#include "custody/event.h"
#include "custody/pb.h"
#include "custody/registry.h"

namespace custody {

struct BundleEntry {
  std::uint64_t index = 0;
  std::string entry;       // LogEntry bytes
  std::vector<Hash> path;  // to the bundle's checkpoint
  pb::SignedEvent signed_event;
  std::string view;  // decoded view as JSON; empty when writing: it is computed
};

struct BundleHead {
  std::uint64_t length = 0;
  Hash head;
  std::vector<Hash> siblings;
};

struct BundleAttachment {
  std::string media_type;
  std::uint64_t size = 0;
  std::optional<std::string> bytes;  // absent: only named
};

// An earlier incarnation of the ledger (formats section 9), newest first.
struct BundleContinuation {
  std::string origin;
  std::string log_key;  // vkey
  Hash genesis;
  std::string checkpoint;  // the last one known of it: signed note
};

struct Bundle {
  std::string origin;
  std::string log_key;  // vkey
  Hash genesis;
  pb::Environment environment = pb::ENVIRONMENT_UNSPECIFIED;
  std::string checkpoint;                                  // signed note of size N
  std::map<std::string, std::vector<BundleEntry>> chains;  // whole chains, in sequence
  std::uint64_t last_index = 0;                            // N-1
  std::string last_entry;
  std::vector<Hash> last_path;
  std::map<std::string, BundleHead> heads;              // one for every chain
  std::string schema;                                   // FileDescriptorSet
  std::map<std::string, BundleAttachment> attachments;  // by SHA-256 in hex
  std::vector<BundleContinuation> continues;            // empty: this is the first incarnation
  bool whole = true;  // false: the file broke off, and nobody knows what else it held
};

// `ChainsNeededBy` names the registry chains without which nobody can tell whether `event` was
// done and signed by who might: those that enrolled every signer and performer, and that of the
// station's site. A bundle holds all of them for all of its events; whoever writes one collects
// them while folding the registry.
std::vector<std::string> ChainsNeededBy(const ParsedEvent& event, const Registry& registry);

// `WriteBundle` gives the file's text. INVALID_ARGUMENT when an event does not parse.
StatusOr<std::string> WriteBundle(const Bundle& bundle);

// `ParseBundle` reads the file. What is wrong with its JSON, base64 or hex, and with duplicate or
// unknown keys, is added to `findings` (grade UNREADABLE) with as much position as is known; what
// could be read is returned all the same, so that a verifier reports every fault; what a file was
// saying when it broke off is left out. Only a file whose top level is no object gives an error.
StatusOr<Bundle> ParseBundle(std::string_view json, std::vector<pb::Finding>& findings);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_BUNDLE_H_

// The trust anchor: what a verifier already knows, from somebody trusted and not from the bundle.
#ifndef CUSTODY_CUSTODY_TRUST_H_
#define CUSTODY_CUSTODY_TRUST_H_

#include <optional>
#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/note.h"
#include "crypto/status.h"
#include "crypto/witness_policy.h"

namespace custody {

// `TrustAnchor` is a parsed *.trust.json, or a log key alone: then `genesis` is empty, and a
// verdict is at most "consistent; registry not pinned".
struct TrustAnchor {
  std::string origin;
  NoteVerifier log_key;
  std::optional<Hash> genesis;
  std::optional<WitnessPolicy> policy;
  std::string policy_text;

  // `Parse` is strict JSON: known keys only, each once, a genesis among them. INVALID_ARGUMENT
  // otherwise.
  static StatusOr<TrustAnchor> Parse(std::string_view json);
  // `FromLogKey` trusts a log key and nothing else.
  static StatusOr<TrustAnchor> FromLogKey(std::string_view vkey);
  std::string ToJson() const;
};

}  // namespace custody

#endif  // CUSTODY_CUSTODY_TRUST_H_

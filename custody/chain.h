// Chains: the registry, one a site, one a therapy.
#ifndef CUSTODY_CUSTODY_CHAIN_H_
#define CUSTODY_CUSTODY_CHAIN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/hash.h"
#include "crypto/status.h"

namespace custody {

enum class ChainKind { kRegistry, kSite, kTherapy };

// The longest that a ledger keeps a chain's head for one station, while two people sign there.
inline constexpr std::uint32_t kMaxReserveSeconds = 300;

// `IsChainId` says whether `id` may be a SITE or ID: 1..64 of [A-Z0-9._-] without "..".
bool IsChainId(std::string_view id);

// For names that were parsed before, or that `Parse` will look at. `IsTherapyChain` says whether
// `chain` is called like a therapy's; `TherapyChain` is the name of the chain of therapy `id`, and
// `TherapyOf` the id in such a name: empty for any other chain.
bool IsTherapyChain(std::string_view chain);
std::string TherapyChain(std::string_view id);
std::string_view TherapyOf(std::string_view chain);

// `Chain` is a valid chain name. A value.
class Chain {
 public:
  // `Parse` accepts "registry", "registry/SITE" and "therapy/ID" with SITE and ID 1..64 of
  // [A-Z0-9._-] without ".."; INVALID_ARGUMENT otherwise.
  static StatusOr<Chain> Parse(std::string_view name);
  static Chain Registry();
  // REQUIRES: `id` is valid as above.
  static Chain Therapy(std::string_view id);
  static Chain Site(std::string_view site);

  const std::string& name() const { return name_; }
  ChainKind kind() const { return kind_; }
  // `id` is SITE or ID; empty for the registry.
  std::string_view id() const;
  // `key` = SHA-256(name).
  Hash key() const { return Sha256(name_); }

 private:
  Chain(std::string name, ChainKind kind) : name_(std::move(name)), kind_(kind) {}
  std::string name_;
  ChainKind kind_;
};

}  // namespace custody

#endif  // CUSTODY_CUSTODY_CHAIN_H_

// DSSE v1: what is signed, what names an event, and what its signatures add up to.
#ifndef CUSTODY_CRYPTO_DSSE_H_
#define CUSTODY_CRYPTO_DSSE_H_

#include <span>
#include <string>
#include <string_view>

#include "crypto/hash.h"

namespace custody {

inline constexpr std::string_view kEventPayloadType = "application/vnd.custody.v1.event+protobuf";
inline constexpr std::string_view kKeyRequestPayloadType =
    "application/vnd.custody.v1.key-request+protobuf";

// `Pae` is "DSSEv1" SP LEN(type) SP type SP LEN(payload) SP payload, lengths in decimal.
std::string Pae(std::string_view payload_type, std::string_view payload);

// `EventId` = SHA-256(Pae(kEventPayloadType, payload)); it covers no signature.
Hash EventId(std::string_view payload);

// One signature as it is stored; views, valid as long as what they point at.
struct SignatureView {
  std::string_view key_id;  // 32 bytes
  std::string_view value;
};

// `RecordHash` = SHA-256("custody.v1.record" || 0x00 || event_id || for each signature: key_id ||
// u64 length || value). A log entry holds it, so the log commits to the signatures too.
Hash RecordHash(const Hash& event_id, std::span<const SignatureView> signatures);

}  // namespace custody

#endif  // CUSTODY_CRYPTO_DSSE_H_

// Patient identifiers as commitments (formats section 10), and identifiers of products as scanned.
#ifndef CUSTODY_CUSTODY_IDENTITY_H_
#define CUSTODY_CUSTODY_IDENTITY_H_

#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/status.h"

namespace custody {

// `CommitIdentifier` is HMAC-SHA-256(secret, text) over type ":" issuer ":" value in NFC, no white
// space at the ends. INVALID_ARGUMENT for an unknown type (mrn, gsrn, dob, national, other), a dob
// that is not YYYYMMDD, invalid UTF-8 or an empty value.
StatusOr<Hash> CommitIdentifier(std::string_view secret, std::string_view type,
                                std::string_view issuer, std::string_view value);

// `Din` is an ISBT 128 donation identification number as scanned.
struct Din {
  std::string number;    // 13 characters: the identity
  std::string flags;     // 2 characters, not part of the identity
  std::string facility;  // first 5
};
// `ParseDinScan` reads "=" + 15 characters (an AIM prefix may stand before) and checks flags 60-96.
StatusOr<Din> ParseDinScan(std::string_view scan);
// `ParseCoiScan` reads "&/CH" + 13 and gives the 15 content characters.
StatusOr<std::string> ParseCoiScan(std::string_view scan);
// `DinCheckCharacter` is K of ISO/IEC 7064 MOD 37-2. REQUIRES: 13 characters of [0-9A-Z].
char DinCheckCharacter(std::string_view din);
// `FacilityOf` finds the facility number inside a DIN or CoI; empty when it is neither.
std::string_view FacilityOf(std::string_view identifier);
// `IsReservedFacility` says whether `facility` is one of A9990-A9999, set aside for tests.
bool IsReservedFacility(std::string_view facility);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_IDENTITY_H_

// The key of a person who signs at a station: made there, under a passphrase of theirs, and never
// leaving; what travels is the request that it be enrolled.
#ifndef CUSTODY_CLIENT_PERSONAL_KEY_H_
#define CUSTODY_CLIENT_PERSONAL_KEY_H_

#include <filesystem>
#include <string_view>

#include "client/station_folder.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/status.h"

namespace custody {

// What was made: the key's id, and the file that registrars enrol it by.
struct PersonalKey {
  Hash key_id;
  std::filesystem::path request;
};

// `MakePersonalKey` makes keys/PERSON.pem and keys/PERSON.request in `folder`; the passphrase comes
// from AskNewPassphrase. INVALID_ARGUMENT for what is no person's id, ALREADY_EXISTS when there is
// a key already, FAILED_PRECONDITION when the folder's trust anchor names no ledger.
StatusOr<PersonalKey> MakePersonalKey(const StationFolder& folder, std::string_view person,
                                      const std::filesystem::path& pins, Rng& rng);

}  // namespace custody

#endif  // CUSTODY_CLIENT_PERSONAL_KEY_H_

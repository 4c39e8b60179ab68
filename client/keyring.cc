#include "client/keyring.h"

#include <utility>

#include "client/hand_over_files.h"
#include "client/passphrase.h"
#include "crypto/file.h"
#include "crypto/sealing.h"

namespace custody {

// The request that was written beside the key names it. Where the key came from another station
// alone, the registry's newest key of the person is taken, and corrected once it is unlocked.
StatusOr<Hash> Keyring::KeyIdOf(std::string_view person) const {
  if (const auto found = keys_.find(person); found != keys_.end()) return found->second.key_id();
  const std::filesystem::path keys = desk_.folder().path() / "keys";
  if (!std::filesystem::exists(keys / (std::string(person) + ".pem"))) {
    return NotFound("there is no key of " + std::string(person) +
                    " at this station; make one with "
                    "`key new --person " +
                    std::string(person) + "` and have it enrolled");
  }
  const auto text = ReadFile(keys / (std::string(person) + ".request"), 64U << 10);
  if (text.ok()) {
    CUSTODY_ASSIGN_OR_RETURN(const KeyRequestFile file, KeyRequestFile::Parse(*text));
    pb::KeyRequest request;
    if (request.ParseFromString(file.request)) return Sha256(request.spki());
  }
  const EnrolledKey* newest = nullptr;
  for (const auto& [id, key] : desk_.registry().keys()) {
    if (key.person != person || key.revoked_at) continue;
    if (newest == nullptr || key.enrolled_at > newest->enrolled_at) newest = &key;
  }
  if (newest == nullptr) {
    return NotFound("no key of " + std::string(person) + " is enrolled in this ledger");
  }
  return newest->key.key_id();
}

StatusOr<const PrivateKey*> Keyring::Unlock(std::string_view person) {
  if (const auto found = keys_.find(person); found != keys_.end()) return &found->second;
  constexpr int kTries = 3;
  for (int attempt = 1;; ++attempt) {
    CUSTODY_ASSIGN_OR_RETURN(std::string passphrase,
                             AskPassphrase(pins_, person, "PIN of " + std::string(person)));
    auto key = desk_.folder().LoadKey(person, passphrase);
    Cleanse(passphrase);
    if (key.ok()) {
      keys_.erase(std::string(person));
      return &keys_.emplace(std::string(person), *std::move(key)).first->second;
    }
    const bool wrong = key.status().code() == StatusCode::kUnauthenticated;
    if (!wrong || !pins_.empty() || attempt == kTries) return key.status();
  }
}

void Keyring::Forget() {
  if (!remember_) keys_.clear();
}

}  // namespace custody

// The keys of the people who sign at a station, unlocked when needed and forgotten at the end.
#ifndef CUSTODY_CLIENT_KEYRING_H_
#define CUSTODY_CLIENT_KEYRING_H_

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "client/desk.h"
#include "crypto/key.h"
#include "crypto/status.h"

namespace custody {

// `Keyring` asks for each person's passphrase (PIN). Not thread-safe.
class Keyring {
 public:
  // `pins`: folder of PERSON.pin files; empty: asked at the terminal. With `remember`, a key stays
  // unlocked until the keyring dies (machines, and one command's several signatures); without,
  // every signature asks anew.
  Keyring(const Desk& desk, std::filesystem::path pins, bool remember)
      : desk_(desk), pins_(std::move(pins)), remember_(remember) {}

  // `KeyIdOf` says which key the person signs with here, without unlocking it. NOT_FOUND when this
  // station has no key of theirs.
  StatusOr<Hash> KeyIdOf(std::string_view person) const;
  // `Unlock` gives the key; a wrong passphrase at a terminal is asked for again, three times in
  // all. The pointer lives until the next Unlock of the same person or Forget.
  StatusOr<const PrivateKey*> Unlock(std::string_view person);
  // `Forget` drops unlocked keys, unless they are to be remembered.
  void Forget();

 private:
  const Desk& desk_;
  std::filesystem::path pins_;
  bool remember_;
  std::map<std::string, PrivateKey, std::less<>> keys_;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_KEYRING_H_

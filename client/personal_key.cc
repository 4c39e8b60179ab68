#include "client/personal_key.h"

#include <string>
#include <system_error>

#include "client/hand_over_files.h"
#include "client/passphrase.h"
#include "crypto/file.h"
#include "crypto/sealing.h"
#include "custody/chain.h"

namespace custody {

StatusOr<PersonalKey> MakePersonalKey(const StationFolder& folder, std::string_view person,
                                      const std::filesystem::path& pins, Rng& rng) {
  const std::string name(person);
  // Person ids name files; the alphabet of ids keeps them harmless.
  if (!IsChainId(name)) {
    return InvalidArgument("a person's id is 1 to 64 of A-Z 0-9 . _ -, found \"" + name + "\"");
  }
  if (!folder.trust().genesis) {
    return FailedPrecondition(
        "the trust anchor names no genesis; a key is asked for in one ledger");
  }
  const std::filesystem::path keys = folder.path() / "keys";
  std::error_code error;
  if (std::filesystem::create_directories(keys, error)) {
    std::filesystem::permissions(keys, std::filesystem::perms::owner_all, error);
  }
  if (error) return Unavailable("cannot make " + keys.string() + ": " + error.message());
  const std::filesystem::path file = keys / (name + ".pem");
  if (std::filesystem::exists(file, error)) {
    return AlreadyExists("there is a key of " + name + " here already: " + file.string());
  }
  CUSTODY_ASSIGN_OR_RETURN(std::string passphrase, AskNewPassphrase(pins, person));
  const auto make = [&]() -> StatusOr<PersonalKey> {
    CUSTODY_ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate(KeyAlgorithm::kEd25519));
    CUSTODY_RETURN_IF_ERROR(key.Save(file, passphrase));
    CUSTODY_ASSIGN_OR_RETURN(const KeyRequestFile request,
                             KeyRequestFile::Make(key, name, *folder.trust().genesis, rng));
    PersonalKey made{key.key_id(), keys / (name + ".request")};
    CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(made.request, request.ToJson()));
    return made;
  };
  auto made = make();
  Cleanse(passphrase);
  return made;
}

}  // namespace custody

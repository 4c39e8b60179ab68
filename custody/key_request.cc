// Keys by index, and the proof that whoever asks for a key's enrolment holds it.
#include <map>
#include <memory>
#include <utility>

#include "crypto/dsse.h"
#include "custody/registry.h"

namespace custody {

KeyLookup KeysAt(const Registry& registry, std::uint64_t index) {
  return [&registry, index](const Hash& key_id) -> const PublicKey* {
    const EnrolledKey* key = registry.FindKey(key_id);
    if (key == nullptr || key->enrolled_at >= index) return nullptr;
    if (key->revoked_at && index > *key->revoked_at) return nullptr;
    return &key->key;
  };
}

KeyLookup GenesisKeys(const pb::LedgerCreated& genesis) {
  auto keys = std::make_shared<std::map<Hash, PublicKey>>();
  for (const pb::Trustee& trustee : genesis.trustees()) {
    auto key = PublicKey::FromSpki(trustee.spki());
    if (!key.ok()) continue;
    const Hash key_id = key->key_id();
    keys->emplace(key_id, *std::move(key));
  }
  return [keys = std::move(keys)](const Hash& key_id) -> const PublicKey* {
    const auto found = keys->find(key_id);
    return found == keys->end() ? nullptr : &found->second;
  };
}

StatusOr<pb::KeyProof> SignKeyRequest(const Hash& ledger, std::string_view person,
                                      const PrivateKey& key, std::string_view random) {
  if (random.size() != 32) {
    return InvalidArgument("a key request needs 32 random bytes, found " +
                           std::to_string(random.size()));
  }
  pb::KeyRequest request;
  request.set_ledger(ledger.ToString());
  request.set_person(std::string(person));
  request.set_spki(key.public_key().spki());
  request.set_random(std::string(random));
  pb::KeyProof proof;
  proof.set_request(request.SerializeAsString());
  CUSTODY_ASSIGN_OR_RETURN(*proof.mutable_request_signature(),
                           key.Sign(Pae(kKeyRequestPayloadType, proof.request())));
  return proof;
}

Status CheckKeyRequest(const Hash& ledger, std::string_view person, std::string_view spki,
                       std::string_view request, std::string_view signature) {
  CUSTODY_RETURN_IF_ERROR(CheckStrict(*pb::KeyRequest::descriptor(), request));
  pb::KeyRequest parsed;
  if (!parsed.ParseFromArray(request.data(), static_cast<int>(request.size()))) {
    return InvalidArgument("key request is not a message of type custody.v1.KeyRequest");
  }
  if (parsed.ledger() != ledger.view()) {
    return InvalidArgument("key request was made for another ledger: ask for this one");
  }
  if (parsed.person() != person) {
    return InvalidArgument("key request was made by " + parsed.person() + ", not by " +
                           std::string(person));
  }
  if (parsed.spki() != spki) {
    return InvalidArgument("key request names another key than the one to be enrolled");
  }
  if (parsed.random().size() != 32) {
    return InvalidArgument("key request must hold 32 random bytes, found " +
                           std::to_string(parsed.random().size()));
  }
  CUSTODY_ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromSpki(spki));
  return WithContext(key.Verify(Pae(kKeyRequestPayloadType, request), signature), "key request");
}

}  // namespace custody

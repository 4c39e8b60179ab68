#include "client/hand_over_files.h"

#include <initializer_list>
#include <nlohmann/json.hpp>

#include "crypto/dsse.h"
#include "crypto/encoding.h"
#include "custody/registry.h"

namespace custody {
namespace {

using nlohmann::json;

// Reads an object that has exactly `members` besides the member `kind`, whose value is 1.
StatusOr<json> ReadObject(std::string_view text, const std::string& kind,
                          std::initializer_list<std::string_view> members) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return InvalidArgument("expected a JSON object of kind " + kind);
  if (!object.contains(kind) || object[kind] != 1) {
    return InvalidArgument("expected \"" + kind + "\": 1; this is another kind of file");
  }
  for (std::string_view member : members) {
    if (!object.contains(std::string(member))) {
      return InvalidArgument("\"" + std::string(member) + "\" is missing");
    }
  }
  if (object.size() != members.size() + 1) {
    return InvalidArgument("there are members that a file of kind " + kind + " does not have");
  }
  return object;
}

StatusOr<std::string> Text(const json& object, const char* member) {
  const json& value = object[member];
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    return InvalidArgument("\"" + std::string(member) + "\" must be text");
  }
  return value.get<std::string>();
}

StatusOr<std::string> Bytes(const json& object, const char* member) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string text, Text(object, member));
  auto bytes = DecodeBase64(text);
  if (!bytes.ok()) return WithContext(bytes.status(), "\"" + std::string(member) + "\"");
  return bytes;
}

std::string Written(const json& object) { return object.dump(2) + "\n"; }

}  // namespace

StatusOr<StationRequest> StationRequest::Parse(std::string_view text) {
  CUSTODY_ASSIGN_OR_RETURN(const json object,
                           ReadObject(text, "custodyStationRequest", {"station", "site", "spki"}));
  StationRequest request;
  CUSTODY_ASSIGN_OR_RETURN(request.station, Text(object, "station"));
  CUSTODY_ASSIGN_OR_RETURN(request.site, Text(object, "site"));
  CUSTODY_ASSIGN_OR_RETURN(request.spki, Bytes(object, "spki"));
  CUSTODY_RETURN_IF_ERROR(PublicKey::FromSpki(request.spki).status());
  return request;
}

std::string StationRequest::ToJson() const {
  return Written(
      {{"custodyStationRequest", 1}, {"station", station}, {"site", site}, {"spki", Base64(spki)}});
}

StatusOr<StationAnswer> StationAnswer::Parse(std::string_view text) {
  CUSTODY_ASSIGN_OR_RETURN(const json object, ReadObject(text, "custodyStation",
                                                         {"server", "station", "site", "zone",
                                                          "trust", "ca", "certificate"}));
  StationAnswer answer;
  CUSTODY_ASSIGN_OR_RETURN(answer.server, Text(object, "server"));
  CUSTODY_ASSIGN_OR_RETURN(answer.station, Text(object, "station"));
  CUSTODY_ASSIGN_OR_RETURN(answer.site, Text(object, "site"));
  CUSTODY_ASSIGN_OR_RETURN(answer.zone, Text(object, "zone"));
  CUSTODY_ASSIGN_OR_RETURN(answer.ca_pem, Text(object, "ca"));
  CUSTODY_ASSIGN_OR_RETURN(answer.certificate_pem, Text(object, "certificate"));
  if (!object["trust"].is_object()) return InvalidArgument("\"trust\" must be a trust anchor");
  answer.trust_json = object["trust"].dump(2);
  return answer;
}

std::string StationAnswer::ToJson() const {
  return Written({{"custodyStation", 1},
                  {"server", server},
                  {"station", station},
                  {"site", site},
                  {"zone", zone},
                  {"trust", json::parse(trust_json, nullptr, false)},
                  {"ca", ca_pem},
                  {"certificate", certificate_pem}});
}

StatusOr<KeyRequestFile> KeyRequestFile::Make(const PrivateKey& key, std::string_view person,
                                              const Hash& ledger, Rng& rng) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string random, rng.Bytes(32));
  CUSTODY_ASSIGN_OR_RETURN(const pb::KeyProof proof, SignKeyRequest(ledger, person, key, random));
  KeyRequestFile file;
  file.person = std::string(person);
  file.request = proof.request();
  file.signature = proof.request_signature();
  return file;
}

StatusOr<KeyRequestFile> KeyRequestFile::Parse(std::string_view text) {
  CUSTODY_ASSIGN_OR_RETURN(
      const json object, ReadObject(text, "custodyKeyRequest", {"person", "request", "signature"}));
  KeyRequestFile file;
  CUSTODY_ASSIGN_OR_RETURN(file.person, Text(object, "person"));
  CUSTODY_ASSIGN_OR_RETURN(file.request, Bytes(object, "request"));
  CUSTODY_ASSIGN_OR_RETURN(file.signature, Bytes(object, "signature"));
  v1::KeyRequest message;
  if (!message.ParseFromString(file.request)) {
    return InvalidArgument("\"request\" is not a key request");
  }
  if (message.person() != file.person) {
    return InvalidArgument("the request names " + message.person() + ", the file " + file.person);
  }
  CUSTODY_ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromSpki(message.spki()));
  CUSTODY_RETURN_IF_ERROR(
      WithContext(key.Verify(Pae(kKeyRequestPayloadType, file.request), file.signature),
                  "the key request of " + file.person + " is not signed by its own key"));
  return file;
}

std::string KeyRequestFile::ToJson() const {
  return Written({{"custodyKeyRequest", 1},
                  {"person", person},
                  {"request", Base64(request)},
                  {"signature", Base64(signature)}});
}

}  // namespace custody

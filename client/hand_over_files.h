// The small files that travel between a station and an administrator: requests and the answer.
//
//   station.request          JSON: custodyStationRequest 1, station, site,
//                            spki (b64 of the TLS key)
//   STATION.station.json     JSON: custodyStation 1, server, station, site, zone,
//                            trust (the anchor as an object), ca (PEM), certificate (PEM)
//   keys/PERSON.request      JSON: custodyKeyRequest 1, person, request (b64 of a KeyRequest),
//                            signature (b64, by the new key over PAE of the request)
//
// None of them is secret. What is in them is checked by whoever acts on it: the administrator sees
// who asks, the registry demands proof of possession, the station checks the server by the anchor.
#ifndef CUSTODY_CLIENT_HAND_OVER_FILES_H_
#define CUSTODY_CLIENT_HAND_OVER_FILES_H_

#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/random.h"
#include "crypto/status.h"

namespace custody {

// `StationRequest` asks an administrator for a certificate.
struct StationRequest {
  std::string station;
  std::string site;
  std::string spki;  // of the station's TLS key, DER

  // `Parse` reads the file strictly; INVALID_ARGUMENT names what is missing or unknown.
  static StatusOr<StationRequest> Parse(std::string_view json);
  std::string ToJson() const;
};

// `StationAnswer` is all that completes a station's folder.
struct StationAnswer {
  std::string server;  // HOST:PORT
  std::string station;
  std::string site;
  std::string zone;  // IANA name
  std::string trust_json;
  std::string ca_pem;
  std::string certificate_pem;

  static StatusOr<StationAnswer> Parse(std::string_view json);
  // REQUIRES: `trust_json` is JSON.
  std::string ToJson() const;
};

// `KeyRequestFile` carries a KeyRequest and its signature by the key it names.
struct KeyRequestFile {
  std::string person;
  std::string request;    // serialized KeyRequest
  std::string signature;  // 64 bytes

  // `Make` asks that `key` be enrolled for `person` in the ledger whose genesis is `ledger`.
  static StatusOr<KeyRequestFile> Make(const PrivateKey& key, std::string_view person,
                                       const Hash& ledger, Rng& rng);
  // `Parse` reads the file and verifies that the key named in the request made the signature and
  // that the request names `person`.
  static StatusOr<KeyRequestFile> Parse(std::string_view json);
  std::string ToJson() const;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_HAND_OVER_FILES_H_

#include "crypto/dsse.h"

namespace custody {
namespace {

constexpr std::string_view kRecordDomain("custody.v1.record\0", 18);

// Everything of the PAE that stands before the payload.
std::string PaeHead(std::string_view payload_type, std::size_t payload_size) {
  return "DSSEv1 " + std::to_string(payload_type.size()) + " " + std::string(payload_type) + " " +
         std::to_string(payload_size) + " ";
}

}  // namespace

std::string Pae(std::string_view payload_type, std::string_view payload) {
  return PaeHead(payload_type, payload.size()).append(payload);
}

Hash EventId(std::string_view payload) {
  return Sha256({PaeHead(kEventPayloadType, payload.size()), payload});
}

Hash RecordHash(const Hash& event_id, std::span<const SignatureView> signatures) {
  std::string record(kRecordDomain);
  record += event_id.view();
  for (const SignatureView& signature : signatures) {
    record += signature.key_id;
    record += U64(signature.value.size());
    record += signature.value;
  }
  return Sha256(record);
}

}  // namespace custody

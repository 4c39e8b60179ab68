// Whatever bytes a station sends: reading them never crashes, and what is accepted is what protobuf
// reads too, keeps its id, and has a JSON form.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/dsse.h"
#include "custody/event.h"
#include "custody/registry.h"

namespace custody {
namespace {

void Judge(std::string_view bytes) {
  const auto parsed = ParseEvent(bytes);
  if (!parsed.ok()) return;
  CUSTODY_CHECK(parsed->event_id == EventId(bytes));
  const std::string again = parsed->event.SerializeAsString();
  CUSTODY_CHECK(ParseEvent(again).ok());
  CUSTODY_CHECK(DecodedView(parsed->event).ok());
  pb::SignedEvent unsigned_event;
  unsigned_event.set_payload(std::string(bytes));
  const KeyLookup nobody = [](const Hash&) -> const PublicKey* { return nullptr; };
  CUSTODY_CHECK(!VerifySignatures(unsigned_event, *parsed, nobody).ok());
  pb::Verdict verdict;
  CheckAuthority(Registry(), *parsed, nullptr, 0, verdict);
}

}  // namespace
}  // namespace custody

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  custody::Judge(bytes);
  static_cast<void>(custody::ParseLogEntry(bytes));
  static_cast<void>(custody::CheckStrict(*custody::pb::SignedEvent::descriptor(), bytes));
  return 0;
}

// Whatever is handed over as a trust file or a log key: what is accepted is written and read again
// the same, and pins what it says.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "custody/trust.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using custody::TrustAnchor;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto anchor = TrustAnchor::Parse(text); anchor.ok()) {
    CUSTODY_CHECK(anchor->genesis.has_value() && anchor->origin == anchor->log_key.name());
    const auto again = TrustAnchor::Parse(anchor->ToJson());
    CUSTODY_CHECK(again.ok() && again->ToJson() == anchor->ToJson());
    CUSTODY_CHECK(*again->genesis == *anchor->genesis);
  }
  if (const auto key = TrustAnchor::FromLogKey(text); key.ok())
    CUSTODY_CHECK(!key->genesis.has_value() && key->log_key.ToString() == text);
  return 0;
}

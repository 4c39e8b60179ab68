// Whatever a scanner, a keyboard or a file gives as text: scans, identifiers, times, names of
// chains, loggers' files, hex and base64. What is accepted has one meaning, and where it has one
// form only, that form.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/encoding.h"
#include "custody/chain.h"
#include "custody/identity.h"
#include "custody/telemetry.h"
#include "custody/time.h"

namespace custody {
namespace {

void JudgeScan(std::string_view text) {
  if (const auto din = ParseDinScan(text); din.ok()) {
    CUSTODY_CHECK(din->number.size() == 13 && din->flags.size() == 2);
    CUSTODY_CHECK(din->facility == din->number.substr(0, 5));
    CUSTODY_CHECK(ParseDinScan("=" + din->number + din->flags).ok());
  }
  if (const auto coi = ParseCoiScan(text); coi.ok()) {
    CUSTODY_CHECK(coi->size() == 15);
    CUSTODY_CHECK(!FacilityOf(*coi).empty());
  }
  static_cast<void>(IsReservedFacility(FacilityOf(text)));
}

void JudgeIdentifier(std::string_view text) {
  constexpr std::string_view kSecret = "0123456789abcdef0123456789abcdef";
  const std::size_t middle = text.size() / 2;
  for (const char* type : {"mrn", "gsrn", "dob", "national", "other"}) {
    const auto once = CommitIdentifier(kSecret, type, text.substr(0, middle), text.substr(middle));
    const auto again = CommitIdentifier(kSecret, type, text.substr(0, middle), text.substr(middle));
    CUSTODY_CHECK(once.ok() == again.ok());
    if (once.ok()) CUSTODY_CHECK(*once == *again);
  }
}

void JudgeLoggerFile(std::string_view text) {
  const auto file = ParseLoggerFile(text);
  if (!file.ok()) return;
  pb::TelemetryBatch batch;
  batch.set_logger(file->serial);
  batch.set_upper_limit_centi_c(800);
  Summarize(*file, batch);
  CUSTODY_CHECK(batch.min_temperature_centi_c() <= batch.mkt_temperature_centi_c());
  CUSTODY_CHECK(batch.mkt_temperature_centi_c() <= batch.max_temperature_centi_c());
  CUSTODY_CHECK(CompareSummary(batch, *file).empty());
}

}  // namespace
}  // namespace custody

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace custody;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  JudgeScan(text);
  JudgeIdentifier(text);
  JudgeLoggerFile(text);
  if (const auto bytes = DecodeBase64(text); bytes.ok()) CUSTODY_CHECK(Base64(*bytes) == text);
  if (const auto bytes = DecodeHex(text); bytes.ok()) CUSTODY_CHECK(Hex(*bytes) == text);
  if (const auto chain = Chain::Parse(text); chain.ok()) CUSTODY_CHECK(chain->name() == text);
  static_cast<void>(IsTimeZone(text));
  if (const auto instant = ParseInstant(text); instant.ok()) {
    const auto again = ParseInstant(FormatUtc(*instant));
    CUSTODY_CHECK(again.ok() && *again == *instant);
    CUSTODY_CHECK(!FormatLocal(*instant, "Europe/Berlin").empty());
  }
  return 0;
}

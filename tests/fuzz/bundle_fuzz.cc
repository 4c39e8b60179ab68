// Whatever file an inspector is handed: reading and auditing it never crashes, always ends in a
// sentence, and only a file that reads without a fault can be clean. What was read without a fault
// is written and read again the same.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "custody/auditor.h"
#include "custody/bundle.h"

namespace custody {
namespace {

void Judge(std::string_view text) {
  std::vector<pb::Finding> findings;
  auto bundle = ParseBundle(text, findings);
  const AuditOptions options{.threads = 1, .signatures = true, .progress = {}};
  const pb::AuditReport report = AuditBundle(text, nullptr, options);
  CUSTODY_CHECK(!report.sentence().empty());
  CUSTODY_CHECK(!Render(report).empty());
  const bool faulty = !bundle.ok() || !findings.empty();
  if (faulty) CUSTODY_CHECK(ExitCode(report) == 1);
  if (faulty) return;
  const auto written = WriteBundle(*bundle);
  if (!written.ok()) return;  // no view, or one that is no event's
  std::vector<pb::Finding> again;
  const auto read = ParseBundle(*written, again);
  CUSTODY_CHECK(read.ok() && again.empty());
  const auto rewritten = WriteBundle(*read);
  CUSTODY_CHECK(rewritten.ok() && *rewritten == *written);
}

}  // namespace
}  // namespace custody

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  custody::Judge({reinterpret_cast<const char*>(data), size});
  return 0;
}

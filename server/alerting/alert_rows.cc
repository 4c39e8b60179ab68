#include "server/alerting/alert_rows.h"

#include <algorithm>

#include "crypto/hash.h"

namespace custody {
namespace {

constexpr std::uint64_t kLatest = std::uint64_t{1} << 63;

std::uint64_t Unsigned(std::int64_t micros) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0));
}

}  // namespace

std::string DueRow(std::int64_t due_us, std::string_view therapy) {
  return "d" + U64(Unsigned(due_us)) + std::string(therapy);
}

std::string OpenRow(std::string_view therapy, std::string_view alert) {
  std::string key = "o";
  key.append(therapy).push_back('\0');
  return key.append(alert);
}

std::string PastRow(std::int64_t ended_us, std::string_view therapy, std::string_view alert) {
  std::string key = "p" + U64(kLatest - Unsigned(ended_us));
  key.append(therapy).push_back('\0');
  return key.append(alert);
}

std::string TestRow(std::string_view site) { return "t" + std::string(site); }

Status UnsavedRows::Save(Ledger& ledger) {
  if (rows_.empty()) return Status();
  Batch batch;
  for (const auto& [key, value] : rows_) {
    if (value) {
      batch.Put(Table::kAlerts, key, *value);
    } else {
      batch.Delete(Table::kAlerts, key);
    }
  }
  CUSTODY_RETURN_IF_ERROR(ledger.WriteAlertRows(batch));
  rows_.clear();
  return Status();
}

}  // namespace custody

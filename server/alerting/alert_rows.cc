#include "server/alerting/alert_rows.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "crypto/hash.h"
#include "crypto/utf8.h"

namespace custody {
namespace {

constexpr std::uint64_t kLatest = std::uint64_t{1} << 63;

std::uint64_t Unsigned(std::int64_t micros) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0));
}

std::nullopt_t Damaged(std::string_view key) {
  spdlog::error("a row of table alerts is damaged, and left out: {}", Plain(key));
  return std::nullopt;
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

std::optional<std::pair<Instant, std::string>> ReadDueRow(std::string_view key) {
  constexpr std::size_t kTherapyAt = 1 + 8;
  if (key.size() <= kTherapyAt) return Damaged(key);
  const std::uint64_t due = std::min(ReadU64(key.substr(1)), kLatest - 1);
  return std::pair(Instant{static_cast<std::int64_t>(due)}, std::string(key.substr(kTherapyAt)));
}

std::string SiteOfTestRow(std::string_view key) { return std::string(key.substr(1)); }

std::optional<std::uint64_t> ReadNumber(std::string_view key, std::string_view value) {
  if (value.size() != 8) return Damaged(key);
  return ReadU64(value);
}

std::optional<pb::AlertRecord> ReadRecord(std::string_view key, std::string_view value) {
  pb::AlertRecord record;
  if (!record.ParseFromArray(value.data(), static_cast<int>(value.size()))) return Damaged(key);
  // Damage may well parse: what the row says must be what it is kept under.
  const std::string name = record.therapy() + '\0' + record.alert();
  if (!key.ends_with(name)) return Damaged(key);
  return record;
}

Status ReadRows(Ledger& ledger, AlertRows kind, const Snapshot::Visitor& visit,
                std::string_view from) {
  const char letter = static_cast<char>(kind);
  const std::string first = from.empty() ? std::string(1, letter) : std::string(from);
  return ledger.ReadAlertRows(first, [&](std::string_view key, std::string_view value) {
    return key.starts_with(letter) && visit(key, value);
  });
}

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

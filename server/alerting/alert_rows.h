// The rows of table `alerts`: what was derived last, and what was handed to whom. Append only, like
// a format; all of it but the hand-outs and tests can be derived anew.
//
//   d  u64 due (microseconds) || therapy             nothing      when a therapy is looked at again
//   o  therapy || 0x00 || alert                      AlertRecord  of an alert that is open
//   p  u64 (2^63 - ended) || therapy || 0x00 || alert  AlertRecord  of one that ended, or of a test
//   t  site                                          u64 micros   when its last test passed
//   m  name                                          see below: what the whole stands at
//
// The letters are the first byte of a key; numbers are big-endian. Nobody else knows how keys look.
#ifndef CUSTODY_SERVER_ALERTING_ALERT_ROWS_H_
#define CUSTODY_SERVER_ALERTING_ALERT_ROWS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/status.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"
#include "server/ledger/ledger.h"

namespace custody {

enum class AlertRows : char { kDue = 'd', kOpen = 'o', kPast = 'p', kTests = 't', kMarks = 'm' };

inline constexpr std::string_view kPositionRow =
    "mposition";                                       // u64: log entries that were looked at
inline constexpr std::string_view kCodeRow = "mcode";  // the code that derived what is here
inline constexpr std::string_view kScanRow =
    "mscan";  // while all therapies are looked at: the last

std::string DueRow(std::int64_t due_us, std::string_view therapy);
std::string OpenRow(std::string_view therapy, std::string_view alert);
// The newest stand first.
std::string PastRow(std::int64_t ended_us, std::string_view therapy, std::string_view alert);
std::string TestRow(std::string_view site);
// What stands in them; nothing, and a line in the server's log, for what is damaged.
std::optional<std::pair<Instant, std::string>> ReadDueRow(
    std::string_view key);  // with the therapy
std::string SiteOfTestRow(std::string_view key);
std::optional<std::uint64_t> ReadNumber(std::string_view key, std::string_view value);
std::optional<pb::AlertRecord> ReadRecord(std::string_view key, std::string_view value);

// `ReadRows` visits the rows of one kind in the order of their keys, from `from` on when there is
// one; false ends it.
Status ReadRows(Ledger& ledger, AlertRows kind, const Snapshot::Visitor& visit,
                std::string_view from = {});

// `UnsavedRows` are changes on their way to the store: kept until it has them. Not thread-safe.
class UnsavedRows {
 public:
  void Put(std::string_view key, std::string_view value) { rows_[std::string(key)] = value; }
  void Delete(std::string_view key) { rows_[std::string(key)] = std::nullopt; }
  // `Save` writes all of them at once; on an error they stay for the next time.
  Status Save(Ledger& ledger);

 private:
  std::map<std::string, std::optional<std::string>> rows_;
};

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_ALERT_ROWS_H_

// Which alerts stand, without folding every therapy for it.
#ifndef CUSTODY_SERVER_ALERTING_OPEN_ALERTS_H_
#define CUSTODY_SERVER_ALERTING_OPEN_ALERTS_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "crypto/status.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"
#include "server/alerting/alert_rows.h"
#include "server/ledger/ledger.h"

namespace custody {

// Therapy and alert id.
using AlertKey = std::pair<std::string, std::string>;

// `OpenAlerts` holds every alert that stands and that some site has not acknowledged. Not
// thread-safe.
class OpenAlerts {
 public:
  // Both must outlive this.
  OpenAlerts(Ledger& ledger, UnsavedRows& rows) : ledger_(ledger), rows_(rows) {}

  // `Load` reads what was kept. A row that is damaged is dropped, and what it held derived anew.
  Status Load();

  // `LookAgain` looks at the therapies that were recorded in since the last look, at those of which
  // an alert may have arisen or ended by mere passing of time, and, after an upgrade, little by
  // little at all; says whether there is more to look at. An error leaves what was not looked at
  // for the next time.
  StatusOr<bool> LookAgain(std::uint64_t log_size, Instant now);

  std::map<AlertKey, pb::AlertRecord>& records() { return records_; }
  const std::map<AlertKey, pb::AlertRecord>& records() const { return records_; }
  // `Keep` writes a record that was changed.
  void Keep(const pb::AlertRecord& record);
  // Whether it still looks through all therapies.
  bool catching_up() const { return scanning_; }

 private:
  Status ReadChains(std::uint64_t log_size, std::set<std::string>& therapies);
  Status ReadDue(Instant now, std::set<std::string>& therapies, std::set<std::string>& rows);
  StatusOr<std::vector<std::string>> NextOfScan(std::set<std::string>& therapies) const;
  void BeginScan();
  void AdvanceScan(const std::vector<std::string>& page);
  Status LookAt(const std::string& therapy, Instant now);
  void End(std::map<AlertKey, pb::AlertRecord>::iterator ended, Instant now);

  Ledger& ledger_;
  UnsavedRows& rows_;
  std::map<AlertKey, pb::AlertRecord> records_;
  bool placed_ = false;         // there is a position
  std::uint64_t position_ = 0;  // log entries that were looked at
  Instant last_look_;
  bool scanning_ = false;
  std::string scanned_;  // the last therapy of the scan
};

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_OPEN_ALERTS_H_

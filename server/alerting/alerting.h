// Alerts go out: to whom the settings say, again and again, until somebody of the site has
// acknowledged them in the ledger.
//
// What is promised. An alert that a therapy raises is handed to the first recipient of its sites'
// lists at the next look, the most severe first, and to others as handouts.h says, at least once:
// what was handed out is written down after the recipient took it, so a kill in between has it
// handed out again. It is repeated until the ledger holds the site's ALERT_ACKNOWLEDGED, or until
// it is true no more. A restart goes on where it was: the open alerts are known from the store, and
// what was recorded meanwhile is looked at first. Nothing of it is in the log. A recipient that
// fails, hangs, lies or may be told nothing keeps nobody from recording, nor the others from being
// told.
#ifndef CUSTODY_SERVER_ALERTING_ALERTING_H_
#define CUSTODY_SERVER_ALERTING_ALERTING_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "crypto/status.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"
#include "server/alerting/deliver.h"
#include "server/alerting/handouts.h"
#include "server/alerting/open_alerts.h"
#include "server/alerting/recipients.h"
#include "server/ledger/ledger.h"
#include "server/ledger/mutex.h"

namespace custody {

// `Alerting` is thread-safe, but Step is called by one thread at a time.
class Alerting {
 public:
  // `Open` reads what was kept. INVALID_ARGUMENT for a configuration that cannot work. A webhook
  // that would be told in clear, in production, is handed nothing and counts as one that fails.
  // `ledger` and `deliverer` must outlive the result; `patience` is how long a look waits for
  // recipients.
  static StatusOr<std::unique_ptr<Alerting>> Open(
      Ledger& ledger, AlertingConfig config, Deliverer& deliverer,
      std::chrono::milliseconds patience = std::chrono::seconds(5));
  // Stops, and waits for what recipients have in hand.
  ~Alerting();
  Alerting(const Alerting&) = delete;
  Alerting& operator=(const Alerting&) = delete;

  // `Step` finds what has to be told by the ledger's time, hands it out and writes that down, and
  // looks again until nothing is left. Says whether there is more to do at once. Between two looks
  // it waits for those that it just handed something, and no longer than its patience: who takes
  // longer goes on beside the next looks, is handed nothing more meanwhile, and what came of it is
  // noted when it ends. At most 64 have something in hand at a time, those first whose messages are
  // the most severe.
  bool Step();

  // `Start` has a thread of its own step whenever something was recorded, and every second. `Stop`
  // ends it, and every program that runs for it.
  void Start();
  void Stop();

  // `List` is what ListAlerts answers; `shown` says which alerts the caller may see, and its error
  // ends it.
  StatusOr<pb::ListAlertsReply> List(
      const pb::ListAlertsRequest& request,
      const std::function<StatusOr<bool>(const pb::AlertRecord&)>& shown);
  // `Test` hands a test to every recipient of `site`, each in its turn, and notes when all took it.
  // One that fails a test is not passed over for it: what is real is tried all the same.
  // INVALID_ARGUMENT when the site has none.
  StatusOr<pb::TestAlertReply> Test(const std::string& site, Instant now);
  pb::AlertingStatus GetStatus(Instant now);
  // `OnWell` has `changed` called whenever it becomes true or false that every recipient takes what
  // it is handed, and at once with what holds now; empty: nobody is told any more.
  void OnWell(std::function<void(bool well)> changed);

 private:
  // One message on its way.
  struct Outgoing {
    AlertKey alert;
    DueHandout to;
    std::string json;
    bool tried = false;
    Status outcome = Status();
  };

  // What one recipient is handed in one round, and the thread that hands it over.
  struct Lane {
    std::vector<Outgoing> messages;
    std::uint64_t round = 0;
    bool ended = false;  // under lanes_mutex_; only then are the messages anybody else's to read
    std::thread thread;
  };

  Alerting(Ledger& ledger, AlertingConfig config, Deliverer& deliverer,
           std::chrono::milliseconds patience);
  std::vector<pb::AlertRecord> AllOpen();
  StatusOr<std::vector<pb::AlertRecord>> SomePast(const std::string& site, std::string& from);
  bool LookAndSave(Instant now);
  std::vector<Outgoing> FindOutgoing(Instant now) CUSTODY_REQUIRES(mutex_);
  bool BeginLanes(Instant now);
  Status BeginLane(Lane& lane);
  void AwaitLanes();
  void NoteEnded();
  void SendLane(std::span<Outgoing> lane);
  void Note(const std::vector<Outgoing>& sent, Instant now) CUSTODY_REQUIRES(mutex_);
  void SaveRows() CUSTODY_REQUIRES(mutex_);
  void FillTests(Instant now, pb::AlertingStatus& status) CUSTODY_REQUIRES(mutex_);
  bool IsWell() const CUSTODY_REQUIRES(mutex_);
  void TellWell();
  void Run();

  Ledger& ledger_;
  const AlertingConfig config_;
  Deliverer& deliverer_;
  const std::chrono::milliseconds patience_;
  // The stepping thread's, and of Stop when that has ended.
  std::map<const Recipient*, Lane> lanes_;
  std::uint64_t round_ = 0;
  Mutex lanes_mutex_;
  CondVar lane_ended_;
  // Recipients that are handed nothing, and why; as it was opened.
  std::map<std::string, Status, std::less<>> refused_;
  // Of each recipient by name: held while it is handed something. Before mutex_.
  std::map<std::string, Mutex, std::less<>> turns_;

  Mutex mutex_;
  UnsavedRows rows_ CUSTODY_GUARDED_BY(mutex_);
  OpenAlerts open_ CUSTODY_GUARDED_BY(mutex_);
  Healths healths_ CUSTODY_GUARDED_BY(mutex_);
  std::map<std::string, std::int64_t> passed_ CUSTODY_GUARDED_BY(mutex_);  // tests, by site
  std::string look_trouble_ CUSTODY_GUARDED_BY(mutex_);
  std::string save_trouble_ CUSTODY_GUARDED_BY(mutex_);
  std::string lane_trouble_ CUSTODY_GUARDED_BY(mutex_);

  Mutex well_mutex_;  // before mutex_
  std::function<void(bool well)> on_well_ CUSTODY_GUARDED_BY(well_mutex_);
  bool told_well_ CUSTODY_GUARDED_BY(well_mutex_) = true;

  std::atomic<std::uint64_t> log_size_{0};
  Mutex wake_mutex_;
  CondVar wake_;
  bool woken_ CUSTODY_GUARDED_BY(wake_mutex_) = false;
  bool stopping_ CUSTODY_GUARDED_BY(wake_mutex_) = false;
  std::thread thread_;
  std::shared_ptr<void> watch_;  // last: it calls
};

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_ALERTING_H_

// What must be true before cells are thawed for a patient and before they reach one, said once more
// and independently: from the accepted events of one therapy alone, without its state, its verdicts
// or any code of the rules. That is what makes the model check worth something.
//
// The statement. A LIVE infusion_started is accepted only with
//   - the container's own lot released, the container named, nothing failed that stands; or the
//     complete chain of the exceptional release of that lot, with the patient's consent to it;
//   - the equal checks of two different competent people at most 15 minutes old, by their own
//     signatures;
//   - wristband, container, chain of identity and order scanned now, equal to those checks, and an
//     order that stands, is of that container, and is no older than the choice of another lot;
//   - consent to the treatment that stands;
//   - a window after the thaw that has not ended, or the physician's grant;
//   - no open quarantine, hold or recall on container, lot or therapy.
// A LIVE thaw_started is accepted only with the sound check before the thaw of that container.
#ifndef CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_ORACLE_H_
#define CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_ORACLE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

// `OracleWindow` is a window of the product: whether it runs from the start of the thaw or its end.
struct OracleWindow {
  bool from_start = false;
  std::int64_t minutes = 0;
};

class BedsideOracle {
 public:
  BedsideOracle() = default;
  explicit BedsideOracle(std::vector<OracleWindow> windows) : windows_(std::move(windows)) {}

  // `Accept` takes the next accepted event.
  void Accept(const pb::Event& event, const Hash& id);
  // `Against` is everything that speaks against `event`, accepted when `recorded`; empty for what
  // the statement is not about.
  std::vector<std::string> Against(const pb::Event& event, Instant recorded) const;
  // `Key` is the same for two oracles that will say the same of everything, where `age` says what
  // matters of a time whose age is asked for, and `told` of any other.
  std::string Key(const std::function<std::int64_t(std::int64_t)>& age,
                  const std::function<std::int64_t(std::int64_t)>& told) const;

 private:
  using Words = std::set<std::string>;
  struct Lot {
    bool released = false;
    bool exceptional = false;  // RELEASED_OOS at the end of its chain
    bool ended = false;        // rejected, recalled, contaminated
    std::string certificate;
    Words failed;  // tests
    Words links;   // of the exceptional release
    Words named;   // containers on the certificate
  };
  struct Check {
    std::int64_t at = 0;
    std::string order;
    Words wristband;
  };
  struct Bag {
    std::string lot;
    std::string parent;
    bool product = false;
    bool gone = false;   // rejected or recalled, and whatever is drawn of it
    bool spent = false;  // destroyed
    std::int64_t thaw_began = 0;
    std::int64_t thaw_ended = 0;
    std::int64_t checked_cold = 0;  // last answer of the check before the thaw
    std::int64_t checked_bed = 0;   // last answer at the bedside
    std::optional<Check> cold;
    std::optional<Check> bed;
  };
  struct Order {
    std::string number;
    std::string lot;
    std::string certificate;
    Words containers;
    bool open = true;
    bool passed_over = false;  // another lot was selected since
  };
  struct Hold {
    std::string id;
    pb::HoldKind kind = pb::HOLD_UNSPECIFIED;
    Words setters;
    std::string house;
    Words containers;
    std::string lot;
    bool blocks_infusion = true;
  };
  struct Quarantine {
    std::string id;
    pb::QuarantineCause cause = pb::QUARANTINED_FOR_TEMPERATURE;
    Words items;
  };
  struct Grant {
    std::string id;
    std::string container;
    std::string step;
    std::int64_t ends = 0;
  };

  void AcceptMaking(const pb::Event& event);
  void AcceptRelease(const pb::Event& event);
  void AcceptPatient(const pb::Event& event);
  void AcceptWay(const pb::Event& event);
  void AcceptStop(const pb::Event& event, const Hash& id);
  void AcceptDecision(const pb::Event& event, const Hash& id);
  void TakeChecks(const pb::Event& event);
  void Forget(Bag& bag, std::int64_t at);
  void Lift(pb::QuarantineCause cause, const std::string& id, const Words& items);
  void Quarantined(const Hash& id, const char* rule, pb::QuarantineCause cause, Words items);

  Words Line(const std::string& container) const;  // itself and what it was drawn from
  bool Touches(const Words& items, const std::string& container) const;
  bool SoundChecks(const pb::Event& event, const std::string& container) const;
  const Order* OrderOf(const std::string& container) const;
  bool Granted(const pb::Event& event, const std::string& container) const;
  bool WindowEnded(const Bag& bag, std::int64_t at) const;
  std::string OpenKey(const std::function<std::int64_t(std::int64_t)>& age) const;

  void NeedRelease(const std::string& container, std::vector<std::string>& against) const;
  void NeedChecks(const pb::Event& event, std::vector<std::string>& against) const;
  void NeedWindow(const pb::Event& event, std::vector<std::string>& against) const;
  void NeedNothingOpen(const std::string& container, std::vector<std::string>& against) const;

  std::vector<OracleWindow> windows_;
  Words identity_;
  std::string coi_;
  std::map<int, std::int64_t> consented_;  // purpose: when the standing consent was signed
  std::map<int, std::int64_t> withdrawn_;
  std::map<std::string, Lot> lots_;
  std::map<std::string, Bag> bags_;
  std::vector<Order> orders_;
  std::vector<Hold> holds_;
  std::vector<Quarantine> quarantines_;
  std::vector<Grant> grants_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_ORACLE_H_

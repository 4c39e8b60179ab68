// The world of the model check: two therapies whose product lies ready in the same clinic, and the
// letters of its alphabets, one event each, that can be judged and folded millions of times.
//
// The first therapy has two lots of the same cells: LOT26001 is released, LOT26002 failed a test.
// The second is the neighbour: whatever is hers is wrong here.
#ifndef CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_WORLD_H_
#define CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_WORLD_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "custody/event.h"
#include "custody/pb.h"
#include "custody/therapy.h"
#include "tests/property/bedside/bedside_oracle.h"
#include "tests/support/test_ledger.h"

namespace custody {

inline constexpr std::string_view kBagA = "LOT26001-1";
inline constexpr std::string_view kBagB = "LOT26002-1";
inline constexpr std::string_view kSyringe = "SYR-1";
inline constexpr std::string_view kTheirBag = "LOT26011-1";

// Taken instead of a rule's id: as if there were no rule at all.
inline constexpr std::string_view kEveryRule = "*";

// `Shared` is a value that its copies share until one of them is changed. Of one thread.
template <class T>
class Shared {
 public:
  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  T& Own() {
    if (value_.use_count() > 1) value_ = std::make_shared<T>(*value_);
    return *value_;
  }

 private:
  std::shared_ptr<T> value_ = std::make_shared<T>();
};

// `Moment` is where both therapies are: what the ledger has folded, and what the oracle has read.
struct Moment {
  std::array<Shared<pb::TherapyState>, 2> states;
  std::array<Shared<BedsideOracle>, 2> oracles;
  std::int64_t now = 0;     // microseconds since 1970
  std::int64_t waited = 0;  // of it by letters that wait
  std::int64_t waits = 0;   // so many of them
};

// `Letter` is one thing that may happen: an event of one therapy, or time that passes.
struct Letter {
  std::string name;
  std::size_t therapy = 0;
  std::int64_t wait = 0;  // microseconds; then there is no event
  // Finds in the state what the event is about (a hold's id, a grant); false: there is none.
  std::function<bool(const Moment&, pb::Event&)> aim;
  // The event; its times are moved to the moment at which it happens.
  ParsedEvent parsed;
  std::vector<google::protobuf::Timestamp*> times;
  std::vector<std::int64_t> seconds;  // of each, after the event's moment
};

// `Outcome` is what became of a letter.
struct Outcome {
  bool possible = false;  // there was something to aim at
  bool accepted = false;
  std::vector<std::string> against;  // of the oracle, when it was accepted
};

class BedsideWorld {
 public:
  // `consented`: the patient has consented to the treatment, and not only to the collection.
  explicit BedsideWorld(bool consented = true);
  BedsideWorld(const BedsideWorld&) = delete;
  BedsideWorld& operator=(const BedsideWorld&) = delete;

  // `Ready` is the moment before the check before the thaw.
  const Moment& ready() const { return ready_; }
  const std::vector<Letter>& letters() const { return letters_; }
  // The place of a letter by its name; aborts the test when there is none.
  std::size_t Find(std::string_view name) const;
  std::vector<std::size_t> FindAll(const std::vector<std::string>& names) const;

  // `Judge` says what the rules say of letter `i` now, without the rule `without` (may be empty);
  // nothing changes. An impossible letter has an empty verdict that refuses; so has one that waits.
  pb::Verdict Judge(const Moment& moment, std::size_t i, std::string_view without);
  // `Accept` folds letter `i`, of which `verdict` was just given and does not refuse, into `moment`
  // and asks the oracle.
  void Accept(Moment& moment, std::size_t i, const pb::Verdict& verdict, Outcome& outcome);
  // `Take` judges letter `i` and accepts it when nothing refuses.
  Outcome Take(Moment& moment, std::size_t i, std::string_view without);

 private:
  void PlaySeed(std::size_t therapy, bool consented);
  void PlayStep(std::size_t therapy, const std::vector<std::string>& signers, pb::Event body,
                std::int64_t at);
  pb::Event Signed(std::size_t therapy, const std::vector<std::string>& signers, pb::Event body,
                   std::int64_t at);
  void MoveTo(Letter& letter, const Moment& moment) const;
  void KnowEverybody();

  TestLedger ledger_;
  Moment ready_;
  std::vector<Letter> letters_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_WORLD_H_

// The player of journeys (journey.h): it signs each step as the people it names, hands it to
// whatever records, and says whether it went as the script says.
#ifndef CUSTODY_TESTS_SUPPORT_PLAYER_H_
#define CUSTODY_TESTS_SUPPORT_PLAYER_H_

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "custody/bundle.h"
#include "custody/pb.h"
#include "custody/time.h"
#include "tests/support/event_builder.h"
#include "tests/support/journey.h"
#include "tests/support/test_ledger.h"

namespace custody {

// `Stage` is where a journey is played: a ledger, and a clock that it goes by. A station is named
// by its id, as the events that it signs name it.
class Stage {
 public:
  virtual ~Stage() = default;
  // `Reach` lets time pass until `now`, if that is still to come.
  virtual Status Reach(Instant now) = 0;
  // `Attach` keeps a file of a therapy.
  virtual Status Attach(std::string_view station, std::string_view therapy,
                        std::string_view media_type, std::string_view bytes) = 0;
  // `Preview` is what the rules would say; nothing is recorded.
  virtual StatusOr<pb::Verdict> Preview(const pb::SignedEvent& signed_event) = 0;
  struct Answer {
    Status status;  // OK: recorded; ABORTED: its place in the chain is taken
    pb::Verdict verdict;
  };
  virtual Answer Record(const pb::SignedEvent& signed_event) = 0;
};

// What came of a step.
struct Played {
  pb::Event event;  // as it was signed
  bool held = false;
  Status status;  // OK: recorded
  pb::Verdict verdict;
  std::string otherwise;  // how it went otherwise than the script says; empty: it did not
};

// `Player` plays one journey. Not thread-safe.
class Player {
 public:
  // `world` has the people who sign, and is told what is recorded; both outlive this. The journey's
  // times count from `begins`.
  Player(TestLedger& world, Stage& stage, Instant begins)
      : world_(world), stage_(stage), begins_(begins) {}

  // `Publish` lets the trustees open the journey's sites and publish its profiles for this ledger.
  Status Publish(const Journey& journey);
  // `Play` plays one step. Its status fails only when the step cannot be played at all.
  StatusOr<Played> Play(const JourneyStep& step);

  // What was attached to a therapy so far, by SHA-256 in hex.
  const std::map<std::string, BundleAttachment>& AttachedTo(const std::string& therapy) {
    return attached_[therapy];
  }

 private:
  Status Attach(const pb::Event& event, const std::string& media_type, const std::string& bytes);
  Status ReadOut(pb::Event& event);
  StatusOr<EventBuilder> Build(const JourneyStep& step);
  Status HandInHeld(const JourneyStep& step, pb::Event& event);

  // What was signed and not sent, oldest first: each follows the one before.
  struct Held {
    std::string name;
    pb::SignedEvent signed_event;
    std::uint64_t sequence;
    Hash event_id;
  };

  TestLedger& world_;
  Stage& stage_;
  const Instant begins_;
  Instant last_ = begins_;
  std::map<std::string, std::string> ids_;  // of events by their names
  std::vector<Held> held_;
  std::map<std::string, std::map<std::string, BundleAttachment>> attached_;  // by therapy
  std::vector<std::string> unnamed_;  // of these, what no recorded event names yet
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_PLAYER_H_

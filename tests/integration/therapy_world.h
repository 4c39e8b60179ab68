// The whole test world, a therapy on its way, and the real server over them: clinic, lab, carrier,
// a hospital that is no party, an inspectorate.
#ifndef CUSTODY_TESTS_INTEGRATION_THERAPY_WORLD_H_
#define CUSTODY_TESTS_INTEGRATION_THERAPY_WORLD_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "custody/pb.h"
#include "tests/integration/server_world.h"

namespace custody {

class TestLedger;

// `TherapyWorld` makes a data folder with therapy T1 recorded by the real ledger: up to the first
// step called `through`, of "last NAME" up to the last of that name, of "" all of it. Every
// attachment that an event names is in it.
class TherapyWorld {
 public:
  explicit TherapyWorld(std::string_view through = "telemetry_batch");
  ~TherapyWorld();

  const std::filesystem::path& data() const;
  const Authority& authority() const;
  // What was recorded; its time is the machine's from now on.
  TestLedger& ledger();
  // T1 as it was folded beside the ledger, event by event.
  const pb::TherapyState& folded() const;
  // The bytes that the first event of this body attached: a logger's file for a TELEMETRY_BATCH,
  // for others "file of " and the body, so that each has a hash of its own.
  const std::string& FileOf(const std::string& body) const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_INTEGRATION_THERAPY_WORLD_H_

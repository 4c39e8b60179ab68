// Work for the load generator: signed events, made before the clock starts, from a fixed seed.
#ifndef CUSTODY_TOOLS_LOAD_WORK_H_
#define CUSTODY_TOOLS_LOAD_WORK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

// Who signs and where: enrolled people of one clinic site.
struct Crew {
  std::string site;
  std::string station;
  std::string zone;
  Hash ledger;
  std::string nurse;  // role RN, signs the load
  std::string nurse_name;
  const PrivateKey* nurse_key = nullptr;
  std::string coordinator;  // role COORD, enrols with the nurse
  std::string coordinator_name;
  const PrivateKey* coordinator_key = nullptr;
};

// `Lane` is a therapy chain that the load writes to; it remembers its own head, so that its events
// can be signed long before they are sent.
struct Lane {
  std::string chain;
  std::uint64_t sequence = 0;
  Hash head;
};

// `EnrolPatient` signs the first event of `lane` (two people, as the process wants it).
StatusOr<pb::SignedEvent> EnrolPatient(const Crew& crew, Lane& lane, Instant now,
                                       std::uint64_t seed);
// `Observe` signs the next event of `lane`: observations of a shift, about 1 KiB.
StatusOr<pb::SignedEvent> Observe(const Crew& crew, Lane& lane, Instant now, std::uint64_t seed);

// `LaneName` is the chain of lane `number` in run `run`.
std::string LaneName(std::uint64_t run, std::uint64_t number);

}  // namespace custody

#endif  // CUSTODY_TOOLS_LOAD_WORK_H_

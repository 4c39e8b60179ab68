// The outbox: what was signed and is not known to be recorded, sent in order, nothing twice.
#ifndef CUSTODY_CLIENT_OUTBOX_H_
#define CUSTODY_CLIENT_OUTBOX_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "client/console.h"
#include "client/desk.h"
#include "client/draft.h"
#include "client/recorder.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// One event that waits.
struct Waiting {
  std::filesystem::path item;
  std::string name;   // of its file, without the ending
  Status unreadable;  // why its file is no event: then all that follows is empty
  pb::SignedEvent signed_event;
  pb::Event event;
  std::string event_id;  // hex
};

// `ReadOutbox` gives what waits, oldest first. A damaged file is one item, and hides no other.
StatusOr<std::vector<Waiting>> ReadOutbox(const Desk& desk);

struct OutboxReport {
  std::uint64_t sent = 0;
  std::uint64_t adopted = 0;
  std::uint64_t waiting = 0;  // still there: not judged yet
  std::uint64_t stuck = 0;    // still there: chain moved, refused, answered unreadably, damaged
  Status first_problem;       // OK when nothing waits any more
};

// `AdoptBy` is who enters what others signed: the outer signers of an adopted event, and why.
struct AdoptBy {
  std::vector<DraftSigner> signers;
  std::string reason;
};

// `SendOutbox` hands in what waits. An event whose place was taken meanwhile, or that a gate
// refuses though the step is done, stays (with everything after it in its chain), unless `adopt` is
// given: then its original bytes and signatures are carried by a new event that the adopters sign.
OutboxReport SendOutbox(Desk& desk, Recorder& recorder, Console& console, const AdoptBy* adopt);

}  // namespace custody

#endif  // CUSTODY_CLIENT_OUTBOX_H_

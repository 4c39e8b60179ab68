// The way of an event on the station's side: built on the chain's head, previewed, shown, signed,
// handed in, and called recorded only when its receipt was verified.
//
//   judged         -> RECORDED, or STOP with every reason, or (the chain moved) shown what happened
//                     in between and signed anew
//   not reachable  -> NOT YET RECORDED: kept in the outbox
//
// What was signed lies in the outbox before it is sent and until its fate is known, so that neither
// a killed program nor a server that dies in mid-answer loses it.
#ifndef CUSTODY_CLIENT_RECORDER_H_
#define CUSTODY_CLIENT_RECORDER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "client/console.h"
#include "client/desk.h"
#include "client/draft.h"
#include "client/keyring.h"
#include "client/patient.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `Outcome` is what came of a draft. `status` is OK exactly when it is recorded; with `queued` it
// waits in the outbox, and `status` says why; FAILED_PRECONDITION when rules refused it
// (`verdict`).
struct Outcome {
  Status status;
  Fate fate = Fate::kRefused;
  bool queued = false;
  Status unkept;       // why the receipt of what is recorded could not be kept here; else OK
  bool known = false;  // had been recorded before
  std::string chain;
  std::uint64_t sequence = 0;
  std::uint64_t index = 0;
  std::string event_id;  // hex
  pb::Verdict verdict;
};

// `Recorder` serves one program run.
class Recorder {
 public:
  struct Options {
    bool yes = false;     // sign without asking, where no rule stands against it
    bool clinic = false;  // may read patients' identifiers
    // Two people sign here by hand: the chain is reserved for them meanwhile.
    bool by_hand = false;
    // Waits a moment while another station has the chain.
    std::function<void()> pause = PauseOneSecond;
  };
  static void PauseOneSecond();

  Recorder(Desk& desk, Keyring& keyring, Console& console, Options options)
      : desk_(desk), keyring_(keyring), console_(console), options_(std::move(options)) {}

  // `Record` takes a draft all the way, and tells the console as it goes.
  Outcome Record(Draft draft);

  // `Consider` builds the event of a draft and gives what the rules say to it; nothing is signed.
  StatusOr<pb::Verdict> Consider(Draft draft);

  // `HandIn` puts what is signed into the outbox and sends it; what was judged leaves the outbox.
  Outcome HandIn(const pb::SignedEvent& signed_event, const pb::Event& event);
  // `Send` hands in, once, what lies at `item` of the outbox; what is recorded leaves it.
  Outcome Send(const std::filesystem::path& item, const pb::SignedEvent& signed_event,
               const pb::Event& event);
  // `Sign` asks each signer's PIN and signs. The event's key ids are corrected where a key at this
  // station is another than the one expected.
  StatusOr<pb::SignedEvent> Sign(pb::Event& event);
  // `Envelope` fills all that is not the body for chain `therapy/ID` on `head`.
  Status Envelope(const Draft& draft, const pb::GetTherapyReply& head, pb::Event& event) const;

  // `Tell` says the outcome to people and machines.
  void Tell(const Outcome& outcome, std::string_view label);

 private:
  StatusOr<pb::Event> Build(const Draft& draft, Patient& patient);
  StatusOr<pb::Verdict> Preview(const pb::Event& event);
  StatusOr<v1::AttachmentRef> Attach(std::string_view therapy, std::string_view file);
  Outcome Once(const Draft& draft, Patient& patient, bool again);
  void ShowMeanwhile(const pb::Event& event);

  Desk& desk_;
  Keyring& keyring_;
  Console& console_;
  Options options_;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_RECORDER_H_

// A real ledger in a folder of its own, fed from a `TestLedger`: the same people sign, the same
// events are recorded, and this time they are judged, proved and written.
#ifndef CUSTODY_TESTS_SUPPORT_LEDGER_FOLDER_H_
#define CUSTODY_TESTS_SUPPORT_LEDGER_FOLDER_H_

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/file.h"
#include "crypto/merkle.h"
#include "crypto/note.h"
#include "custody/auditor.h"
#include "server/ledger/ledger.h"
#include "server/ledger/reader.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ledger.h"
#include "tests/support/therapy_events.h"

namespace custody {

// `RecordNow` records and waits for the answer.
inline RecordOutcome RecordNow(Ledger& ledger, const pb::SignedEvent& signed_event,
                               std::string_view station = "clinic.station.1") {
  std::promise<RecordOutcome> answer;
  ledger.Record(signed_event, station,
                [&answer](RecordOutcome outcome) { answer.set_value(std::move(outcome)); });
  return answer.get_future().get();
}

// `VerifyReceipt` checks a receipt as a client does.
inline Status VerifyReceipt(const pb::Receipt& receipt, const pb::SignedEvent& signed_event,
                            const NoteVerifier& log) {
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, OpenCheckpoint(receipt.checkpoint(), log));
  CUSTODY_ASSIGN_OR_RETURN(const pb::LogEntry entry, ParseLogEntry(receipt.entry()));
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(signed_event.payload()));
  if (entry.event_id() != parsed.event_id.view()) return InvalidArgument("another event's entry");
  std::vector<Hash> path;
  for (const std::string& hash : receipt.path()) {
    CUSTODY_ASSIGN_OR_RETURN(path.emplace_back(), Hash::FromBytes(hash));
  }
  return VerifyInclusion(LeafHash(receipt.entry()), receipt.index(), checkpoint.size, path,
                         checkpoint.root);
}

// `LedgerFolder` is a world, a clock and a folder; the ledger in it is opened and closed at will.
class LedgerFolder {
 public:
  // In memory: quicker, and made to fail through `disk()`.
  explicit LedgerFolder(bool in_memory = false, pb::Environment environment = pb::DEMO,
                        TestWorld world = {.small = true})
      : world_(environment, "one", world), clock_(world_.now()) {
    options_.folder = folder_.path();
    options_.clock = &clock_;
    options_.workers = 2;
    if (in_memory) {
      options_.open_store = [disk = disk_](const StoreOptions&) { return MemoryStore::Open(disk); };
    }
    Must(world_.log_key().SavePlain(folder_ / "log.key"));
    Must(WriteFileAtomically(folder_ / "vault.key", std::string(32, 'v'), 0600));
  }

  TestLedger& world() { return world_; }
  FakeClock& clock() { return clock_; }
  MemoryDisk& disk() { return *disk_; }
  LedgerOptions& options() { return options_; }
  const std::filesystem::path& path() const { return folder_.path(); }
  NoteVerifier log() const { return Must(NoteVerifier::Parse(world_.log_vkey())); }

  Status Create() {
    return Ledger::Create(options_, world_.log()[0].signed_event, world_.log_key());
  }
  Status Open() {
    ledger_.reset();
    CUSTODY_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::LoadPlain(folder_ / "log.key"));
    CUSTODY_ASSIGN_OR_RETURN(ledger_, Ledger::Open(options_, std::move(key)));
    return {};
  }
  void Close() { ledger_.reset(); }
  Ledger& ledger() { return *ledger_; }

  // `RecordWorld` records everything that the world has and the ledger has not. Aborts on refusal.
  void RecordWorld() {
    for (; recorded_ < world_.log().size(); ++recorded_) {
      clock_.Reach(world_.log()[recorded_].received_at);
      Must(RecordNow(*ledger_, world_.log()[recorded_].signed_event).status);
    }
  }
  // Creates, opens and records the world's registry.
  void Begin() {
    Must(Create());
    Must(Open());
    recorded_ = 1;
    RecordWorld();
  }

  // `Next` is a new event of `therapy`, in the world's log and not in the ledger's: the patient's
  // enrolment first, then facts.
  const pb::SignedEvent& Next(const std::string& therapy = "therapy/T1") {
    ++recorded_;  // the caller records it
    if (world_.Length(therapy) == 0) {
      return PatientEnrolledBy(world_, therapy).Record().signed_event;
    }
    return ConsentWithdrawnBy(world_, therapy).Record().signed_event;
  }

  // `Audit` holds the closed folder against everything that can be known of it.
  pb::AuditReport Audit() { return Must(AuditFolder(folder_.path(), nullptr, {})); }

 private:
  TempDir folder_;
  TestLedger world_;
  FakeClock clock_;
  std::shared_ptr<MemoryDisk> disk_ = std::make_shared<MemoryDisk>();
  LedgerOptions options_;
  std::unique_ptr<Ledger> ledger_;
  std::size_t recorded_ = 0;  // of the world's log
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_LEDGER_FOLDER_H_

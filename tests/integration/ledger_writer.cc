// Records events into the ledger of a folder for ever and prints each acknowledgement, so that a
// test can kill it. Usage: ledger_writer FOLDER. One line an answer: index, space, event id in hex.
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <string>

#include "server/ledger/ledger.h"
#include "tests/support/fake_clock.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

constexpr std::size_t kInFlight = 16;
constexpr int kChains = 7;

void Say(const std::string& line) {
  // One write a line: what the reader has was acknowledged, whenever the kill comes.
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) ::_exit(1);
}

[[noreturn]] void WriteForEver(const std::string& folder) {
  TestLedger world(pb::DEMO, "one", {.small = true});
  FakeClock clock(world.now());
  LedgerOptions options;
  options.folder = folder;
  options.clock = &clock;
  options.workers = 2;
  Must(world.log_key().SavePlain(options.folder / "log.key"));
  Must(Ledger::Create(options, world.log()[0].signed_event, world.log_key()));
  const auto ledger =
      Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(options.folder / "log.key"))));
  std::mutex mutex;
  std::condition_variable freed;
  std::size_t in_flight = 0;
  for (std::size_t next = 1;; ++next) {
    if (next >= world.log().size()) {
      const std::string chain = "therapy/K" + std::to_string(next % kChains);
      if (world.Length(chain) == 0) {
        PatientEnrolledBy(world, chain).Record();
      } else {
        ConsentWithdrawnBy(world, chain).Record();
      }
    }
    const Recorded& event = world.log()[next];
    {
      std::unique_lock<std::mutex> lock(mutex);
      freed.wait(lock, [&] { return in_flight < kInFlight; });
      ++in_flight;
    }
    ledger->Record(event.signed_event, "", [&, id = event.parsed.event_id](RecordOutcome outcome) {
      Must(outcome.status);
      Say(std::to_string(outcome.reply.receipt().index()) + " " + id.ToHex() + "\n");
      const std::lock_guard<std::mutex> lock(mutex);
      --in_flight;
      freed.notify_one();
    });
  }
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  custody::WriteForEver(argv[1]);
}

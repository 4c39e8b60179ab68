// custody-load: how many events a second does a server record, durably and provably?
//
// It is a station like any other: it enrols patients, signs observations before the clock starts,
// then sends them in closed loops and verifies every receipt. What it measures is therefore what a
// station gets: verified, durable, acknowledged, with an inclusion proof under a signed checkpoint.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <thread>

#include "client/exit_code.h"
#include "client/passphrase.h"
#include "client/session.h"
#include "tools/load/ceilings.h"
#include "tools/load/driver.h"
#include "tools/load/work.h"

namespace custody {
namespace {

struct Options {
  std::string folder;
  std::string pins;
  std::string nurse;
  std::string coordinator;
  std::vector<unsigned> clients = {1, 64};
  unsigned connections = 8;
  std::uint64_t events = 20'000;  // a round
  std::uint64_t chains = 2'000;
  std::uint64_t seed = 1;
  bool ceilings = false;
};

StatusOr<PrivateKey> LoadKey(const StationFolder& folder, const Options& options,
                             const std::string& person) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string passphrase,
                           AskPassphrase(options.pins, person, "passphrase of " + person));
  return folder.LoadKey(person, passphrase);
}

StatusOr<std::string> NameOf(const Registry& registry, const std::string& person) {
  const EnrolledPerson* found = registry.FindPerson(person);
  if (found == nullptr) return NotFound(person + " is not enrolled");
  return found->printed_names.back();
}

// Spreads events over queues; a chain stays in one queue, so that its order is kept.
StatusOr<std::vector<std::vector<pb::SignedEvent>>> SignWork(const Crew& crew,
                                                             std::vector<Lane>& lanes,
                                                             std::uint64_t events,
                                                             std::size_t queue_count, Instant now,
                                                             std::uint64_t& seed) {
  std::vector<std::vector<pb::SignedEvent>> queues(queue_count);
  for (std::uint64_t i = 0; i < events; ++i) {
    const std::size_t lane = i % lanes.size();
    CUSTODY_ASSIGN_OR_RETURN(pb::SignedEvent signed_event, Observe(crew, lanes[lane], now, ++seed));
    queues[lane % queue_count].push_back(std::move(signed_event));
  }
  return queues;
}

void Print(const char* what, unsigned clients, const RunFigures& figures) {
  std::printf(
      "%-8s %4u in flight  %9llu receipts  %8.1f /s  p50 %6llu us  p99 %7llu us  p99.9 %7llu us\n",
      what, clients, static_cast<unsigned long long>(figures.receipts),
      static_cast<double>(figures.receipts) / figures.seconds,
      static_cast<unsigned long long>(figures.latency.Percentile(50)),
      static_cast<unsigned long long>(figures.latency.Percentile(99)),
      static_cast<unsigned long long>(figures.latency.Percentile(99.9)));
  std::fflush(stdout);
}

Status PrintCeilings(const std::string& folder) {
  CUSTODY_ASSIGN_OR_RETURN(const double one, VerifyRate(1));
  CUSTODY_ASSIGN_OR_RETURN(const double all, VerifyRate(std::thread::hardware_concurrency()));
  CUSTODY_ASSIGN_OR_RETURN(const double syncs, SyncRate(folder));
  std::printf("ceiling  Ed25519 verify, one core            %9.0f /s\n", one);
  std::printf("ceiling  Ed25519 verify, all %2u cores        %9.0f /s\n",
              std::thread::hardware_concurrency(), all);
  std::printf("ceiling  append 1 KiB and fdatasync          %9.0f /s\n", syncs);
  std::fflush(stdout);
  return absl::OkStatus();
}

Status Run(const Options& options) {
  if (options.ceilings) return PrintCeilings(options.folder);
  CUSTODY_ASSIGN_OR_RETURN(StationFolder folder, StationFolder::Open(options.folder));
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey nurse, LoadKey(folder, options, options.nurse));
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey coordinator,
                           LoadKey(folder, options, options.coordinator));
  CUSTODY_ASSIGN_OR_RETURN(const auto session, Session::Connect(folder, SystemClock()));
  CUSTODY_ASSIGN_OR_RETURN(const auto registry, session->LoadRegistry());
  Crew crew{.site = folder.settings().site,
            .station = folder.settings().station,
            .zone = folder.settings().zone,
            .ledger = registry->genesis(),
            .nurse = options.nurse,
            .nurse_name = {},
            .nurse_key = &nurse,
            .coordinator = options.coordinator,
            .coordinator_name = {},
            .coordinator_key = &coordinator};
  CUSTODY_ASSIGN_OR_RETURN(crew.nurse_name, NameOf(*registry, crew.nurse));
  CUSTODY_ASSIGN_OR_RETURN(crew.coordinator_name, NameOf(*registry, crew.coordinator));
  CUSTODY_ASSIGN_OR_RETURN(const auto stubs, Connect(folder, options.connections));
  CheckpointBook book(folder.trust().log_key);

  std::uint64_t seed = options.seed;
  const auto run = static_cast<std::uint64_t>(session->Now().micros);
  std::vector<Lane> lanes(options.chains);
  constexpr std::size_t kEnrolling = 64;
  std::vector<std::vector<pb::SignedEvent>> queues(std::min(kEnrolling, lanes.size()));
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    lanes[i].chain = LaneName(run, i);
    CUSTODY_ASSIGN_OR_RETURN(pb::SignedEvent first,
                             EnrolPatient(crew, lanes[i], session->Now(), ++seed));
    queues[i % queues.size()].push_back(std::move(first));
  }
  const RunFigures enrolled = ClosedLoop(stubs, queues, book);
  CUSTODY_RETURN_IF_ERROR(enrolled.failure);
  Print("enrol", static_cast<unsigned>(queues.size()), enrolled);
  for (const unsigned clients : options.clients) {
    // One client waits for every answer, so it gets a smaller share of the events.
    const std::uint64_t events = clients == 1 ? options.events / 10 : options.events;
    CUSTODY_ASSIGN_OR_RETURN(
        const auto work, SignWork(crew, lanes, events, std::min<std::size_t>(clients, lanes.size()),
                                  session->Now(), seed));
    const RunFigures figures = ClosedLoop(stubs, work, book);
    CUSTODY_RETURN_IF_ERROR(figures.failure);
    Print("record", clients, figures);
  }
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app{"custody-load: measures how fast a server records (see tools/bench)"};
  Options options;
  app.add_option("--folder", options.folder, "Station folder of a clinic")->required();
  app.add_option("--pins", options.pins, "Folder of passphrase files");
  app.add_option("--nurse", options.nurse, "Person with role RN whose key is there");
  app.add_option("--coordinator", options.coordinator, "Person with role COORD");
  app.add_option("--clients", options.clients, "Events in flight, one round each")->delimiter(',');
  app.add_option("--connections", options.connections, "TLS connections");
  app.add_option("--events", options.events, "Events a round");
  app.add_option("--chains", options.chains, "Therapies written to");
  app.add_flag("--ceilings", options.ceilings,
               "Measure only what the machine can do at best, on the disk of --folder");
  app.add_option("--seed", options.seed, "Seed of the observations");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  const Status status = Run(options);
  if (!status.ok()) {
    SayFailure("custody-load", false, status);
  }
  return ExitCodeOf(status);
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) {
  return custody::RunGuarded("custody-load", custody::kExitRefused,
                             [&] { return custody::Main(argc, argv); });
}

// How many events a second a ledger records in one process, without a network: judged, durable,
// proved. Usage: ledger_throughput [chains] [events] [in flight] [folds MiB]
//
// Chains are hit uniformly. Events of about 1 KiB are signed before the clock starts; receipts are
// not verified here (tools/load does that).
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "tests/support/ledger_folder.h"

namespace custody {
namespace {

using std::chrono::steady_clock;

EventBuilder Observations(TestLedger& world, const std::string& chain) {
  EventBuilder event = world.On(chain).By("clinic.rn.1");
  pb::ObservationsRecorded& body = *event.event().mutable_observations_recorded();
  for (int i = 0; i < 12; ++i) {
    auto& vitals = *body.add_observations()->mutable_vitals();
    *vitals.mutable_at() = ToProto(world.now() + (i - 12) * 30 * kMicrosPerMinute);
    vitals.set_temperature_c(36.5);
    vitals.set_systolic_mmhg(120);
    vitals.set_diastolic_mmhg(80);
    vitals.set_heart_rate(70);
    vitals.set_respiratory_rate(16);
    vitals.set_spo2_percent(97);
  }
  body.set_interval_minutes(240);
  return event;
}

// Keeps `width` events in flight; gives microseconds from handing in to answer, sorted.
std::vector<std::int64_t> Run(Ledger& ledger, const std::vector<pb::SignedEvent>& events,
                              std::size_t width) {
  std::mutex mutex;
  std::condition_variable freed;
  std::size_t in_flight = 0;
  std::vector<std::int64_t> micros;
  for (const pb::SignedEvent& event : events) {
    {
      std::unique_lock<std::mutex> lock(mutex);
      freed.wait(lock, [&] { return in_flight < width; });
      ++in_flight;
    }
    const auto start = steady_clock::now();
    ledger.Record(event, "", [&, start](RecordOutcome outcome) {
      Must(outcome.status);
      const auto took = steady_clock::now() - start;
      const std::lock_guard<std::mutex> lock(mutex);
      micros.push_back(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
      --in_flight;
      freed.notify_one();
    });
  }
  std::unique_lock<std::mutex> lock(mutex);
  freed.wait(lock, [&] { return in_flight == 0; });
  std::sort(micros.begin(), micros.end());
  return micros;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void Report(const char* what, Ledger& ledger, const std::vector<pb::SignedEvent>& events,
            std::size_t width) {
  const double cpu = CpuSeconds();
  const pb::GetStatusReply before = ledger.GetStatus();
  const auto start = steady_clock::now();
  const std::vector<std::int64_t> micros = Run(ledger, events, width);
  const std::chrono::duration<double> took = steady_clock::now() - start;
  const pb::GetStatusReply after = ledger.GetStatus();
  const auto count = static_cast<double>(events.size());
  const auto at = [&](double share) {
    return static_cast<long long>(micros[static_cast<std::size_t>(share * (count - 1))]);
  };
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "%-8s %7zu events %9.0f/s  p50 %lld us  p99 %lld us  %.0f us cpu each  %.1f a group  "
      "peak %ld MiB\n",
      what, events.size(), count / took.count(), at(0.5), at(0.99),
      (CpuSeconds() - cpu) / count * 1e6,
      count / static_cast<double>(after.groups() - before.groups()), usage.ru_maxrss / 1024);
}

int Main(int argc, char** argv) {
  const auto argument = [&](int i, std::size_t otherwise) {
    return argc > i ? static_cast<std::size_t>(std::atoll(argv[i])) : otherwise;
  };
  const std::size_t chains = argument(1, 1'000);
  const std::size_t count = argument(2, 10'000);
  const std::size_t width = argument(3, 128);
  LedgerFolder folder;
  folder.options().fold_cache_bytes = argument(4, 96) << 20;
  folder.Begin();
  std::vector<pb::SignedEvent> enrolments;
  std::vector<pb::SignedEvent> observations;
  for (std::size_t i = 0; i < chains; ++i) {
    enrolments.push_back(
        PatientEnrolledBy(folder.world(), "therapy/L" + std::to_string(i)).Record().signed_event);
  }
  std::mt19937_64 random(1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string chain = "therapy/L" + std::to_string(random() % chains);
    observations.push_back(Observations(folder.world(), chain).Record().signed_event);
  }
  std::printf("payload %zu bytes\n", observations.front().payload().size());
  Report("enrol", folder.ledger(), enrolments, width);
  Report("observe", folder.ledger(), observations, width);
  const auto start = steady_clock::now();
  Must(folder.Open());
  const std::chrono::duration<double> took = steady_clock::now() - start;
  std::printf("close and open %.2f s\n", took.count());
  return 0;
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) { return custody::Main(argc, argv); }

// How long a verdict takes on a cached fold: a whole therapy of 450 events (the main path, then two
// weeks on the ward and the visits after), and every body judged against it.
// Usage: verdict_latency [events] [rounds]
//
// Two tables. "where it belongs": each step of the main path against the state before it, which is
// what admission meets. "after 450 events": the same steps against the whole therapy, where most
// are refused and every refusal is put in words. Worst is over all rounds, scheduling included;
// slowest is the largest median of one event: what the code takes and not the machine. The last
// line sums up both tables; the program fails when a mean is above 10 us or a slowest above 50 us.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "custody/rules.h"
#include "custody/therapy.h"
#include "tests/property/custody/therapy_walk.h"
#include "tests/support/event_builder.h"
#include "tests/support/main_path.h"

namespace custody {
namespace {

using std::chrono::steady_clock;

struct Times {
  std::vector<double> micros;
  double slowest = 0;  // median of one event
  double mean = 0;     // once printed

  void Add(std::vector<double> of_one) {
    std::ranges::sort(of_one);
    slowest = std::max(slowest, of_one[of_one.size() / 2]);
    micros.insert(micros.end(), of_one.begin(), of_one.end());
  }
};

void Print(const std::string& what, Times& times) {
  std::ranges::sort(times.micros);
  double sum = 0;
  for (const double one : times.micros) sum += one;
  const auto count = static_cast<double>(times.micros.size());
  times.mean = sum / count;
  const auto p99 = times.micros[static_cast<std::size_t>(0.99 * (count - 1))];
  std::printf("  %-26s mean %7.2f  p99 %7.2f  slowest %7.2f  worst %8.2f us\n", what.c_str(),
              times.mean, p99, times.slowest, times.micros.back());
}

Times PrintAll(const char* title, std::map<std::string, Times>& by_body) {
  std::printf("%s\n", title);
  Times all;
  for (auto& [body, times] : by_body) {
    Print(body, times);
    all.slowest = std::max(all.slowest, times.slowest);
    all.micros.insert(all.micros.end(), times.micros.begin(), times.micros.end());
  }
  Print("all", all);
  return all;
}

// The therapy, without signatures and without a log: what a cached fold is.
class Therapy {
 public:
  Therapy() : begins_(ledger_.now()) { ledger_.PublishProfile(DemoProfile()); }

  ParsedEvent Build(const std::vector<std::string>& signers, const pb::Event& body, Instant at) {
    ledger_.set_now(at);
    EventBuilder event = ledger_.On("therapy/T1");
    for (const std::string& signer : signers) event.By(signer);
    event.event().MergeFrom(body);
    event.event().set_sequence(state_.length());
    if (state_.length() > 0) event.event().set_previous(state_.head());
    return event.Parse();
  }
  std::vector<double> Time(const ParsedEvent& event, int rounds) const {
    std::vector<double> micros;
    for (int i = 0; i < rounds; ++i) {
      const auto start = steady_clock::now();
      const pb::Verdict verdict = Judge(event, ledger_.registry(), state_, place());
      const std::chrono::duration<double, std::micro> took = steady_clock::now() - start;
      micros.push_back(took.count());
    }
    return micros;
  }
  void Record(const ParsedEvent& event) {
    const pb::Verdict verdict = Judge(event, ledger_.registry(), state_, place());
    if (verdict.refused()) {
      std::fprintf(stderr, "refused: %s\n", Explain(verdict).c_str());
      std::exit(1);
    }
    ApplyToTherapy(event, place(), verdict, ledger_.registry(), state_);
  }
  Instant begins() const { return begins_; }
  const pb::TherapyState& state() const { return state_; }

 private:
  Place place() const {
    return {ledger_.next_index() + state_.length(), state_.length(), ledger_.now()};
  }

  TestLedger ledger_;
  const Instant begins_;
  pb::TherapyState state_;
};

// Facts of the ward that come every few hours, from the main path.
std::vector<const MainStep*> Rounds(const std::vector<MainStep>& path) {
  std::vector<const MainStep*> ward;
  for (const char* body :
       {"observations_recorded", "ice_recorded", "observations_recorded", "daily_labs"}) {
    const auto found = std::ranges::find(path, body, &MainStep::body);
    if (found != path.end()) ward.push_back(&*found);
  }
  return ward;
}

pb::Event MovedTo(const MainStep& step, Instant begins, Instant at) {
  pb::Event body = step.event;
  Shift(body, (at.micros - begins.micros - step.after) / kMicrosPerSecond);
  return body;
}

int Main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  const auto events = static_cast<std::uint64_t>(argument(1, 450));
  const int rounds = argument(2, 200);
  Therapy therapy;
  const std::vector<MainStep> path = MainPath(therapy.begins());
  std::map<std::string, Times> belongs;
  std::map<std::string, Times> after;
  const MainStep* last = nullptr;
  Instant end{0};
  for (const MainStep& step : path) {
    const Instant at = therapy.begins() + step.after;
    const ParsedEvent event = therapy.Build(step.signers, step.event, at);
    belongs[step.body].Add(therapy.Time(event, rounds));
    therapy.Record(event);
    last = &step;
    end = at;
  }
  // The two weeks on the ward, told in their order after the path: the state is as large.
  const std::vector<const MainStep*> ward = Rounds(path);
  for (std::size_t i = 0; therapy.state().length() < events; ++i) {
    end = end + 2 * kMicrosPerHour;
    const MainStep& step = *ward[i % ward.size()];
    therapy.Record(therapy.Build(step.signers, MovedTo(step, therapy.begins(), end), end));
  }
  end = end + kMicrosPerHour;
  for (const MainStep& step : path) {
    const ParsedEvent event =
        therapy.Build(step.signers, MovedTo(step, therapy.begins(), end), end);
    after[step.body].Add(therapy.Time(event, rounds));
  }
  std::printf("%llu events, state of %zu bytes, last step of the path %s, %d rounds\n",
              static_cast<unsigned long long>(therapy.state().length()),
              therapy.state().ByteSizeLong(), last->body.c_str(), rounds);
  const Times one = PrintAll("where it belongs", belongs);
  const std::string title = "after " + std::to_string(therapy.state().length()) + " events";
  const Times other = PrintAll(title.c_str(), after);
  const double mean = std::max(one.mean, other.mean);
  const double slowest = std::max(one.slowest, other.slowest);
  std::printf(
      "verdict  on a cached fold of %3llu events        %9.1f us mean  %5.1f us slowest step\n",
      static_cast<unsigned long long>(therapy.state().length()), mean, slowest);
  constexpr double kMostMean = 10;
  constexpr double kMostSlowest = 50;
  return mean <= kMostMean && slowest <= kMostSlowest ? 0 : 1;
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) { return custody::Main(argc, argv); }

// custody-play: a script of this folder, played into a demo server for people to watch.
//
// What a test plays against a ledger in its own process happens here with nothing left out: a
// ledger is founded, the server started, stations talk to it by mutual TLS, the ledger's clock
// moves on as the script's days go, and each step is told in words, with what was refused and why.
// In the end the therapy's bundle is fetched and verified, and its timeline is held against the one
// that the test keeps in expected/.
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "client/event_words.h"
#include "client/exit_code.h"
#include "client/forms.h"
#include "crypto/file.h"
#include "crypto/utf8.h"
#include "custody/audit_report.h"
#include "custody/event.h"
#include "tests/journeys/server_stage.h"
#include "tests/support/journey.h"
#include "tests/support/player.h"
#include "tools/audit/commands.h"
#include "tools/audit/gist.h"

namespace custody {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 4 << 20;
constexpr const char* kServerFile = "server.pid";        // of one that was left running
constexpr std::size_t kDay = sizeof("02 Mar 2026") - 1;  // of what FormatLocal gives
constexpr std::size_t kShortId = 8;                      // hex digits
constexpr const char* kBelow = "                ";

struct Options {
  std::string name;
  std::string to;  // the event after which it stops; empty: to the end
  std::string folder;
  bool keep = false;
};

fs::path Journeys() { return fs::path(CUSTODY_SOURCE_DIR) / "tests" / "journeys"; }

// Scripts tell of March, so that the change of clocks falls where they expect it: the first one
// that is still to come.
StatusOr<Instant> NextMarch(Instant now) {
  const int year = std::stoi(FormatUtc(now).substr(0, 4));
  for (int next = year;; ++next) {
    CUSTODY_ASSIGN_OR_RETURN(const Instant march,
                             ParseInstant(std::to_string(next) + "-03-02T08:00:00Z"));
    if (march > now) return march;
  }
}

// How much at `at` is a date, "02 Mar 2026", or a name made of an event's id, "D-2f904c71" of a
// deviation, "2f904c71" of an alert: what differs from one play to the next.
std::size_t OfThisPlay(std::string_view text, std::size_t at) {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string_view date = text.substr(at, kDay);
  if (date.size() == kDay && date[2] == ' ' && date[6] == ' ' &&
      std::ranges::count(kMonths, date.substr(3, 3)) == 1) {
    return kDay;
  }
  const std::size_t prefix = text.size() > at + 1 && text[at + 1] == '-' ? 2 : 0;
  const bool begins = at == 0 || text[at - 1] == ' ';
  const std::string_view name = text.substr(at + prefix, kShortId);
  const bool named = begins && name.size() == kShortId &&
                     name.find_first_not_of("0123456789abcdef") == std::string_view::npos;
  return named ? prefix + kShortId : 0;
}

// The story alone: not the day on which it is verified, nor how long the log is.
std::string Story(const std::string& text) {
  const std::size_t begins = text.find("\n" + std::string(kTrainingMark) + "\n");
  const std::size_t ends = text.rfind("COMPLETE AND UNCHANGED");
  if (begins == std::string::npos || ends == std::string::npos || ends < begins) return {};
  std::string story;
  for (std::size_t at = begins; at < ends;) {
    if (const std::size_t skipped = OfThisPlay(text, at); skipped > 0) {
      at += skipped;
    } else {
      story += text[at++];
    }
  }
  return story;
}

class Play {
 public:
  explicit Play(Options options) : options_(std::move(options)) {}

  // Gives the exit code.
  StatusOr<int> Run();

 private:
  StatusOr<Journey> Read();
  Status MakeRoom();
  StatusOr<int> Perform(const Journey& journey);
  void Tell(const JourneyStep& step, const Played& played);
  StatusOr<int> Prove(bool whole);
  void SayHowToGoOn(pid_t server) const;

  const Options options_;
  fs::path script_;
  fs::path folder_;
  std::unique_ptr<ServerStage> stage_;
  std::string therapy_;  // whose story it is
  std::string day_;
  int otherwise_ = 0;
};

StatusOr<Journey> Play::Read() {
  script_ = options_.name;
  if (script_.extension() != ".txt") script_ = Journeys() / (options_.name + ".txt");
  CUSTODY_ASSIGN_OR_RETURN(Journey journey, ReadJourney(script_));
  if (journey.title.empty()) return InvalidArgument(script_.string() + " is no journey");
  return journey;
}

// A folder of an earlier play makes room for this one; anything else is not ours to take away.
Status Play::MakeRoom() {
  folder_ = options_.folder.empty()
                ? fs::path(CUSTODY_SOURCE_DIR) / "build" / "play" / script_.stem()
                : fs::absolute(options_.folder);
  if (fs::exists(folder_)) {
    if (!fs::exists(folder_ / "server.log") || !fs::exists(folder_ / "ledger.trust.json")) {
      return AlreadyExists(folder_.string() + " exists and is no play; name another --folder");
    }
    const pid_t server = std::atoi(ReadFile(folder_ / kServerFile, kMaxFile).value_or("").c_str());
    if (server > 0 && ::kill(server, 0) == 0) {
      return FailedPrecondition("the server of an earlier play still runs in " + folder_.string() +
                                "; stop it with: kill " + std::to_string(server));
    }
    fs::remove_all(folder_);
  }
  fs::create_directories(folder_);
  return {};
}

void Play::Tell(const JourneyStep& step, const Played& played) {
  const pb::Event& event = played.event;
  const auto parsed = ParseEvent(event.SerializeAsString());
  const pb::Event& told = parsed.ok() ? parsed->effective() : event;
  const std::string when = FormatLocal(FromProto(told.occurred_at()), told.time_zone());
  if (const std::string day = when.substr(0, kDay); day != day_) {
    std::printf("\n%s, day %lld\n", day.c_str(),
                static_cast<long long>(step.after / kMicrosPerDay));
    day_ = day;
  }
  std::string people;
  for (const pb::Signer& signer : event.signers()) {
    people += (people.empty() ? "" : ", ") + signer.person();
  }
  const std::string gist = Plain(Gist(told));
  std::printf("  %-12s  %s%s%s  [%s, at %s]\n", when.substr(kDay + 1).c_str(),
              BodyRule(told).label().c_str(), gist.empty() ? "" : ": ", gist.c_str(),
              people.c_str(), event.station().c_str());
  if (event.entry() != pb::LIVE) {
    std::printf("%sentered %s: %s\n", kBelow,
                FormatLocal(FromProto(event.signed_at()), event.time_zone()).c_str(),
                event.late_reason().c_str());
  }
  if (played.held) {
    std::printf("%sNOT YET RECORDED: signed where no network is; the station keeps it\n", kBelow);
  } else if (event.has_adopted()) {
    std::printf("%sits place was taken meanwhile: taken over with its own signatures\n", kBelow);
  }
  if (!played.held && !played.status.ok()) {
    std::printf("%sREFUSED%s\n", kBelow, step.refused.empty() ? "" : ", as it must be");
  }
  const std::vector<pb::Reason> reasons(played.verdict.reasons().begin(),
                                        played.verdict.reasons().end());
  std::fputs(RenderReasons(reasons, kBelow).c_str(), stdout);
  if (!played.otherwise.empty()) {
    ++otherwise_;
    std::printf("%sOTHERWISE THAN THE SCRIPT SAYS (%s): %s\n", kBelow, step.where.c_str(),
                played.otherwise.c_str());
  }
  std::fflush(stdout);
}

StatusOr<int> Play::Prove(bool whole) {
  ExportOptions fetch;
  fetch.folder = stage_->Station("overseer.station.1");
  fetch.therapy = therapy_;
  fetch.output = folder_ / "bundle.custody.json";
  CUSTODY_ASSIGN_OR_RETURN(const Answer exported, Export(fetch));
  VerifyOptions verify;
  verify.target = fetch.output;
  verify.trust = (folder_ / "ledger.trust.json").string();
  CUSTODY_ASSIGN_OR_RETURN(const Answer timeline, Timeline(verify, false));
  std::printf("\n%s\n", timeline.text.c_str());
  CUSTODY_ASSIGN_OR_RETURN(const Answer verified, Verify(verify));
  std::fputs(verified.text.c_str(), stdout);
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder_ / "timeline.txt", timeline.text));
  if (verified.text.find("COMPLETE AND UNCHANGED") == std::string::npos) return kExitRefused;
  const fs::path expected = Journeys() / "expected" / script_.filename();
  if (!whole || !fs::exists(expected)) return kExitDone;
  CUSTODY_ASSIGN_OR_RETURN(const std::string kept, ReadFile(expected, kMaxFile));
  if (Story(kept) != Story(timeline.text)) {
    std::printf("The timeline is NOT the one in %s\n", expected.c_str());
    return kExitRefused;
  }
  std::printf("The timeline is the expected one, but for the year.\n");
  return kExitDone;
}

void Play::SayHowToGoOn(pid_t server) const {
  const std::string station = stage_->Station("clinic.station.1").string();
  const std::string lab = stage_->Station("lab.station.1").string();
  std::printf(
      "\nThe server runs on: process %d, %s. Look around, and go on, as the clinic:\n\n"
      "    export PATH=%s:$PATH CUSTODY_STATION=%s CUSTODY_PINS=%s/pins\n"
      "    custody-clinic board\n    custody-clinic show %s\n    custody-clinic next %s\n"
      "    custody-clinic why %s infusion_started\n\n"
      "or as the manufacturer: custody-lab board --folder %s\n"
      "People sign as clinic.rn.1, clinic.phy.1, lab.qa.1 and so on. Stop it with: kill %d\n",
      server, stage_->address().c_str(), CUSTODY_BIN_DIR, station.c_str(), station.c_str(),
      therapy_.c_str(), therapy_.c_str(), therapy_.c_str(), lab.c_str(), server);
}

StatusOr<int> Play::Perform(const Journey& journey) {
  CUSTODY_ASSIGN_OR_RETURN(const Instant begins, NextMarch(SystemClock().Now()));
  stage_->world().set_now(begins);
  CUSTODY_RETURN_IF_ERROR(stage_->Reach(begins));
  Player player(stage_->world(), *stage_, begins);
  CUSTODY_RETURN_IF_ERROR(player.Publish(journey));
  const std::uint64_t before = stage_->receipts();
  bool whole = true;
  for (const JourneyStep& step : journey.steps) {
    CUSTODY_ASSIGN_OR_RETURN(const Played played, player.Play(step));
    Tell(step, played);
    if (otherwise_ > 0) break;
    if (played.status.ok() && !played.held && BodyName(played.event) == options_.to) {
      whole = &step == &journey.steps.back();
      break;
    }
  }
  std::printf("\n%llu events recorded, as many receipts verified and kept by the stations.\n",
              static_cast<unsigned long long>(stage_->receipts() - before));
  CUSTODY_ASSIGN_OR_RETURN(int code, Prove(whole && otherwise_ == 0));
  if (otherwise_ > 0) code = kExitRefused;
  return code;
}

StatusOr<int> Play::Run() {
  CUSTODY_ASSIGN_OR_RETURN(const Journey journey, Read());
  const auto has = [this](const JourneyStep& step) {
    return step.body.starts_with(options_.to + " ");
  };
  if (!options_.to.empty() && std::ranges::none_of(journey.steps, has)) {
    return InvalidArgument("no step of " + script_.string() + " is called " + options_.to);
  }
  CUSTODY_RETURN_IF_ERROR(MakeRoom());
  therapy_ = journey.therapy;
  std::printf("%s\n%s\n\n%s", journey.title.c_str(), std::string(kTrainingMark).c_str(),
              journey.opening.c_str());
  stage_ = std::make_unique<ServerStage>(folder_);
  std::printf("\nA demo ledger is founded in %s; its server listens on %s.\n", folder_.c_str(),
              stage_->address().c_str());
  std::fflush(stdout);
  CUSTODY_ASSIGN_OR_RETURN(const int code, Perform(journey));
  if (options_.keep) {
    CUSTODY_ASSIGN_OR_RETURN(const pid_t server, stage_->LeaveRunning());
    CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder_ / kServerFile, std::to_string(server)));
    SayHowToGoOn(server);
  }
  std::printf("The bundle is %s\n", (folder_ / "bundle.custody.json").c_str());
  return code;
}

// Every script with its title, for whoever names none.
int List() {
  std::vector<fs::path> scripts;
  for (const auto& file : fs::directory_iterator(Journeys())) {
    if (file.path().extension() == ".txt") scripts.push_back(file.path());
  }
  std::ranges::sort(scripts);
  for (const fs::path& script : scripts) {
    const auto journey = ReadJourney(script);
    if (!journey.ok() || journey->title.empty()) continue;
    std::printf("%-42s %s\n", script.stem().c_str(), journey->title.c_str());
  }
  return kExitDone;
}

int Main(int argc, char** argv) {
  CLI::App app{"custody-play: plays a script of tests/journeys into a demo server"};
  Options options;
  app.add_option("NAME", options.name, "script, such as late_infusion_by_grant; none: lists them");
  app.add_option("--to", options.to, "stop behind the first of these events, such as released");
  app.add_flag("--keep", options.keep, "leave the server running, and say how to look around");
  app.add_option("--folder", options.folder, "where everything lies; else build/play/NAME");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  if (options.name.empty()) return List();
  const StatusOr<int> code = Play(options).Run();
  if (code.ok()) return *code;
  SayFailure("custody-play", false, code.status());
  return ExitCodeOf(code.status());
}

}  // namespace
}  // namespace custody

int main(int argc, char** argv) {
  return custody::RunGuarded("custody-play", custody::kExitRefused,
                             [&] { return custody::Main(argc, argv); });
}

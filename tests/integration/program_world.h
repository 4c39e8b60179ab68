// A clinic, a lab and a server, all of them the real programs: what people and machines see of them
// is what tests of the programs look at.
#ifndef CUSTODY_TESTS_INTEGRATION_PROGRAM_WORLD_H_
#define CUSTODY_TESTS_INTEGRATION_PROGRAM_WORLD_H_

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/server_world.h"

namespace custody {

// How a program ended and what it said.
struct Ended {
  int exit_code = 0;  // 128 + the signal that ended it
  std::string out;
  std::string error;
  // Both, for looking for words that may stand in either.
  std::string said() const { return out + error; }
};

// `Later` is what a person types once a program has said `when`; one that never does is ended.
struct Later {
  std::string when;
  std::function<std::string()> type;
};

// `Launch` says how a program of CUSTODY_BIN_DIR is run: with no terminal, and a stop of
// stop_at.cc where `stop_at` is given.
struct Launch {
  std::string program;
  std::vector<std::string> arguments;
  std::string input = {};
  std::vector<Later> later = {};  // after `input`, one after the other
  int stop_at = 0;
  const char* stop_how = "kill";
  std::map<std::string, std::string> environment = {};
};
Ended Execute(const Launch& launch);

// `ProgramWorld` has stations whose people can sign there, and a server that can be stopped and
// started over the same data.
class ProgramWorld {
 public:
  ProgramWorld();

  ServerWorld& world() { return world_; }
  // `Start` starts the server and tells every station where it is now.
  void Start();
  // `StartOver` starts it over another data folder, as an administrator who restores would.
  void StartOver(const std::filesystem::path& data);
  void Stop();

  // Folder of a station, made when first asked for: CLINIC's two, LAB's first, the inspectorate's
  // first, and the administration's ("admin").
  const std::filesystem::path& Station(std::string_view name);
  // `GiveKeys` puts a person's key, under a passphrase, and its passphrase file there.
  void GiveKeys(std::string_view station, const std::vector<std::string>& people);

  // `Clinic` and `Lab` run the program at the site's first station, passphrases from files.
  Ended Clinic(std::vector<std::string> arguments, const std::string& input = {});
  Ended Lab(std::vector<std::string> arguments, const std::string& input = {});
  Launch At(std::string_view station, std::vector<std::string> arguments);

  // `Enrol` enrols a patient by the program and gives the therapy's id.
  std::string Enrol();
  // `Observe` gives the arguments that record a temperature by the clinic's first nurse.
  static std::vector<std::string> Observe(const std::string& therapy, std::string_view temperature);
  // Events of the therapy as the server has them: `show --json`'s length.
  std::uint64_t Length(const std::string& therapy);
  // Files in a station's outbox.
  std::vector<std::filesystem::path> Outbox(std::string_view station = "clinic.station.1");

 private:
  ServerWorld world_;
  std::unique_ptr<RunningServer> server_;
  std::map<std::string, std::filesystem::path, std::less<>> stations_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_INTEGRATION_PROGRAM_WORLD_H_

// What `custody-clinic` and `custody-lab` do; their mains only call this.
#ifndef CUSTODY_CLIENT_PROGRAMS_H_
#define CUSTODY_CLIENT_PROGRAMS_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "client/console.h"
#include "crypto/random.h"
#include "custody/time.h"

namespace custody {

struct Program {
  std::string name;  // "custody-clinic"
  std::string description;
  bool clinic = false;  // may hold therapies' secrets and read patients' identifiers
};

// What a program runs in; all of it outlives the run.
struct Surroundings {
  std::istream& in;
  std::ostream& out;
  std::ostream& error;
  Console::Look look;
  Clock& clock;
  Rng& rng;
};

// `RunProgram` runs `arguments` (without the program's name) and gives the exit code (exit_code.h).
int RunProgram(const Program& program, std::vector<std::string> arguments,
               const Surroundings& surroundings);

// `RunMain` runs it in the process's own surroundings: standard streams, machine's clock; colours
// where the output is a terminal.
int RunMain(const Program& program, int argc, char** argv);

}  // namespace custody

#endif  // CUSTODY_CLIENT_PROGRAMS_H_

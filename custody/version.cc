#include "custody/version.h"

#include "custody/rules.h"

namespace custody {

std::string_view Version() { return CUSTODY_VERSION; }

std::string VersionLine(std::string_view program) {
  return std::string(program) + " " + CUSTODY_VERSION + ", rules up to version " +
         std::to_string(kNewestRulesVersion);
}

}  // namespace custody

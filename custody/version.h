// Which software this is: for whoever compares two machines, or a verdict of today with an old one.
#ifndef CUSTODY_CUSTODY_VERSION_H_
#define CUSTODY_CUSTODY_VERSION_H_

#include <string>
#include <string_view>

namespace custody {

// Of this build: "0.1.0".
std::string_view Version();

// What `program --version` prints: the program, its version and the newest rules that it knows.
std::string VersionLine(std::string_view program);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_VERSION_H_

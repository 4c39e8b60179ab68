// The tree tests itself: who may include whom, how long lines and functions may be, which words are
// not used, and that nothing lies about without being registered or described.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace custody {
namespace {

namespace fs = std::filesystem;

const fs::path kRoot = CUSTODY_SOURCE_DIR;

const std::vector<std::string> kRooms = {"proto",  "crypto", "custody", "server",
                                         "client", "tools",  "tests"};

struct SourceFile {
  std::string path;  // relative to the root, with '/'
  std::vector<std::string> lines;
};

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

std::string ReadAll(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::vector<SourceFile> Sources() {
  std::vector<SourceFile> files;
  for (const std::string& room : kRooms) {
    for (const auto& item : fs::recursive_directory_iterator(kRoot / room)) {
      const std::string path = fs::relative(item.path(), kRoot).generic_string();
      if (!EndsWith(path, ".h") && !EndsWith(path, ".cc")) continue;
      SourceFile file{path, {}};
      std::istringstream in(ReadAll(item.path()));
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      files.push_back(std::move(file));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

std::string RoomOf(const std::string& path) {
  for (const char* room : {"server/store", "server/ledger", "server/alerting", "server/rpc"}) {
    if (path.rfind(std::string(room) + "/", 0) == 0) return room;
  }
  return path.substr(0, path.find('/'));
}

// What each room may include of ours, besides itself. "custody/v1" stands for generated messages.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"crypto", {}},
    {"custody", {"crypto", "custody/v1"}},
    {"server/store", {"crypto"}},
    {"server/ledger", {"crypto", "custody", "custody/v1", "server/store"}},
    {"server/alerting", {"crypto", "custody", "custody/v1", "server/ledger", "server/store"}},
    {"server/rpc",
     {"crypto", "custody", "custody/v1", "server/alerting", "server/ledger", "server/store"}},
    {"server",
     {"crypto", "custody", "custody/v1", "server/alerting", "server/ledger", "server/store",
      "server/rpc"}},
    {"client", {"crypto", "custody", "custody/v1"}},
    {"tools",
     {"crypto", "custody", "custody/v1", "client", "server", "server/ledger", "server/store"}},
};

// Libraries that only some rooms may see.
struct LibraryRule {
  std::string prefix;
  std::set<std::string> rooms;
};
const std::vector<LibraryRule> kLibraries = {
    {"rocksdb/", {"server/store"}},
    {"grpcpp/", {"server/rpc", "server", "client", "tools"}},
    {"openssl/", {"crypto"}},
    {"absl/", {"crypto", "custody"}},
    {"google/protobuf/",
     {"custody", "server/ledger", "server/alerting", "server/rpc", "client", "tools"}},
    {"nlohmann/", {"custody", "client", "tools"}},
    {"toml++/", {"server", "client", "tools"}},
    {"spdlog/", {"server", "server/rpc", "server/ledger", "server/alerting", "tools"}},
    {"CLI/", {"server", "client", "tools"}},
    {"utf8proc", {"custody"}},
};

TEST(TreeTest, IncludesPointOnlyDownwards) {
  const std::regex include(R"re(^\s*#include\s+([<"])([^>"]+)[>"])re");
  for (const SourceFile& file : Sources()) {
    const std::string room = RoomOf(file.path);
    if (room == "tests" || room == "proto") continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_search(file.lines[i], match, include)) continue;
      const std::string target = match[2];
      const std::string where = file.path + ":" + std::to_string(i + 1) + " includes " + target;
      for (const LibraryRule& library : kLibraries) {
        if (target.rfind(library.prefix, 0) == 0) {
          EXPECT_TRUE(library.rooms.count(room)) << where;
        }
      }
      if (match[1] != "\"") {
        EXPECT_FALSE(kMayInclude.count(RoomOf(target))) << where << " as if it were a library";
        continue;
      }
      if (target.rfind("custody/v1/", 0) == 0) {
        EXPECT_TRUE(kMayInclude.at(room).count("custody/v1")) << where;
        continue;
      }
      const std::string to = RoomOf(target);
      if (to == room) continue;
      EXPECT_TRUE(kMayInclude.at(room).count(to)) << where;
    }
  }
}

TEST(TreeTest, OnlyTheStatusHeaderShowsAbsl) {
  for (const SourceFile& file : Sources()) {
    if (!EndsWith(file.path, ".h") || file.path == "crypto/status.h") continue;
    for (const std::string& line : file.lines) {
      EXPECT_EQ(line.find("#include <absl/"), std::string::npos) << file.path << ": " << line;
    }
  }
}

// Columns as a person sees them: UTF-8 continuation bytes take no place.
std::size_t Columns(const std::string& line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

TEST(TreeTest, LinesFitInAHundredColumns) {
  for (const SourceFile& file : Sources()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (file.lines[i].find("R\"") != std::string::npos) continue;
      EXPECT_LE(Columns(file.lines[i]), 100U) << file.path << ":" << i + 1;
    }
  }
}

// A function is taken to start at an unindented line that opens a parenthesis, if what follows
// comes to a "{" before a ";", and to end at "}" in column 0.
TEST(TreeTest, FunctionsFitOnAScreen) {
  constexpr std::size_t kMaxLines = 70;
  const std::regex other(
      R"(^(namespace|class|struct|enum|extern|union|const|constexpr|static const|inline constexpr|template|using)\b)");
  for (const SourceFile& file : Sources()) {
    std::size_t start = 0;
    bool begun = false;  // its name was seen
    bool inside = false;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (inside) {
        if (line.empty() || line[0] != '}') continue;
        inside = false;
        EXPECT_LE(i - start + 1, kMaxLines) << file.path << ":" << start + 1;
        continue;
      }
      if (!line.empty() && line[0] != ' ' && line[0] != '#' && line[0] != '/' &&
          line.find('(') != std::string::npos && !std::regex_search(line, other)) {
        begun = true;
        start = i;
      }
      inside = begun && EndsWith(line, "{");
      begun = begun && !inside && !EndsWith(line, ";") && !EndsWith(line, "}");
    }
  }
}

TEST(TreeTest, LongFilesSayWhyInTheirOpening) {
  for (const SourceFile& file : Sources()) {
    if (file.lines.size() <= 400) continue;
    bool reason = false;
    for (std::size_t i = 0; i < std::min<std::size_t>(40, file.lines.size()); ++i) {
      if (file.lines[i].find("Long because") != std::string::npos) reason = true;
    }
    EXPECT_TRUE(reason) << file.path << " has " << file.lines.size()
                        << " lines; split it, or say in its opening comment \"Long because ...\"";
  }
}

TEST(TreeTest, UnfinishedAndVagueWordsAreNotUsed) {
  // Put together so that this file does not match itself.
  const std::string unfinished = std::string("\\b(TO") + "DO|FIX" + "ME|XX" + "X|HA" + "CK)\\b";
  const std::string vague =
      std::string("\\b(class|struct)\\s+\\w*(Man") + "ager|Hel" + "per|Ut" + "il|Ut" + "ils)\\b";
  const std::string disabled = std::string("\\b(DISA") + "BLED_|GTEST_SK" + "IP)";
  const std::regex banned(unfinished + "|" + vague + "|" + disabled);
  for (const SourceFile& file : Sources()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(std::regex_search(file.lines[i], banned))
          << file.path << ":" << i + 1 << ": " << file.lines[i];
    }
  }
}

TEST(TreeTest, EverySourceIsBuilt) {
  // As paths from the list that names them: many folders have a main.cc.
  std::set<fs::path> listed;
  const std::regex source(R"([\w./-]+\.cc\b)");
  for (const std::string& room : kRooms) {
    for (const auto& item : fs::recursive_directory_iterator(kRoot / room)) {
      if (item.path().filename() != "CMakeLists.txt") continue;
      const std::string list = ReadAll(item.path());
      for (std::sregex_iterator at(list.begin(), list.end(), source), end; at != end; ++at) {
        listed.insert((item.path().parent_path() / at->str()).lexically_normal());
      }
    }
  }
  for (const SourceFile& file : Sources()) {
    if (!EndsWith(file.path, ".cc")) continue;
    EXPECT_TRUE(listed.contains((kRoot / file.path).lexically_normal()))
        << file.path << " is in no CMakeLists.txt";
  }
}

// Folders that hold nothing but data are described by the one above them.
TEST(TreeTest, EveryFolderSaysWhatItIs) {
  std::set<fs::path> folders = {kRoot / ".ci"};
  for (const std::string& room : kRooms) {
    folders.insert(kRoot / room);
    for (const auto& item : fs::recursive_directory_iterator(kRoot / room)) {
      if (item.is_directory() && item.path().filename() != "__pycache__") {
        folders.insert(item.path());
      }
    }
  }
  const fs::path corpus = kRoot / "tests/fuzz/corpus";  // fed to the fuzzers file by file
  for (const fs::path& folder : folders) {
    const bool only_folders = std::ranges::all_of(
        fs::directory_iterator(folder), [](const auto& item) { return item.is_directory(); });
    if (only_folders || folder.parent_path() == corpus) continue;
    const fs::path readme = folder / "README.md";
    ASSERT_TRUE(fs::exists(readme)) << folder << " has no README.md";
    const std::string text = ReadAll(readme);
    EXPECT_GE(std::count(text.begin(), text.end(), '\n'), 5) << readme;
  }
}

TEST(TreeTest, EveryVectorFileHasATest) {
  std::string tests;
  for (const SourceFile& file : Sources()) {
    if (file.path.rfind("tests/", 0) != 0) continue;
    for (const std::string& line : file.lines) tests += line;
  }
  const fs::path vectors = kRoot / "tests/vectors";
  int files = 0;
  for (const auto& item : fs::recursive_directory_iterator(vectors)) {
    if (item.path().extension() != ".json") continue;
    const std::string name = fs::relative(item.path(), vectors).generic_string();
    EXPECT_NE(tests.find("\"" + name + "\""), tests.npos) << name << " is read by no test";
    ++files;
  }
  EXPECT_GE(files, 10);
}

TEST(TreeTest, ThePresetsAreThese) {
  const std::string presets = ReadAll(kRoot / "CMakePresets.json");
  const std::size_t end = presets.find("\"buildPresets\"");
  ASSERT_NE(end, presets.npos);
  const std::string configure = presets.substr(0, end);
  const std::regex name(R"re("name": "(\w+)")re");
  std::set<std::string> found;
  for (std::sregex_iterator at(configure.begin(), configure.end(), name), last; at != last; ++at) {
    found.insert((*at)[1]);
  }
  EXPECT_EQ(found, (std::set<std::string>{"base", "dev", "release", "asan", "tsan", "tidy",
                                          "coverage", "fuzz"}));
}

TEST(TreeTest, TheTopLevelIsWhatTheReadmeSays) {
  const std::set<std::string> expected = {"CHANGELOG.md",
                                          "CMakeLists.txt",
                                          "CMakePresets.json",
                                          "CONTRIBUTING.md",
                                          "LICENSE",
                                          "README.md",
                                          "client",
                                          "crypto",
                                          "custody",
                                          "proto",
                                          "server",
                                          "tests",
                                          "tools"};
  std::set<std::string> found;
  for (const auto& item : fs::directory_iterator(kRoot)) {
    const std::string name = item.path().filename().string();
    if (name[0] == '.' || name == "build") continue;
    found.insert(name);
  }
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace custody

#include "tests/support/journey.h"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <sstream>

#include "crypto/encoding.h"
#include "crypto/file.h"
#include "crypto/hash.h"

namespace custody {
namespace {

constexpr std::size_t kMaxScript = 1 << 20;

using Variables = std::map<std::string, std::string, std::less<>>;

std::vector<std::string> Words(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

std::vector<std::string> Sorted(std::vector<std::string> words) {
  std::ranges::sort(words);
  return words;
}

// "+14d04h10m".
StatusOr<std::int64_t> AfterStart(const std::string& text) {
  int days = 0;
  int hours = 0;
  int minutes = 0;
  int end = 0;
  if (std::sscanf(text.c_str(), "+%dd%dh%dm%n", &days, &hours, &minutes, &end) != 3 ||
      static_cast<std::size_t>(end) != text.size()) {
    return InvalidArgument("expected a time like +14d04h10m, found " + text);
  }
  return days * kMicrosPerDay + hours * kMicrosPerHour + minutes * kMicrosPerMinute;
}

// The text with each ${NAME} in its place. What looks up events, ${id NAME}, stays.
StatusOr<std::string> Filled(const std::string& text, const Variables& variables) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find("${", at);
    out += text.substr(at, open - at);
    if (open == std::string::npos) break;
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) return InvalidArgument("expected } after ${");
    const std::string name = text.substr(open + 2, close - open - 2);
    if (name.find(' ') != std::string::npos) {
      out += text.substr(open, close + 1 - open);
    } else {
      const auto found = variables.find(name);
      if (found == variables.end()) return InvalidArgument("nothing is set as " + name);
      out += found->second;
    }
    at = close + 1;
  }
  return out;
}

// Reads a script and, in their places, its scenes.
class ScriptReader {
 public:
  explicit ScriptReader(std::filesystem::path scenes) : scenes_(std::move(scenes)) {}

  Status Read(const std::filesystem::path& script) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string text, ReadFile(script, kMaxScript));
    std::istringstream lines(text);
    int number = 0;
    Part part = Part::kOutside;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line.starts_with('#')) {
        if (journey_.title.empty()) journey_.opening += line.substr(1) + '\n';
        continue;
      }
      const Status status = Take(line, part);
      if (!status.ok()) return InvalidArgument(Where(script, number) + ": " + Message(status));
      if (line.starts_with('+')) journey_.steps.back().where = Where(script, number);
    }
    return {};
  }

  Journey Finish() {
    if (!journey_.steps.empty()) journey_.therapy = journey_.steps[0].therapy;
    return std::move(journey_);
  }

 private:
  enum class Part { kOutside, kOptions, kBody };

  static std::string Where(const std::filesystem::path& script, int line) {
    return script.filename().string() + ":" + std::to_string(line);
  }

  Status Take(const std::string& raw, Part& part) {
    if (raw.empty()) {
      part = Part::kOutside;
      return {};
    }
    CUSTODY_ASSIGN_OR_RETURN(const std::string line, Filled(raw, variables_));
    if (part == Part::kOutside) {
      if (!line.starts_with('+')) return Direct(line);
      part = Part::kOptions;
      return Begin(line);
    }
    if (part == Part::kOptions) {
      CUSTODY_ASSIGN_OR_RETURN(const bool option, Option(line));
      if (option) return {};
      part = Part::kBody;
    }
    journey_.steps.back().body += line + '\n';
    return {};
  }

  // A line that is no step.
  Status Direct(const std::string& line) {
    const std::vector<std::string> words = Words(line);
    const std::string& verb = words[0];
    const std::string rest =
        words.size() > 1 ? line.substr(line.find(words[1], verb.size())) : std::string();
    if (verb == "title" && !rest.empty()) {
      journey_.title = rest;
    } else if (verb == "profile" && words.size() == 2) {
      journey_.profiles.push_back(words[1]);
    } else if (verb == "site" && words.size() == 3) {
      journey_.sites.push_back({words[1], words[2]});
    } else if (verb == "set" && words.size() > 2) {
      variables_[words[1]] = rest.substr(rest.find(words[2], words[1].size()));
    } else if (verb == "day" && words.size() == 2) {
      day_ = std::atoll(words[1].c_str());
    } else if (verb == "therapy" && words.size() == 2) {
      therapy_ = words[1];
    } else if (verb == "wristband" && words.size() == 2) {
      wristband_ = words[1] == "first" ? "" : words[1];
    } else if (verb == "scene" && words.size() > 1) {
      return PlayScene(words);
    } else if (verb == "repeat" && words.size() > 3 && words[2] == "scene") {
      return Repeat(std::atoi(words[1].c_str()), {words.begin() + 2, words.end()});
    } else {
      return InvalidArgument(
          "expected title, profile, site, set, day, therapy, wristband, scene, repeat or a step, "
          "found " +
          line);
    }
    return {};
  }

  // What a scene is told counts within it; what it sets, also behind it.
  Status PlayScene(const std::vector<std::string>& words) {
    const Variables outside = variables_;
    std::vector<std::string> told;
    for (std::size_t i = 2; i < words.size(); ++i) {
      const std::size_t equals = words[i].find('=');
      if (equals == std::string::npos) return InvalidArgument("expected NAME=VALUE: " + words[i]);
      told.push_back(words[i].substr(0, equals));
      variables_[told.back()] = words[i].substr(equals + 1);
    }
    CUSTODY_RETURN_IF_ERROR(Read(scenes_ / (words[1] + ".txt")));
    for (const std::string& name : told) {
      variables_.erase(name);
      const auto before = outside.find(name);
      if (before != outside.end()) variables_.insert(*before);
    }
    return {};
  }

  // What happens to many goes on side by side.
  Status Repeat(int times, const std::vector<std::string>& scene) {
    const auto begins = static_cast<std::ptrdiff_t>(journey_.steps.size());
    for (int i = 1; i <= times; ++i) {
      variables_["N"] = (i < 10 ? "0" : "") + std::to_string(i);
      CUSTODY_RETURN_IF_ERROR(PlayScene(scene));
    }
    const std::span<JourneyStep> steps(journey_.steps.begin() + begins, journey_.steps.end());
    std::ranges::stable_sort(steps, {}, &JourneyStep::signed_after);
    return {};
  }

  Status Begin(const std::string& line) {
    const std::vector<std::string> words = Words(line);
    JourneyStep step;
    step.therapy = therapy_;
    step.wristband = wristband_;
    CUSTODY_ASSIGN_OR_RETURN(step.after, AfterStart(words[0]));
    step.after += day_ * kMicrosPerDay;
    step.signed_after = step.after;
    step.signers.assign(words.begin() + 1, words.end());
    if (step.signers.empty()) return InvalidArgument("expected who signs after the time");
    journey_.steps.push_back(std::move(step));
    return {};
  }

  // Whether `line` says something about the step that has begun.
  StatusOr<bool> Option(const std::string& line) {
    JourneyStep& step = journey_.steps.back();
    std::vector<std::string> words = Words(line);
    const std::string verb = words[0];
    words.erase(words.begin());
    if (verb == "held" && words.empty()) {
      step.held = true;
      return true;
    }
    if (words.empty()) return false;
    const bool none = words[0] == "none";
    const std::string rest = line.substr(line.find(words[0], verb.size()));
    if (verb == "as") {
      step.name = words[0];
    } else if (verb == "cites") {
      if (!none) step.cites = words[0];
    } else if (verb == "adopts") {
      step.adopts = words[0];
    } else if (verb == "late" || verb == "downtime") {
      step.mode = verb == "late" ? pb::LATE : pb::DOWNTIME;
      step.reason = rest;
    } else if (verb == "signed") {
      CUSTODY_ASSIGN_OR_RETURN(step.signed_after, AfterStart(words[0]));
      step.signed_after += day_ * kMicrosPerDay;
    } else if (verb == "by") {
      step.performed_by = words;
    } else if (verb == "refused") {
      if (!none) step.refused = Sorted(words);
    } else if (verb == "deviates") {
      if (!none) step.deviates = Sorted(words);
    } else {
      return false;
    }
    return true;
  }

  const std::filesystem::path scenes_;
  Variables variables_;
  Journey journey_;
  std::int64_t day_ = 0;
  std::string therapy_ = "T1";
  std::string wristband_;
};

std::string Bytes(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes) {
    char octal[8];
    std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned char>(c));
    out += octal;
  }
  return out + "\"";
}

// What a wristband says: a number of the hospital and a date of birth; another wristband, "new",
// has another number. `token` is $WRIST:field or $WRIST@new:field, or, of the number alone,
// $NUMBER.
std::string Wristband(const JourneyStep& step, const std::string& token) {
  const std::size_t colon = token.find(':');
  const std::size_t at = std::min(token.find('@'), colon);
  const std::string named = at == colon ? "" : token.substr(at + 1, colon - at - 1);
  const std::string worn = named.empty() ? step.wristband : named == "first" ? "" : named;
  const std::string patient = "main path" + (step.therapy == "T1" ? "" : " of " + step.therapy);
  const auto identifier = [&](std::string_view type, std::string_view value) {
    return token.substr(colon + 1) + " { type: \"" + std::string(type) +
           "\" commitment: " + Bytes(Sha256({type, value}).view()) + " source: SCANNED } ";
  };
  const std::string number = identifier("mrn", worn.empty() ? patient : patient + " " + worn);
  return token.starts_with("$NUMBER") ? number : number + identifier("dob", patient);
}

// "", "-30m", "+2h", "+3d" after a $T.
std::int64_t Offset(std::string_view text) {
  if (text.empty()) return 0;
  const std::int64_t count = std::atoll(std::string(text.substr(1, text.size() - 2)).c_str());
  const std::int64_t unit = text.back() == 'm'   ? kMicrosPerMinute
                            : text.back() == 'h' ? kMicrosPerHour
                                                 : kMicrosPerDay;
  return (text.front() == '-' ? -count : count) * unit;
}

StatusOr<std::string> Expanded(const JourneyStep& step, const std::string& token, Instant at) {
  if (token.starts_with("$T")) {
    const std::int64_t micros = at.micros + Offset(std::string_view(token).substr(2));
    return "{ seconds: " + std::to_string(micros / kMicrosPerSecond) + " }";
  }
  if (token == "$FILE") {
    return "{ sha256: " + Bytes(Sha256(kJourneyFile).view()) +
           " size: " + std::to_string(kJourneyFile.size()) + " media_type: \"application/pdf\" }";
  }
  if (token == "$HASH") return Bytes(Sha256("a text").view());
  if (token.starts_with("$SCAN:")) {
    return "{ value: \"" + token.substr(6) + "\" source: SCANNED }";
  }
  if (token.starts_with("$WRIST") || token.starts_with("$NUMBER")) return Wristband(step, token);
  return InvalidArgument("unknown token " + token);
}

// ${id NAME} and ${id8 NAME}.
StatusOr<std::string> Named(std::string_view words, const std::map<std::string, std::string>& ids) {
  const std::size_t blank = words.find(' ');
  const auto found = ids.find(std::string(words.substr(blank + 1)));
  if (found == ids.end())
    return InvalidArgument("no event is named in ${" + std::string(words) + "}");
  const std::string_view kind = words.substr(0, blank);
  if (kind == "id") return Bytes(found->second);
  if (kind == "id8") return Hex(found->second).substr(0, 8);
  return InvalidArgument("expected ${id NAME} or ${id8 NAME}, found ${" + std::string(words) + "}");
}

}  // namespace

StatusOr<Journey> ReadJourney(const std::filesystem::path& script) {
  ScriptReader reader(script.parent_path() / "scenes");
  CUSTODY_RETURN_IF_ERROR(reader.Read(script));
  return reader.Finish();
}

StatusOr<pb::Event> BodyOf(const JourneyStep& step, Instant at,
                           const std::map<std::string, std::string>& ids) {
  std::string text;
  for (std::size_t i = 0; i < step.body.size();) {
    if (step.body[i] != '$') {
      text += step.body[i++];
      continue;
    }
    const bool named = step.body.compare(i, 2, "${") == 0;
    std::size_t end = i;
    while (end < step.body.size() &&
           (named ? step.body[end] != '}'
                  : std::isspace(static_cast<unsigned char>(step.body[end])) == 0)) {
      ++end;
    }
    const std::string token = step.body.substr(i, end - i);
    StatusOr<std::string> filled = named ? Named(token.substr(2), ids) : Expanded(step, token, at);
    if (!filled.ok()) return InvalidArgument(step.where + ": " + Message(filled.status()));
    text += *filled;
    i = named ? end + 1 : end;
  }
  pb::Event event;
  if (!google::protobuf::TextFormat::ParseFromString(text, &event)) {
    return InvalidArgument(step.where + ": this is no event: " + text);
  }
  return event;
}

}  // namespace custody

// The path itself stands in main_path.txt, so that it reads like the record it becomes.
#include "tests/support/main_path.h"

#include <google/protobuf/text_format.h>

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "custody/event.h"
#include "custody/rules.h"
#include "custody/therapy.h"

namespace custody {
namespace {

constexpr std::int64_t kM = kMicrosPerMinute;
constexpr std::int64_t kH = kMicrosPerHour;
constexpr std::int64_t kD = kMicrosPerDay;

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "the main path does not hold: %s\n", why.c_str());
  std::abort();
}

std::string Bytes(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes) {
    char octal[8];
    std::snprintf(octal, sizeof octal, "\\%03o", static_cast<unsigned char>(c));
    out += octal;
  }
  return out + "\"";
}

std::string Wristband(const std::string& field) {
  std::string out;
  for (const char* type : {"mrn", "dob"}) {
    out += field + " { type: \"" + type +
           "\" commitment: " + Bytes(Sha256({type, "main path"}).view()) + " source: SCANNED } ";
  }
  return out;
}

// "", "-30m", "+2h", "+3d" after a $T.
std::int64_t Offset(std::string_view text) {
  if (text.empty()) return 0;
  const std::int64_t count = std::atoll(std::string(text.substr(1, text.size() - 2)).c_str());
  const std::int64_t unit = text.back() == 'm' ? kM : text.back() == 'h' ? kH : kD;
  return (text.front() == '-' ? -count : count) * unit;
}

std::string Token(const std::string& token, Instant now) {
  if (token.starts_with("$T")) {
    const std::int64_t micros = now.micros + Offset(std::string_view(token).substr(2));
    return "{ seconds: " + std::to_string(micros / kMicrosPerSecond) + " }";
  }
  if (token == "$FILE") {
    return "{ sha256: " + Bytes(Sha256("a file").view()) +
           " size: 6 media_type: \"application/pdf\" }";
  }
  if (token == "$HASH") return Bytes(Sha256("a text").view());
  if (token.starts_with("$SCAN:")) {
    return "{ value: \"" + token.substr(6) + "\" source: SCANNED }";
  }
  if (token.starts_with("$WRIST:")) return Wristband(token.substr(7));
  Fail("unknown token " + token);
}

// "+14d04h10m" after the start.
std::int64_t After(const std::string& text) {
  int days = 0;
  int hours = 0;
  int minutes = 0;
  if (std::sscanf(text.c_str(), "+%dd%dh%dm", &days, &hours, &minutes) != 3) Fail(text);
  return days * kD + hours * kH + minutes * kM;
}

std::string ReadFile(const std::string& path) {
  const std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (text.str().empty()) Fail(path + " is missing");
  return text.str();
}

}  // namespace

pb::Event ParseBody(std::string_view text, Instant now) {
  std::string expanded;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      expanded += text[i++];
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])) == 0) ++end;
    expanded += Token(std::string(text.substr(i, end - i)), now);
    i = end;
  }
  pb::Event event;
  if (!google::protobuf::TextFormat::ParseFromString(expanded, &event)) Fail(expanded);
  return event;
}

std::vector<MainStep> MainPath(Instant start) {
  std::istringstream lines(ReadFile(CUSTODY_SUPPORT_FOLDER "/main_path.txt"));
  std::vector<MainStep> steps;
  std::string text;
  const auto finish = [&] {
    if (text.empty()) return;
    steps.back().event = ParseBody(text, start + steps.back().after);
    steps.back().body = std::string(BodyName(steps.back().event));
    text.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    if (line.starts_with('+')) {
      std::istringstream words(line);
      std::string word;
      words >> word;
      steps.push_back({"", {}, After(word), {}});
      while (words >> word) steps.back().signers.push_back(word);
    } else if (line.empty()) {
      finish();
    } else {
      text += line + '\n';
    }
  }
  finish();
  return steps;
}

pb::Profile DemoProfile() {
  pb::Profile profile;
  const std::string text = ReadFile(CUSTODY_PROFILE_FOLDER "/demo-product.textproto");
  if (!google::protobuf::TextFormat::ParseFromString(text, &profile)) Fail("the demo profile");
  return profile;
}

TherapyRun::TherapyRun(TestLedger& ledger, std::string_view chain)
    : ledger_(ledger), chain_(chain), start_(ledger.now()), steps_(MainPath(start_)) {
  const pb::Profile profile = DemoProfile();
  if (ledger.registry().FindProfile(profile.name()) == nullptr) ledger.PublishProfile(profile);
}

EventBuilder TherapyRun::Build(const MainStep& step) {
  ledger_.set_now(start_ + step.after);
  EventBuilder event = ledger_.On(chain_);
  for (const std::string& signer : step.signers) event.By(signer);
  event.event().MergeFrom(step.event);
  return event;
}

void TherapyRun::RecordNext() {
  EventBuilder event = Build(steps_[next_]);
  const pb::Verdict verdict = Record(event);
  if (verdict.refused()) Fail(steps_[next_].body + ": " + Explain(verdict));
  ++next_;
}

void TherapyRun::Until(std::string_view body) {
  while (next_ < steps_.size() && (body.empty() || steps_[next_].body != body)) RecordNext();
}

void TherapyRun::Through(std::string_view body) {
  Until(body);
  while (next_ < steps_.size() && steps_[next_].body == body) RecordNext();
}

EventBuilder TherapyRun::Next() { return Build(steps_[next_++]); }

void TherapyRun::Skip(std::string_view body) {
  while (next_ < steps_.size() && steps_[next_].body != body) ++next_;
}

EventBuilder TherapyRun::Draft(const std::vector<std::string>& signers, std::string_view text) {
  EventBuilder event = ledger_.On(chain_);
  for (const std::string& signer : signers) event.By(signer);
  event.event().MergeFrom(ParseBody(text, ledger_.now()));
  return event;
}

pb::Verdict TherapyRun::Judge(const EventBuilder& event) const {
  const Place place{ledger_.next_index(), state_.length(), ledger_.now()};
  return custody::Judge(event.Parse(), ledger_.registry(), state_, place);
}

pb::Verdict TherapyRun::Record(EventBuilder& event) {
  pb::Verdict verdict = Judge(event);
  if (verdict.refused()) return verdict;
  const Recorded& recorded = event.Record();
  const Place place{recorded.index, recorded.parsed.event.sequence(), recorded.received_at};
  ApplyToTherapy(recorded.parsed, place, verdict, ledger_.registry(), state_);
  verdicts_.push_back(verdict);
  return verdict;
}

}  // namespace custody

#include "crypto/witness_policy.h"

#include <algorithm>
#include <charconv>
#include <set>

namespace custody {
namespace {

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  constexpr std::string_view kBlanks = " \t";
  for (std::size_t at = line.find_first_not_of(kBlanks); at != line.npos;
       at = line.find_first_not_of(kBlanks, at)) {
    const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
    words.emplace_back(line.substr(at, end - at));
    at = end;
  }
  return words;
}

// The number of `members` that "any", "all" or a plain number asks for; 0 when it is none of them.
std::size_t Threshold(const std::string& text, std::size_t members) {
  if (text == "any") return 1;
  if (text == "all") return members;
  std::size_t threshold = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), threshold);
  static_cast<void>(stop);
  if (error != std::errc() || std::to_string(threshold) != text || threshold > members) return 0;
  return threshold;
}

}  // namespace

// Reads a policy line by line; every name must stand before it is used, so there are no cycles.
class WitnessPolicy::Reader {
 public:
  Status Line(const std::vector<std::string>& words) {
    const std::size_t count = words.size();
    if (words[0] == "log" && (count == 2 || count == 3)) return Log(words[1]);
    if (words[0] == "witness" && (count == 3 || count == 4)) return Witness(words[1], words[2]);
    if (words[0] == "group" && count >= 4) return AddGroup(words);
    if (words[0] == "quorum" && count == 2) return Quorum(words[1]);
    return InvalidArgument(
        "expected 'log VKEY [URL]', 'witness NAME VKEY [URL]', 'group NAME any|all|K MEMBER...' or "
        "'quorum NAME'");
  }

  StatusOr<WitnessPolicy> Finish() {
    if (policy_.logs_.empty()) return InvalidArgument("witness policy has no log line");
    if (policy_.quorum_.empty()) return InvalidArgument("witness policy has no quorum line");
    return std::move(policy_);
  }

 private:
  // Parses a key that no line before has named.
  StatusOr<NoteVerifier> NewKey(const std::string& vkey, NoteKeyType type) {
    CUSTODY_ASSIGN_OR_RETURN(NoteVerifier verifier, NoteVerifier::Parse(vkey));
    if (verifier.type() != type) {
      return InvalidArgument(type == NoteKeyType::kEd25519
                                 ? "expected a log's key to be of type 0x01"
                                 : "expected a witness' key to be of type 0x04");
    }
    if (!keys_.insert(verifier.key().key_id()).second) {
      return InvalidArgument("the key of " + verifier.name() + " stands in the policy twice");
    }
    return verifier;
  }

  Status CheckNewName(const std::string& name) const {
    if (name == "none" || Knows(name)) {
      return InvalidArgument("the name " + name + " is taken");
    }
    return absl::OkStatus();
  }

  bool Knows(const std::string& name) const {
    return policy_.witnesses_.contains(name) || policy_.groups_.contains(name);
  }

  Status Log(const std::string& vkey) {
    CUSTODY_ASSIGN_OR_RETURN(NoteVerifier verifier, NewKey(vkey, NoteKeyType::kEd25519));
    policy_.logs_.push_back(std::move(verifier));
    return absl::OkStatus();
  }

  Status Witness(const std::string& name, const std::string& vkey) {
    CUSTODY_RETURN_IF_ERROR(CheckNewName(name));
    CUSTODY_ASSIGN_OR_RETURN(NoteVerifier verifier, NewKey(vkey, NoteKeyType::kCosignatureV1));
    policy_.witnesses_.emplace(name, std::move(verifier));
    return absl::OkStatus();
  }

  Status AddGroup(const std::vector<std::string>& words) {
    CUSTODY_RETURN_IF_ERROR(CheckNewName(words[1]));
    Group group;
    for (std::size_t i = 3; i < words.size(); ++i) {
      if (!Knows(words[i])) return InvalidArgument("no line before names " + words[i]);
      if (std::count(group.members.begin(), group.members.end(), words[i]) != 0) {
        return InvalidArgument(words[i] + " is in the group twice");
      }
      group.members.push_back(words[i]);
    }
    group.threshold = Threshold(words[2], group.members.size());
    if (group.threshold == 0) {
      return InvalidArgument("expected 'any', 'all' or 1 to " +
                             std::to_string(group.members.size()) + ", found " + words[2]);
    }
    policy_.groups_.emplace(words[1], std::move(group));
    return absl::OkStatus();
  }

  Status Quorum(const std::string& name) {
    if (!policy_.quorum_.empty()) return InvalidArgument("a policy has one quorum line");
    if (name != "none" && !Knows(name)) return InvalidArgument("no line before names " + name);
    policy_.quorum_ = name;
    return absl::OkStatus();
  }

  WitnessPolicy policy_;
  std::set<Hash> keys_;
};

StatusOr<WitnessPolicy> WitnessPolicy::Parse(std::string_view text) {
  Reader reader;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string> words = Words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty() || words[0].starts_with('#')) continue;
    CUSTODY_RETURN_IF_ERROR(
        WithContext(reader.Line(words), "witness policy line " + std::to_string(number)));
  }
  return reader.Finish();
}

Status WitnessPolicy::Satisfied(const Note& note) const {
  CUSTODY_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Parse(note.text));
  const bool by_log = std::any_of(logs_.begin(), logs_.end(), [&](const NoteVerifier& log) {
    return log.name() == checkpoint.origin && VerifyNote(note, log).ok();
  });
  if (!by_log) {
    return InvalidArgument("checkpoint of " + checkpoint.origin +
                           " is not signed by a log of the policy");
  }
  if (!wants_witnesses()) return absl::OkStatus();
  std::map<std::string, bool> known;
  std::string cosigners;
  for (const auto& [name, verifier] : witnesses_) {
    known[name] = VerifyNote(note, verifier).ok();
    if (known[name]) cosigners += (cosigners.empty() ? "" : ", ") + name;
  }
  if (Holds(quorum_, known)) return absl::OkStatus();
  return InvalidArgument("checkpoint does not meet the witness quorum " + quorum_ +
                         "; valid cosignatures: " + (cosigners.empty() ? "none" : cosigners));
}

std::vector<std::string> WitnessPolicy::BrokenCosigners(const Note& note) const {
  std::vector<std::string> broken;
  for (const auto& [name, verifier] : witnesses_) {
    const Status status = VerifyNote(note, verifier).status();
    if (!status.ok() && status.code() != StatusCode::kNotFound) broken.push_back(name);
  }
  return broken;
}

bool WitnessPolicy::Holds(const std::string& name, std::map<std::string, bool>& known) const {
  if (const auto found = known.find(name); found != known.end()) return found->second;
  const Group& group = groups_.find(name)->second;
  std::size_t count = 0;
  for (const std::string& member : group.members) {
    if (Holds(member, known)) ++count;
  }
  return known[name] = count >= group.threshold;
}

}  // namespace custody

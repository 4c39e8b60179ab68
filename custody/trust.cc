#include "custody/trust.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

namespace custody {
namespace {

using nlohmann::json;

Status Malformed(std::string_view what) {
  return InvalidArgument("trust file: " + std::string(what));
}

// `ParseOnce` parses `text` and refuses what the library lets pass: a key that stands twice, a byte
// order mark, a NUL byte (the library takes it for the end).
StatusOr<json> ParseOnce(std::string_view text) {
  if (text.find('\0') != text.npos) return Malformed("expected json text, found a NUL byte");
  if (text.starts_with("\xEF\xBB\xBF")) return Malformed("expected {, found a byte order mark");
  std::vector<std::set<std::string>> keys;
  std::string twice;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      twice = parsed.get<std::string>();
    return true;
  };
  json parsed = json::parse(text, watch, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return Malformed("expected json, found something else");
  if (!twice.empty()) return Malformed("expected each key once, found \"" + twice + "\" twice");
  if (!parsed.is_object()) return Malformed("expected an object at the top");
  return parsed;
}

StatusOr<std::string> TextOf(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) return Malformed(std::string("expected \"") + key + "\", found none");
  if (!found->is_string()) return Malformed(std::string("expected text in \"") + key + "\"");
  return found->get<std::string>();
}

Status CheckKeys(const json& object) {
  static const std::set<std::string> kKnown = {"custodyTrust", "origin", "logKey", "genesis",
                                               "policy"};
  for (const auto& [key, value] : object.items()) {
    if (!kKnown.contains(key)) return Malformed("unknown key \"" + key + "\"");
  }
  const auto version = object.find("custodyTrust");
  if (version == object.end() || !version->is_number_unsigned() ||
      version->get<std::uint64_t>() != 1)
    return Malformed("expected \"custodyTrust\": 1; a newer file needs a newer program");
  return absl::OkStatus();
}

bool Names(const WitnessPolicy& policy, const NoteVerifier& log_key) {
  for (const NoteVerifier& log : policy.logs()) {
    if (log.ToString() == log_key.ToString()) return true;
  }
  return false;
}

}  // namespace

StatusOr<TrustAnchor> TrustAnchor::Parse(std::string_view text) {
  CUSTODY_ASSIGN_OR_RETURN(const json object, ParseOnce(text));
  CUSTODY_RETURN_IF_ERROR(CheckKeys(object));
  CUSTODY_ASSIGN_OR_RETURN(const std::string origin, TextOf(object, "origin"));
  CUSTODY_ASSIGN_OR_RETURN(const std::string log_key, TextOf(object, "logKey"));
  CUSTODY_ASSIGN_OR_RETURN(TrustAnchor anchor, FromLogKey(log_key));
  if (anchor.origin != origin)
    return Malformed("expected the log key of " + origin + ", found that of " + anchor.origin);
  // Whoever sends a file means a certain ledger: a key alone is said as such, see FromLogKey.
  CUSTODY_ASSIGN_OR_RETURN(const std::string hex, TextOf(object, "genesis"));
  auto genesis = Hash::FromHex(hex);
  if (!genesis.ok()) return Malformed("genesis: " + Message(genesis.status()));
  anchor.genesis = *genesis;
  if (object.contains("policy")) {
    CUSTODY_ASSIGN_OR_RETURN(anchor.policy_text, TextOf(object, "policy"));
    auto policy = WitnessPolicy::Parse(anchor.policy_text);
    if (!policy.ok()) return Malformed("policy: " + Message(policy.status()));
    if (!Names(*policy, anchor.log_key))
      return Malformed("expected a policy for the log key, found one for other logs");
    anchor.policy = *std::move(policy);
  }
  return anchor;
}

StatusOr<TrustAnchor> TrustAnchor::FromLogKey(std::string_view vkey) {
  auto verifier = NoteVerifier::Parse(vkey);
  if (!verifier.ok()) return WithContext(verifier.status(), "log key");
  if (verifier->type() != NoteKeyType::kEd25519)
    return InvalidArgument("log key: expected a log's key (type 1), found a witness's");
  std::string origin = verifier->name();
  return TrustAnchor{.origin = std::move(origin),
                     .log_key = *std::move(verifier),
                     .genesis = std::nullopt,
                     .policy = std::nullopt,
                     .policy_text = {}};
}

std::string TrustAnchor::ToJson() const {
  nlohmann::ordered_json object;
  object["custodyTrust"] = 1;
  object["origin"] = origin;
  object["logKey"] = log_key.ToString();
  if (genesis) object["genesis"] = genesis->ToHex();
  if (policy) object["policy"] = policy_text;
  return object.dump(2) + "\n";
}

}  // namespace custody

#include "client/draft.h"

#include <nlohmann/json.hpp>

namespace custody {
namespace {

using nlohmann::json;

std::string Upper(std::string_view text) {
  std::string upper;
  for (const char c : text) {
    upper += c == '-' ? '_' : (c >= 'a' && c <= 'z') ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return upper;
}

std::vector<std::string> SplitColons(std::string_view text, std::size_t most) {
  std::vector<std::string> parts;
  while (parts.size() + 1 < most) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) break;
    parts.emplace_back(text.substr(0, colon));
    text.remove_prefix(colon + 1);
  }
  parts.emplace_back(text);
  return parts;
}

// A JSON value as the text that SetField reads.
StatusOr<std::string> AsText(const json& value, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return std::string(value.get<bool>() ? "yes" : "no");
  if (value.is_number()) return value.dump();
  return InvalidArgument("\"" + where + "\" must be text, a number, true or false");
}

Status Flatten(const json& value, const std::string& path,
               std::vector<std::pair<std::string, std::string>>& fields) {
  if (value.is_object() || value.is_array()) {
    std::size_t index = 0;
    for (const auto& [key, part] : value.items()) {
      const std::string name = value.is_object() ? key : std::to_string(index++);
      CUSTODY_RETURN_IF_ERROR(Flatten(part, path.empty() ? name : path + "." + name, fields));
    }
    return absl::OkStatus();
  }
  CUSTODY_ASSIGN_OR_RETURN(std::string text, AsText(value, path));
  fields.emplace_back(path, std::move(text));
  return absl::OkStatus();
}

StatusOr<std::vector<std::string>> Texts(const json& value, const std::string& where) {
  if (!value.is_array()) return InvalidArgument("\"" + where + "\" must be a list");
  std::vector<std::string> texts;
  for (const json& one : value) {
    CUSTODY_ASSIGN_OR_RETURN(std::string text, AsText(one, where));
    texts.push_back(std::move(text));
  }
  return texts;
}

StatusOr<pb::Meaning> ParseMeaning(std::string_view text) {
  pb::Meaning meaning = pb::MEANING_UNSPECIFIED;
  if (!pb::Meaning_Parse(Upper(text), &meaning) || meaning == pb::MEANING_UNSPECIFIED) {
    return InvalidArgument(
        "\"" + std::string(text) +
        "\" is no meaning of a signature; one of performed, verified, approved, "
        "accepted, witnessed, rejected, transcribed, checked, ordered, reviewed");
  }
  return meaning;
}

StatusOr<DraftSigner> SignerOf(const json& value) {
  if (value.is_string()) return DraftSigner::Parse(value.get<std::string>());
  if (!value.is_object()) return InvalidArgument("a signer is \"PERSON:ROLE\" or an object");
  DraftSigner signer;
  for (const auto& [key, part] : value.items()) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string text, AsText(part, "signers." + key));
    if (key == "person") {
      signer.person = text;
    } else if (key == "role") {
      CUSTODY_ASSIGN_OR_RETURN(signer.role, ParseRole(text));
    } else if (key == "meaning") {
      CUSTODY_ASSIGN_OR_RETURN(signer.meaning, ParseMeaning(text));
    } else if (key == "identified_at") {
      signer.identified_at = text;
    } else {
      return InvalidArgument("a signer has no \"" + key + "\"");
    }
  }
  if (signer.person.empty() || signer.role == pb::ROLE_UNSPECIFIED) {
    return InvalidArgument("a signer needs person and role");
  }
  return signer;
}

Status SetMember(Draft& draft, const std::string& key, const json& value) {
  if (key == "fields") {
    if (!value.is_object()) return InvalidArgument("\"fields\" must be an object");
    return Flatten(value, "", draft.fields);
  }
  if (key == "signers" || key == "performed_by") {
    if (!value.is_array()) return InvalidArgument("\"" + key + "\" must be a list");
    for (const json& one : value) {
      if (key == "signers") {
        CUSTODY_ASSIGN_OR_RETURN(DraftSigner signer, SignerOf(one));
        draft.signers.push_back(std::move(signer));
      } else {
        CUSTODY_ASSIGN_OR_RETURN(const std::string text, AsText(one, key));
        CUSTODY_ASSIGN_OR_RETURN(pb::Performer performer, ParsePerformer(text));
        draft.performed_by.push_back(std::move(performer));
      }
    }
    return absl::OkStatus();
  }
  for (auto& [name, list] :
       std::initializer_list<std::pair<const char*, std::vector<std::string>*>>{
           {"grants", &draft.grants},
           {"identifiers", &draft.identifiers},
           {"identifiers_again", &draft.identifiers_again}}) {
    if (key != name) continue;
    CUSTODY_ASSIGN_OR_RETURN(*list, Texts(value, key));
    return absl::OkStatus();
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::string text, AsText(value, key));
  if (key == "entry") {
    if (!pb::EntryMode_Parse(Upper(text), &draft.entry) || draft.entry == 0) {
      return InvalidArgument("\"entry\" is LIVE, LATE or DOWNTIME, not \"" + text + "\"");
    }
    return absl::OkStatus();
  }
  for (auto& [name, member] : std::initializer_list<std::pair<const char*, std::string*>>{
           {"event", &draft.event},
           {"therapy", &draft.therapy},
           {"at", &draft.at},
           {"reason", &draft.reason},
           {"logger_file", &draft.logger_file},
           {"read_from", &draft.read_from}}) {
    if (key != name) continue;
    *member = text;
    return absl::OkStatus();
  }
  return InvalidArgument("there is no \"" + key +
                         "\" in a line; known are event, therapy, at, entry, "
                         "reason, signers, performed_by, grants, fields, logger_file, "
                         "identifiers, identifiers_again and read_from");
}

}  // namespace

StatusOr<pb::Role> ParseRole(std::string_view text) {
  pb::Role role = pb::ROLE_UNSPECIFIED;
  if (!pb::Role_Parse(Upper(text), &role) || role == pb::ROLE_UNSPECIFIED) {
    return InvalidArgument(
        "\"" + std::string(text) +
        "\" is no role; roles are PHY, APP, COORD, RN, PHARM, CELL_LAB, APH, LAB, "
        "COUR, WH, MFG, MFG2, QC, QA, QP, SCHED, REG, DEVICE and so on");
  }
  return role;
}

StatusOr<DraftSigner> DraftSigner::Parse(std::string_view text) {
  const std::vector<std::string> parts = SplitColons(text, 3);
  if (parts.size() < 2 || parts[0].empty()) {
    return InvalidArgument("expected a signer as PERSON:ROLE or PERSON:ROLE:MEANING, found \"" +
                           std::string(text) + "\"");
  }
  DraftSigner signer;
  signer.person = parts[0];
  CUSTODY_ASSIGN_OR_RETURN(signer.role, ParseRole(parts[1]));
  if (parts.size() == 3) {
    CUSTODY_ASSIGN_OR_RETURN(signer.meaning, ParseMeaning(parts[2]));
  }
  return signer;
}

StatusOr<pb::Performer> ParsePerformer(std::string_view text) {
  const std::vector<std::string> parts = SplitColons(text, 3);
  if (parts.size() != 3 || parts[2].empty()) {
    return InvalidArgument(
        "expected who did it as PERSON:ROLE:NAME (PERSON empty when not enrolled), found \"" +
        std::string(text) + "\"");
  }
  pb::Performer performer;
  performer.set_person(parts[0]);
  CUSTODY_ASSIGN_OR_RETURN(const pb::Role role, ParseRole(parts[1]));
  performer.set_role(role);
  performer.set_printed_name(parts[2]);
  return performer;
}

StatusOr<Draft> Draft::ParseJson(std::string_view line) {
  const json object = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return InvalidArgument("expected one JSON object on a line");
  Draft draft;
  for (const auto& [key, value] : object.items()) {
    CUSTODY_RETURN_IF_ERROR(SetMember(draft, key, value));
  }
  if (draft.event.empty()) return InvalidArgument("\"event\" is missing");
  return draft;
}

pb::Meaning DefaultMeaning(pb::EntryMode entry, std::size_t place) {
  if (entry != pb::LIVE) return place == 0 ? pb::TRANSCRIBED : pb::CHECKED;
  return place == 0 ? pb::PERFORMED : pb::VERIFIED;
}

}  // namespace custody

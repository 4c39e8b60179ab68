#include "client/patient.h"

#include <algorithm>
#include <optional>

#include "client/field_values.h"
#include "crypto/sealing.h"
#include "custody/identity.h"

namespace custody {
namespace {

bool OnlyInClear(std::string_view clear) {
  return clear.starts_with("name:") || clear.starts_with("typed:name:");
}

// What identifies, without how it was entered, in an order of its own: for comparing two readings.
StatusOr<std::vector<std::string>> Compared(const std::vector<std::string>& reading) {
  std::vector<std::string> texts;
  for (const std::string& clear : reading) {
    if (OnlyInClear(clear)) continue;
    CUSTODY_ASSIGN_OR_RETURN(const ClearIdentifier identifier, ClearIdentifier::Parse(clear));
    texts.push_back(CommitmentText(identifier.type, identifier.issuer, identifier.value));
  }
  std::ranges::sort(texts);
  return texts;
}

Status CheckReadings(const Draft& draft) {
  CUSTODY_ASSIGN_OR_RETURN(const auto first, Compared(draft.identifiers));
  CUSTODY_ASSIGN_OR_RETURN(const auto second, Compared(draft.identifiers_again));
  if (first.size() < 2) {
    return InvalidArgument(
        "at least two identifiers of the patient are read, for example --identifier "
        "mrn:CLINIC-A:0012345 --identifier dob::19710409");
  }
  if (second.empty()) {
    return InvalidArgument(
        "the second person reads the identifiers too: give them with --identifier-again");
  }
  if (first != second) {
    return InvalidArgument(
        "the two people read different identifiers; both read them again, from the patient");
  }
  return absl::OkStatus();
}

bool Gives(const Draft& draft, std::string_view path) {
  return std::ranges::any_of(draft.fields, [&](const auto& field) {
    return field.first == path || field.first.starts_with(std::string(path) + ".");
  });
}

}  // namespace

StatusOr<std::string> NewTherapyId(Rng& rng) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, rng.Bytes(10));
  std::string id;
  unsigned buffer = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    buffer = (buffer << 8U) | static_cast<unsigned char>(byte);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      id += kAlphabet[(buffer >> bits) & 31U];
    }
    buffer &= (1U << bits) - 1U;
  }
  return id;
}

Patient::~Patient() {
  Cleanse(secret_);
  for (pb::SubjectIdentifier& identifier : heard_) {
    Cleanse(*identifier.mutable_value());
    Cleanse(*identifier.mutable_raw());
  }
}

Status Patient::Enrol(Draft& draft) {
  if (!desk_.online()) {
    return Unavailable("a patient can be enrolled only while the server is there: " +
                       Message(desk_.Reachable()));
  }
  if (draft.therapy.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(draft.therapy, NewTherapyId(desk_.rng()));
  }
  therapy_ = draft.therapy;
  enrols_ = true;
  CUSTODY_ASSIGN_OR_RETURN(secret_, desk_.rng().Bytes(32));
  if (!Gives(draft, "site")) draft.fields.emplace_back("site", desk_.folder().settings().site);
  if (Gives(draft, "readings")) return absl::OkStatus();  // spelt out by a machine
  CUSTODY_RETURN_IF_ERROR(CheckReadings(draft));
  const std::string read_from = draft.read_from.empty() ? "READ_FROM_PATIENT" : draft.read_from;
  int number = 0;
  for (const auto* reading : {&draft.identifiers, &draft.identifiers_again}) {
    const std::string path = "readings." + std::to_string(number++);
    draft.fields.emplace_back(path + ".read-from", read_from);
    for (const std::string& clear : *reading) {
      if (!OnlyInClear(clear)) draft.fields.emplace_back(path + ".identifiers", clear);
    }
  }
  for (const std::string& clear : draft.identifiers) {
    if (!OnlyInClear(clear)) {
      draft.fields.emplace_back("identifiers", clear);
      continue;
    }
    CUSTODY_ASSIGN_OR_RETURN(const ClearIdentifier name, ClearIdentifier::Parse(clear));
    pb::SubjectIdentifier& kept = heard_.emplace_back();
    kept.set_type(name.type);
    kept.set_issuer(name.issuer);
    kept.set_value(name.value);
  }
  return absl::OkStatus();
}

StatusOr<v1::IdentifierCommitment> Patient::Commit(std::string_view clear) {
  CUSTODY_ASSIGN_OR_RETURN(const ClearIdentifier identifier, ClearIdentifier::Parse(clear));
  if (secret_.empty()) {
    CUSTODY_ASSIGN_OR_RETURN(secret_, desk_.Secret(therapy_, role_));
  }
  CUSTODY_ASSIGN_OR_RETURN(
      const Hash commitment,
      CommitIdentifier(secret_, identifier.type, identifier.issuer, identifier.value));
  const bool heard = std::ranges::any_of(heard_, [&](const pb::SubjectIdentifier& known) {
    return known.type() == identifier.type && known.issuer() == identifier.issuer &&
           known.value() == identifier.value;
  });
  if (!heard) {
    pb::SubjectIdentifier& kept = heard_.emplace_back();
    kept.set_type(identifier.type);
    kept.set_issuer(identifier.issuer);
    kept.set_value(identifier.value);
  }
  v1::IdentifierCommitment result;
  result.set_type(identifier.type);
  result.set_commitment(commitment.ToString());
  result.set_source(identifier.source);
  return result;
}

Status Patient::HandToVault() {
  CUSTODY_RETURN_IF_ERROR(desk_.Reachable());
  pb::PutSubjectRequest request;
  request.set_therapy(therapy_);
  if (enrols_) request.set_secret(secret_);
  for (const pb::SubjectIdentifier& identifier : heard_) *request.add_identifiers() = identifier;
  const Status status = desk_.session().PutSubject(request);
  for (pb::SubjectIdentifier& identifier : *request.mutable_identifiers()) {
    Cleanse(*identifier.mutable_value());
  }
  Cleanse(*request.mutable_secret());
  CUSTODY_RETURN_IF_ERROR(WithContext(status, "the patient's vault"));
  if (!enrols_) return absl::OkStatus();
  return desk_.known().KeepSecret(therapy_, secret_, desk_.rng());
}

}  // namespace custody

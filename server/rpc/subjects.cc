#include "server/rpc/subjects.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/utf8.h"
#include "custody/chain.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

bool IsClinicalRole(pb::Role role) {
  switch (role) {
    case pb::PHY:
    case pb::APP:
    case pb::COORD:
    case pb::RN:
    case pb::PHARM:
    case pb::CELL_LAB:
    case pb::APH:
    case pb::LAB:
      return true;
    default:
      return false;
  }
}

bool IsReceiptOrReleaseRole(pb::Role role) {
  return role == pb::WH || role == pb::QA || role == pb::QP;
}

char Small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsOfAWord(char c) {
  return (Small(c) >= 'a' && Small(c) <= 'z') || (c >= '0' && c <= '9') ||
         static_cast<unsigned char>(c) >= 0x80;
}

void StrikeOut(std::string_view what, std::string& text) {
  constexpr std::string_view kStruckOut = "[struck out]";
  if (what.empty()) return;
  const auto same = [](char one, char other) { return Small(one) == Small(other); };
  std::size_t from = 0;
  while (true) {
    const auto found = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(),
                                   what.begin(), what.end(), same);
    if (found == text.end()) return;
    const auto at = static_cast<std::size_t>(found - text.begin());
    const std::size_t end = at + what.size();
    const bool begins = at == 0 || !IsOfAWord(text[at - 1]) || !IsOfAWord(what.front());
    const bool ends = end == text.size() || !IsOfAWord(text[end]) || !IsOfAWord(what.back());
    if (begins && ends) text.replace(at, what.size(), kStruckOut);
    from = begins && ends ? at + kStruckOut.size() : at + 1;
  }
}

// "Ng" is a name; "O" of O'Brien says nothing of anybody.
std::vector<std::string_view> WordsOf(std::string_view name) {
  std::vector<std::string_view> words;
  while (!name.empty()) {
    const auto size =
        static_cast<std::size_t>(std::ranges::find_if_not(name, IsOfAWord) - name.begin());
    if (size > 1) words.push_back(name.substr(0, size));
    name.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return words;
}

}  // namespace

StatusOr<SubjectAccess> JudgeSubjectAccess(const Caller& caller, const pb::TherapyState& state,
                                           const pb::GetSubjectRequest& request) {
  SubjectAccess access;
  const bool own_site = caller.who == Who::kClinic &&
                        (state.site() == caller.site || state.treating_site() == caller.site);
  access.secret = own_site && !state.sealed();
  if (!request.with_clear_text()) {
    if (access.secret) return access;
    return PermissionDenied(
        "the secret is kept by clinic stations of the therapy's own site, "
        "while the therapy is open");
  }
  if (!pb::Role_IsValid(request.role()) || request.role() == pb::ROLE_UNSPECIFIED) {
    return InvalidArgument("say in which role the patient's identifiers are needed");
  }
  const bool by_role =
      own_site ? IsClinicalRole(request.role())
               : caller.who == Who::kManufacturer && IsReceiptOrReleaseRole(request.role());
  if (!by_role) {
    if (request.reason().find_first_not_of(" \t\r\n") == std::string::npos) {
      return PermissionDenied("role " + pb::Role_Name(request.role()) + " at site " + caller.site +
                              " does not see names: give a reason to break the glass, which is "
                              "logged and reviewed");
    }
    access.break_glass = true;
  }
  access.clear_text = true;
  return access;
}

std::string ReasonForReview(std::string_view reason, const pb::GetSubjectReply& subject) {
  std::string text = Plain(reason);
  for (const pb::SubjectIdentifier& one : subject.identifiers()) {
    StrikeOut(Plain(one.raw()), text);
    StrikeOut(Plain(one.value()), text);
    if (one.type() != "name") continue;
    for (const std::string_view word : WordsOf(one.value())) StrikeOut(word, text);
  }
  return text;
}

Status PutSubject(RpcContext& rpc, const Permit& permit, const pb::PutSubjectRequest& request) {
  CUSTODY_RETURN_IF_ERROR(Chain::Parse(TherapyChain(request.therapy())).status());
  if (!request.secret().empty() && request.secret().size() != 32) {
    return InvalidArgument("a therapy's secret is 32 bytes, not " +
                           std::to_string(request.secret().size()));
  }
  if (request.identifiers_size() > kMaxSubjectIdentifiers) {
    return ResourceExhausted("at most " + std::to_string(kMaxSubjectIdentifiers) +
                             " identifiers a call");
  }
  for (const pb::SubjectIdentifier& identifier : request.identifiers()) {
    if (identifier.type().empty() || identifier.ByteSizeLong() > 4 * kMaxIdentifierBytes) {
      return InvalidArgument("an identifier needs a type and at most " +
                             std::to_string(4 * kMaxIdentifierBytes) + " bytes in all");
    }
  }
  // The secret is needed before the first event can be built, so the therapy may not exist yet.
  CUSTODY_RETURN_IF_ERROR(
      CheckChain(rpc.ledger(), permit, TherapyChain(request.therapy()), /*new_allowed=*/true));
  CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, request.therapy(), "identifiers written"));
  return rpc.ledger().PutSubject(request);
}

StatusOr<pb::GetSubjectReply> GetSubject(RpcContext& rpc, const Permit& permit,
                                         const pb::GetSubjectRequest& request) {
  if (request.reason().size() > kMaxReasonBytes) {
    return InvalidArgument("a reason has at most " + std::to_string(kMaxReasonBytes) + " bytes");
  }
  CUSTODY_ASSIGN_OR_RETURN(const pb::GetTherapyReply therapy,
                           Look(rpc.ledger(), permit, request.therapy()));
  CUSTODY_ASSIGN_OR_RETURN(const SubjectAccess access,
                           JudgeSubjectAccess(permit.caller, therapy.state(), request));
  std::string detail = access.clear_text ? "names as " + pb::Role_Name(request.role()) : "secret";
  StatusOr<pb::GetSubjectReply> kept = rpc.ledger().GetSubject(request.therapy());
  if (access.break_glass) {
    const pb::GetSubjectReply nothing;
    detail = "break-glass " + detail + ": " +
             ReasonForReview(request.reason(), kept.ok() ? *kept : nothing);
  }
  // Before the answer, and whether there is one or not.
  CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, request.therapy(), detail));
  CUSTODY_ASSIGN_OR_RETURN(pb::GetSubjectReply reply, std::move(kept));
  if (!access.secret) reply.clear_secret();
  if (!access.clear_text) reply.clear_identifiers();
  return reply;
}

}  // namespace custody

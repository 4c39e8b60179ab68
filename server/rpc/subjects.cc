#include "server/rpc/subjects.h"

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
    if (request.reason().empty()) {
      return PermissionDenied("role " + pb::Role_Name(request.role()) + " at site " + caller.site +
                              " does not see names: give a reason to break the glass, which is "
                              "logged and reviewed");
    }
    access.break_glass = true;
  }
  access.clear_text = true;
  return access;
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
  if (access.break_glass) detail = "break-glass " + detail + ": " + request.reason();
  CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, request.therapy(), detail));
  CUSTODY_ASSIGN_OR_RETURN(pb::GetSubjectReply reply, rpc.ledger().GetSubject(request.therapy()));
  if (!access.secret) reply.clear_secret();
  if (!access.clear_text) reply.clear_identifiers();
  return reply;
}

}  // namespace custody

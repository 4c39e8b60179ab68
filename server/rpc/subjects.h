// Who may read and write what the vault keeps of a patient.
#ifndef CUSTODY_SERVER_RPC_SUBJECTS_H_
#define CUSTODY_SERVER_RPC_SUBJECTS_H_

#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/v1/service.pb.h"
#include "server/rpc/context.h"

namespace custody {

// What of a subject a request may have.
struct SubjectAccess {
  bool secret = false;
  bool clear_text = false;
  bool break_glass = false;  // clear text for a reason, beyond what the role sees
};

// `JudgeSubjectAccess` is the rule, for a caller that is party to the therapy: the secret for
// clinic stations of the therapy's own site while it is open; names for the collecting and treating
// clinical roles of that site, and for the manufacturer's WH, QA and QP (receipt, labels, release);
// for others of a party only with a reason. PERMISSION_DENIED says what is missing.
StatusOr<SubjectAccess> JudgeSubjectAccess(const Caller& caller, const pb::TherapyState& state,
                                           const pb::GetSubjectRequest& request);

// `ReasonForReview` is a reason as the access log keeps it: one plain line, since whoever asks
// types it, in which stands "[struck out]" wherever it says, in words of their own, an identifier
// of `subject` or a part of the name: whoever reviews it may not see these.
std::string ReasonForReview(std::string_view reason, const pb::GetSubjectReply& subject);

// The two calls, judged, logged and done.
Status PutSubject(RpcContext& rpc, const Permit& permit, const pb::PutSubjectRequest& request);
StatusOr<pb::GetSubjectReply> GetSubject(RpcContext& rpc, const Permit& permit,
                                         const pb::GetSubjectRequest& request);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_SUBJECTS_H_

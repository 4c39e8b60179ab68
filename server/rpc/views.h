// What of a therapy a caller may read.
//
// A therapy that a caller may not see and one that does not exist are answered with the same words,
// so that nobody learns by asking which ids are taken.
#ifndef CUSTODY_SERVER_RPC_VIEWS_H_
#define CUSTODY_SERVER_RPC_VIEWS_H_

#include <optional>
#include <string>
#include <string_view>

#include "crypto/status.h"
#include "custody/chain.h"
#include "custody/pb.h"
#include "custody/v1/service.pb.h"
#include "server/ledger/ledger.h"
#include "server/rpc/context.h"

namespace custody {

// `Hidden` is the answer for a therapy that is not there, or not for this caller.
Status Hidden(std::string_view therapy);

// `MaySee` says whether the scope of `permit` covers a therapy.
bool MaySee(const Permit& permit, const pb::TherapyState& state, const Registry& registry);

// `Look` gives a therapy's whole state when the caller may see it; Hidden otherwise.
StatusOr<pb::GetTherapyReply> Look(Ledger& ledger, const Permit& permit, std::string_view therapy,
                                   std::optional<Instant> as_of = std::nullopt,
                                   Keep keep = Keep::kYes);

// `InView` is the part of `reply` that is the caller's to read.
pb::GetTherapyReply InView(const pb::GetTherapyReply& reply, const Caller& caller,
                           const Registry& registry);

// `MayReadBody` says whether `who`, a party, may read events of this kind whole. A signed event
// cannot be stripped without breaking its signatures, so it is served whole or not at all.
bool MayReadBody(Who who, const pb::Event& event);

// `MayReadAttachment` says whether `caller`, a party, may read an attachment of `therapy`. It has
// the class of the field that names it (or of the body, when no field on the way to it has one),
// and the best that any event gives it; what no event names yet is for the clinics and oversight
// alone.
StatusOr<bool> MayReadAttachment(Ledger& ledger, const Caller& caller, std::string_view therapy,
                                 const Hash& sha256);

// `NamesAttachment` says whether a body of `event` names the attachment in a field whose class is
// not CLINICAL.
bool NamesAttachment(const pb::Event& event, const Hash& sha256);

// `StepsInView` leaves out of `steps` what is not the caller's business, and out of what stands
// against the others what is not the caller's to read.
void StepsInView(const Caller& caller, const Registry& registry, pb::NextStepsReply& steps);

// `MayKnowBody` says whether `who`, a party, may know that an event of kind `body` (oneof name) was
// recorded: of the clinical ones the manufacturer may not, and a carrier only of those that are
// couriers' to sign.
bool MayKnowBody(Who who, std::string_view body);

// `WhatIsShown` is a digest of what a view shows of a therapy, but for where its chain stands:
// equal when an event changed nothing of what the caller sees.
Hash WhatIsShown(const pb::GetTherapyReply& view);

// `VerdictInView` takes out of a verdict what the caller may not read of the therapy; says whether
// it had to.
bool VerdictInView(const Caller& caller, const Registry& registry, pb::Verdict& verdict);

// `HoldersInView` leaves in a verdict which other therapies have a thing (R05, R15) only where the
// caller may see all of them; says whether it had to take some out. It may fold them: on a reading
// thread. `WithoutHolders` leaves none.
bool HoldersInView(Ledger& ledger, const Permit& permit, pb::Verdict& verdict);
void WithoutHolders(pb::Verdict& verdict);

// `ReduceVerdict` takes out of a verdict what tells a caller that is no party about the therapy:
// only the reasons about authority stay.
void ReduceVerdict(pb::Verdict& verdict);

// `CheckChain` says whether `permit` covers `chain`: OK, INVALID_ARGUMENT for no chain name,
// PERMISSION_DENIED outside the registry for who only reads that, or Hidden. A therapy chain that
// has no event yet is OK with kParty when `new_allowed`.
Status CheckChain(Ledger& ledger, const Permit& permit, std::string_view chain, bool new_allowed);

// `PeekChain` finds the chain's name in an event's payload without parsing the rest; empty when
// there is none.
std::string PeekChain(std::string_view payload);

// `IsFromAnywhere` says whether the payload's body is one that any enrolled station may report of
// any therapy: a wrong item, a doubt about identity.
bool IsFromAnywhere(std::string_view payload);

// `IsRegistryChain`: "registry" or "registry/SITE".
bool IsRegistryChain(std::string_view chain);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_VIEWS_H_

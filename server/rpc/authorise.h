// Who may call what, and how far: one table, calls by kinds of callers.
#ifndef CUSTODY_SERVER_RPC_AUTHORISE_H_
#define CUSTODY_SERVER_RPC_AUTHORISE_H_

#include <string>
#include <string_view>

#include "crypto/hash.h"
#include "crypto/status.h"
#include "custody/registry.h"

namespace custody {

// Every call of the services that the table judges. ReadEntries counts three times: the entries of
// the whole log (no patient data: whoever connects may check its structure), those of one chain,
// and with the signed events.
enum class Call {
  kHello,
  kReserve,
  kRecord,
  kProve,  // GetCheckpoint, GetInclusionProof, GetConsistencyProof
  kGetHeadsProof,
  kReadLog,
  kReadChain,
  kReadEvents,
  kReadTherapies,  // GetTherapy, ListTherapies, WatchTherapies, NextSteps, Find, Inventory,
                   // Worklist
  kTrace,
  kPreview,
  kPutSubject,
  kGetSubject,
  kGetSchema,
  kGetStatus,
  kSetClock,
  kReadAccessLog,
  kBackup,
  kListAlerts,
  kTestAlert,
  kPutAttachment,
  kGetAttachment,
};
inline constexpr int kCallCount = 22;

// What a caller is: by its organisation's kind, or the local administration.
enum class Who { kClinic, kManufacturer, kCarrier, kOversight, kAdmin };
inline constexpr int kWhoCount = 5;

// How far a permission goes.
enum class Scope {
  kNone,
  kRegistry,  // the registry and its site chains
  kOwnSite,   // that, and therapies whose patient the caller's site enrolled or treats
  kParty,     // that, and therapies the caller's site is party to
  kAll,
};

// Whose connection it is.
struct Caller {
  std::string station;  // the certificate's common name
  std::string site;     // empty for the administration
  Who who = Who::kCarrier;
};

// `IdentifyCaller` finds the station that a certificate names. PERMISSION_DENIED when it is not
// enrolled, retired, or its site belongs to no organisation that takes part; UNAUTHENTICATED when
// the name is empty.
StatusOr<Caller> IdentifyCaller(std::string_view common_name, const Registry& registry);

// `CheckCertificate` is PERMISSION_DENIED for any other certificate (its digest as in the registry)
// than the one that the station was last enrolled with: who has it enrolled anew takes away the
// access of every certificate before, on connections that are open too. A station enrolled with
// none is known by its name alone.
Status CheckCertificate(const EnrolledStation& station, const Hash& sha256);

// `ScopeOf` is the table.
Scope ScopeOf(Call call, Who who);
std::string_view CallName(Call call);

// `Authorise` gives the scope of `call` for `caller`; PERMISSION_DENIED, with who may, for kNone.
StatusOr<Scope> Authorise(Call call, const Caller& caller);

}  // namespace custody

#endif  // CUSTODY_SERVER_RPC_AUTHORISE_H_

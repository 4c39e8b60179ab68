#include "server/rpc/authorise.h"

#include <array>
#include <cstddef>

namespace custody {
namespace {

struct Row {
  Call call;
  std::string_view name;
  std::array<Scope, kWhoCount> scopes;  // in the order of Who
};

constexpr Scope kNo = Scope::kNone;
constexpr Scope kReg = Scope::kRegistry;
constexpr Scope kOwn = Scope::kOwnSite;
constexpr Scope kPty = Scope::kParty;
constexpr Scope kAll = Scope::kAll;

// Recording is open to every enrolled station: who may sign what is judged by the ledger from the
// event itself, and some facts (a wrong item presented) may come from anybody.
// clang-format off
constexpr std::array<Row, kCallCount> kTable = {{
    //                                       clinic maker carrier oversight admin
    {Call::kHello, "Hello",                 {kAll,  kAll,  kAll,  kAll,     kAll}},
    {Call::kReserve, "Reserve",             {kPty,  kPty,  kPty,  kNo,      kNo}},
    {Call::kRecord, "Record",               {kAll,  kAll,  kAll,  kAll,     kReg}},
    {Call::kProve, "Prove",                 {kAll,  kAll,  kAll,  kAll,     kAll}},
    {Call::kGetHeadsProof, "GetHeadsProof", {kPty,  kPty,  kPty,  kAll,     kReg}},
    {Call::kReadLog, "ReadLog",             {kAll,  kAll,  kAll,  kAll,     kAll}},
    {Call::kReadChain, "ReadChain",         {kPty,  kPty,  kPty,  kAll,     kReg}},
    {Call::kReadEvents, "ReadEvents",       {kPty,  kPty,  kReg,  kAll,     kReg}},
    {Call::kReadTherapies, "ReadTherapies", {kPty,  kPty,  kPty,  kAll,     kNo}},
    {Call::kTrace, "Trace",                 {kPty,  kPty,  kNo,   kAll,     kNo}},
    {Call::kPreview, "Preview",             {kAll,  kAll,  kAll,  kAll,     kReg}},
    {Call::kPutSubject, "PutSubject",       {kOwn,  kNo,   kNo,   kNo,      kNo}},
    {Call::kGetSubject, "GetSubject",       {kPty,  kPty,  kNo,   kAll,     kNo}},
    {Call::kGetSchema, "GetSchema",         {kAll,  kAll,  kAll,  kAll,     kAll}},
    {Call::kGetStatus, "GetStatus",         {kAll,  kAll,  kAll,  kAll,     kAll}},
    {Call::kSetClock, "SetClock",           {kNo,   kNo,   kNo,   kNo,      kAll}},
    {Call::kReadAccessLog, "ReadAccessLog", {kOwn,  kNo,   kNo,   kAll,     kAll}},
    {Call::kBackup, "Backup",               {kNo,   kNo,   kNo,   kNo,      kAll}},
    {Call::kListAlerts, "ListAlerts",       {kPty,  kPty,  kPty,  kAll,     kAll}},
    {Call::kTestAlert, "TestAlert",         {kNo,   kNo,   kNo,   kNo,      kAll}},
    {Call::kPutAttachment, "PutAttachment", {kPty,  kPty,  kPty,  kNo,      kNo}},
    {Call::kGetAttachment, "GetAttachment", {kPty,  kPty,  kNo,   kAll,     kNo}},
}};
// clang-format on

constexpr bool InOrder() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].call) != i) return false;
  }
  return true;
}
static_assert(InOrder(), "the table stands in the order of Call");

const Row& RowOf(Call call) { return kTable[static_cast<std::size_t>(call)]; }

std::string_view WhoName(Who who) {
  switch (who) {
    case Who::kClinic:
      return "stations of a treatment centre";
    case Who::kManufacturer:
      return "stations of a manufacturer";
    case Who::kCarrier:
      return "stations of a carrier";
    case Who::kOversight:
      return "stations of oversight";
    case Who::kAdmin:
      return "the local administration";
  }
  return "nobody";
}

}  // namespace

StatusOr<Caller> IdentifyCaller(std::string_view common_name, const Registry& registry) {
  if (common_name.empty()) {
    return Unauthenticated("the client certificate names no station: have one issued");
  }
  Caller caller;
  caller.station = common_name;
  if (common_name == kAdminName) {
    caller.who = Who::kAdmin;
    return caller;
  }
  const EnrolledStation* station = registry.FindStation(common_name);
  if (station == nullptr || station->retired) {
    return PermissionDenied("station " + caller.station +
                            " is not enrolled, or was retired: ask a registrar of its site");
  }
  const EnrolledOrganisation* organisation = registry.OrganisationOfSite(station->site);
  if (organisation == nullptr) {
    return PermissionDenied("station " + caller.station + " belongs to site " + station->site +
                            ", which is not enrolled: ask the trustees");
  }
  caller.site = station->site;
  switch (organisation->kind) {
    case pb::TREATMENT_CENTRE:
      caller.who = Who::kClinic;
      return caller;
    case pb::MANUFACTURER:
      caller.who = Who::kManufacturer;
      return caller;
    case pb::CARRIER:
      caller.who = Who::kCarrier;
      return caller;
    case pb::OVERSIGHT:
      caller.who = Who::kOversight;
      return caller;
    default:
      return PermissionDenied("organisation " + organisation->organisation +
                              " has no kind this server knows");
  }
}

Status CheckCertificate(const EnrolledStation& station, const Hash& sha256) {
  if (station.certificate_sha256.empty() || sha256.view() == station.certificate_sha256) {
    return Status();
  }
  return PermissionDenied("station " + station.station +
                          " was enrolled with another certificate than this one: install that one, "
                          "or have a new one issued");
}

Scope ScopeOf(Call call, Who who) { return RowOf(call).scopes[static_cast<std::size_t>(who)]; }

std::string_view CallName(Call call) { return RowOf(call).name; }

StatusOr<Scope> Authorise(Call call, const Caller& caller) {
  const Scope scope = ScopeOf(call, caller.who);
  if (scope != Scope::kNone) return scope;
  std::string message(CallName(call));
  message.append(" is not open to ").append(WhoName(caller.who)).append("; it is to ");
  bool first = true;
  for (int i = 0; i < kWhoCount; ++i) {
    const Who who = static_cast<Who>(i);
    if (ScopeOf(call, who) == Scope::kNone) continue;
    if (!first) message.append(", ");
    message.append(WhoName(who));
    first = false;
  }
  return PermissionDenied(message);
}

}  // namespace custody

#include "server/rpc/alert_view.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "server/rpc/views.h"

namespace custody {
namespace {

// Whether `site` or another of its house is among those that an alert concerns.
bool ConcernsSite(const pb::AlertRecord& record, const std::string& site,
                  const Registry& registry) {
  return std::any_of(record.sites().begin(), record.sites().end(),
                     [&](const std::string& one) { return registry.IsSameHouse(one, site); });
}

// How other houses reach their people, and who there acts, is theirs to know.
void LeaveOwnHouse(const std::string& site, const Registry& registry, pb::AlertRecord& record) {
  const auto other = [&](const auto& one) { return !registry.IsSameHouse(one.site(), site); };
  auto* handouts = record.mutable_handouts();
  handouts->erase(std::remove_if(handouts->begin(), handouts->end(), other), handouts->end());
  auto* seen = record.mutable_seen();
  seen->erase(std::remove_if(seen->begin(), seen->end(), other), seen->end());
}

// An id ends with its rule, and a rule tells of the patient: "the first fever". What a program of
// the administration's printed may be what it was handed.
void LeaveThatPeopleAreTold(pb::AlertRecord& record) {
  constexpr std::size_t kIdWithoutRule = 10;  // "A-0123abcd"
  if (record.therapy().empty()) return;       // a test
  record.set_alert(record.alert().substr(0, kIdWithoutRule));
  record.clear_therapy();
  record.clear_coi();
  record.clear_rule();
  record.clear_roles();
  for (pb::AlertSeenBy& seen : *record.mutable_seen()) seen.clear_person();
  for (pb::Handout& handout : *record.mutable_handouts()) handout.clear_error();
}

}  // namespace

StatusOr<pb::ListAlertsReply> AlertsInView(RpcContext& rpc, const Permit& permit,
                                           const pb::ListAlertsRequest& request,
                                           const std::function<bool()>& cancelled) {
  const std::shared_ptr<const Registry> registry = rpc.ledger().registry();
  const std::string& site = permit.caller.site;
  const bool all = permit.scope == Scope::kAll;
  enum class View { kWhole, kThatPeopleAreTold, kNone };
  std::map<std::string, View> views;  // by therapy
  const auto look = [&](const std::string& therapy) -> StatusOr<View> {
    if (permit.caller.who == Who::kAdmin) return View::kThatPeopleAreTold;
    if (all || therapy.empty()) return View::kWhole;
    if (const auto known = views.find(therapy); known != views.end()) return known->second;
    const Status found = Look(rpc.ledger(), permit, therapy, std::nullopt, Keep::kNo).status();
    if (found.ok()) return views[therapy] = View::kWhole;
    if (found.code() == StatusCode::kUnavailable) return found;
    const bool hidden = found.code() == StatusCode::kNotFound;
    // It concerns the caller's house, and what may be seen of its therapy nobody can say now: that
    // there is an alert, and how severe, is said all the same.
    return views[therapy] = hidden ? View::kNone : View::kThatPeopleAreTold;
  };
  const auto shown = [&](const pb::AlertRecord& record) -> StatusOr<bool> {
    if (cancelled()) return absl::CancelledError("the caller left");
    if (!all && !ConcernsSite(record, site, *registry)) return false;
    CUSTODY_ASSIGN_OR_RETURN(const View view, look(record.therapy()));
    return view != View::kNone;
  };
  CUSTODY_ASSIGN_OR_RETURN(pb::ListAlertsReply reply, rpc.alerting()->List(request, shown));
  std::set<std::string> read;
  for (pb::AlertRecord& record : *reply.mutable_alerts()) {
    CUSTODY_ASSIGN_OR_RETURN(const View view, look(record.therapy()));
    if (view == View::kWhole && !record.therapy().empty() && read.insert(record.therapy()).second) {
      CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, record.therapy(), "alerts"));
    }
    if (!all) LeaveOwnHouse(site, *registry, record);
    if (view == View::kThatPeopleAreTold) LeaveThatPeopleAreTold(record);
  }
  return reply;
}

}  // namespace custody

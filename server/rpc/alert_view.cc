#include "server/rpc/alert_view.h"

#include <algorithm>
#include <map>
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

// An id ends with its rule, and a rule tells of the patient: "the first fever".
void LeaveThatPeopleAreTold(pb::AlertRecord& record) {
  constexpr std::size_t kIdWithoutRule = 10;  // "A-0123abcd"
  if (record.therapy().empty()) return;       // a test
  record.set_alert(record.alert().substr(0, kIdWithoutRule));
  record.clear_therapy();
  record.clear_coi();
  record.clear_rule();
  record.clear_roles();
  for (pb::AlertSeenBy& seen : *record.mutable_seen()) seen.clear_person();
}

}  // namespace

StatusOr<pb::ListAlertsReply> AlertsInView(RpcContext& rpc, const Permit& permit,
                                           const pb::ListAlertsRequest& request) {
  const std::shared_ptr<const Registry> registry = rpc.ledger().registry();
  const std::string& site = permit.caller.site;
  const bool all = permit.scope == Scope::kAll;
  CUSTODY_ASSIGN_OR_RETURN(pb::ListAlertsReply reply,
                           rpc.alerting()->List(request, [&](const pb::AlertRecord& record) {
                             return all || ConcernsSite(record, site, *registry);
                           }));
  std::map<std::string, bool> shown;  // by therapy
  const auto look = [&](const std::string& therapy) -> Status {
    if (therapy.empty() || shown.contains(therapy)) return Status();
    const Status found = all ? Status() : Look(rpc.ledger(), permit, therapy).status();
    // One that is damaged is left out: nobody knows whose it is.
    if (found.code() == StatusCode::kUnavailable) return found;
    shown[therapy] = found.ok();
    return found.ok() ? rpc.LogRead(permit, therapy, "alerts") : Status();
  };
  pb::ListAlertsReply view;
  view.set_more(reply.more());
  for (pb::AlertRecord& record : *reply.mutable_alerts()) {
    if (permit.caller.who == Who::kAdmin) {
      LeaveThatPeopleAreTold(record);
    } else {
      CUSTODY_RETURN_IF_ERROR(look(record.therapy()));
      if (!record.therapy().empty() && !shown[record.therapy()]) continue;
      if (!all) LeaveOwnHouse(site, *registry, record);
    }
    view.add_alerts()->Swap(&record);
  }
  return view;
}

}  // namespace custody

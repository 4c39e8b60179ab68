#include "server/rpc/recall.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "custody/chain.h"
#include "custody/event.h"
#include "custody/profile.h"
#include "custody/state.h"
#include "custody/time.h"
#include "custody/trace.h"
#include "server/rpc/listing.h"
#include "server/rpc/requests.h"
#include "server/rpc/views.h"

namespace custody {
namespace {

// The events of a therapy that the caller may read, as what happened; the others are counted.
StatusOr<std::vector<TracedEvent>> ReadableEvents(Ledger& ledger, const Caller& caller,
                                                  const std::string& therapy,
                                                  std::uint64_t& withheld) {
  pb::ReadEntriesRequest chain;
  chain.set_chain(Chain::Therapy(therapy).name());
  chain.set_with_events(true);
  std::vector<TracedEvent> events;
  Status damage;
  const auto visit = [&](const pb::EntryReply& entry) {
    pb::Event event;
    if (!event.ParseFromString(entry.signed_().payload())) {
      damage = DataLoss("entry " + std::to_string(entry.index()) + " does not parse");
      return false;
    }
    if (!MayReadBody(caller.who, event)) {
      ++withheld;
      return true;
    }
    TracedEvent& traced = events.emplace_back();
    traced.sequence = event.sequence();
    traced.event_id = Sha256(entry.signed_().payload()).ToString();
    traced.event = std::move(event);
    if (!traced.event.has_adopted()) return true;
    const std::string original = traced.event.adopted().original().payload();
    traced.event_id = Sha256(original).ToString();
    if (!traced.event.ParseFromString(original)) damage = DataLoss("an adopted event is damaged");
    return damage.ok();
  };
  CUSTODY_RETURN_IF_ERROR(ledger.ReadEntries(
      chain, [](const Hash&) { return true; }, visit));
  CUSTODY_RETURN_IF_ERROR(damage);
  return events;
}

bool Concerns(const pb::TracedTherapy& traced) {
  return traced.uses_size() > 0 ||
         std::ranges::any_of(traced.containers(),
                             [](const pb::TracedContainer& c) { return c.concerned(); });
}

}  // namespace

Status Trace(RpcContext& rpc, const Permit& permit, const pb::TraceRequest& request,
             const std::function<bool()>& cancelled, pb::TraceReply* reply) {
  CUSTODY_RETURN_IF_ERROR(CheckName("an identifier", request.value()));
  CUSTODY_ASSIGN_OR_RETURN(const std::uint32_t limit, CheckPage(request.limit()));
  Ledger& ledger = rpc.ledger();
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                           ledger.TherapiesNaming(request.type(), request.value(), false));
  const TraceQuestion question{request.type(), request.value(), request.touched()};
  const std::shared_ptr<const Registry> registry = ledger.registry();
  const auto take = [&](const std::string& id,
                        pb::GetTherapyReply& whole) -> StatusOr<std::size_t> {
    std::uint64_t withheld = 0;
    CUSTODY_ASSIGN_OR_RETURN(const std::vector<TracedEvent> events,
                             ReadableEvents(ledger, permit.caller, id, withheld));
    const pb::TherapyState view = InView(whole, permit.caller, *registry).state();
    pb::TracedTherapy traced = TraceTherapy(
        view, events, question, ProfileFor(*registry, view, pb::Event::default_instance()));
    if (!Concerns(traced)) return 0;
    traced.set_withheld(withheld);
    CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, id, "trace " + request.type()));
    pb::TracedTherapy& added = *reply->add_therapies() = std::move(traced);
    return added.ByteSizeLong();
  };
  const Listing listing{.what = "trace",
                        .after = request.after(),
                        .limit = limit,
                        .ids = [&](const std::string& after) { return AfterIn(ids, after); },
                        .take = take};
  CUSTODY_ASSIGN_OR_RETURN(*reply->mutable_next(), ListPage(rpc, permit, listing, cancelled));
  return Status();
}

Status Inventory(RpcContext& rpc, const Permit& permit, const pb::InventoryRequest& request,
                 const std::function<bool()>& cancelled, pb::InventoryReply* reply) {
  CUSTODY_RETURN_IF_ERROR(CheckName("a storage unit", request.unit()));
  CUSTODY_ASSIGN_OR_RETURN(const std::uint32_t limit, CheckPage(request.limit()));
  CUSTODY_RETURN_IF_ERROR(CheckTime(request.at(), "at"));
  CUSTODY_RETURN_IF_ERROR(CheckTime(request.until(), "until"));
  Ledger& ledger = rpc.ledger();
  const std::int64_t from = request.has_at() ? Micros(request.at()) : ledger.Now().micros;
  const std::int64_t to = request.has_until() ? Micros(request.until()) : from;
  if (to < from) return InvalidArgument("until must not be before at");
  std::set<std::string> candidates;
  for (const auto& [type, prefix] :
       {std::pair("equipment", false), std::pair("shipper", false), std::pair("location", true)}) {
    CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::string> found,
                             ledger.TherapiesNaming(type, request.unit(), prefix));
    candidates.insert(found.begin(), found.end());
  }
  const std::vector<std::string> ids(candidates.begin(), candidates.end());
  const std::shared_ptr<const Registry> registry = ledger.registry();
  const auto take = [&](const std::string& id,
                        pb::GetTherapyReply& whole) -> StatusOr<std::size_t> {
    const pb::TherapyState view = InView(whole, permit.caller, *registry).state();
    pb::TracedTherapy lying = InventoryOf(view, request.unit(), from, to);
    if (lying.containers().empty()) return 0;
    CUSTODY_RETURN_IF_ERROR(rpc.LogRead(permit, id, "inventory"));
    pb::TracedTherapy& added = *reply->add_therapies() = std::move(lying);
    return added.ByteSizeLong();
  };
  const Listing listing{.what = "inventory",
                        .after = request.after(),
                        .limit = limit,
                        .ids = [&](const std::string& after) { return AfterIn(ids, after); },
                        .take = take};
  CUSTODY_ASSIGN_OR_RETURN(*reply->mutable_next(), ListPage(rpc, permit, listing, cancelled));
  return Status();
}

}  // namespace custody

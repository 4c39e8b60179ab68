// Questions to a therapy's state that the fold, the rules, the next steps and stations share.
#ifndef CUSTODY_CUSTODY_STATE_H_
#define CUSTODY_CUSTODY_STATE_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

// The name under which a profile without product is published: the general template.
inline constexpr std::string_view kGeneralProfile = "general";

// `Micros` is a Timestamp as the state keeps it; 0 when it is absent.
std::int64_t Micros(const google::protobuf::Timestamp& timestamp);
// `ShortId` is the first 8 hex digits of an event id.
std::string ShortId(std::string_view event_id);
// `Lower` is a body's name from whatever capitals it was given in: "THAW_STARTED" ->
// "thaw_started".
std::string Lower(std::string_view text);

// Lookups by identifier; null when the therapy has none such. Pointers live until the state
// changes. A collection bag is also found by its donation number when the donation has that bag
// alone.
const pb::Container* FindContainer(const pb::TherapyState& state, std::string_view id);
const pb::Lot* FindLot(const pb::TherapyState& state, std::string_view lot);
const pb::Donation* FindDonation(const pb::TherapyState& state, std::string_view din);
const pb::InfusionOrder* FindOrder(const pb::TherapyState& state, std::string_view order);
const pb::Hold* FindHold(const pb::TherapyState& state, std::string_view id);
const pb::Offer* FindOffer(const pb::TherapyState& state, std::string_view event_id);
const pb::Deviation* FindDeviation(const pb::TherapyState& state, std::string_view id);
const pb::Grant* FindGrant(const pb::TherapyState& state, std::string_view event_id);
// `WasMade` says whether a body was recorded of a lot (Lot.made).
bool WasMade(const pb::Lot& lot, int body);
// `EraseIf` takes out of a repeated field what matches.
template <class List, class Match>
void EraseIf(List* list, Match match) {
  list->erase(std::remove_if(list->begin(), list->end(), match), list->end());
}
// `OpenShipment` finds a shipment that was packed and not received, by shipper or number.
const pb::Shipment* OpenShipment(const pb::TherapyState& state, std::string_view shipper_or_number);
// `LastShipment` finds the newest shipment by shipper, number or logger, open or not.
const pb::Shipment* LastShipment(const pb::TherapyState& state, std::string_view name);
// `FindStep` gives the last event of a body; null when there was none.
const pb::StepRecord* FindStep(const pb::TherapyState& state, int body);
inline bool HasStep(const pb::TherapyState& state, int body) {
  return FindStep(state, body) != nullptr;
}

// `PersonIndex` is the place of `person` in state.persons; nullopt when not there.
std::optional<std::uint32_t> PersonIndex(const pb::TherapyState& state, std::string_view person);

// `IsProductVessel` says whether what is filled into such a vessel is for the patient.
bool IsProductVessel(pb::VesselKind kind);
// `IsTerminal` says whether nothing more can happen to a container (RETAINED may still be taken,
// REJECTED must still be disposed of).
bool IsTerminal(pb::ContainerState state);
// `MayNotBeUsed`: destroyed, lost, rejected, returned, given to research, or used up.
bool MayNotBeUsed(pb::ContainerState state);
// `StateLabel` is a container's state for people: "in transit".
std::string StateLabel(pb::ContainerState state);

// `ContainersMeant` are those that people mean by `id`: that one, all of a lot or donation; else
// what is in that cassette, or was last in that shipper or under that seal. Empty: none such.
std::vector<const pb::Container*> ContainersMeant(const pb::TherapyState& state,
                                                  std::string_view id);
// `Lineage` is a container and the containers it was derived from, nearest first: windows are
// inherited.
std::vector<const pb::Container*> Lineage(const pb::TherapyState& state, const pb::Container& c);
// `Origins` are a container's lineage and the collected cells that it was made of: what holds or
// rejects those holds the product.
std::vector<const pb::Container*> Origins(const pb::TherapyState& state, const pb::Container& c);
// `SourcesOf` are the collected cells that a lot was made of.
std::vector<const pb::Container*> SourcesOf(const pb::TherapyState& state, std::string_view lot);
// `RejectedAmong` is the first container of `line` that quality rejected; null when none was.
const pb::Container* RejectedAmong(const std::vector<const pb::Container*>& line);
// `OpenQuarantines` are those that hold one of a container's origins, its lot or its donation.
std::vector<const pb::Quarantine*> OpenQuarantines(const pb::TherapyState& state,
                                                   const pb::Container& container);
// `OpenQuarantinesOfLot` are those that hold a lot or what it was made of, whatever became of it.
std::vector<const pb::Quarantine*> OpenQuarantinesOfLot(const pb::TherapyState& state,
                                                        const pb::Lot& lot);
// `KindOfCause` is the quarantine that a decision of this cause is about; unspecified: of none.
pb::QuarantineKind KindOfCause(pb::QuarantineCause cause);
// `IsDecidedBy` says whether a decision of quality, `event`, is about this open quarantine. Doubt
// about identity has its own way out (F8b). A decision to use that does not name the quarantine is
// about what its cause opened before it was signed; `told` later than it was made, about none.
bool IsDecidedBy(const pb::Quarantine& quarantine, const pb::Event& event, bool told);
// `IsHeldBy` says whether a quarantine names what people mean by `id`, or a part of it: what a
// decision about `id` can lift. What holds a container by what it was made of is decided there.
bool IsHeldBy(const pb::TherapyState& state, const pb::Quarantine& quarantine, std::string_view id);
// `OpenHolds` are those that block `scope` ("THAW") for `container` or what it was made of; with
// null: those of the whole therapy.
std::vector<const pb::Hold*> OpenHolds(const pb::TherapyState& state, std::string_view scope,
                                       const pb::Container* container);
std::string QuarantineLabel(pb::QuarantineKind kind);

// `WithSpan` is `spans` and one more, in order and joined where they touch.
google::protobuf::RepeatedPtrField<pb::DataSpan> WithSpan(
    google::protobuf::RepeatedPtrField<pb::DataSpan> spans, std::int64_t from, std::int64_t to);

// `IsReleased` says whether a lot's release stands.
inline bool IsReleased(const pb::Lot& lot) { return lot.state() == pb::LOT_RELEASED; }
// `HasRelease` says whether a release stands, within or out of specification.
inline bool HasRelease(const pb::Lot& lot) {
  return IsReleased(lot) || lot.state() == pb::LOT_RELEASED_OOS;
}
std::string LotLabel(pb::LotState state);

// `RecalledLots` and `RecalledContainers` are what a recall concerns in this therapy: the
// containers it names; else, by lot, vector or container, those that have it. Both empty: the
// therapy has no such thing. Reagents and equipment are not kept by lot: such a recall names the
// containers, and `TellsApart` says whether one says which they are.
std::vector<std::string> RecalledLots(const pb::TherapyState& state,
                                      const pb::ProductRecalled& recall);
std::vector<std::string> RecalledContainers(const pb::TherapyState& state,
                                            const pb::ProductRecalled& recall);
bool TellsApart(const pb::ProductRecalled& recall);

// `StepPerson` is one of those who did a step.
struct StepPerson {
  std::string person;  // the printed name when not enrolled
  pb::Role role = pb::ROLE_UNSPECIFIED;
};
// `SignersOf` are those who signed for themselves, not those who only transcribed or compared an
// entry made later.
std::vector<StepPerson> SignersOf(const pb::Event& event);
// `PeopleOf` are those who did the step: who is named as having done it, and `SignersOf`.
std::vector<StepPerson> PeopleOf(const pb::Event& event);
// `IsFromPaper` says whether somebody who did the step did not sign it: others wrote it down.
bool IsFromPaper(const pb::Event& event);
// `KnownUntil` is the time until when `event` can speak of what else happened. Where clocks cannot
// tell which came first, what is signed at its place in the chain came after it, and what is `told`
// later (LATE, from paper, adopted) before it.
std::int64_t KnownUntil(const pb::Event& event, bool told);
// `ExpiryOf` is the end of what a certificate dates `at`; a date alone ends with that day in the
// zone of the label's issuer.
std::int64_t ExpiryOf(const google::protobuf::Timestamp& at, const std::string& zone,
                      pb::Answer date_only);

// `DayIn` is the calendar day (days since 1970-01-01) of a time where the patient is treated; the
// UTC day when that zone is unknown.
std::int64_t DayIn(const pb::TherapyState& state, std::int64_t micros);
// `TreatingSite` is the ordered one, else the site that enrolled.
const std::string& TreatingSite(const pb::TherapyState& state);
// `MakerSite` is where `lot` is made: a lot keeps its house, whoever makes the next one. Null, or a
// lot of which that is not known: where the slot is, or the order says.
const std::string& MakerSite(const pb::TherapyState& state, const pb::Lot* lot);
// `LotOf` is the lot of a container; null when there is none, as of collected cells.
const pb::Lot* LotOf(const pb::TherapyState& state, std::string_view container);
// `LotsMeant` are the lots that people mean by `id`: that one, or those of the containers meant.
std::vector<const pb::Lot*> LotsMeant(const pb::TherapyState& state, std::string_view id);
// `HasMaker` says whether a slot or a lot says who makes the product.
inline bool HasMaker(const pb::TherapyState& state) {
  return !state.manufacturer_site().empty() || !state.lots().empty();
}

}  // namespace custody

#endif  // CUSTODY_CUSTODY_STATE_H_

// Inside the therapy fold: what each stage's part is given. Not for others to include.
#ifndef CUSTODY_CUSTODY_FOLD_FOLD_H_
#define CUSTODY_CUSTODY_FOLD_FOLD_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/therapy.h"

namespace custody::fold {

// `Folding` is one event on its way into the state.
struct Folding {
  const pb::Event& event;      // what happened
  const std::string event_id;  // 32 bytes, of what happened
  const Place& place;
  const pb::Verdict& verdict;
  const Registry& registry;
  const pb::Profile* profile;  // whose numbers judged it; may be null
  pb::TherapyState& state;
  const std::int64_t at;   // occurred_at
  const std::string site;  // of the station
  // Whether a decision takes effect: no gate stands against it. A step that was done changes the
  // state whatever the rules said; a permission entered late that was never due is not given by
  // mistake.
  const bool stands;
  // Whether every scan belonged to this therapy (F8a). A fact with somebody else's wristband is
  // recorded, and opens no door.
  const bool own;
  // Whether it is told later than it happened: LATE, from paper, or adopted.
  const bool told;
};

// Each takes the bodies of its proto file and leaves others alone.
void FoldClinic(Folding& f);
// The slot's part of those: its dates, and what a change of it moves.
void FoldSlot(Folding& f);
void FoldManufacture(Folding& f);
// The links of an exceptional release; `ForgetOos` begins its chain anew.
void FoldOos(Folding& f);
void ForgetOos(pb::Lot& lot);
void FoldRelease(Folding& f);  // of FoldManufacture
void FoldTransport(Folding& f);
void FoldInfusion(Folding& f);
// Readings, grades of toxicity, and what was given and decided against it.
void FoldToxicity(Folding& f);
void FoldMonitoring(Folding& f);
void FoldExceptions(Folding& f);
// Of those what is drawn from a container into another one.
void FoldDerived(Folding& f);
// What people say of records: attestations, corrections, words given and not confirmed.
void FoldRecords(Folding& f);
// From which events alerts come, and who has seen them. After the verdict and the records.
void FoldAlerts(Folding& f);
// `SetTimers` counts the visits that are due anew. After the event's own step is in the state.
void SetTimers(Folding& f);

// Mutable twins of the lookups in state.h; null when there is none.
pb::Container* MutableContainer(pb::TherapyState& state, std::string_view id);
pb::Lot* MutableLot(pb::TherapyState& state, std::string_view lot);
pb::Donation* MutableDonation(pb::TherapyState& state, std::string_view din);
pb::Shipment* MutableShipment(pb::TherapyState& state, std::string_view name);

// `Intern` gives the place of `person` in state.persons, adding it when new.
std::uint32_t Intern(pb::TherapyState& state, std::string_view person);
// `AddOnce` appends `value` unless it is empty or there.
void AddOnce(google::protobuf::RepeatedPtrField<std::string>* list, const std::string& value);
void RemoveFrom(google::protobuf::RepeatedPtrField<std::string>* list, std::string_view value);
// `Hold` says who answers for `subject` from now on.
void SetHolder(Folding& f, const std::string& subject, const std::string& holder);
// `FreshId` is `id`, with a number behind it when an element of `list` has it already. Ids show
// eight digits of an event's hash, which a signer can search for; what one of them opens or ends
// must nevertheless be one thing.
template <class List>
std::string FreshId(const List& list, const std::string& id) {
  const auto taken = [&](const std::string& wanted) {
    return std::ranges::any_of(list, [&](const auto& element) { return element.id() == wanted; });
  };
  std::string fresh = id;
  for (int n = 2; taken(fresh); ++n) fresh = id + "-" + std::to_string(n);
  return fresh;
}
// `AddHold` opens a hold of the event's, set by the first of those who did it, whoever wrote it
// down; what it blocks is the caller's to say. Its id is "H-" and the short event id.
pb::Hold& AddHold(Folding& f, std::string_view kind, const std::string& reason);
// `OpenHold` opens one that an event's answers ask for.
void OpenHold(Folding& f, std::string_view kind, const std::string& reason,
              std::initializer_list<const char*> blocks);
// `HoldReleased` holds a lot that has a release, for what came out after it, until quality of its
// maker decides; `HoldFailed` for a result that failed.
void HoldReleased(Folding& f, const pb::Lot& lot, const std::string& reason);
void HoldFailed(Folding& f, const pb::Lot& lot, const std::string& test);
// `GiveToMaker` makes a hold that of the house that makes `lot`: its quality clears it.
void GiveToMaker(const Folding& f, pb::Hold& hold, const pb::Lot* lot);
// `EndRelease` remembers that the release of a lot, or what it rests on, was taken back: what was
// signed before that, and is told after it, gives nothing back.
void EndRelease(const Folding& f, pb::Lot& lot);
// `EndLot` is what a confirmed contamination, a failed manufacture or an order to make it again
// means for a lot: it is rejected, with what was filled of it.
void EndLot(Folding& f, const std::string& name);
// `IsMakersWord` says whether what ends a lot is said by who makes it, in their own hand (R16).
bool IsMakersWord(const Folding& f);
// `NewDeviation` opens a deviation of `event_id` now. Its id is "D-", the short event id and what
// it is `about` (may be empty).
pb::Deviation& NewDeviation(Folding& f, const std::string& event_id, const std::string& about);
// `OpenOverdue` opens, once, a deviation that no event of its own opens: what `event_id` asked for
// was not done in time.
void OpenOverdue(Folding& f, const std::string& event_id, const char* rule, bool critical,
                 std::int64_t since, const std::string& found);
// `AddDeviation` opens the deviation that `reason` is, or adds to what this event opened for it.
void AddDeviation(Folding& f, const pb::Reason& reason, bool critical);
// `OpenQuarantine` is the quarantine that this event opens for `rule`.
pb::Quarantine* OpenQuarantine(Folding& f, pb::QuarantineKind kind, const std::string& rule);
// `PutUnder` puts what people mean by `id` into a quarantine (ContainersMeant), and the name of a
// lot or donation itself, for what will be filled or frozen of it. What the therapy does not know
// stands in its items.
void PutUnder(pb::Quarantine& quarantine, const pb::TherapyState& state, const std::string& id);
// `Become` brings a container into a state. What is used up, destroyed or gone stays so, what
// quality rejected stays rejected wherever it is put, and an earlier event entered later undoes
// nothing that happened after it.
void Become(const Folding& f, pb::Container& container, pb::ContainerState state);
// `IsOldNews` says whether the event happened before what brought the container into its state, by
// more than clocks may differ.
bool IsOldNews(const Folding& f, const pb::Container& container);
// `Reject` is for ever.
void Reject(const Folding& f, pb::Container& container);
// `Earliest` keeps the first time that something happened: clocks that run from it are not put back
// by telling it again.
inline std::int64_t Earliest(std::int64_t known, std::int64_t now) {
  return known == 0 || now < known ? now : known;
}
// `Counts` says whether an answer counts that opens a door, or shuts one: unless a later one was
// given before (`said`, 0: none). Where clocks cannot tell which was the later, the door is shut.
inline bool Counts(const Folding& f, std::int64_t said, bool opens) {
  return f.at + (opens ? 0 : kMaxClockAheadMicros) >= said;
}
// `SetWeight` is the patient's last one.
void SetWeight(Folding& f, double weight_kg);
// `SetObservationPlan` is how the patient is observed (R28); the last order that says so counts.
void SetObservationPlan(Folding& f, int plan);
// `TakeCount` is the newest count of the patient's white cells (R22).
void TakeCount(Folding& f, double wbc_1e9_per_l, std::int64_t sampled_us);
// `TakeInfection` is whether there is an active infection, as last asked; says whether that opens
// one. "None" ends what was diagnosed.
bool TakeInfection(Folding& f, bool active);
// `TakeGvhd` is whether an examination finds active graft-versus-host disease (R19).
void TakeGvhd(Folding& f, pb::Answer active);
// `LeaveShipper` is what taking a container out of the shipper that was its storage means.
void LeaveShipper(Folding& f, pb::Container& container);
// `ForgetChecks` makes every check for thaw and infusion due anew; one that was made before this
// event and is told after it does not bring them back.
void ForgetChecks(const Folding& f, pb::Container& container);
// `ClearPrethaw` takes the check before the thaw away, and leaves when it was last asked.
void ClearPrethaw(pb::Container& container);
// `ConsentFor` is what the patient said to one purpose; `TakeConsents` draws from all of them what
// rules ask, and ends the consent hold when what was taken back is given again.
pb::ConsentGiven& ConsentFor(pb::TherapyState& state, int purpose);
void TakeConsents(pb::TherapyState& state);
// `PutAway` is what storing a container somewhere means; refreezing is remembered for ever.
void PutAway(Folding& f, pb::Container& container, pb::ContainerState state,
             const std::string& location);
// `Arrive` notes that a container was put into `unit` (empty: not told) at this event's time, also
// when that is told late; `Depart` that it was taken away from where it lay.
void Arrive(const Folding& f, pb::Container& container, const std::string& unit,
            const std::string& position, const std::string& site);
void Depart(const Folding& f, pb::Container& container);
// `StaysInPlace` says whether a container in this state lies where it was put.
bool StaysInPlace(pb::ContainerState state);

}  // namespace custody::fold

#endif  // CUSTODY_CUSTODY_FOLD_FOLD_H_

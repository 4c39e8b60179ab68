// Inside the rules: how a rule says what it has to say. Not for others to include.
#ifndef CUSTODY_CUSTODY_RULES_CASE_H_
#define CUSTODY_CUSTODY_RULES_CASE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "custody/event.h"
#include "custody/pb.h"
#include "custody/rules.h"
#include "custody/state.h"
#include "custody/time.h"

namespace custody::rules {

// `Words` is a reason for people: what was expected, what was found, what to do now.
struct Words {
  std::string expected;
  std::string found;
  std::string next;
  std::string subject = {};  // container, field, person; empty: the step
  // Of what `found` tells, when that is more than what the rule tells by itself.
  pb::FieldClass found_class = pb::FIELD_CLASS_UNSPECIFIED;
};

// How far the clocks of two stations may lie apart (R03): something is not "before" or "after"
// another by less.
inline constexpr std::int64_t kSkew = kMaxClockAheadMicros;

// `IsLive` says whether the event asks for permission. Steps entered late, from paper, or adopted
// have been done.
bool IsLive(const Case& c);
inline pb::Event::BodyCase Body(const Case& c) { return c.effective.body_case(); }
inline std::int64_t At(const Case& c) { return Micros(c.effective.occurred_at()); }

// Until when the event can speak of what else happened (state.h).
inline std::int64_t KnownUntil(const Case& c) {
  return custody::KnownUntil(c.effective, !IsLive(c));
}

// Each adds a reason. `Gate` on a fact, or on a no (SaysNo), cannot refuse it: it is a critical
// deviation instead; on a step that was done before it stays a gate, which the fold turns into one.
pb::Reason& Structure(const Case& c, const Rule& rule, pb::Verdict& v, Words words);
pb::Reason& Gate(const Case& c, const Rule& rule, pb::Verdict& v, Words words);
pb::Reason& Deviation(const Case& c, const Rule& rule, pb::Verdict& v, Words words, bool critical);
pb::Reason& Quarantine(const Case& c, const Rule& rule, pb::Verdict& v, Words words);
pb::Reason& Note(const Case& c, const Rule& rule, pb::Verdict& v, Words words);
pb::Reason& NotJudged(const Case& c, const Rule& rule, pb::Verdict& v, Words words);

// `StepContainers` are the containers a step is done with, as scanned; empty when it has none.
std::vector<std::string> StepContainers(const pb::Event& event);
// `HoldScopeOf` is what a hold calls the step ("THAW"); empty when holds do not concern it.
std::string_view HoldScopeOf(const Case& c);
// `LeavingHouse` are the containers that the event sends to another house: with a carrier, or by a
// hand-over that is offered to somebody else's site. Hand-overs within one house send nothing.
std::vector<std::string> LeavingHouse(const Case& c);
// `OrderFor` is the open infusion order that names `container`; null when none does.
const pb::InfusionOrder* OrderFor(const pb::TherapyState& state, std::string_view container);
// `OrganisationOf` is the organisation of a person; null when unknown.
const EnrolledOrganisation* OrganisationOf(const Registry& registry, std::string_view person);
// `IsProductStep` says whether the event removes, thaws or infuses a container of drug product, and
// which.
bool IsProductStep(const Case& c, std::string& id);
// `IsFirstDose` says whether a container belongs to the first dose; those after it have their own
// rule (R32). Whatever an order calls it: before anything was infused there is no second dose, and
// none of a product that the profile does not divide.
bool IsFirstDose(const Case& c, std::string_view container);
// `LotInHand` is the newest lot that has not ended: neither rejected nor recalled, nor used up to
// its last container; null when there is none.
const pb::Lot* LotInHand(const pb::TherapyState& state);
// `IsMaker` says whether a person is of the organisation that makes this therapy's product: of the
// site where the lot in hand was opened, whatever slots and orders say since. Without such a lot of
// the site where the slot is, or that made a lot before; before all that of any manufacturer, and
// of the house that collects and treats: cells that nobody was ever to use must not wait for ever.
// What is said of one `lot` is for the house where that one was opened, whoever has another in
// hand.
bool IsMaker(const Case& c, std::string_view person, const pb::Lot* lot = nullptr);
// `QualityOf` is the quality that IsMaker means, for people.
std::string QualityOf(const Case& c);
// `LotsInDoubt` are the lots of what a quarantine, or else a hold, holds; null alone when it holds
// no lot, as of collected cells.
std::vector<const pb::Lot*> LotsInDoubt(const Case& c, const pb::Quarantine* open,
                                        const pb::Hold* hold);
// `IsMakersSite` says whether a site is of who makes the product, or made a lot of it.
bool IsMakersSite(const Case& c, std::string_view site);
// `SiteOf` is the site of the station that sends the event; empty when it is not enrolled.
std::string SiteOf(const Case& c);
// `CellsFor` are the collected bags of one donation that BATCH_OPENED takes (batch_cells.h):
// those at the station's site, or where the lot will be made.
std::vector<const pb::Container*> CellsFor(const Case& c, std::string_view din);
// `BatchSite` is that site.
std::string BatchSite(const Case& c);
// `DaysBetween` counts calendar days from one time to another where the patient is treated.
std::int64_t DaysBetween(const Case& c, std::int64_t from, std::int64_t to);
// `IsFresh` says whether something at `at` (0: never) lies at most `micros` before the event, and
// not after it.
inline bool IsFresh(const Case& c, std::int64_t at, std::int64_t micros) {
  const std::int64_t age = At(c) - at;
  return at != 0 && age >= -kSkew && age <= micros;
}
// `Span` puts a length of time for people: "12 min", "3 h 05 min", "4 d".
std::string Span(std::int64_t micros);
// `HoursText` puts it for people where hours are what is limited: "50 h 05 min".
std::string HoursText(std::int64_t micros);
// `Celsius` is "-151.2 C".
std::string Celsius(double degrees);
// `Number` is a number without needless digits.
std::string Number(double value);
// `Local` is a time in the therapy's zone.
std::string Local(const Case& c, std::int64_t micros);
// `List` joins with ", "; "none" when empty.
std::string List(const std::vector<std::string>& values);

// `NeedSoundLot`: a lot that was ended is not released any more, and what holds or rejects the
// cells that it was made of holds the lot. `NeedOwnProduct`: a certificate names its own lot's
// product. `NeedNewWord`: what was signed before a release was taken back gives nothing back,
// whenever it is told. `NeedKeptExpiry`: what was dated is not dated later.
void NeedSoundLot(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);
void NeedOwnProduct(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);
void NeedNewWord(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);
void NeedKeptExpiry(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);
// `NeedSignedOrder`: a step that asks for permission rests on an infusion order that those signed
// who gave it. What others wrote down of it says what happened, and lets go on what is told in the
// same way.
void NeedSignedOrder(const Case& c, const Rule& rule, pb::Verdict& v,
                     const pb::InfusionOrder& order, const std::string& id);
// `ExceptionLacks` is what a lot that was released out of specification lacks since: who declines
// it after the release takes that its ground.
std::vector<Words> ExceptionLacks(const Case& c, const pb::Lot& lot, const std::string& subject);
// `TellOldNo` says whether the event is an old no (IsOldNo) to what somebody said yes to at
// `yes_us`, and then that it changes nothing.
bool TellOldNo(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot,
               std::int64_t yes_us);
// `NeedMaker`: product decisions are those of the quality of who makes `lot` (null: what is in
// hand), wherever the signature is given. `NeedTests`: every test of the profile has an answer that
// quality control signed, or a failure. `NeedDate`: nobody releases what has expired.
// `NeedCleanRecord`: who releases neither made nor tested it, and nothing critical is open.
void NeedMaker(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot* lot);
void NeedTests(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);
void NeedDate(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);
void NeedCleanRecord(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);
// `Certificate` is what all three release bodies say; `ReleaseOf` takes it, or says that the event
// is none of them.
struct Certificate {
  std::string lot;
  double dose = 0;
  std::string unit;
  double weight_kg = 0;
};
bool ReleaseOf(const pb::Event& event, Certificate& out);
// `NeedReceipt`: product was received before it is used (R06); `NeedHere`: and by this house.
// `JudgeUnreceived`: what was put away or moved past the receipt (R11).
void NeedReceipt(const Case& c, const Rule& rule, pb::Verdict& v);
void NeedHere(const Case& c, const Rule& rule, pb::Verdict& v);
void JudgeUnreceived(const Case& c, const Rule& rule, pb::Verdict& v);
// `JudgeMissing`: what an audit does not find (R06). `DoubtUnexpected`: what it finds (F8b).
void JudgeMissing(const Case& c, const Rule& rule, pb::Verdict& v);
void DoubtUnexpected(const Case& c, const Rule& rule, pb::Verdict& v);
// `CheckAnswers`: what the answers of a step say by themselves (F8a).
void CheckAnswers(const Case& c, const Rule& rule, pb::Verdict& v);
// `RecallConcerns`: a recall is of something that the therapy has.
void RecallConcerns(const Case& c, const Rule& rule, pb::Verdict& v);

// `NeedShelfLife` is of a release: nothing is dated later than frozen product is kept.
void NeedShelfLife(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot);

// What to do when a scan belongs elsewhere.
inline constexpr const char* kPresentRight =
    "stop; put the item aside, present the right one; record WRONG_ITEM_PRESENTED";

// The rules, one function each, by file.
#define CUSTODY_RULE(name) void name(const Case& c, const Rule& rule, pb::Verdict& v)
CUSTODY_RULE(JudgedElsewhere);    // authority, chain links, alerts
CUSTODY_RULE(ClockRight);         // R03
CUSTODY_RULE(TwoPeople);          // R04
CUSTODY_RULE(Ranges);             // R07
CUSTODY_RULE(JudgeFilling);       // R07, of FILLED
CUSTODY_RULE(Enrolled);           // R38
CUSTODY_RULE(ScansBelong);        // F8a
CUSTODY_RULE(IdentityLifted);     // F8b
CUSTODY_RULE(BedsidePassed);      // R26
CUSTODY_RULE(BeforeThaw);         // R35
CUSTODY_RULE(CheckedForRecall);   // R36
CUSTODY_RULE(OrderedForBag);      // R37
CUSTODY_RULE(ReadyToCollect);     // R08
CUSTODY_RULE(WithinIndication);   // R41
CUSTODY_RULE(SetsEqual);          // R06
CUSTODY_RULE(FreshInTime);        // R09
CUSTODY_RULE(FrozenInTime);       // R10
CUSTODY_RULE(SealsEqual);         // R11
CUSTODY_RULE(TransitPlanned);     // R12
CUSTODY_RULE(ColdKept);           // R13
CUSTODY_RULE(LoggerSound);        // R14
CUSTODY_RULE(QuarantineLifted);   // F9
CUSTODY_RULE(CustodyUnbroken);    // F11
CUSTODY_RULE(VectorSound);        // R15
CUSTODY_RULE(DoseInRange);        // R24
CUSTODY_RULE(ReadyToRelease);     // R16
CUSTODY_RULE(ExceptionComplete);  // R17
CUSTODY_RULE(ReleasedForUse);     // R34
CUSTODY_RULE(ProductThere);       // R18
CUSTODY_RULE(FitForLd);           // R19
CUSTODY_RULE(NotTooLate);         // R20
CUSTODY_RULE(NotTooEarly);        // R21
CUSTODY_RULE(RepeatAdvised);      // R22
CUSTODY_RULE(SafeToInfuse);       // R23
CUSTODY_RULE(WithinWindow);       // R25
CUSTODY_RULE(SecondDose);         // R32
CUSTODY_RULE(ComponentsInOrder);  // R33
CUSTODY_RULE(BaselineTaken);      // R39
CUSTODY_RULE(TocilizumabWithin);  // R27
CUSTODY_RULE(PlanKept);           // R28
CUSTODY_RULE(VisitInTime);        // R29, R30
CUSTODY_RULE(RecordKept);         // R31
CUSTODY_RULE(DischargeSafe);      // R40
CUSTODY_RULE(CareDecided);        // R44
CUSTODY_RULE(CareComplete);       // CARE
CUSTODY_RULE(CrsComputed);        // CRS
CUSTODY_RULE(IcansComputed);      // ICANS
CUSTODY_RULE(BloodGraded);        // ICAHT
CUSTODY_RULE(OneTherapy);         // R05
CUSTODY_RULE(StepsMade);          // R46
CUSTODY_RULE(CollectedAgain);     // F3
CUSTODY_RULE(MadeAgain);          // F4
CUSTODY_RULE(NoHold);             // HOLD
CUSTODY_RULE(ConsentStands);      // F2
CUSTODY_RULE(PatientAlive);       // F13
CUSTODY_RULE(DamageHeld);         // F7
CUSTODY_RULE(StillThere);         // F17
CUSTODY_RULE(JudgeDisposition);   // F17, of a DISPOSITION
CUSTODY_RULE(DoubtNumbers);       // F8b, of what is new
CUSTODY_RULE(OverrideSound);      // OVERRIDE
CUSTODY_RULE(AlertKnown);         // ALERT
CUSTODY_RULE(AttestationFits);    // ATTEST
CUSTODY_RULE(CorrectionSound);    // F19
CUSTODY_RULE(SheetsEntered);      // F21
CUSTODY_RULE(DeviationKnown);     // DEVIATION
CUSTODY_RULE(ReadyToClose);       // CLOSE
CUSTODY_RULE(SummarySound);       // TELEMETRY
CUSTODY_RULE(VolumesAddUp);       // VOLUME
#undef CUSTODY_RULE

// `Run` asks every rule in force, applies the grants, puts the reasons in order and says whether
// the event is refused. Authority was judged before.
void Run(const Case& c, pb::Verdict& verdict);
// `RunOnState` asks only the rules that the state answers, not what a person will scan, type or
// sign: what stands against a step before anybody begins it.
void RunOnState(const Case& c, pb::Verdict& verdict);
// `ApplyGrants` marks the gates that a cited grant covers, and says of the others why it does not.
void ApplyGrants(const Case& c, pb::Verdict& v);

}  // namespace custody::rules

#endif  // CUSTODY_CUSTODY_RULES_CASE_H_

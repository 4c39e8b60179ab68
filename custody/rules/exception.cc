// The exceptional release of a product that misses a specification (F6, R17).
//
// Five words of different people, each on what was said before: what is missed, that the physician
// wants it nevertheless, what the manufacturer thinks of the risk, that physician and patient
// accept it knowing that, and the authorisation. So the order binds, not only that all five are
// there: an acceptance given before the risk was written down accepts something else. A detection
// of more begins the chain anew. Only then two people release, under that authorisation.
#include <algorithm>

#include "custody/oos.h"
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

struct Link {
  std::string_view name;
  const char* words;
};

constexpr Link kLinks[] = {
    {kOosDetected, "what is missed: OOS_DETECTED"},
    {kOosRequested, "the physician's request: OOS_REQUESTED"},
    {kOosRiskAssessed, "the manufacturer's risk assessment: OOS_RISK_ASSESSED"},
    {kOosAccepted, "acceptance by physician and patient: OOS_ACCEPTED"},
    {kOosAuthorised, "the authorisation: OOS_AUTHORISED"}};

// The lot and the link of an event; an empty link for the release at the end.
struct Stage {
  std::string lot;
  std::string_view link;
};

Stage StageOf(const pb::Event& event) {
  switch (event.body_case()) {
    case pb::Event::kOosRequested:
      return {event.oos_requested().lot(), kOosRequested};
    case pb::Event::kOosRiskAssessed:
      return {event.oos_risk_assessed().lot(), kOosRiskAssessed};
    case pb::Event::kOosAccepted:
      return {event.oos_accepted().lot(), kOosAccepted};
    case pb::Event::kOosAuthorised:
      return {event.oos_authorised().lot(), kOosAuthorised};
    default:
      return {event.released_oos().lot(), ""};
  }
}

void NeedLinks(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot,
               std::string_view before) {
  for (const std::string& missing : MissingOosLinks(lot, before)) {
    const auto* link = std::ranges::find(kLinks, missing, &Link::name);
    Gate(c, rule, v,
         {link->words, "not recorded of this lot, or not in its turn",
          "complete the exceptional release in its order, step by step", lot.lot()});
  }
}

void NeedConsent(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (c.therapy.consent_oos()) return;
  Gate(c, rule, v,
       {"the patient's consent to a product out of specification", "none that stands",
        "obtain it: CONSENT_OBTAINED", lot.lot()});
}

// What is released in spite of is what was detected, asked for, assessed and accepted.
void NeedAllDetected(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (!MissingOosLinks(lot, kOosRequested).empty()) return;  // said already
  const auto among = [](const auto& list, const std::string& what) {
    return std::ranges::find(list, what) != list.end();
  };
  const auto& named = c.effective.released_oos().missed();
  for (const std::string& missed : lot.oos_missed()) {
    if (among(named, missed)) continue;
    Gate(c, rule, v,
         {"all that is missed named on the release", missed + " is not",
          "name it: people at the bedside must read it", missed});
  }
  for (const std::string& missed : named) {
    if (among(lot.oos_missed(), missed)) continue;
    Gate(c, rule, v,
         {"only what went the exceptional way", missed + " was not detected there",
          "record OOS_DETECTED with it; request, assessment and acceptance follow anew", missed});
  }
  for (const pb::TestState& test : lot.tests()) {
    if (!test.failed() || among(lot.oos_missed(), test.test())) continue;
    Gate(c, rule, v,
         {"every failed test among what is missed", "test " + test.test() + " failed",
          "record OOS_DETECTED with it; request, assessment and acceptance follow anew",
          test.test()});
  }
}

// The number on the release is that of the authorisation; and who must be told, was told.
void NeedAuthorisation(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  if (!MissingOosLinks(lot, "").empty()) return;  // said already
  const std::string& named = c.effective.released_oos().authorisation();
  if (named != lot.oos_authorisation()) {
    Gate(c, rule, v,
         {"authorisation " + lot.oos_authorisation() + " of OOS_AUTHORISED", named,
          "release by the authorisation of this lot", lot.lot()});
  }
  const bool eu = lot.oos_pathway() == static_cast<std::uint32_t>(pb::OOS_PATHWAY_EU_EXCEPTIONAL);
  const pb::ExceptionalRelease asked =
      c.profile == nullptr ? pb::ExceptionalRelease() : c.profile->exceptional_release();
  const auto need = [&](bool wanted, bool told, const char* whom) {
    if (!wanted || told) return;
    Gate(c, rule, v,
         {std::string(whom) + " notified", "OOS_AUTHORISED says no",
          "notify them, then record OOS_AUTHORISED again", lot.lot()});
  };
  need(eu || asked.notify_holder(), lot.oos_holder_notified(),
       "the holder of the marketing authorisation");
  need(eu || asked.notify_authority(), lot.oos_authority_notified(), "the supervisory authority");
}

// The law by which it is authorised is that of where the patient is treated.
void NeedPathway(const Case& c, const Rule& rule, pb::Verdict& v, const pb::Lot& lot) {
  const std::string law = c.profile == nullptr ? "" : c.profile->jurisdiction();
  if (law != "EU" && law != "US") return;
  const pb::OosPathway pathway = c.effective.oos_authorised().pathway();
  const bool of_eu = pathway == pb::OOS_PATHWAY_EU_EXCEPTIONAL;
  const bool of_us =
      pathway == pb::OOS_PATHWAY_US_EXPANDED_ACCESS || pathway == pb::OOS_PATHWAY_US_SINGLE_IND;
  if (law == "EU" ? !of_us : !of_eu) return;
  Gate(
      c, rule, v,
      {"a pathway of the profile's jurisdiction, " + law, of_eu ? "one of the EU" : "one of the US",
       "have it authorised by the law that holds where the patient is treated", lot.lot()});
}

// A refusal needs nothing.
void JudgeRefusal(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::Lot* lot = FindLot(c.therapy, c.effective.oos_accepted().lot());
  if (lot != nullptr) TellOldNo(c, rule, v, *lot, lot->oos_accepted_us());
}

}  // namespace

void ExceptionComplete(const Case& c, const Rule& rule, pb::Verdict& v) {
  const Stage stage = StageOf(c.effective);
  const pb::Lot* lot = FindLot(c.therapy, stage.lot);
  switch (Body(c)) {
    case pb::Event::kOosRiskAssessed:
    case pb::Event::kOosAuthorised:
    case pb::Event::kReleasedOos:
      NeedMaker(c, rule, v, lot);
      break;
    case pb::Event::kOosRequested:
      break;
    case pb::Event::kOosAccepted:
      if (c.effective.oos_accepted().patient_consent() != pb::NO) break;
      return JudgeRefusal(c, rule, v);
    default:
      return;
  }
  if (lot == nullptr) return;  // F8a says so
  const bool release = c.effective.has_released_oos();
  if (release) {
    NeedSoundLot(c, rule, v, *lot);
    NeedOwnProduct(c, rule, v, *lot);
    NeedDate(c, rule, v, *lot);
    NeedTests(c, rule, v, *lot);
    NeedCleanRecord(c, rule, v, *lot);
  }
  NeedNewWord(c, rule, v, *lot);
  NeedLinks(c, rule, v, *lot, stage.link);
  const bool accepted =
      release || c.effective.has_oos_accepted() || c.effective.has_oos_authorised();
  if (accepted) NeedConsent(c, rule, v, *lot);
  if (c.effective.has_oos_authorised()) NeedPathway(c, rule, v, *lot);
  if (!release) return;
  NeedAllDetected(c, rule, v, *lot);
  NeedAuthorisation(c, rule, v, *lot);
}

}  // namespace custody::rules

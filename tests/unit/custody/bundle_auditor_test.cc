// What is asked of a bundle beyond its records: header, checkpoint, completeness, what hangs on it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "crypto/dsse.h"
#include "crypto/note.h"
#include "custody/auditor.h"
#include "tests/support/audits.h"
#include "tests/support/status_matchers.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kTherapy[] = "therapy/A1";
constexpr char kSite[] = "registry/CLINIC";

class BundleAuditorTest : public ::testing::Test {
 protected:
  BundleAuditorTest() {
    PatientEnrolledBy(ledger_, kTherapy).Record();
    ConsentWithdrawnBy(ledger_, kTherapy).Record();
    ConsentWithdrawnBy(ledger_, kTherapy, "clinic.rn.2").Record();
    PatientEnrolledBy(ledger_, "therapy/B2").Record();
    bundle_ = BundleOf(ledger_, kTherapy);
    trust_.emplace(TrustIn(ledger_));
  }
  pb::AuditReport Audit() { return AuditBundle(bundle_, &*trust_, {}); }
  // The audit of the bundle as changed, which is found by `check`.
  void ExpectFound(pb::FindingGrade grade, std::string_view check) {
    const pb::AuditReport report = Audit();
    EXPECT_TRUE(HasFinding(report, grade, check)) << check << " not in\n" << Findings(report);
    EXPECT_EQ(ExitCode(report), 1);
    bundle_ = BundleOf(ledger_, kTherapy);
  }

  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
  Bundle bundle_;
  std::optional<TrustAnchor> trust_;
};

TEST_F(BundleAuditorTest, AWithheldLastEventIsFound) {
  std::vector<BundleEntry>& therapy = bundle_.chains[kTherapy];
  therapy.pop_back();
  ExpectFound(pb::INCONSISTENT, "heads");
  // Also when the head is made to fit what is left: then its proof does not hold.
  bundle_.chains[kTherapy].pop_back();
  bundle_.heads[kTherapy].length = 2;
  bundle_.heads[kTherapy].head = EventId(bundle_.chains[kTherapy].back().signed_event.payload());
  ExpectFound(pb::INCONSISTENT, "heads");
  // Of the registry too: there it may be a revocation.
  bundle_.chains[kSite].pop_back();
  ExpectFound(pb::INCONSISTENT, "heads");
}

TEST_F(BundleAuditorTest, AnOldCheckpointDoesNotHideALaterEvent) {
  // The ledger as it was before the last event of the therapy: complete and unchanged up to there.
  TestLedger before(pb::DEMO, "one", {.small = true});
  PatientEnrolledBy(before, kTherapy).Record();
  bundle_ = BundleOf(before, kTherapy);
  const pb::AuditReport report = Audit();
  EXPECT_EQ(Findings(report), "");
  EXPECT_THAT(report.sentence(), HasSubstr("entry " + std::to_string(before.log().size()) + " of"));
  // But its lastEntry does not stand under the newer checkpoint.
  bundle_.checkpoint = ledger_.SignedCheckpoint();
  ExpectFound(pb::FORGED, "last-entry");
}

TEST_F(BundleAuditorTest, DroppedSwappedAndRepeatedEntriesAreFound) {
  const std::size_t chains = bundle_.chains.size();
  ASSERT_EQ(chains, 3U);
  // Found by one of `checks`, against the record.
  const auto expect = [&](std::initializer_list<std::string_view> checks, const std::string& what) {
    const pb::AuditReport report = Audit();
    EXPECT_EQ(ExitCode(report), 1) << what;
    const bool found = std::ranges::any_of(checks, [&](std::string_view check) {
      return HasFinding(report, pb::INCONSISTENT, check) || HasFinding(report, pb::FORGED, check);
    });
    EXPECT_TRUE(found) << what << "\n" << Findings(report);
  };
  for (const auto& [name, whole] : BundleOf(ledger_, kTherapy).chains) {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const std::string here = name + " " + std::to_string(i) + " ";
      std::vector<BundleEntry>& entries = bundle_.chains[name];
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
      // The last one of a chain shows in its head alone, the genesis in everything.
      expect({"chain", "heads", "genesis"}, here + "dropped");
      entries = whole;
      entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(i), whole[i]);
      expect({"index"}, here + "twice");
      entries = whole;
      if (i > 0) {
        std::swap(entries[i - 1], entries[i]);
        expect({"order"}, here + "swapped");
        entries = whole;
        std::swap(entries[i - 1].index, entries[i].index);
        expect({"path"}, here + "with its index swapped");
        entries = whole;
        std::swap(entries[i - 1].signed_event, entries[i].signed_event);
        expect({"event-id"}, here + "with its event swapped");
      }
      entries = whole;
      entries.resize(i);
      expect({"heads"}, here + "and all after it cut off");
      entries = whole;
    }
  }
  EXPECT_EQ(Findings(Audit()), "");
}

TEST_F(BundleAuditorTest, ACheckpointOfAnotherLogIsFound) {
  TestLedger other(pb::DEMO, "two", {.small = true});
  PatientEnrolledBy(other, kTherapy).Record();
  bundle_.checkpoint = other.SignedCheckpoint();
  ExpectFound(pb::FORGED, "checkpoint");
  bundle_ = BundleOf(other, kTherapy);
  ExpectFound(pb::FORGED, "checkpoint");
  // Signed by another key under the right name.
  const PrivateKey stranger = Must(PrivateKey::FromSeed(Sha256("stranger").view()));
  bundle_.checkpoint =
      Must(SignCheckpoint({ledger_.origin(), ledger_.log().size(), ledger_.LogRoot()}, stranger));
  ExpectFound(pb::FORGED, "checkpoint");
  bundle_.checkpoint = "nonsense";
  ExpectFound(pb::UNREADABLE, "checkpoint");
}

TEST_F(BundleAuditorTest, TheWitnessPolicyOfTheTrustFileBinds) {
  const PrivateKey witness = Must(PrivateKey::FromSeed(Sha256("witness").view()));
  const std::string vkey =
      Must(NoteVerifier::Of("witness.example", NoteKeyType::kCosignatureV1, witness.public_key()))
          .ToString();
  trust_->policy = Must(
      WitnessPolicy::Parse("log " + ledger_.log_vkey() + "\nwitness w " + vkey + "\nquorum w\n"));
  ExpectFound(pb::FORGED, "witness-policy");
  Note note = Must(Note::Parse(ledger_.SignedCheckpoint()));
  Must(CosignNote(note, "witness.example", witness, 1'772'500'000));
  bundle_.checkpoint = note.ToString();
  EXPECT_EQ(Findings(Audit()), "");
}

TEST_F(BundleAuditorTest, ABrokenCosignatureThatTheQuorumDidNotNeedIsNoted) {
  const auto key = [](std::string_view name) {
    return Must(PrivateKey::FromSeed(Sha256({"witness ", name}).view()));
  };
  const auto line = [&](const std::string& name) {
    return "witness " + name + " " +
           Must(NoteVerifier::Of(name + ".example", NoteKeyType::kCosignatureV1,
                                 key(name).public_key()))
               .ToString() +
           "\n";
  };
  trust_->policy = Must(WitnessPolicy::Parse("log " + ledger_.log_vkey() + "\n" + line("a") +
                                             line("b") + "group g any a b\nquorum g\n"));
  Note note = Must(Note::Parse(ledger_.SignedCheckpoint()));
  Must(CosignNote(note, "a.example", key("a"), 1'772'500'000));
  Must(CosignNote(note, "b.example", key("b"), 1'772'500'000));
  bundle_.checkpoint = note.ToString();
  EXPECT_FALSE(HasFinding(Audit(), pb::NOTE, "witness-policy"));
  note.signatures.back().value.back() ^= 1;
  bundle_.checkpoint = note.ToString();
  const pb::AuditReport report = Audit();
  EXPECT_EQ(Findings(report), "");
  EXPECT_EQ(ExitCode(report), 0);
  EXPECT_TRUE(HasFinding(report, pb::NOTE, "witness-policy"));
  EXPECT_THAT(Render(report), HasSubstr("the cosignature of witness b does not hold"));
}

TEST_F(BundleAuditorTest, TheHeaderMustBeThatOfTheGenesis) {
  TestLedger other(pb::DEMO, "two", {.small = true});
  bundle_.origin = other.origin();
  ExpectFound(pb::INCONSISTENT, "header");
  bundle_.log_key = other.log_vkey();
  ExpectFound(pb::INCONSISTENT, "header");
  bundle_.genesis = other.genesis();
  ExpectFound(pb::INCONSISTENT, "header");
  bundle_.environment = pb::PRODUCTION;
  ExpectFound(pb::INCONSISTENT, "header");
  EXPECT_THAT(Audit().sentence(), HasSubstr("TRAINING - NOT FOR PATIENT USE"));
}

TEST_F(BundleAuditorTest, EveryChainThatSignsMustBeThere) {
  bundle_.chains.erase(kSite);
  bundle_.heads.erase(kSite);
  const pb::AuditReport report = Audit();
  EXPECT_TRUE(HasFinding(report, pb::UNAUTHORISED, "key")) << Findings(report);
  bundle_ = BundleOf(ledger_, kTherapy);
  bundle_.chains.erase("registry");
  bundle_.heads.erase("registry");
  ExpectFound(pb::INCONSISTENT, "genesis");
  bundle_.heads.erase(kSite);
  ExpectFound(pb::INCONSISTENT, "heads");
  bundle_.heads["therapy/B2"] = bundle_.heads[kTherapy];
  ExpectFound(pb::INCONSISTENT, "heads");
  bundle_.chains.erase(kTherapy);
  bundle_.heads.erase(kTherapy);
  ExpectFound(pb::INCONSISTENT, "chains");
}

// Everybody who signs is enrolled in the chains given, but the station's site is not among them:
// its retirement could not be known.
TEST(BundleAuditorWorldTest, TheChainOfTheStationsSiteMustBeThere) {
  TestLedger ledger;
  PatientEnrolledBy(ledger, kTherapy).At("lab.station.1").Record();
  Bundle bundle = BundleOf(ledger, kTherapy);
  const TrustAnchor trust = TrustIn(ledger);
  EXPECT_FALSE(HasFinding(AuditBundle(bundle, &trust, {}), pb::INCONSISTENT, "chains"));
  ASSERT_TRUE(bundle.chains.contains("registry/LAB"));
  // Only its later part is withheld: the station is known, and the chain not complete.
  bundle.chains["registry/LAB"].resize(8);
  EXPECT_TRUE(HasFinding(AuditBundle(bundle, &trust, {}), pb::INCONSISTENT, "heads"));
}

TEST_F(BundleAuditorTest, TheSchemaMustHaveBeenPublished) {
  bundle_.schema += '\0';
  ExpectFound(pb::INCONSISTENT, "schema");
  bundle_.schema.clear();
  ExpectFound(pb::INCONSISTENT, "schema");
}

TEST_F(BundleAuditorTest, TheDecodedViewMustBeWhatWasSigned) {
  std::string& view = bundle_.chains[kTherapy][0].view;
  view =
      Must(DecodedView(Must(ParseEvent(bundle_.chains[kTherapy][0].signed_event.payload())).event));
  const std::string right = view;
  bundle_.chains[kTherapy][1].view = R"({ })";
  ExpectFound(pb::INCONSISTENT, "view");
  const std::string text = BundleText(ledger_, kTherapy);
  const std::size_t at = text.find("1961");
  ASSERT_NE(at, text.npos);
  EXPECT_TRUE(HasFinding(AuditBundle(std::string(text).replace(at, 4, "1962"), &*trust_, {}),
                         pb::INCONSISTENT, "view"));
}

TEST_F(BundleAuditorTest, AttachmentsAreHeldAgainstTheirEvents) {
  const std::string bytes = "scan of the consent";
  EventBuilder event = ConsentWithdrawnBy(ledger_, kTherapy);
  pb::AttachmentRef& document = *event.event().mutable_consent_withdrawn()->mutable_document();
  document.set_sha256(Sha256(bytes).ToString());
  document.set_size(bytes.size());
  document.set_media_type("application/pdf");
  event.Record();
  const std::string name = Sha256(bytes).ToHex();
  bundle_ = BundleOf(ledger_, kTherapy);
  const pb::AuditReport absent = Audit();
  EXPECT_TRUE(HasFinding(absent, pb::INCOMPLETE, "attachment"));
  EXPECT_THAT(absent.sentence(), StartsWith("UNCHANGED, BUT 1 ATTACHMENT NOT HERE"));
  bundle_.attachments[name] = {"application/pdf", bytes.size(), std::nullopt};
  ExpectFound(pb::INCOMPLETE, "attachment");
  bundle_.attachments[name] = {"application/pdf", bytes.size(), bytes};
  EXPECT_EQ(Findings(Audit()), "");
  bundle_.attachments[name].media_type = "text/plain";
  ExpectFound(pb::INCONSISTENT, "attachment");
  bundle_.attachments[name] = {"application/pdf", bytes.size() + 1, bytes};
  ExpectFound(pb::INCONSISTENT, "attachment");
  bundle_.attachments[name] = {"application/pdf", bytes.size(), "scan of the consenT"};
  ExpectFound(pb::FORGED, "attachment");
  bundle_.attachments[name] = {"application/pdf", bytes.size(), bytes};
  bundle_.attachments[Sha256("x").ToHex()] = {"text/plain", 1, "x"};
  ExpectFound(pb::INCONSISTENT, "attachment");
}

TEST_F(BundleAuditorTest, AnAbsentAttachmentIsDescribedAsItsEventDoes) {
  const std::string bytes = "scan of the consent";
  EventBuilder event = ConsentWithdrawnBy(ledger_, kTherapy);
  pb::AttachmentRef& document = *event.event().mutable_consent_withdrawn()->mutable_document();
  document.set_sha256(Sha256(bytes).ToString());
  document.set_size(bytes.size());
  document.set_media_type("application/pdf");
  event.Record();
  const std::string name = Sha256(bytes).ToHex();
  bundle_ = BundleOf(ledger_, kTherapy);
  bundle_.attachments[name] = {"application/pdf", bytes.size(), std::nullopt};
  EXPECT_FALSE(HasFinding(Audit(), pb::INCONSISTENT, "attachment"));
  bundle_.attachments[name] = {"application/pdf", bytes.size() + 1, std::nullopt};
  ExpectFound(pb::INCONSISTENT, "attachment");
  bundle_.attachments[name] = {"text/plain", bytes.size(), std::nullopt};
  ExpectFound(pb::INCONSISTENT, "attachment");
}

TEST_F(BundleAuditorTest, EarlierLedgersMustBeThoseThatTheRegistryContinues) {
  TestLedger old(pb::DEMO, "old", {.small = true});
  bundle_.continues.push_back(
      {old.origin(), old.log_vkey(), old.genesis(), old.SignedCheckpoint()});
  ExpectFound(pb::INCONSISTENT, "continues");
  bundle_.continues.push_back({old.origin(), old.log_vkey(), old.genesis(), "nonsense"});
  ExpectFound(pb::FORGED, "continues");
}

TEST_F(BundleAuditorTest, UnreadablePartsDoNotHideTheOthers) {
  std::string text = BundleText(ledger_, kTherapy);
  const std::size_t path = text.find(R"("path":[")");
  text.replace(path + 9, 1, "!");
  const std::size_t year = text.find("1961");
  text.replace(year, 4, "1962");
  const pb::AuditReport report = AuditBundle(text, &*trust_, {});
  EXPECT_TRUE(HasFinding(report, pb::UNREADABLE, "base64")) << Findings(report);
  EXPECT_TRUE(HasFinding(report, pb::INCONSISTENT, "view")) << Findings(report);
  EXPECT_EQ(report.entries(), ledger_.log().size() - 1);
  EXPECT_EQ(ExitCode(AuditBundle("[]", &*trust_, {})), 1);
  EXPECT_THAT(AuditBundle("[]", &*trust_, {}).sentence(), StartsWith("DO NOT RELY: the file"));
}

}  // namespace
}  // namespace custody

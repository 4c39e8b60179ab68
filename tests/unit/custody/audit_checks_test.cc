// The names of the checks are part of the formats: what each of them finds, by its name and grade,
// where no other file of tests already shows it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "crypto/dsse.h"
#include "custody/auditor.h"
#include "tests/support/audits.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

constexpr char kTherapy[] = "therapy/A1";

class AuditChecksTest : public ::testing::Test {
 protected:
  AuditChecksTest() {
    PatientEnrolledBy(ledger_, kTherapy).Record();
    ConsentWithdrawnBy(ledger_, kTherapy).Record();
    bundle_ = BundleOf(ledger_, kTherapy);
  }
  BundleEntry& Record(std::size_t i) { return bundle_.chains[kTherapy][i]; }
  void ExpectFound(const pb::AuditReport& report, pb::FindingGrade grade, std::string_view check) {
    EXPECT_TRUE(HasFinding(report, grade, check)) << check << " not in\n" << Findings(report);
    EXPECT_EQ(ExitCode(report), grade == pb::NOTE ? 0 : 1);
  }
  // The bundle as changed is found by `check`; then it is whole again.
  void ExpectFound(pb::FindingGrade grade, std::string_view check) {
    ExpectFound(AuditBundle(bundle_, &trust_, {}), grade, check);
    bundle_ = BundleOf(ledger_, kTherapy);
  }
  // The file with `what` replaced by `with` is found by `check`.
  void ExpectTextFound(std::string_view what, std::string_view with, std::string_view check) {
    std::string text = Must(WriteBundle(bundle_));
    const std::size_t at = text.find(what);
    ASSERT_NE(at, text.npos) << what;
    text.replace(at, what.size(), with);
    ExpectFound(AuditBundle(text, &trust_, {}), pb::UNREADABLE, check);
  }
  // The log entry of record `i`, changed.
  void ChangeEntry(std::size_t i, const std::function<void(pb::LogEntry&)>& change) {
    pb::LogEntry entry = Must(ParseLogEntry(Record(i).entry));
    change(entry);
    Record(i).entry = entry.SerializeAsString();
  }

  TestLedger ledger_{pb::DEMO, "one", {.small = true}};
  TrustAnchor trust_ = TrustIn(ledger_);
  Bundle bundle_;
};

TEST_F(AuditChecksTest, OfTheFileItself) {
  ExpectFound(AuditBundle(std::string_view("[]"), &trust_, {}), pb::UNREADABLE, "file");
  ExpectTextFound("\"schema\": \"", "\"schema\": \"!", "encoding");
  ExpectTextFound("\"custodyBundle\": 1", "\"custodyBundle\": 2", "version");
  ExpectTextFound("\"chains\":", "\"more\":0,\"chains\":", "json");
  ExpectTextFound("\"genesis\": \"", "\"genesis\": \"zz", "hex");
  ExpectTextFound("\"logKey\": \"", "\"logKey\": \"x", "log-key");
}

TEST_F(AuditChecksTest, OfTheOrderOfRecords) {
  std::swap(Record(0), Record(1));
  ExpectFound(pb::INCONSISTENT, "order");
  Record(1).index = Record(0).index;
  ExpectFound(pb::INCONSISTENT, "index");
  bundle_.chains[kTherapy].erase(bundle_.chains[kTherapy].begin());
  ExpectFound(pb::INCONSISTENT, "chain");
}

TEST_F(AuditChecksTest, OfWhatTheEntryCommitsTo) {
  *Record(1).signed_event.mutable_payload() = Record(0).signed_event.payload();
  ExpectFound(pb::FORGED, "event-id");
  Record(1).signed_event.mutable_signatures(0)->mutable_value()->at(3) ^= 1;
  ExpectFound(pb::FORGED, "record");
  ChangeEntry(1, [](pb::LogEntry& entry) { entry.set_chain_key(Sha256("therapy/B2").ToString()); });
  ExpectFound(pb::INCONSISTENT, "chain-key");
  ChangeEntry(1, [](pb::LogEntry& entry) { entry.set_sequence(7); });
  ExpectFound(pb::INCONSISTENT, "sequence");
}

TEST_F(AuditChecksTest, OfAnEventThatNoServerShouldHaveTaken) {
  pb::Event shapeless;
  ASSERT_TRUE(shapeless.ParseFromString(Record(1).signed_event.payload()));
  shapeless.clear_time_zone();
  Record(1).signed_event.set_payload(shapeless.SerializeAsString());
  ChangeEntry(1, [&](pb::LogEntry& entry) {
    entry.set_event_id(EventId(Record(1).signed_event.payload()).ToString());
  });
  ExpectFound(pb::INCONSISTENT, "shape");
}

TEST_F(AuditChecksTest, ADeviationThatIsOpenIsNoted) {
  EventBuilder opened = ledger_.On(kTherapy).By("clinic.rn.1");
  pb::DeviationOpened& body = *opened.event().mutable_deviation_opened();
  body.set_severity(pb::SEVERITY_MINOR);
  body.set_title("a label was smeared");
  body.set_description("read by two people all the same");
  opened.Record();
  ExpectFound(AuditLedger(ledger_, &trust_), pb::NOTE, "deviation");
}

// The table of FORMATS.md section 7, row by row: a name that no test asks for might mean anything.
TEST(AuditCheckNamesTest, EveryCheckOfTheFormatsIsAskedForByATest) {
  const std::filesystem::path root = CUSTODY_SOURCE_DIR;
  const auto read = [](const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  };
  std::string tests;
  for (const char* folder : {"tests/unit/custody", "tests/unit/tools", "tests/integration"}) {
    for (const auto& item : std::filesystem::directory_iterator(root / folder)) {
      if (item.path().extension() == ".cc") tests += read(item.path());
    }
  }
  const std::string page = read(root / "proto/FORMATS.md");
  const std::size_t begin = page.find("| Check | Grade | When |");
  ASSERT_NE(begin, page.npos);
  const std::string table = page.substr(begin, page.find("\n\n", begin) - begin);
  std::set<std::string> names;
  const std::regex name("`([a-z-]+)`");
  std::istringstream rows(table);
  for (std::string row; std::getline(rows, row);) {
    const std::string first = row.substr(0, row.find('|', 1));
    for (std::sregex_iterator at(first.begin(), first.end(), name), end; at != end; ++at) {
      names.insert((*at)[1]);
    }
  }
  EXPECT_GE(names.size(), 35U);
  for (const std::string& check : names) {
    EXPECT_NE(tests.find("\"" + check + "\""), tests.npos) << check << " is asked for by no test";
  }
}

}  // namespace
}  // namespace custody

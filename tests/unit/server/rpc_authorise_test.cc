// The table of who may call what, held against its meaning in words.

#include <gtest/gtest.h>

#include "server/rpc/authorise.h"
#include "tests/support/event_builder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

constexpr Who kEverybody[] = {Who::kClinic, Who::kManufacturer, Who::kCarrier, Who::kOversight,
                              Who::kAdmin};

TEST(ScopeTest, TheAdministrationSeesNoTherapyAndNoPatient) {
  for (const Call call : {Call::kReadTherapies, Call::kGetSubject, Call::kPutSubject,
                          Call::kGetAttachment, Call::kPutAttachment}) {
    EXPECT_EQ(ScopeOf(call, Who::kAdmin), Scope::kNone) << CallName(call);
  }
  for (const Call call :
       {Call::kRecord, Call::kPreview, Call::kReadChain, Call::kReadEvents, Call::kGetHeadsProof}) {
    EXPECT_EQ(ScopeOf(call, Who::kAdmin), Scope::kRegistry) << CallName(call);
  }
}

TEST(ScopeTest, OnlyTheAdministrationMovesClocksAndCopiesTheLedger) {
  for (const Call call : {Call::kSetClock, Call::kBackup}) {
    for (const Who who : kEverybody) {
      EXPECT_EQ(ScopeOf(call, who), who == Who::kAdmin ? Scope::kAll : Scope::kNone);
    }
  }
}

TEST(ScopeTest, CarriersReadNoPatientNoEventAndNoAttachment) {
  for (const Call call : {Call::kGetSubject, Call::kPutSubject, Call::kGetAttachment}) {
    EXPECT_EQ(ScopeOf(call, Who::kCarrier), Scope::kNone) << CallName(call);
  }
  EXPECT_EQ(ScopeOf(Call::kReadEvents, Who::kCarrier), Scope::kRegistry);
}

TEST(ScopeTest, OversightReadsAllAndWritesNoSubject) {
  for (const Call call : {Call::kReadTherapies, Call::kReadChain, Call::kReadEvents,
                          Call::kGetHeadsProof, Call::kReadAccessLog, Call::kGetAttachment}) {
    EXPECT_EQ(ScopeOf(call, Who::kOversight), Scope::kAll) << CallName(call);
  }
  EXPECT_EQ(ScopeOf(Call::kPutSubject, Who::kOversight), Scope::kNone);
}

TEST(ScopeTest, NobodyButOversightReadsTherapiesBeyondItsOwn) {
  for (const Who who : {Who::kClinic, Who::kManufacturer, Who::kCarrier}) {
    EXPECT_EQ(ScopeOf(Call::kReadTherapies, who), Scope::kParty);
  }
}

TEST(ScopeTest, ProofsAreForEverybody) {
  for (const Who who : kEverybody) {
    for (const Call call : {Call::kHello, Call::kProve, Call::kReadLog, Call::kGetSchema}) {
      EXPECT_EQ(ScopeOf(call, who), Scope::kAll);
    }
  }
}

TEST(AuthoriseTest, ARefusalSaysWhoMay) {
  Caller caller;
  caller.who = Who::kCarrier;
  EXPECT_THAT(Authorise(Call::kBackup, caller),
              StatusIs(StatusCode::kPermissionDenied, "the local administration"));
}

TEST(IdentifyCallerTest, StationsAreWhatTheirOrganisationIs) {
  const TestLedger ledger;
  const std::pair<const char*, Who> stations[] = {{"clinic.station.1", Who::kClinic},
                                                  {"lab.station.2", Who::kManufacturer},
                                                  {"depot.station.1", Who::kCarrier},
                                                  {"overseer.station.1", Who::kOversight}};
  for (const auto& [name, who] : stations) {
    CUSTODY_ASSERT_OK_AND_ASSIGN(const Caller caller, IdentifyCaller(name, ledger.registry()));
    EXPECT_EQ(caller.who, who) << name;
    EXPECT_EQ(caller.station, name);
    EXPECT_FALSE(caller.site.empty());
  }
}

TEST(IdentifyCallerTest, TheAdministrationHasNoSite) {
  const TestLedger ledger;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Caller caller, IdentifyCaller("admin", ledger.registry()));
  EXPECT_EQ(caller.who, Who::kAdmin);
  EXPECT_TRUE(caller.site.empty());
}

TEST(IdentifyCallerTest, NamelessUnknownAndRetiredAreRefused) {
  TestLedger ledger;
  EXPECT_THAT(IdentifyCaller("", ledger.registry()), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(IdentifyCaller("nobody", ledger.registry()),
              StatusIs(StatusCode::kPermissionDenied, "not enrolled"));
  EXPECT_THAT(IdentifyCaller("Admin", ledger.registry()), StatusIs(StatusCode::kPermissionDenied));
  EventBuilder retired =
      ledger.On("registry/CLINIC").By("clinic.registrar.1").By("clinic.registrar.2");
  retired.event().mutable_station_retired()->set_station("clinic.station.1");
  retired.event().mutable_station_retired()->set_reason("stolen");
  retired.Record();
  EXPECT_THAT(IdentifyCaller("clinic.station.1", ledger.registry()),
              StatusIs(StatusCode::kPermissionDenied, "retired"));
  CUSTODY_EXPECT_OK(IdentifyCaller("clinic.station.2", ledger.registry()));
}

}  // namespace
}  // namespace custody

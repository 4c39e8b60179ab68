// Alerts of a real ledger, handed to recipients of the test's own, by a clock that the test moves.
// Long because every promise of alerting.h is kept or broken with one ledger, clock and recipients.
#include "server/alerting/alerting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <set>

#include "custody/audit_report.h"
#include "server/alerting/alert_rows.h"
#include "tests/integration/therapy_world.h"
#include "tests/support/event_builder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/ledger_folder.h"
#include "tests/support/main_path.h"
#include "tests/support/no_threads.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Remembers what each was handed; those in `failing` take nothing. `working` is what happens while
// one of them takes it.
class FakeDeliverer final : public Deliverer {
 public:
  Status Deliver(const Recipient& recipient, std::string_view json) override {
    if (working) working(recipient.name);
    const std::lock_guard lock(mutex_);
    if (failing.contains(recipient.name)) return Unavailable("no answer");
    bytes.append(json).append("\n");
    taken.push_back(recipient.name + " " + Field(json, "rule") + " " + Field(json, "site"));
    return Status();
  }
  bool Has(const std::string& one) {
    const std::lock_guard lock(mutex_);
    return std::ranges::find(taken, one) != taken.end();
  }
  std::vector<std::string> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(taken, {});
  }
  static std::string Field(std::string_view json, std::string_view name) {
    const std::string key = "\"" + std::string(name) + "\":\"";
    const std::size_t at = json.find(key);
    CUSTODY_CHECK(at != std::string_view::npos);
    const std::string_view rest = json.substr(at + key.size());
    return std::string(rest.substr(0, rest.find('"')));
  }

  std::function<void(const std::string& recipient)> working;
  std::set<std::string> failing;
  std::vector<std::string> taken;
  std::string bytes;

 private:
  std::mutex mutex_;
};

Recipient Named(const std::string& name) {
  Recipient recipient;
  recipient.name = name;
  recipient.program = {"/bin/" + name};
  return recipient;
}

AlertingConfig TheConfig() {
  AlertingConfig config;
  for (const char* name : {"pager", "on-call", "quality"}) {
    config.recipients.push_back(Named(name));
  }
  TellList clinic;
  clinic.site = "CLINIC";
  clinic.tell = {"pager", "on-call"};
  TellList lab;
  lab.site = "LAB";
  lab.roles = {pb::QA};
  lab.tell = {"quality"};
  config.lists = {clinic, lab};
  return config;
}

class AlertingTest : public ::testing::Test {
 protected:
  explicit AlertingTest(std::string_view through = "infusion_completed") : world(through) {
    world.ledger().set_now(clock.Now());
    options.folder = world.data();
    options.clock = &clock;
    Open();
  }
  void Open() {
    ledger = Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(world.data() / "log.key"))));
    OpenAlerting();
  }
  void OpenAlerting(const AlertingConfig& config = TheConfig(),
                    std::chrono::milliseconds patience = std::chrono::minutes(10)) {
    watch.reset();
    alerting = Must(Alerting::Open(*ledger, config, told, patience));
    // After it: who is told later has heard that it was told.
    watch = ledger->Watch([this](const LedgerChange& change) { heard = change.index; });
  }
  void Close() {
    watch.reset();
    alerting.reset();
    ledger.reset();
  }
  // Every step that is due now; what was handed to whom.
  std::vector<std::string> Step() {
    while (alerting->Step()) {
    }
    return told.Take();
  }
  std::vector<std::string> After(std::int64_t micros) {
    clock.Pass(micros);
    return Step();
  }
  // What `who` record now.
  void Record(const std::vector<std::string>& who, const std::string& text) {
    world.ledger().set_now(clock.Now());
    EventBuilder event = world.ledger().On("therapy/T1");
    for (const std::string& person : who) event.By(person);
    event.event().MergeFrom(ParseBody(text, clock.Now()));
    const RecordOutcome outcome = RecordNow(*ledger, event.Record().signed_event, "");
    CUSTODY_ASSERT_OK(outcome.status);
    while (heard < outcome.reply.receipt().index()) std::this_thread::yield();
  }
  std::vector<pb::AlertRecord> List(bool past = false) {
    pb::ListAlertsRequest request;
    request.set_past(past);
    const pb::ListAlertsReply reply =
        Must(alerting->List(request, [](const pb::AlertRecord&) { return true; }));
    return {reply.alerts().begin(), reply.alerts().end()};
  }
  std::string Only(std::string_view rule) {
    std::string id;
    for (const pb::AlertRecord& record : List()) {
      if (record.rule() != rule) continue;
      EXPECT_TRUE(id.empty()) << "two of " << rule;
      id = record.alert();
    }
    return id;
  }
  void Acknowledge(const std::string& who, const std::string& alert) {
    Record({who}, "alert_acknowledged { alert: '" + alert + "' action: 'on my way' }");
  }
  void Contaminate() {
    Record({"lab.qc.1"},
           "contamination_confirmed { lot: 'LOT26001' test: 'sterility' confirmed_at $T "
           "after_infusion: YES }");
  }
  void Recall() {
    Record({"lab.qa.1"},
           "product_recalled { recall: 'RC-1' identifier_type: 'lot' identifier: 'LOT26001' "
           "reason: 'x' infused_already: YES }");
  }
  void Measure() {
    Record({"clinic.rn.1"},
           "observations_recorded { observations { vitals { at $T temperature_c: 36.5 } } }");
  }

  TherapyWorld world;
  FakeClock clock{FromProto(world.ledger().log().back().entry.received_at())};
  LedgerOptions options;
  FakeDeliverer told;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Alerting> alerting;
  std::atomic<std::uint64_t> heard{0};
  std::shared_ptr<void> watch;
};

TEST_F(AlertingTest, WhatArisesByMerePassingOfTimeIsToldWhenItDoes) {
  Measure();
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_THAT(After(4 * kMicrosPerHour), IsEmpty()) << "readings are due, not overdue";
  EXPECT_THAT(After(1), ElementsAre("pager R28 CLINIC"));
  EXPECT_THAT(Step(), IsEmpty());
  Measure();
  EXPECT_THAT(After(kMicrosPerHour), IsEmpty()) << "true no more";
  EXPECT_THAT(List(), IsEmpty());
  ASSERT_THAT(List(true), SizeIs(1));
  EXPECT_EQ(List(true)[0].rule(), "R28");
  EXPECT_EQ(List(true)[0].handouts(0).times(), 1U);
  EXPECT_TRUE(List(true)[0].has_ended());
}

// A therapy whose product is under way.
class AlertingUnderWayTest : public AlertingTest {
 protected:
  AlertingUnderWayTest() : AlertingTest("last handed_to_carrier") {}
};

TEST_F(AlertingUnderWayTest, AShipperThatSaysNothingIsToldWhenItsTimeAndItsHoldRunOut) {
  const pb::Shipment& shipment = world.folded().shipments(1);
  const auto until = [&](std::int64_t at_us) { return at_us - clock.Now().micros; };
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_THAT(After(until(shipment.expected_us())), IsEmpty());
  EXPECT_THAT(After(1), UnorderedElementsAre("pager F10 CLINIC", "quality F10 LAB"));
  const std::string late = Only("F10");
  EXPECT_THAT(late, HasSubstr("-F10-late"));
  Acknowledge("clinic.coord.1", late);
  Acknowledge("lab.qa.1", late);
  EXPECT_THAT(After(kMicrosPerHour), IsEmpty());
  EXPECT_THAT(After(until(shipment.packed_us() + 216 * kMicrosPerHour)), IsEmpty());
  EXPECT_THAT(After(1), UnorderedElementsAre("pager F10 CLINIC", "quality F10 LAB"));
}

TEST_F(AlertingTest, ContaminationReachesBothSitesAndIsRepeatedUntilEachHasAcknowledged) {
  Measure();
  Step();
  Contaminate();
  EXPECT_THAT(Step(), UnorderedElementsAre("pager F5 CLINIC", "quality F5 LAB")) << "at once";
  EXPECT_THAT(After(10 * kMicrosPerMinute),
              UnorderedElementsAre("pager F5 CLINIC", "quality F5 LAB"));
  const std::string alert = Only("F5");
  Acknowledge("lab.qa.1", alert);
  EXPECT_THAT(After(10 * kMicrosPerMinute),
              UnorderedElementsAre("pager F5 CLINIC", "on-call F5 CLINIC"))
      << "escalated at the clinic, silent at the laboratory";
  ASSERT_THAT(List(), SizeIs(1));
  EXPECT_EQ(List()[0].seen(0).person(), "lab.qa.1");
  EXPECT_EQ(List()[0].seen(0).site(), "LAB");
  Acknowledge("clinic.phy.1", alert);
  EXPECT_THAT(After(kMicrosPerHour), Not(Contains(HasSubstr("F5"))));
  EXPECT_THAT(Only("F5"), "");
  ASSERT_THAT(List(true), SizeIs(1));
  EXPECT_THAT(List(true)[0].seen(), SizeIs(2));
}

TEST_F(AlertingTest, ARestartGoesOnWhereItWas) {
  Measure();
  Contaminate();
  EXPECT_THAT(Step(), SizeIs(2));
  const std::string alert = Only("F5");
  Close();
  clock.Pass(9 * kMicrosPerMinute);
  Open();
  EXPECT_THAT(Step(), IsEmpty()) << "what was handed out is known";
  EXPECT_THAT(After(kMicrosPerMinute), SizeIs(2));
  // What is recorded while nobody steps is found by the next start.
  alerting.reset();
  Acknowledge("lab.qa.1", alert);
  Acknowledge("clinic.phy.1", alert);
  Close();
  clock.Pass(kMicrosPerHour);
  Open();
  EXPECT_THAT(Step(), IsEmpty());
  EXPECT_THAT(List(), IsEmpty());
}

TEST_F(AlertingTest, AKillBetweenHandOutAndWritingHandsOutAgain) {
  Measure();
  Step();
  Contaminate();
  // The recipient takes it, and the process is gone before it learns of that.
  class Dying final : public Deliverer {
   public:
    explicit Dying(FakeDeliverer& real) : real_(real) {}
    Status Deliver(const Recipient& recipient, std::string_view json) override {
      static_cast<void>(real_.Deliver(recipient, json));
      return Unavailable("ended");
    }

   private:
    FakeDeliverer& real_;
  };
  Dying dying(told);
  alerting.reset();
  {
    const auto first = Must(Alerting::Open(*ledger, TheConfig(), dying));
    first->Step();
    EXPECT_THAT(told.Take(), IsSupersetOf({"pager F5 CLINIC", "quality F5 LAB"}));
  }
  OpenAlerting();
  EXPECT_THAT(Step(), IsSupersetOf({"pager F5 CLINIC", "quality F5 LAB"}));
}

TEST_F(AlertingTest, ARecipientThatFailsIsPassedOverShownAndTriedAgain) {
  std::vector<bool> well;
  alerting->OnWell([&well](bool now) { well.push_back(now); });
  told.failing = {"pager"};
  Measure();
  Contaminate();
  EXPECT_THAT(Step(), UnorderedElementsAre("on-call F5 CLINIC", "quality F5 LAB")) << "at once";
  pb::AlertingStatus status = alerting->GetStatus(ledger->Now());
  ASSERT_THAT(status.recipients(), SizeIs(3));
  EXPECT_TRUE(status.recipients(0).failing());
  EXPECT_EQ(status.recipients(0).error(), "no answer");
  EXPECT_EQ(FromProto(status.recipients(0).next_try()), ledger->Now() + 30 * kMicrosPerSecond);
  EXPECT_FALSE(status.recipients(1).failing());
  EXPECT_THAT(After(29 * kMicrosPerSecond), IsEmpty());
  told.failing.clear();
  EXPECT_THAT(After(kMicrosPerSecond), ElementsAre("pager F5 CLINIC"));
  status = alerting->GetStatus(ledger->Now());
  EXPECT_FALSE(status.recipients(0).failing());
  EXPECT_THAT(well, ElementsAre(true, false, true));
  EXPECT_THAT(told.bytes, HasSubstr("\"banner\":\"" + std::string(kTrainingMark) + "\""));
}

TEST_F(AlertingTest, ASlowRecipientKeepsWhatArisesFromOthersForOneMessageOnly) {
  Measure();
  Step();
  Record({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-2' }");
  Contaminate();
  bool recalled = false;
  told.working = [&](const std::string& recipient) {
    if (recipient != "pager") return;
    clock.Pass(29 * kMicrosPerSecond);
    if (!std::exchange(recalled, true)) Recall();
  };
  const std::vector<std::string> taken = Step();
  std::vector<std::string> pager;
  std::ranges::copy_if(taken, std::back_inserter(pager),
                       [](const std::string& one) { return one.starts_with("pager"); });
  EXPECT_THAT(pager, ElementsAre("pager F5 CLINIC", "pager F18 CLINIC", "pager F9 CLINIC"))
      << "the most severe first, also what arose meanwhile";
  EXPECT_LT(std::ranges::find(taken, "quality F18 LAB") - taken.begin(),
            std::ranges::find(taken, "pager F9 CLINIC") - taken.begin())
      << "nobody waits until the slow one has all of its own";
}

// Each of the clinic's escalation list is told every ten minutes by now, and hangs.
TEST_F(AlertingTest, TwelveThatHangKeepNothingUrgentFromTheThirteenth) {
  AlertingConfig config = TheConfig();
  config.lists[0].tell.clear();
  config.recipients.erase(config.recipients.begin(), config.recipients.begin() + 2);
  for (int i = 0; i < 12; ++i) {
    config.recipients.push_back(Named("hung-" + std::to_string(i)));
    config.lists[0].tell.push_back(config.recipients.back().name);
  }
  OpenAlerting(config);
  Measure();
  Contaminate();
  Step();
  for (int i = 0; i < 11; ++i) After(15 * kMicrosPerMinute);
  ASSERT_THAT(List()[0].handouts(), SizeIs(13)) << "all of them were told";
  Acknowledge("lab.qa.1", Only("F5"));
  Step();
  OpenAlerting(config, std::chrono::milliseconds(0));
  std::promise<void> release;
  std::atomic<int> hanging{0};
  told.working = [&hanging, released = release.get_future().share()](const std::string& name) {
    if (!name.starts_with("hung")) return;
    ++hanging;
    released.wait();
  };
  clock.Pass(15 * kMicrosPerMinute);
  alerting->Step();
  while (hanging < 12) std::this_thread::yield();
  Recall();
  while (!told.Has("quality F18 LAB")) {
    alerting->Step();
    std::this_thread::yield();
  }
  EXPECT_EQ(hanging, 12) << "who has something in hand is handed nothing more";
  release.set_value();
  while (!told.Has("hung-0 F18 CLINIC")) {
    alerting->Step();
    std::this_thread::yield();
  }
  EXPECT_TRUE(told.Has("hung-0 F5 CLINIC")) << "what it had in hand was taken";
  alerting.reset();
}

// The machine's shortage is nobody's failure: no recipient is passed over for it.
TEST_F(AlertingTest, WhereNoThreadCanBeBegunEverybodyIsToldAtTheNextLook) {
  Measure();
  Step();
  Contaminate();
  {
    const NoThreads none;
    EXPECT_FALSE(alerting->Step()) << "it is left until the next look";
    EXPECT_THAT(told.Take(), IsEmpty());
    EXPECT_THAT(alerting->GetStatus(clock.Now()).trouble(), HasSubstr("no thread can be begun"));
  }
  EXPECT_THAT(Step(), UnorderedElementsAre("pager F5 CLINIC", "quality F5 LAB"));
  EXPECT_EQ(alerting->GetStatus(clock.Now()).trouble(), "");
  const NoThreads none;
  CUSTODY_EXPECT_OK(alerting->Test("CLINIC", clock.Now()));
  EXPECT_THAT(told.Take(), SizeIs(2)) << "a test goes on with the thread it has";
}

TEST_F(AlertingTest, AListShowsWhoeverAsksTheirOwnHoweverMuchOfOthersStandsBeforeIt) {
  constexpr int kOfOthers = 101'000;
  Batch rows;
  const auto put = [&](const char* site, int number) {
    pb::AlertRecord record;
    record.set_alert("T-" + std::to_string(number));
    record.add_sites(site);
    *record.mutable_ended() = ToProto(clock.Now() + number);
    const std::string key = PastRow(clock.Now().micros + number, "", record.alert());
    rows.Put(Table::kAlerts, key, record.SerializeAsString());
  };
  put("CLINIC", 0);
  for (int number = 1; number <= kOfOthers; ++number) put("LAB", number);
  CUSTODY_ASSERT_OK(ledger->WriteAlertRows(rows));
  pb::ListAlertsRequest request;
  request.set_past(true);
  const auto all = [](const pb::AlertRecord&) { return true; };
  const auto clinics = [](const pb::AlertRecord& record) { return record.sites(0) == "CLINIC"; };
  EXPECT_EQ(Must(alerting->List(request, all)).alerts_size(), 1000);
  EXPECT_TRUE(Must(alerting->List(request, all)).more());
  EXPECT_EQ(Must(alerting->List(request, clinics)).alerts_size(), 1);
  EXPECT_FALSE(Must(alerting->List(request, clinics)).more());
  request.set_site("CLINIC");
  EXPECT_EQ(Must(alerting->List(request, all)).alerts_size(), 1);
  EXPECT_THAT(alerting->List(request, [](const auto&) { return Unavailable("gone"); }),
              StatusIs(StatusCode::kUnavailable));
}

TEST_F(AlertingTest, ATestThatFailsPausesNoRealAlert) {
  std::vector<bool> well;
  alerting->OnWell([&well](bool now) { well.push_back(now); });
  Measure();
  Step();
  told.failing = {"pager"};
  CUSTODY_ASSERT_OK(alerting->Test("CLINIC", ledger->Now()).status());
  told.failing.clear();
  told.Take();
  Contaminate();
  EXPECT_THAT(Step(), UnorderedElementsAre("pager F5 CLINIC", "quality F5 LAB"));
  EXPECT_THAT(well, ElementsAre(true));
}

TEST_F(AlertingTest, ATestWaitsForTheRecipientsTurn) {
  Measure();
  Step();
  Contaminate();
  std::future<bool> tested;
  told.working = [&](const std::string& recipient) {
    if (recipient != "pager" || tested.valid()) return;
    tested = std::async(std::launch::async,
                        [&] { return alerting->Test("CLINIC", ledger->Now()).ok(); });
    while (!told.Has("on-call TEST CLINIC")) std::this_thread::yield();
    EXPECT_FALSE(told.Has("pager TEST CLINIC")) << "it has something in hand";
  };
  EXPECT_THAT(Step(), IsSupersetOf({"pager F5 CLINIC", "quality F5 LAB"}));
  EXPECT_TRUE(tested.get());
}

TEST_F(AlertingTest, ARowThatIsDamagedIsDroppedAndItsAlertToldAnew) {
  Measure();
  Contaminate();
  EXPECT_THAT(Step(), SizeIs(2));
  for (const std::string damaged : {"\xff\xff", ""}) {
    Batch batch;
    CUSTODY_ASSERT_OK(ledger->ReadAlertRows("o", [&](std::string_view key, std::string_view) {
      if (key.starts_with('o')) batch.Put(Table::kAlerts, key, damaged);
      return true;
    }));
    CUSTODY_ASSERT_OK(ledger->WriteAlertRows(batch));
    OpenAlerting();
    EXPECT_THAT(Step(), UnorderedElementsAre("pager F5 CLINIC", "quality F5 LAB"));
    EXPECT_THAT(Step(), IsEmpty());
    EXPECT_THAT(List(), SizeIs(1));
  }
}

// It held when a therapy is to be looked at again.
TEST_F(AlertingTest, ADamagedRowOfWhatIsDueHasEveryTherapyLookedAt) {
  Measure();
  EXPECT_THAT(Step(), IsEmpty());
  Batch batch;
  CUSTODY_ASSERT_OK(ledger->ReadAlertRows("d", [&](std::string_view key, std::string_view) {
    if (key.starts_with('d')) batch.Delete(Table::kAlerts, key);
    return true;
  }));
  batch.Put(Table::kAlerts, std::string("d\x00\x01", 3), "");
  CUSTODY_ASSERT_OK(ledger->WriteAlertRows(batch));
  EXPECT_THAT(After(4 * kMicrosPerHour + 1), ElementsAre("pager R28 CLINIC"));
}

TEST_F(AlertingTest, StatusCountsWhatWaitsTooLongAndWhatReachesNobody) {
  Measure();
  Record({"clinic.pharm.1"}, "temperature_excursion { from $T-3h containers: 'LOT26001-2' }");
  Contaminate();
  Step();
  clock.Pass(kMicrosPerHour + kMicrosPerMinute);
  Step();
  const pb::AlertingStatus status = alerting->GetStatus(ledger->Now());
  EXPECT_TRUE(status.configured());
  EXPECT_EQ(status.urgent_waiting(), 1U);
  EXPECT_FALSE(status.catching_up());
  EXPECT_EQ(status.trouble(), "");
}

TEST_F(AlertingTest, TheMonthlyTestIsATaskUntilEveryRecipientTookIt) {
  const auto of = [&](const std::string& site) {
    const pb::AlertingStatus status = alerting->GetStatus(ledger->Now());
    for (const pb::AlertTest& test : status.tests()) {
      if (test.site() == site) return test;
    }
    return pb::AlertTest();
  };
  EXPECT_TRUE(of("CLINIC").overdue()) << "never tested";
  told.failing = {"on-call"};
  CUSTODY_ASSERT_OK_AND_ASSIGN(pb::TestAlertReply reply, alerting->Test("CLINIC", ledger->Now()));
  EXPECT_THAT(told.Take(), ElementsAre("pager TEST CLINIC"));
  ASSERT_THAT(reply.handouts(), SizeIs(2));
  EXPECT_EQ(reply.handouts(1).error(), "no answer");
  EXPECT_TRUE(of("CLINIC").overdue());
  told.failing.clear();
  clock.Pass(kMicrosPerMinute);
  CUSTODY_ASSERT_OK_AND_ASSIGN(reply, alerting->Test("CLINIC", ledger->Now()));
  EXPECT_THAT(told.Take(), UnorderedElementsAre("pager TEST CLINIC", "on-call TEST CLINIC"));
  EXPECT_EQ(FromProto(reply.next_due()), ledger->Now() + 31 * kMicrosPerDay);
  Close();
  Open();
  EXPECT_FALSE(of("CLINIC").overdue());
  EXPECT_TRUE(of("LAB").overdue());
  clock.Pass(31 * kMicrosPerDay + 1);
  EXPECT_TRUE(of("CLINIC").overdue());
  EXPECT_THAT(List(true), SizeIs(2)) << "both tests are remembered";
  EXPECT_THAT(alerting->Test("OTHER", ledger->Now()),
              StatusIs(StatusCode::kInvalidArgument, "[[alerts.list]]"));
}

TEST_F(AlertingTest, AMessageHoldsNoNameNoIdentifierAndNothingTyped) {
  pb::PutSubjectRequest subject;
  subject.set_therapy("T1");
  for (const auto& [type, value] :
       {std::pair{"name", "Zaphod Beeblebrox"}, {"mrn", "MRN-4711-0815"}, {"dob", "19611027"}}) {
    pb::SubjectIdentifier& identifier = *subject.add_identifiers();
    identifier.set_type(type);
    identifier.set_value(value);
  }
  CUSTODY_ASSERT_OK(ledger->PutSubject(subject));
  // Every alert that can be raised here, by events that are full of names.
  Record({"lab.qc.1"},
         "contamination_confirmed { lot: 'LOT26001' test: 'Zaphod' organism: 'Beeblebrox' "
         "sample: 'MRN-4711-0815' confirmed_at $T after_infusion: YES advice: 'call Zaphod' }");
  Record({"lab.qa.1"},
         "product_recalled { recall: 'MRN-4711-0815' identifier_type: 'lot' identifier: "
         "'LOT26001' reason: 'Zaphod Beeblebrox' infused_already: YES }");
  Record({"clinic.rn.1"},
         "observations_recorded { observations { vitals { at $T temperature_c: 39.5 } } }");
  Step();
  EXPECT_THAT(After(100 * kMicrosPerDay), Not(IsEmpty()));
  After(kMicrosPerDay);
  CUSTODY_ASSERT_OK(alerting->Test("CLINIC", ledger->Now()).status());
  for (const char* rule : {"F5", "F18", "R43", "R28", "R29", "TEST"}) {
    EXPECT_THAT(told.bytes, HasSubstr("\"rule\":\"" + std::string(rule) + "\""));
  }
  std::vector<std::string> never = {"Zaphod",   "Beeblebrox", "4711",    "0815",
                                    "19611027", "LOT26001",   "Name of "};
  const pb::TherapyState state = Must(ledger->GetTherapy("T1", std::nullopt)).state();
  for (const std::string& person : state.persons()) never.push_back(person);
  for (const std::string& word : never) {
    EXPECT_THAT(told.bytes, Not(HasSubstr(word)));
  }
  EXPECT_THAT(told.bytes, HasSubstr("\"coi\":\"" + std::string(kMainCoi) + "\""));
  // Nor does any row beside the log hold one.
  CUSTODY_ASSERT_OK(ledger->ReadAlertRows("", [&](std::string_view key, std::string_view value) {
    for (const char* word : {"Zaphod", "Beeblebrox", "4711"}) {
      EXPECT_THAT(std::string(key) + std::string(value), Not(HasSubstr(word)));
    }
    return true;
  }));
}

TEST_F(AlertingTest, AnUpgradeLooksAtEveryTherapyOnce) {
  Measure();
  Contaminate();
  Step();
  // As another program would have left it: nothing derived, and another code's name.
  Batch batch;
  CUSTODY_ASSERT_OK(ledger->ReadAlertRows("", [&](std::string_view key, std::string_view) {
    if (key.starts_with('o') || key.starts_with('d')) batch.Delete(Table::kAlerts, key);
    return true;
  }));
  batch.Put(Table::kAlerts, kCodeRow, "older");
  CUSTODY_ASSERT_OK(ledger->WriteAlertRows(batch));
  OpenAlerting();
  EXPECT_TRUE(alerting->GetStatus(ledger->Now()).catching_up());
  EXPECT_THAT(Step(), UnorderedElementsAre("pager F5 CLINIC", "quality F5 LAB"));
  EXPECT_FALSE(alerting->GetStatus(ledger->Now()).catching_up());
  EXPECT_THAT(After(4 * kMicrosPerHour + 1), Contains("pager R28 CLINIC")) << "due times too";
}

TEST_F(AlertingTest, ALookWithoutAnythingDueWritesNothing) {
  Measure();
  Step();
  const std::uint64_t before = ledger->GetStatus().syncs();
  for (int i = 0; i < 10; ++i) Step();
  EXPECT_EQ(ledger->GetStatus().syncs(), before);
}

// A server of before took such settings: it goes on recording, and says what is wrong.
TEST(AlertingInProductionTest, AWebhookInClearIsHandedNothingAndKeepsNobodyFromRecording) {
  const ServerWorld world({.small = true}, "one", pb::PRODUCTION);
  LedgerOptions options;
  options.folder = world.data();
  const auto ledger =
      Must(Ledger::Open(options, Must(PrivateKey::LoadPlain(world.data() / "log.key"))));
  AlertingConfig config;
  config.recipients.push_back(Named("pager"));
  Recipient& hook = config.recipients.emplace_back();
  hook.name = "hook";
  hook.webhook = "http://alarm.example/token";
  TellList& list = config.lists.emplace_back();
  list.site = "CLINIC";
  list.tell = {"hook", "pager"};
  FakeDeliverer told;
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto alerting, Alerting::Open(*ledger, config, told));
  alerting->Step();
  bool well = true;
  alerting->OnWell([&well](bool now) { well = now; });
  EXPECT_FALSE(well);
  const pb::AlertingStatus status = alerting->GetStatus(ledger->Now());
  EXPECT_FALSE(status.recipients(0).failing());
  EXPECT_TRUE(status.recipients(1).failing());
  EXPECT_THAT(status.recipients(1).error(),
              AllOf(HasSubstr("in clear: nothing is handed to it"), Not(HasSubstr("token"))));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const auto tested, alerting->Test("CLINIC", ledger->Now()));
  EXPECT_THAT(tested.handouts(0).error(), HasSubstr("in clear"));
  EXPECT_EQ(tested.handouts(1).error(), "");
  EXPECT_THAT(told.Take(), ElementsAre("pager TEST CLINIC"));
}

TEST_F(AlertingTest, AStartedOneStepsByItself) {
  Measure();
  alerting->Start();
  Contaminate();
  std::vector<std::string> taken;
  while (taken.size() < 2) {
    for (const std::string& one : told.Take()) taken.push_back(one);
    std::this_thread::yield();
  }
  EXPECT_THAT(taken, UnorderedElementsAre("pager F5 CLINIC", "quality F5 LAB"));
  alerting->Stop();
}

}  // namespace
}  // namespace custody

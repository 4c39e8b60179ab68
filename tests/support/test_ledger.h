// A small world for tests: a ledger in memory with trustees, sites, people of every role, stations
// and keys made of fixed seeds, so that every run gives the same bytes.
//
// Nothing is judged here: what a test records stands in the log, right or wrong. Judging it is what
// the tests are about.
//
// The world (see test_ledger.cc):
//   trustees   t-1 t-2 t-3, quorum 2
//   sites      CLINIC (HOSPITAL, Europe/Berlin), LAB (MAKER, Europe/Amsterdam), DEPOT (CARRIER),
//              OTHER (another hospital, Europe/Paris), OVERSEER (an inspectorate)
//   people     "clinic.rn.1", "clinic.rn.2", "lab.qa.1", "depot.cour.1": site, role, number; two of
//              each; registrars "clinic.registrar.1" and so on
//   stations   "clinic.station.1", "clinic.station.2", ...
#ifndef CUSTODY_TESTS_SUPPORT_TEST_LEDGER_H_
#define CUSTODY_TESTS_SUPPORT_TEST_LEDGER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/heads_map.h"
#include "crypto/key.h"
#include "custody/event.h"
#include "custody/registry.h"
#include "custody/time.h"
#include "tests/support/node_table.h"

namespace custody {

class EventBuilder;

struct TestPerson {
  std::string id;
  std::string printed_name;
  std::string site;  // empty: trustee
  std::string organisation;
  pb::Role role;
  PrivateKey key;
};

// `Recorded` is one event in its place.
struct Recorded {
  std::uint64_t index = 0;
  Instant received_at;
  pb::SignedEvent signed_event;
  ParsedEvent parsed;
  pb::LogEntry entry;
  std::string entry_bytes;
};

// `TestWorld` asks for another world than the usual one.
struct TestWorld {
  // CLINIC alone with its coordinators and nurses: some 20 records, for tests that take each apart.
  bool small = false;
  // Of the small world the nurses alone: the least that enrols a patient.
  bool nurses_alone = false;
  // Another genesis, and nobody's key the same, under the same log key: what whoever holds the
  // log's key could invent.
  bool invented = false;
  // When it is founded, for tests that go on by the machine's clock; else in March 2026.
  std::optional<Instant> begins = std::nullopt;
};

// `TestLedger` is not copyable, not thread-safe. It aborts the test when something that it makes
// itself does not hold.
class TestLedger {
 public:
  // `environment` DEMO, VALIDATION or PRODUCTION; `name` makes another ledger of the same world:
  // other genesis and log key, same people and keys.
  explicit TestLedger(pb::Environment environment = pb::DEMO, std::string_view name = "one",
                      TestWorld world = {});
  TestLedger(const TestLedger&) = delete;
  TestLedger& operator=(const TestLedger&) = delete;

  // Time stands still unless it is passed.
  Instant now() const { return now_; }
  void Pass(std::int64_t micros) { now_ = now_ + micros; }
  void set_now(Instant now) { now_ = now; }

  const Hash& genesis() const { return registry_.genesis(); }
  const Registry& registry() const { return registry_; }
  const std::deque<Recorded>& log() const { return log_; }
  std::uint64_t next_index() const { return log_.size(); }

  // `On` starts an event on the chain's present head, happening and signed now.
  EventBuilder On(std::string_view chain);

  // `Record` appends what was signed, unjudged. Parsing, the registry fold and time must hold, or
  // the test is aborted. `Try` answers with a Status instead and appends nothing then.
  const Recorded& Record(const pb::SignedEvent& signed_event);
  StatusOr<const Recorded*> Try(const pb::SignedEvent& signed_event);

  // REQUIRES: there is such a person.
  const TestPerson& person(std::string_view id) const;
  // `PeopleOf` is everybody of a site.
  std::vector<const TestPerson*> PeopleOf(std::string_view site) const;
  // `AddPerson` enrols one more person of `site` with a key, by the site's registrars.
  const TestPerson& AddPerson(std::string_view site, pb::Role role, std::string_view id);
  // `MakePerson` makes a person with a key, who is not enrolled.
  const TestPerson& MakePerson(std::string_view site, pb::Role role, std::string_view id);
  // `PublishProfile` publishes `profile` by the trustees.
  void PublishProfile(const pb::Profile& profile);

  // What a server would serve.
  const std::string& origin() const { return origin_; }
  const PrivateKey& log_key() const { return log_key_; }
  std::string log_vkey() const;
  std::uint64_t Length(std::string_view chain) const;
  Hash Head(std::string_view chain) const;  // zero when the chain is empty
  std::string SignedCheckpoint() const;     // over the whole log, signed by the log
  Hash LogRoot() const { return nodes_.frontier().root(); }
  std::vector<Hash> Path(std::uint64_t index) const;  // to the whole log
  const NodeTable& nodes() const { return nodes_; }
  HeadsProof ProveHead(std::string_view chain);

 private:
  friend class EventBuilder;
  void Create(pb::Environment environment);
  PrivateKey PersonalKey(std::string_view id) const;
  void EnrolSite(std::string_view site, std::string_view organisation, pb::OrganisationKind kind,
                 std::string_view zone, std::string_view facility,
                 const std::vector<pb::Role>& roles);
  void EnrolPerson(const TestPerson& person, std::string_view by, bool by_trustees);

  Instant now_;
  TestWorld world_;
  std::string name_;
  std::string origin_;
  PrivateKey log_key_;
  Registry registry_;
  std::deque<Recorded> log_;
  std::map<std::string, const Recorded*, std::less<>> heads_;
  std::map<std::string, TestPerson, std::less<>> people_;
  NodeTable nodes_;
  HeadsMap map_;
};

// `Must` unwraps what cannot fail in a test, or aborts with its message.
void Must(const Status& status);
template <typename T>
T Must(StatusOr<T> result) {
  Must(result.status());
  return *std::move(result);
}

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_TEST_LEDGER_H_

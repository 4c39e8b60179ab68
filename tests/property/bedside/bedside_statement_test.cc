// That the statement says what it has to: each of its clauses objects to a way on which that one
// thing is wrong, and to nothing when nothing is. No rule is asked here, so all is recorded.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/property/bedside/bedside_search.h"

namespace custody {
namespace {

using Names = std::vector<std::string>;

BedsideWorld& World() {
  static BedsideWorld& world = *new BedsideWorld();
  return world;
}

const Names kWay = {"cold check A", "remove A", "thaw A", "thawed A", "bed check A", "infuse A"};
const Names kWayOfB = {"B missed a limit",
                       "a physician asks for B",
                       "the maker assesses B",
                       "consent to out of specification",
                       "physician and patient accept B",
                       "B is authorised",
                       "B released out of specification",
                       "B is selected",
                       "order B",
                       "cold check B",
                       "remove B",
                       "thaw B",
                       "thawed B",
                       "bed check B",
                       "infuse B"};

Names Instead(Names way, const std::string& of, const Names& these) {
  const auto at = std::ranges::find(way, of);
  EXPECT_NE(at, way.end()) << of;
  const auto place = way.erase(at);
  way.insert(place, these.begin(), these.end());
  return way;
}
Names Before(const std::string& of, Names these) {
  these.push_back(of);
  return Instead(kWay, of, these);
}

// A clause of the statement, a way that breaks it and nothing else, and the only words against it.
struct Clause {
  const char* clause;
  Names way;
  Names words;
};

std::ostream& operator<<(std::ostream& out, const Clause& clause) { return out << clause.clause; }

constexpr const char* kNotReleased = "its lot is not released";
constexpr const char* kUnchecked = "no equal checks of two people at the bedside";
constexpr const char* kColdUnchecked = "no sound check of this container before the thaw";
constexpr const char* kWindow = "its window has ended and nobody who may has granted more";
constexpr const char* kRejected = "LOT26001-1 was rejected or recalled";

// Of the release, and of the two people's checks.
std::vector<Clause> OfTheChecks() {
  return {
      {"Release",
       Instead(kWayOfB, "B released out of specification", {}),
       {kNotReleased, "its release does not name it", kUnchecked, kColdUnchecked}},
      {"ReleaseOfThatLot",
       Before("cold check A", {"release of lot A withdrawn"}),
       {kNotReleased, "its release does not name it"}},
      {"ReleaseDespiteAFailedTest",
       Instead(kWayOfB, "B released out of specification", {"B released"}),
       {kNotReleased, "its release does not name it", kUnchecked, kColdUnchecked}},
      {"TwoPeople", Instead(kWay, "bed check A", {"bed check A by one person"}), {kUnchecked}},
      {"TwoWhoMay", Instead(kWay, "bed check A", {"bed check A with a coordinator"}), {kUnchecked}},
      {"TwoNow", Instead(kWay, "bed check A", {"bed check A with old checks"}), {kUnchecked}},
      {"TwoWhoAgree", Instead(kWay, "bed check A", {"bed check A, one differs"}), {kUnchecked}},
      {"EqualContainer",
       Instead(kWay, "bed check A", {"bed check A, other bag in one check"}),
       {kUnchecked}},
      {"WristbandOfThePatient",
       Instead(kWay, "bed check A", {"bed check A, their wristband"}),
       {kUnchecked}}};
}

// Of what is scanned now, consent, and the window or its grant.
std::vector<Clause> OfTheStart() {
  return {{"WristbandNow",
           Instead(kWay, "infuse A", {"infuse A, their wristband"}),
           {"another wristband than at the check"}},
          {"WholeWristbandNow",
           Instead(kWay, "infuse A", {"infuse A, half the wristband"}),
           {"another wristband than at the check"}},
          {"ContainerNow",
           Instead(kWay, "infuse A", {"infuse theirs for ours"}),
           {"the container is not of this therapy"}},
          {"CoiNow",
           Instead(kWay, "infuse A", {"infuse A, their chain of identity"}),
           {"another chain of identity"}},
          {"OrderNow",
           Instead(kWay, "infuse A", {"infuse A by the therapy's order"}),
           {"another order than checked", "no such order stands for this container"}},
          {"OrderThatStands",
           Before("infuse A", {"order of A cancelled"}),
           {"no such order stands for this container"}},
          {"OrderOfThatLot",
           Before("cold check A", {"order A as if of lot B"}),
           {"the order is of another lot than the container"}},
          {"ScannedNow",
           Instead(kWay, "infuse A", {"infuse A, typed"}),
           {"typed by one person and not scanned"}},
          {"CheckedNow", Before("infuse A", {"16 min pass"}), {"the bedside check is too old"}},
          {"OneCheckOneStart", Before("infuse A", {"infuse A"}), {kUnchecked}},
          {"Live",
           Instead(kWay, "infuse A", {"infuse A, told half an hour later as live"}),
           {"it is not live", "the bedside check is too old"}},
          {"Consent",
           Before("infuse A", {"consent to the treatment withdrawn"}),
           {"no consent to the treatment stands"}},
          {"ConsentOfThePatient",
           Before("infuse A", {"consent to the treatment withdrawn", "consent of the neighbour"}),
           {"no consent to the treatment stands"}},
          {"ConsentSince",
           Before("infuse A",
                  {"consent to the treatment withdrawn", "old papers of consent to the treatment"}),
           {"no consent to the treatment stands"}},
          {"Window", Before("bed check A", {"36 min pass"}), {kWindow}},
          {"GrantCited",
           Before("bed check A", {"36 min pass", "a physician grants R25 for A"}),
           {kWindow}},
          {"GrantOfWhoMay",
           Instead(Before("bed check A", {"36 min pass", "a nurse grants R25"}), "infuse A",
                   {"infuse A by a grant"}),
           {kWindow}},
          {"GrantStillRunning",
           Instead(Before("bed check A", {"a physician grants R25 for A", "300 min pass"}),
                   "infuse A", {"infuse A by a grant"}),
           {kWindow}},
          {"Thawed", Instead(kWay, "thaw A", {}), {"it was never thawed"}}};
}

// Of what ends a lot or a container, and of the thaw.
std::vector<Clause> OfTheBag() {
  return {{"RecallOfTheLot",
           Before("cold check A", {"recall of lot A"}),
           {"its lot was rejected or recalled", kRejected}},
          {"RecallOfIt", Before("cold check A", {"recall of A"}), {kRejected}},
          {"Rejected", Before("cold check A", {"A rejected"}), {kRejected}},
          {"Contaminated",
           Before("cold check A", {"lot A contaminated"}),
           {"its lot was rejected or recalled", kRejected}},
          {"Destroyed", Before("cold check A", {"A destroyed"}), {"LOT26001-1 was destroyed"}},
          {"ThawWithoutCheck", Instead(kWay, "cold check A", {}), {kColdUnchecked}},
          {"ThawByOnePersonsCheck",
           Instead(kWay, "cold check A", {"cold check A by one person"}),
           {kColdUnchecked}},
          {"ThawByTheCheckOfAnother",
           Instead(kWay, "cold check A", {"cold check A, other bag in one check"}),
           {kColdUnchecked}},
          {"ThawOfWhoIsNotReady",
           Instead(kWay, "cold check A", {"cold check A, patient not ready"}),
           {kColdUnchecked}},
          {"ThawAfterItWasPutBack", Before("thaw A", {"A put back"}), {kColdUnchecked}}};
}

std::vector<Clause> Clauses() {
  std::vector<Clause> all = OfTheChecks();
  for (const std::vector<Clause>& more : {OfTheStart(), OfTheBag()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  for (const char* link :
       {"B missed a limit", "a physician asks for B", "the maker assesses B",
        "physician and patient accept B", "B is authorised", "consent to out of specification"}) {
    all.push_back({"WholeException", Instead(kWayOfB, link, {}), {kNotReleased}});
  }
  for (const char* by :
       {"B released out of specification by one", "B released out of specification by the store"}) {
    all.push_back({"ExceptionByTwoWhoMay",
                   Instead(kWayOfB, "B released out of specification", {by}),
                   {kNotReleased, "its release does not name it", kUnchecked, kColdUnchecked}});
  }
  for (const char* what : {"wristband", "half the wristband", "chain of identity", "certificate",
                           "order", "cassette"}) {
    const std::string other = std::string(" check A, one reads another ") + what;
    all.push_back({"EqualChecks", Instead(kWay, "bed check A", {"bed" + other}), {kUnchecked}});
    all.push_back(
        {"EqualChecks", Instead(kWay, "cold check A", {"cold" + other}), {kColdUnchecked}});
  }
  for (const char* stop :
       {"A was warm", "lot A was warm", "seal of A broken", "A leaks", "doubt about A"}) {
    all.push_back({"Quarantine", Before("cold check A", {stop}), {"quarantine Q-"}});
  }
  for (const char* stop : {"a physician holds", "the maker holds A", "the maker holds lot A"}) {
    all.push_back({"Hold", Before("cold check A", {stop}), {"hold H-"}});
  }
  return all;
}

// Everything that speaks against any event of the way, each once; all of it is to be accepted.
std::vector<std::string> AllAgainst(const Names& way, std::string_view without) {
  Moment moment = World().ready();
  std::vector<std::string> all;
  for (const std::size_t letter : World().FindAll(way)) {
    const Outcome outcome = World().Take(moment, letter, without);
    EXPECT_TRUE(outcome.accepted) << World().letters()[letter].name;
    for (const std::string& word : outcome.against) {
      if (std::ranges::find(all, word) == all.end()) all.push_back(word);
    }
  }
  return all;
}

class StatementTest : public testing::TestWithParam<Clause> {};

TEST_P(StatementTest, ObjectsToWhatBreaksAClause) {
  const std::vector<std::string> against = AllAgainst(GetParam().way, kEveryRule);
  for (const std::string& word : GetParam().words) {
    const auto says = [&](const std::string& said) { return said.starts_with(word); };
    EXPECT_TRUE(std::ranges::any_of(against, says)) << "it does not say: " << word;
  }
  for (const std::string& said : against) {
    const auto meant = [&](const std::string& word) { return said.starts_with(word); };
    EXPECT_TRUE(std::ranges::any_of(GetParam().words, meant)) << "it says: " << said;
  }
}

INSTANTIATE_TEST_SUITE_P(Clauses, StatementTest, testing::ValuesIn(Clauses()),
                         [](const auto& clause) {
                           return clause.param.clause + std::to_string(clause.index);
                         });

// Nor do the rules: all of it is recorded.
TEST(StatementTest, ObjectsToNothingWhereNothingIsWrong) {
  const Names lifted = Before(
      "cold check A", {"A was warm", "the maker decides: use A, of its warmth", "doubt about A",
                       "both resolve the doubt", "a physician holds", "another physician clears",
                       "the maker holds A", "the maker's quality clears A"});
  const Names consented =
      Before("infuse A", {"consent to the treatment withdrawn", "consent to the treatment"});
  const Names granted =
      Instead(Before("bed check A", {"36 min pass", "a physician grants R25 for A"}), "infuse A",
              {"infuse A by a grant"});
  for (const Names& way : {kWay, kWayOfB, lifted, consented, granted}) {
    EXPECT_EQ(AllAgainst(way, ""), Names()) << way.back() << " after " << way.size();
  }
}

// The same ways, by the rules: what is sound is recorded, and of each way that breaks a clause a
// letter is refused, else the oracle would object to what the rules let pass.
TEST(StatementTest, TheRulesRefuseALetterOfEveryWayThatBreaksAClause) {
  for (const Clause& clause : Clauses()) {
    Moment moment = World().ready();
    std::size_t refused = 0;
    for (const std::size_t letter : World().FindAll(clause.way)) {
      const Outcome outcome = World().Take(moment, letter, "");
      refused += outcome.accepted ? 0U : 1U;
      EXPECT_TRUE(outcome.against.empty()) << clause << ": " << outcome.against.front();
    }
    EXPECT_GT(refused, 0U) << clause;
  }
}

// Nothing can be left out of it: it goes on to be broken, and without any one letter it is not.
void ExpectMinimal(const Sequence& way, std::string_view without) {
  EXPECT_FALSE(Replay(World(), way, without).empty());
  for (std::size_t i = 0; i < way.size(); ++i) {
    Sequence less = way;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_TRUE(Replay(World(), less, without).empty())
        << World().letters()[way[i]].name << " is not needed in\n"
        << Tell(World(), way, without);
  }
}

TEST(ShrinkingTest, LeavesNothingThatIsNotNeeded) {
  const Sequence way = World().FindAll(
      {"cold check theirs", "B missed a limit", "the physician's go", "a physician asks for B",
       "remove theirs", "order A", "cold check A", "remove A", "thaw A", "thawed A",
       "bed check A, one differs", "the maker holds A", "the clinic's quality clears A",
       "bed check A", "infuse A"});
  ASSERT_FALSE(Replay(World(), way, "R34").empty());
  const Sequence shrunk = Shrunk(World(), way, "R34");
  EXPECT_EQ(shrunk, World().FindAll({"cold check A", "thaw A", "thawed A", "the maker holds A",
                                     "bed check A", "infuse A"}))
      << Tell(World(), shrunk, "R34");
  ExpectMinimal(shrunk, "R34");
}

TEST(ShrinkingTest, MakesWhatAWalkFindsMinimal) {
  for (const char* without : {"R26", "R34", "R35"}) {
    const Found found = Walk(World(), 2'000'000, 7, without);
    ASSERT_FALSE(found.broken.empty()) << without;
    EXPECT_LE(found.broken.size(), 8U) << Tell(World(), found.broken, without);
    ExpectMinimal(found.broken, without);
  }
}

}  // namespace
}  // namespace custody

// Breadth first, a level at a time: only the moments of two levels are kept, of all others a hash
// of what matters of them and the letter that led there. That two moments with the same key are
// alike is not taken on trust: of some that are met again every letter is asked once more, and
// whoever answers otherwise, or comes to a moment with another key, is counted.
#include "tests/property/bedside/bedside_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <random>
#include <set>
#include <unordered_map>

#include "crypto/hash.h"
#include "tests/property/bedside/bedside_key.h"

namespace custody {
namespace {

constexpr std::uint64_t kAskedAgain = 32;  // every how manieth state that is met again

struct Node {
  std::uint32_t from = 0;
  std::uint32_t letter = 0;
  std::uint64_t answers = 0;  // where every letter leads
  std::uint64_t again = 0;    // the same of a state met again with this key
};

struct Ahead {
  std::uint32_t node = 0;
  Moment moment;
};

// What a letter leads to.
struct Next {
  Moment moment;
  Outcome outcome;
  Hash key;
};

std::uint64_t Sum(const std::string& answers) { return ReadU64(Sha256(answers).view()) | 1; }

// The therapy of all letters that are events.
std::size_t TherapyOf(const BedsideWorld& world, const Sequence& alphabet) {
  std::set<std::size_t> therapies;
  for (const std::size_t letter : alphabet) {
    if (world.letters()[letter].wait == 0) therapies.insert(world.letters()[letter].therapy);
  }
  EXPECT_EQ(therapies.size(), 1U) << "letters of several therapies, which do not meet";
  return *therapies.begin();
}

bool IsInfusion(const BedsideWorld& world, std::size_t letter) {
  const pb::Event& event = world.letters()[letter].parsed.event;
  return event.has_infusion_started() && event.entry() == pb::LIVE;
}
bool IsThaw(const BedsideWorld& world, std::size_t letter) {
  const pb::Event& event = world.letters()[letter].parsed.event;
  return event.has_thaw_started() && event.entry() == pb::LIVE;
}

void Count(const BedsideWorld& world, std::size_t letter, const Outcome& outcome, Found& found) {
  if (!outcome.accepted) return;
  ++found.accepted;
  found.infusions += IsInfusion(world, letter) ? 1U : 0U;
  found.thaws += IsThaw(world, letter) ? 1U : 0U;
}

// Whether any of it may be told of a time before.
bool ToldLate(const BedsideWorld& world, const Sequence& alphabet) {
  return std::ranges::any_of(alphabet, [&](std::size_t letter) {
    const pb::Event& event = world.letters()[letter].parsed.event;
    const bool before = event.signed_at().seconds() - event.occurred_at().seconds() > 60;
    return world.letters()[letter].wait == 0 && (event.entry() != pb::LIVE || before);
  });
}

class Breadth {
 public:
  Breadth(BedsideWorld& world, const Sequence& alphabet, const Bounds& bounds,
          std::string_view without)
      : world_(world),
        alphabet_(alphabet),
        bounds_(bounds),
        without_(without),
        therapy_(TherapyOf(world, alphabet)),
        late_(ToldLate(world, alphabet)) {}

  Found Run() {
    std::vector<Ahead> level = Begin();
    found_.whole = true;
    for (; !level.empty() && found_.broken.empty(); ++found_.depth) {
      if (found_.depth == bounds_.depth) {
        found_.whole = false;
        break;
      }
      std::vector<Ahead> next;
      for (Ahead& at : level) {
        Expand(at, next);
        at.moment = {};  // shared no more
        if (!found_.broken.empty()) break;
      }
      level = std::move(next);
    }
    found_.states = nodes_.size();
    for (const Node& node : nodes_) {
      if (node.again == 0 || node.answers == 0) continue;
      ++found_.asked_again;
      found_.unlike += node.again != node.answers ? 1U : 0U;
    }
    return std::move(found_);
  }

 private:
  Hash KeyHash(const Moment& moment) const {
    return KeyOf(moment, therapy_, world_.ready().now, late_);
  }

  // The ready moment, and those along the way.
  std::vector<Ahead> Begin() {
    std::vector<Ahead> level(1);
    level[0].moment = world_.ready();
    nodes_.push_back({});
    seen_[KeyHash(level[0].moment)] = 0;
    Next next{world_.ready(), {}, {}};
    std::uint32_t from = 0;
    for (const std::size_t letter : bounds_.along) {
      next.outcome = world_.Take(next.moment, letter, without_);
      if (!next.outcome.accepted || !next.outcome.against.empty()) break;  // found by the search
      next.key = KeyHash(next.moment);
      Keep(from, letter, next, level);
      from = level.back().node;
    }
    return level;
  }

  Sequence WayTo(std::uint32_t node, std::size_t last) const {
    Sequence way{last};
    for (; node != 0; node = nodes_[node].from) way.push_back(nodes_[node].letter);
    std::ranges::reverse(way);
    return way;
  }

  // What becomes of a letter; nothing when the rules refuse it, or it has waited enough. Whether
  // and where it leads is added to `answers`.
  std::optional<Next> Try(const Moment& at, std::size_t letter, std::string& answers) {
    const bool waits = world_.letters()[letter].wait != 0;
    if (waits && at.waits == bounds_.waits) return std::nullopt;
    const pb::Verdict verdict = world_.Judge(at, letter, without_);
    answers += '-';
    if (!waits && verdict.refused()) return std::nullopt;
    Next next{at, {}, {}};
    world_.Accept(next.moment, letter, verdict, next.outcome);
    next.key = KeyHash(next.moment);
    answers += next.key.view();
    for (const std::string& word : next.outcome.against) answers += word;
    return next;
  }

  void Expand(const Ahead& at, std::vector<Ahead>& level) {
    std::string answers;
    for (const std::size_t letter : alphabet_) {
      std::optional<Next> next = Try(at.moment, letter, answers);
      ++found_.judged;
      if (!next) continue;
      Count(world_, letter, next->outcome, found_);
      if (!next->outcome.against.empty()) {
        found_.broken = WayTo(at.node, letter);
        found_.against = next->outcome.against;
        return;
      }
      Keep(at.node, letter, *next, level);
    }
    nodes_[at.node].answers = Sum(answers);
  }

  void Keep(std::uint32_t from, std::size_t letter, const Next& next, std::vector<Ahead>& level) {
    if (const auto known = seen_.find(next.key); known != seen_.end()) {
      Node& node = nodes_[known->second];
      if (++found_.met % kAskedAgain != 0 || node.again != 0) return;
      std::string answers;
      for (const std::size_t one : alphabet_) Try(next.moment, one, answers);
      node.again = Sum(answers);
      return;
    }
    if (nodes_.size() >= bounds_.states) {  // left out, and not to be met again either
      found_.whole = false;
      return;
    }
    const auto number = static_cast<std::uint32_t>(nodes_.size());
    seen_.emplace(next.key, number);
    nodes_.push_back({from, static_cast<std::uint32_t>(letter)});
    level.push_back({number, next.moment});
  }

  BedsideWorld& world_;
  const Sequence& alphabet_;
  const Bounds& bounds_;
  const std::string_view without_;
  const std::size_t therapy_;
  const bool late_;
  std::vector<Node> nodes_;
  std::unordered_map<Hash, std::uint32_t> seen_;
  Found found_;
};

// What comes next on the way of a bag; after the last the walk begins anew.
class Path {
 public:
  Path(const BedsideWorld& world, const std::string& bag) {
    for (const char* step :
         {"cold check ", "remove ", "thaw ", "thawed ", "bed check ", "infuse "}) {
      letters_.push_back(world.Find(step + bag));
    }
  }
  std::size_t next() const { return letters_[at_]; }
  void Took() { at_ = std::min(at_ + 1, letters_.size() - 1); }
  bool IsNext(std::size_t letter) const { return letters_[at_] == letter; }

 private:
  Sequence letters_;
  std::size_t at_ = 0;
};

}  // namespace

Found SearchAll(BedsideWorld& world, const Sequence& alphabet, const Bounds& bounds,
                std::string_view without) {
  Found found = Breadth(world, alphabet, bounds, without).Run();
  if (!found.broken.empty()) found.broken = Shrunk(world, found.broken, without);
  return found;
}

Found Walk(BedsideWorld& world, std::uint64_t steps, std::uint64_t seed, std::string_view without) {
  constexpr int kLength = 24;
  constexpr std::array<const char*, 4> kBags = {"A", "A", "B", "theirs"};
  Found found;
  std::mt19937_64 random(seed);
  const std::size_t count = world.letters().size();
  while (found.judged < steps && found.broken.empty()) {
    Moment moment = world.ready();
    Path path(world, kBags[random() % kBags.size()]);
    Sequence way;
    // Some walks go nearly straight, some hardly know where they go.
    const std::uint64_t straight = 2 + random() % 8;
    for (int i = 0; i < kLength && found.broken.empty(); ++i) {
      const std::size_t letter = random() % 10 < straight ? path.next() : random() % count;
      const Outcome outcome = world.Take(moment, letter, without);
      ++found.judged;
      Count(world, letter, outcome, found);
      if (!outcome.accepted) continue;
      way.push_back(letter);
      if (path.IsNext(letter)) path.Took();
      if (outcome.against.empty()) continue;
      found.broken = Shrunk(world, way, without);
      found.against = outcome.against;
    }
  }
  return found;
}

std::uint64_t Steps(std::uint64_t otherwise) {
  const char* asked = std::getenv("CUSTODY_MODEL_STEPS");
  return asked == nullptr ? otherwise : std::strtoull(asked, nullptr, 10);
}

std::vector<std::string> Replay(BedsideWorld& world, const Sequence& sequence,
                                std::string_view without) {
  Moment moment = world.ready();
  for (const std::size_t letter : sequence) {
    const Outcome outcome = world.Take(moment, letter, without);
    if (!outcome.against.empty()) return outcome.against;
  }
  return {};
}

Sequence Shrunk(BedsideWorld& world, Sequence sequence, std::string_view without) {
  for (bool shorter = true; shorter;) {
    shorter = false;
    for (std::size_t i = sequence.size(); i-- > 0;) {
      Sequence less = sequence;
      less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
      if (Replay(world, less, without).empty()) continue;
      sequence = std::move(less);
      shorter = true;
    }
  }
  return sequence;
}

std::string Tell(BedsideWorld& world, const Sequence& sequence, std::string_view without) {
  std::string out;
  for (const std::size_t letter : sequence) out += "    " + world.letters()[letter].name + "\n";
  for (const std::string& word : Replay(world, sequence, without)) out += "    ! " + word + "\n";
  return out;
}

}  // namespace custody

// Breadth first, a level at a time: only the moments of two levels are kept, of all others a hash
// of what matters of them and the letter that led there. That two moments with the same key are
// alike is not taken on trust: of some that are met again every letter is asked once more, and
// whoever answers otherwise is counted.
#include "tests/property/bedside/bedside_search.h"

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <set>
#include <unordered_map>

#include "crypto/hash.h"

namespace custody {
namespace {

constexpr std::uint64_t kAskedAgain = 32;  // every how manieth state that is met again

struct Node {
  std::uint32_t from = 0;
  std::uint32_t letter = 0;
  std::uint64_t answers = 0;  // what the rules said of every letter
  std::uint64_t again = 0;    // the same of a state met again with this key
};

struct Ahead {
  std::uint32_t node = 0;
  std::int64_t waits = 0;
  Moment moment;
};

void Add(const pb::Verdict& verdict, std::string& answers) {
  std::set<std::string> rules;  // each once, of however many holds it speaks
  for (const pb::Reason& reason : verdict.reasons()) rules.insert(reason.rule());
  answers += verdict.refused() ? "-" : "+";
  for (const std::string& rule : rules) answers += rule;
}
std::uint64_t Sum(const std::string& answers) { return ReadU64(Sha256(answers).view()) | 1; }

std::uint64_t AnswersOf(BedsideWorld& world, const Moment& moment, const Sequence& alphabet,
                        std::string_view without) {
  std::string answers;
  for (const std::size_t letter : alphabet) {
    if (world.letters()[letter].wait == 0) Add(world.Judge(moment, letter, without), answers);
  }
  return Sum(answers);
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
  ++found.judged;
  if (!outcome.accepted) return;
  ++found.accepted;
  found.infusions += IsInfusion(world, letter) ? 1U : 0U;
  found.thaws += IsThaw(world, letter) ? 1U : 0U;
}

class Breadth {
 public:
  Breadth(BedsideWorld& world, const Sequence& alphabet, const Bounds& bounds,
          std::string_view without)
      : world_(world), alphabet_(alphabet), bounds_(bounds), without_(without) {}

  Found Run() {
    std::vector<Ahead> level = Begin();
    found_.whole = true;
    for (std::size_t depth = 0; !level.empty() && found_.broken.empty(); ++depth) {
      if (depth == bounds_.depth) {
        found_.whole = false;
        break;
      }
      std::vector<Ahead> next;
      for (const Ahead& at : level) {
        Expand(at, next);
        if (!found_.broken.empty()) break;
      }
      level = std::move(next);
    }
    found_.states = nodes_.size();
    for (const Node& node : nodes_) {
      found_.unlike += node.again != 0 && node.answers != 0 && node.again != node.answers ? 1U : 0U;
    }
    return std::move(found_);
  }

 private:
  Hash KeyHash(const Moment& moment) const { return Sha256(KeyOf(moment, world_.ready())); }

  // The ready moment, and those along the way.
  std::vector<Ahead> Begin() {
    std::vector<Ahead> level(1);
    level[0].moment = world_.ready();
    nodes_.push_back({});
    seen_[KeyHash(level[0].moment)] = 0;
    Moment moment = world_.ready();
    std::uint32_t from = 0;
    for (const std::size_t letter : bounds_.along) {
      const Outcome outcome = world_.Take(moment, letter, without_);
      if (!outcome.accepted || !outcome.against.empty()) break;  // the search itself comes there
      Keep(from, letter, {0, 0, moment}, level);
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

  void Expand(const Ahead& at, std::vector<Ahead>& next) {
    std::string answers;
    for (const std::size_t letter : alphabet_) {
      const bool waits = world_.letters()[letter].wait != 0;
      if (waits && at.waits == bounds_.waits) continue;
      if (!waits) {
        const pb::Verdict verdict = world_.Judge(at.moment, letter, without_);
        Add(verdict, answers);
        if (verdict.refused()) {
          ++found_.judged;
          continue;
        }
      }
      Ahead ahead{0, at.waits + (waits ? 1 : 0), at.moment};
      const Outcome outcome = world_.Take(ahead.moment, letter, without_);
      Count(world_, letter, outcome, found_);
      if (!outcome.against.empty()) {
        found_.broken = WayTo(at.node, letter);
        found_.against = outcome.against;
        return;
      }
      Keep(at.node, letter, std::move(ahead), next);
    }
    nodes_[at.node].answers = Sum(answers);
  }

  void Keep(std::uint32_t from, std::size_t letter, Ahead ahead, std::vector<Ahead>& next) {
    const auto number = static_cast<std::uint32_t>(nodes_.size());
    const Hash key = KeyHash(ahead.moment);
    if (const auto known = seen_.find(key); known != seen_.end()) {
      Node& node = nodes_[known->second];
      if (++met_ % kAskedAgain == 0 && node.again == 0) {
        node.again = AnswersOf(world_, ahead.moment, alphabet_, without_);
      }
      return;
    }
    if (nodes_.size() >= bounds_.states) {  // left out, and not to be met again either
      found_.whole = false;
      return;
    }
    seen_.emplace(key, number);
    nodes_.push_back({from, static_cast<std::uint32_t>(letter)});
    ahead.node = number;
    next.push_back(std::move(ahead));
  }

  BedsideWorld& world_;
  const Sequence& alphabet_;
  const Bounds& bounds_;
  const std::string_view without_;
  std::vector<Node> nodes_;
  std::unordered_map<Hash, std::uint32_t> seen_;
  std::uint64_t met_ = 0;
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

// Two ways to look for an accepted event that the oracle objects to: every order of few letters,
// breadth first, and long random walks over all letters. What is found is made short.
#ifndef CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_SEARCH_H_
#define CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_SEARCH_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/property/bedside/bedside_world.h"

namespace custody {

// `Sequence` is letters in their order.
using Sequence = std::vector<std::size_t>;

// `Found` is what a search has to tell.
struct Found {
  std::uint64_t judged = 0;       // letters that the rules were asked about
  std::uint64_t accepted = 0;     // of them
  std::uint64_t states = 0;       // different ones
  std::uint64_t met = 0;          // so often one was met that was known
  std::size_t depth = 0;          // levels, of one letter each, until there was nothing new
  std::uint64_t infusions = 0;    // accepted LIVE
  std::uint64_t thaws = 0;        // accepted LIVE
  bool whole = false;             // nothing was left out: every reachable state was seen
  std::uint64_t asked_again = 0;  // states of which it was asked whether they are the same indeed
  std::uint64_t unlike = 0;       // of them: a letter tells them apart
  Sequence broken;                // the shortest way to what the oracle objects to; empty: none
  std::vector<std::string> against;
};

struct Bounds {
  std::size_t depth = 100;  // letters on a way
  std::uint64_t states = 2'000'000;
  std::int64_t waits = 2;  // letters that wait on a way
  // A way that is open from the ready moment: the search begins at each of its moments, so that
  // also a small bound comes to its end.
  Sequence along;
};

// `SearchAll` takes every order of `alphabet` from the ready moment and from those along the way
// in `bounds`, each state once. Deterministic. The letters are of one therapy: rules, fold and
// oracle of a therapy see nothing of another, so letters of two commute, and whatever the two can
// do together each can do alone.
Found SearchAll(BedsideWorld& world, const Sequence& alphabet, const Bounds& bounds,
                std::string_view without = "");

// `Walk` takes about `steps` random letters, from the ready moment anew and anew: mostly what comes
// next on a bag's way, else anything. Deterministic for a seed.
Found Walk(BedsideWorld& world, std::uint64_t steps, std::uint64_t seed,
           std::string_view without = "");

// `Steps` is how long a walk is: millions are for who asks for them, CUSTODY_MODEL_STEPS=5000000.
std::uint64_t Steps(std::uint64_t otherwise);

// `Replay` plays `sequence` and gives the oracle's words at the first accepted event that it
// objects to; empty when there is none.
std::vector<std::string> Replay(BedsideWorld& world, const Sequence& sequence,
                                std::string_view without);

// `Shrunk` leaves out of `sequence` all that is not needed for the oracle to object.
Sequence Shrunk(BedsideWorld& world, Sequence sequence, std::string_view without);

// `Tell` puts a sequence and what is wrong with it in words, a line a letter.
std::string Tell(BedsideWorld& world, const Sequence& sequence, std::string_view without);

}  // namespace custody

#endif  // CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_SEARCH_H_

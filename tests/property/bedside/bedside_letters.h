// The letters of the model check: what people may do with two lots, a neighbour's bag and an hour.
#ifndef CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_LETTERS_H_
#define CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_LETTERS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "custody/pb.h"
#include "custody/time.h"

namespace custody {

class TestLedger;
struct Moment;

// `BedsideLetter` is a letter before it is signed.
struct BedsideLetter {
  std::string name;
  std::size_t therapy = 0;
  std::vector<std::string> signers;
  pb::Event body = {};
  std::int64_t wait = 0;
  std::function<bool(const Moment&, pb::Event&)> aim = nullptr;
  // Changes the signed event: entered late, signed at another time.
  std::function<void(pb::Event&, TestLedger&)> finish = nullptr;
};

// `BedsideLetters` is every letter, happening at `now`.
std::vector<BedsideLetter> BedsideLetters(Instant now);

// `OfSecondLot` renames what belongs to the first lot; `OfTheNeighbour` whatever is of the therapy.
void OfSecondLot(pb::Event& body);
void OfTheNeighbour(pb::Event& body);

}  // namespace custody

#endif  // CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_LETTERS_H_

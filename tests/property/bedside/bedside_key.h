// What matters of a moment, as one hash: two moments with the same key go on alike.
#ifndef CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_KEY_H_
#define CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_KEY_H_

#include "crypto/hash.h"
#include "tests/property/bedside/bedside_world.h"

namespace custody {

// `KeyOf` is the same for two moments of a therapy between which no letter can tell, now or later:
// what rules, fold and oracle do not look at is left out, and times count in whole waits. `ready`
// is the moment from which they count. Unless something may be told `late` all that is told is
// later than all that was: then of a time matters only its age, where a limit is set to that. The
// search asks of some that it takes for the same whether they are.
Hash KeyOf(const Moment& moment, std::size_t therapy, std::int64_t ready, bool late);

}  // namespace custody

#endif  // CUSTODY_TESTS_PROPERTY_BEDSIDE_BEDSIDE_KEY_H_

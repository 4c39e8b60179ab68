// The index of identifiers: from what was scanned, used or signed to the therapies that name it.
//
// It is derived from the events and never truth by itself, but who recalls a lot, or asks whether a
// vial was used before, believes it when it says no. So a folder says how its index was made: one
// that an earlier program made, which knew fewer identifiers, is brought up before anything is
// served.
#ifndef CUSTODY_SERVER_LEDGER_IDENTIFIER_INDEX_H_
#define CUSTODY_SERVER_LEDGER_IDENTIFIER_INDEX_H_

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "custody/event.h"
#include "server/store/store.h"

namespace custody {

// What the index of a folder that is served holds: everything that ContentsOf names. Another number
// whenever that grows; a test holds it against the types.
inline constexpr std::string_view kIndexVersion = "2";

// `IndexTypes` are the types that somebody may ask for, people (kPersonType) apart; there are
// others, whose rows are the ledger's own.
std::vector<std::string> IndexTypes();

// `IndexRowsOf` are the rows of one event of a therapy, each once; none of other chains.
std::vector<std::string> IndexRowsOf(const ParsedEvent& event);

// `BringIndexUp` adds what an index of an earlier version lacks, in several commits, each of them
// a whole step: what is cut short goes on at the next opening. Reads every event once; for an index
// of this version only what lacks, again: what can be read now is added. An event that cannot be
// read, twice in a row, keeps nobody from recording: it is left out and named in IndexLacks.
// RESOURCE_EXHAUSTED when the disk is full; UNAVAILABLE when the machine is short (lacks.h).
Status BringIndexUp(Store& store);

// `IndexLacks` sums up what could not be read, of this index and of what therapies hold, and names
// no therapy; empty: all was readable.
StatusOr<std::string> IndexLacks(const Snapshot& snapshot);

// `WarnOfLacks` tells whoever reads the server's log which they are, how many and what to do.
Status WarnOfLacks(const Snapshot& snapshot);

// `TherapiesAfter` are the first `limit` ids greater than `after`, in order.
StatusOr<std::vector<std::string>> TherapiesAfter(const Snapshot& snapshot, std::string_view after,
                                                  std::size_t limit);

// More than any product of ours reaches, and OUT_OF_RANGE when it does: who recalls a lot must not
// be given a part of its therapies as if it were all.
inline constexpr std::size_t kMostFound = 100'000;

// `ScanIdentifiers` gives every row of `value` under `types`, and with `prefix` those of every
// value that begins with it, as the type and the therapy's id, until `take` says false: then of no
// type any more.
// INVALID_ARGUMENT for no value, for zero bytes, which would reach into other rows, and for a type
// that does not exist: it would find nothing, as if nothing were concerned, or who holds what.
Status ScanIdentifiers(
    const Snapshot& snapshot, std::span<const std::string> types, std::string_view value,
    bool prefix, const std::function<bool(const std::string& type, std::string_view id)>& take);

// `TherapiesNaming` are the ids, in order, of the therapies that name `value` under `type` (empty:
// under any, people too); with `prefix` any value that begins with it. INVALID_ARGUMENT for a type
// that does not exist; OUT_OF_RANGE for more than kMostFound.
StatusOr<std::vector<std::string>> TherapiesNaming(const Snapshot& snapshot, std::string_view type,
                                                   std::string_view value, bool prefix);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_IDENTIFIER_INDEX_H_

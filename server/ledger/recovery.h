// What opening checks before anything is served: that the history is whole up to its end, and is
// the one that was promised. UNAVAILABLE where it cannot be read now.
#ifndef CUSTODY_SERVER_LEDGER_RECOVERY_H_
#define CUSTODY_SERVER_LEDGER_RECOVERY_H_

#include <cstdint>
#include <string>

#include "crypto/note.h"
#include "crypto/status.h"
#include "custody/registry.h"
#include "server/ledger/anchor.h"
#include "server/store/store.h"

namespace custody {

inline constexpr std::uint64_t kTailEntries = 1'024;

// `CheckHead` compares the log's size with its newest checkpoint, whose signature and root must
// hold, and gives that checkpoint's note. DATA_LOSS otherwise.
StatusOr<std::string> CheckHead(const Snapshot& snapshot, const NoteVerifier& log);

// `CheckAnchor` holds the log against the anchor: at least as long, as often written, and of the
// same root at the anchor's size. DATA_LOSS with what to do otherwise.
Status CheckAnchor(const Snapshot& snapshot, const NoteVerifier& log, const AnchorMark& mark);

// `CheckTail` verifies the last `count` entries anew: bytes, ids, records, chain links, times and
// signatures, that they hash to the root of `checkpoint` with what is before them, and that the
// heads map has the root the last one says. DATA_LOSS naming the first bad entry.
Status CheckTail(const Snapshot& snapshot, const Registry& registry, const std::string& checkpoint,
                 std::uint64_t count = kTailEntries);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_RECOVERY_H_

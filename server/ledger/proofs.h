// Proofs out of one view of the ledger.
#ifndef CUSTODY_SERVER_LEDGER_PROOFS_H_
#define CUSTODY_SERVER_LEDGER_PROOFS_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "crypto/status.h"
#include "custody/v1/service.pb.h"
#include "server/ledger/rows.h"
#include "server/store/store.h"

namespace custody {

// `CheckpointOf` is the kept checkpoint of `size` (nothing: the newest). NOT_FOUND when there is
// none of that size; OUT_OF_RANGE beyond the log.
StatusOr<KeptCheckpoint> CheckpointOf(const Snapshot& snapshot, std::optional<std::uint64_t> size);
// `ReceiptFor` proves entry `index` under `checkpoint`.
StatusOr<pb::Receipt> ReceiptFor(const Snapshot& snapshot, std::uint64_t index,
                                 const KeptCheckpoint& checkpoint);
// `FirstReceipt` is the receipt that the recorder got: under the first checkpoint that has the
// entry.
StatusOr<pb::Receipt> FirstReceipt(const Snapshot& snapshot, std::uint64_t index);
StatusOr<pb::ConsistencyProofReply> ConsistencyProofFor(const Snapshot& snapshot,
                                                        std::uint64_t old_size,
                                                        std::optional<std::uint64_t> size);
// `HeadOf` says where a chain stands; length 0 and no head when it has no event.
StatusOr<pb::ChainMoved> HeadOf(const Snapshot& snapshot, std::string_view chain);
StatusOr<pb::HeadsProofReply> HeadsProofFor(const Snapshot& snapshot, std::string_view chain,
                                            std::optional<std::uint64_t> size);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_PROOFS_H_

// Traces, inventories and worklists: all their pages, and in words.
#ifndef CUSTODY_CLIENT_RECALL_WORDS_H_
#define CUSTODY_CLIENT_RECALL_WORDS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/session.h"
#include "client/therapy_words.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `TraceAll`, `InventoryAll` and `WorklistAll` ask for page after page; `request.after` is theirs.
// `whole` is FAILED_PRECONDITION when what they give is not all: to be said, loudly, after the
// list.
StatusOr<std::vector<pb::TracedTherapy>> TraceAll(Session& session, pb::TraceRequest request,
                                                  Status& whole);
StatusOr<std::vector<pb::TracedTherapy>> InventoryAll(Session& session,
                                                      pb::InventoryRequest request, Status& whole);
// `looked_at` is how many therapies there were to look at.
StatusOr<std::vector<pb::WorklistEntry>> WorklistAll(Session& session, pb::WorklistRequest request,
                                                     std::uint32_t& looked_at, Status& whole);

// `DueAt` is when somebody has to think of a step: microseconds, and never for what is due at no
// time. `DueWords` says it: "OVERDUE since ...", "from ... by ...", "now".
std::int64_t DueAt(const pb::NextStep& step);
std::string DueWords(const pb::NextStep& step, const std::string& zone, std::int64_t now);

// `ConcernedRows` are the containers that are concerned, what can harm somebody soonest first: rows
// of {container, state, where, given, therapy, CoI, because, tell}. A concerned therapy that has no
// such container yet is a row of its own.
Rows ConcernedRows(std::span<const pb::TracedTherapy> therapies, std::string_view zone);
// `TouchedRows` are rows of {type, what, first, last, events, first as}.
Rows TouchedRows(const pb::TracedTherapy& therapy, std::string_view zone);
// `WhereOf` is where a container is now: "CLINIC, LN2-04/R2" or "with CARRIER to CLINIC".
std::string WhereOf(const pb::TracedContainer& container);
// `RecallSummary` says how many there are, how many were given, and whom to tell.
std::string RecallSummary(std::span<const pb::TracedTherapy> therapies);

}  // namespace custody

#endif  // CUSTODY_CLIENT_RECALL_WORDS_H_

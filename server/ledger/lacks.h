// What could not be read when an index was made: one meta row, a line for each of the first 32
// ("entry 12: why"), and how many more there are. Read again at each opening, so that the row goes
// when nothing lacks any more.
#ifndef CUSTODY_SERVER_LEDGER_LACKS_H_
#define CUSTODY_SERVER_LEDGER_LACKS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/status.h"
#include "server/store/store.h"

namespace custody {

struct Lacks {
  std::vector<std::string> lines;  // "entry 12: why", each one line
  std::uint64_t more = 0;          // of which no line is kept

  std::uint64_t size() const { return lines.size() + more; }
};

// `IsUnreadable` says whether one thing could not be read and others may well be: it is damaged, or
// the disk fails to give it. Not so where the machine was short of memory, or of files that may be
// open: that says nothing of what was to be read, and concerns whatever comes next.
bool IsUnreadable(const Status& status);
// `AddLack` adds `what` ("entry 12"), unless a line names it already.
void AddLack(Lacks& lacks, const std::string& what, const Status& why);
// `LackOf` is what a line names.
std::string LackOf(std::string_view line);
// `ReadLacks` gives none where there is no row; `PutLacks` deletes the row when nothing lacks.
StatusOr<Lacks> ReadLacks(const Snapshot& snapshot, std::string_view meta);
void PutLacks(const Lacks& lacks, std::string_view meta, Batch& batch);
// `StillLacking` has `read` read again what each line names ("entry 12"), and gives what cannot be
// read still; of what no line is kept for nothing is known. `read`'s error when it is another one.
StatusOr<Lacks> StillLacking(const Lacks& lacks,
                             const std::function<Status(const std::string& what)>& read);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_LACKS_H_

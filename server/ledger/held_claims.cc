// Rows are made anew in three passes, each in steps that are one commit: therapy by therapy what it
// holds is put, in the name of the code that folded it; then what is left in another name is
// deleted, unless its therapy cannot be read, for what it held is held still; and what could not be
// read is tried again at each opening. So at no moment is a row gone that nothing stands for.
//
// The meta row says how far that came: the version when all is there, "VERSION@ID" when the rows of
// the therapies up to ID are, "VERSION#ROW" when those of other programs are deleted up to ROW, and
// anything else where another program made them.
#include "server/ledger/held_claims.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>

#include "custody/chain.h"
#include "custody/therapy.h"
#include "custody/work_pool.h"
#include "server/ledger/fold_cache.h"
#include "server/ledger/identifier_index.h"
#include "server/ledger/lacks.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::string_view kPrefix = "held ";

// Another number whenever the rows themselves change; the code that folds names itself.
constexpr std::string_view kRowsVersion = "2";
// Of one commit: some megabytes of rows.
constexpr std::size_t kRowsOfStep = 20'000;
constexpr std::size_t kTherapiesOfStep = 256;
// What a line of what lacks begins with.
constexpr std::string_view kTherapy = "therapy ";

// What a row holds: who made it, and not all 64 digits of it.
std::string Mark() { return HeldRowsVersion().substr(0, kRowsVersion.size() + 17); }

// The rows of all who hold a thing begin so; chain, zero byte and place follow.
std::string RowsOf(const Claim& claim) {
  std::string row = IdentifierRow(std::string(kPrefix) + claim.kind, claim.value, "");
  row.append(claim.house).push_back('\0');
  return row;
}

std::string RowOf(const Claim& claim, std::string_view chain) {
  std::string row = RowsOf(claim).append(chain);
  row.push_back('\0');
  return row.append(claim.place);
}

// Whose row it is; empty for what is no row of this form.
std::string ChainIn(std::string_view row) {
  for (int part = 0; part < 3; ++part) {  // type, value, house
    const std::size_t end = row.find('\0');
    if (end == std::string_view::npos) return {};
    row.remove_prefix(end + 1);
  }
  return std::string(row.substr(0, row.find('\0')));
}

// One opening's work on the rows.
class Making {
 public:
  Making(Store& store, const std::shared_ptr<const RegistryHistory>& history,
         std::uint64_t soon_done)
      : store_(store), history_(history), soon_done_(soon_done) {}

  // Adds the next step to `batch`, and what the meta row says after it; false: all is done.
  StatusOr<bool> Step(const Snapshot& snapshot, Batch& batch);

 private:
  StatusOr<bool> Begin(const Snapshot& snapshot, Batch& batch);
  StatusOr<bool> PutSome(const Snapshot& snapshot, std::string_view after, Batch& batch);
  StatusOr<bool> DropSome(const Snapshot& snapshot, std::string_view from, Batch& batch);
  StatusOr<bool> TryAgain(const Snapshot& snapshot, Batch& batch);
  // Folds side by side; so many at most as one step has.
  std::vector<StatusOr<Fold>> LoadFolds(const Snapshot& snapshot,
                                        std::span<const std::string> chains);
  void PutRowsOf(const std::string& chain, const Fold& fold, Batch& batch) const;

  Store& store_;
  const std::shared_ptr<const RegistryHistory>& history_;
  const std::uint64_t soon_done_;
  const std::string version_ = HeldRowsVersion();
  const std::string putting_ = version_ + "@";
  const std::string dropping_ = version_ + "#";
  bool tried_ = false;
  std::optional<WorkPool> pool_;
};

StatusOr<bool> Making::Step(const Snapshot& snapshot, Batch& batch) {
  CUSTODY_ASSIGN_OR_RETURN(const auto meta, GetMeta(snapshot, kMetaHeld));
  const std::string_view kept = meta ? std::string_view(*meta) : std::string_view();
  if (kept == version_) return TryAgain(snapshot, batch);
  if (kept.starts_with(dropping_)) {
    return DropSome(snapshot, kept.substr(dropping_.size()), batch);
  }
  if (kept.starts_with(putting_)) return PutSome(snapshot, kept.substr(putting_.size()), batch);
  return Begin(snapshot, batch);
}

StatusOr<bool> Making::Begin(const Snapshot& snapshot, Batch& batch) {
  if (snapshot.version().log_size > soon_done_) {
    spdlog::info(
        "another program wrote this folder: what therapies hold is made anew from its {} entries "
        "before it is served; this is done once",
        snapshot.version().log_size);
  }
  batch.Put(Table::kMeta, kMetaHeld, putting_);
  batch.Delete(Table::kMeta, kMetaHeldLacks);
  return true;
}

void Making::PutRowsOf(const std::string& chain, const Fold& fold, Batch& batch) const {
  for (const Claim& claim : ClaimsOf(fold.state, *history_->newest())) {
    batch.Put(Table::kIdentifiers, RowOf(claim, chain), Mark());
  }
}

std::vector<StatusOr<Fold>> Making::LoadFolds(const Snapshot& snapshot,
                                              std::span<const std::string> chains) {
  if (!pool_) pool_.emplace(0);
  std::vector<StatusOr<Fold>> folds(chains.size());
  pool_->Wait(pool_->Start(
      chains.size(), [&](std::size_t i) { folds[i] = LoadFold(chains[i], snapshot, history_); }));
  return folds;
}

// Puts the rows of the therapies after `after`.
StatusOr<bool> Making::PutSome(const Snapshot& snapshot, std::string_view after, Batch& batch) {
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                           TherapiesAfter(snapshot, after, kTherapiesOfStep));
  std::vector<std::string> chains;
  for (const std::string& id : ids) chains.push_back(TherapyChain(id));
  const std::vector<StatusOr<Fold>> folds = LoadFolds(snapshot, chains);
  Batch kept;
  CUSTODY_ASSIGN_OR_RETURN(Lacks lacks, ReadLacks(snapshot, kMetaHeldLacks));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (IsUnreadable(folds[i].status())) {
      AddLack(lacks, std::string(kTherapy) + ids[i], folds[i].status());
      continue;
    }
    CUSTODY_RETURN_IF_ERROR(folds[i].status());
    PutRowsOf(chains[i], *folds[i], batch);
    if (folds[i]->saved_length < folds[i]->length) {
      kept.Put(Table::kFolds, chains[i], EncodeFold(*folds[i]));
    }
  }
  PutLacks(lacks, kMetaHeldLacks, batch);
  if (!kept.empty()) CUSTODY_RETURN_IF_ERROR(store_.WriteUnsynced(kept));
  const bool whole = ids.size() < kTherapiesOfStep;
  batch.Put(Table::kMeta, kMetaHeld, whole ? dropping_ : putting_ + ids.back());
  if (!whole && snapshot.version().log_size > soon_done_) {
    spdlog::info("what therapies hold is made up to therapy {}", ids.back());
  }
  return true;
}

// Deletes the rows that other programs made, from `from` on, of the therapies that can be read.
StatusOr<bool> Making::DropSome(const Snapshot& snapshot, std::string_view from, Batch& batch) {
  const std::string mark = Mark();
  std::map<std::string, std::vector<std::string>> old;  // by chain
  std::string next;
  std::size_t rows = 0;
  CUSTODY_RETURN_IF_ERROR(snapshot.Scan(Table::kIdentifiers, from.empty() ? kPrefix : from,
                                        [&](std::string_view row, std::string_view made_by) {
                                          if (!row.starts_with(kPrefix)) return false;
                                          if (++rows > kRowsOfStep) {
                                            next = row;
                                          } else if (made_by != mark) {
                                            old[ChainIn(row)].emplace_back(row);
                                          }
                                          return next.empty();
                                        }));
  std::vector<std::string> chains;
  for (const auto& [chain, its_rows] : old) {
    if (Chain::Parse(chain).ok()) {
      chains.push_back(chain);
    } else {  // nobody's
      for (const std::string& row : its_rows) batch.Delete(Table::kIdentifiers, row);
    }
  }
  // Where all rows are another program's these are many therapies, and never all in memory.
  for (std::size_t begin = 0; begin < chains.size(); begin += kTherapiesOfStep) {
    const auto some =
        std::span(chains).subspan(begin, std::min(kTherapiesOfStep, chains.size() - begin));
    const std::vector<StatusOr<Fold>> folds = LoadFolds(snapshot, some);
    for (std::size_t i = 0; i < some.size(); ++i) {
      if (IsUnreadable(folds[i].status())) continue;
      CUSTODY_RETURN_IF_ERROR(folds[i].status());
      for (const std::string& row : old[some[i]]) batch.Delete(Table::kIdentifiers, row);
      PutRowsOf(some[i], *folds[i], batch);  // whatever the list of therapies lacked
    }
  }
  batch.Put(Table::kMeta, kMetaHeld, next.empty() ? version_ : dropping_ + next);
  return true;
}

// Reads again what could not be read. What is more than the lines that are kept is found by making
// all anew, once these can be read.
StatusOr<bool> Making::TryAgain(const Snapshot& snapshot, Batch& batch) {
  if (std::exchange(tried_, true)) return false;
  CUSTODY_ASSIGN_OR_RETURN(const Lacks lacks, ReadLacks(snapshot, kMetaHeldLacks));
  const auto read = [&](const std::string& what) {
    const std::string chain = TherapyChain(what.substr(kTherapy.size()));
    const StatusOr<Fold> fold = LoadFold(chain, snapshot, history_);
    if (fold.ok()) PutRowsOf(chain, *fold, batch);
    return fold.status();
  };
  CUSTODY_ASSIGN_OR_RETURN(const Lacks left, StillLacking(lacks, read));
  if (left.lines.size() == lacks.lines.size()) return false;
  PutLacks(left, kMetaHeldLacks, batch);
  const bool anew = left.lines.empty() && left.more != 0;
  batch.Put(Table::kMeta, kMetaHeld, anew ? putting_ : dropping_);
  if (anew) batch.Delete(Table::kMeta, kMetaHeldLacks);
  return true;
}

}  // namespace

std::string HeldRowsVersion() { return std::string(kRowsVersion).append(" ").append(FoldCode()); }

Status BringHeldClaimsUp(Store& store, const std::shared_ptr<const RegistryHistory>& history,
                         std::uint64_t soon_done) {
  Making making(store, history, soon_done);
  while (true) {
    const std::unique_ptr<const Snapshot> snapshot = store.GetSnapshot();
    Batch batch;
    CUSTODY_ASSIGN_OR_RETURN(const bool more, making.Step(*snapshot, batch));
    if (!more) return {};
    const CommitResult result =
        store.Commit(batch, snapshot->version(), snapshot->version().log_size);
    CUSTODY_RETURN_IF_ERROR(WithContext(result.status, "what therapies hold cannot be brought up"));
  }
}

std::vector<std::string> HeldClaims::HoldersOf(const Claim& claim, std::string_view therapy) const {
  const std::string from = RowsOf(claim);
  std::set<std::string> rows;
  const Status scanned =
      snapshot_.Scan(Table::kIdentifiers, from, [&](std::string_view row, std::string_view) {
        if (!row.starts_with(from)) return false;
        rows.emplace(row);
        return true;
      });
  if (!scanned.ok()) status_ = scanned;
  for (auto row = changed_.lower_bound(from); row != changed_.end() && row->first.starts_with(from);
       ++row) {
    if (row->second) {
      rows.insert(row->first);
    } else {
      rows.erase(row->first);
    }
  }
  std::set<std::string> holders;
  for (const std::string& row : rows) {
    std::string_view rest = std::string_view(row).substr(from.size());
    const std::string_view chain = rest.substr(0, rest.find('\0'));
    rest.remove_prefix(std::min(chain.size() + 1, rest.size()));
    const std::string_view holder = TherapyOf(chain);
    if (holder == therapy) continue;
    if (Collide(claim, {claim.kind, claim.value, std::string(rest), claim.house}))
      holders.emplace(holder);
  }
  return {holders.begin(), holders.end()};
}

void HeldClaims::Change(const std::string& chain, const std::vector<Claim>& before,
                        const std::vector<Claim>& after, Batch& batch) {
  for (const Claim& claim : before) {
    if (std::ranges::binary_search(after, claim)) continue;
    const std::string row = RowOf(claim, chain);
    changed_[row] = false;
    batch.Delete(Table::kIdentifiers, row);
  }
  for (const Claim& claim : after) {
    if (std::ranges::binary_search(before, claim)) continue;
    const std::string row = RowOf(claim, chain);
    changed_[row] = true;
    batch.Put(Table::kIdentifiers, row, Mark());
  }
}

}  // namespace custody

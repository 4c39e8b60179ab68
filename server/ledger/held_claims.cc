#include "server/ledger/held_claims.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <set>

#include "custody/chain.h"
#include "custody/therapy.h"
#include "custody/work_pool.h"
#include "server/ledger/fold_cache.h"
#include "server/ledger/identifier_index.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::string_view kPrefix = "held ";

// Another number whenever the rows themselves change; the code that folds names itself.
constexpr std::string_view kRowsVersion = "1";
// Of one commit: some megabytes of rows.
constexpr std::size_t kRowsOfStep = 20'000;
constexpr std::size_t kTherapiesOfStep = 256;
// Entries of a folder that needs no word: it is open before anybody wonders.
constexpr std::uint64_t kSoonDone = 10'000;

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

// Deletes some of the rows; whether those were all.
StatusOr<bool> DropRows(const Snapshot& snapshot, Batch& batch) {
  std::size_t rows = 0;
  CUSTODY_RETURN_IF_ERROR(
      snapshot.Scan(Table::kIdentifiers, kPrefix, [&](std::string_view row, std::string_view) {
        if (!row.starts_with(kPrefix) || ++rows > kRowsOfStep) return false;
        batch.Delete(Table::kIdentifiers, row);
        return true;
      }));
  return rows <= kRowsOfStep;
}

// Puts the rows of the therapies after `after`, and gives the last of them; empty at the end.
StatusOr<std::string> PutRows(Store& store, const Snapshot& snapshot,
                              const std::shared_ptr<const RegistryHistory>& history, WorkPool& pool,
                              std::string_view after, Batch& batch) {
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::string> ids,
                           TherapiesAfter(snapshot, after, kTherapiesOfStep));
  std::vector<StatusOr<Fold>> folds(ids.size());
  pool.Wait(pool.Start(ids.size(), [&](std::size_t i) {
    folds[i] = LoadFold(TherapyChain(ids[i]), snapshot, history);
  }));
  Batch kept;
  std::vector<std::string> unread;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (folds[i].status().code() == StatusCode::kDataLoss) {
      unread.push_back("therapy " + ids[i] + ": " + Message(folds[i].status()));
      continue;
    }
    CUSTODY_RETURN_IF_ERROR(folds[i].status());
    const std::string chain = TherapyChain(ids[i]);
    for (const Claim& claim : ClaimsOf(folds[i]->state, *history->newest())) {
      batch.Put(Table::kIdentifiers, RowOf(claim, chain), "");
    }
    if (folds[i]->saved_length < folds[i]->length) {
      kept.Put(Table::kFolds, chain, EncodeFold(*folds[i]));
    }
  }
  CUSTODY_RETURN_IF_ERROR(AddLacks(snapshot, kMetaHeldLacks, unread, batch));
  if (!kept.empty()) CUSTODY_RETURN_IF_ERROR(store.WriteUnsynced(kept));
  return ids.size() < kTherapiesOfStep ? std::string() : ids.back();
}

}  // namespace

std::string HeldRowsVersion() { return std::string(kRowsVersion).append(" ").append(FoldCode()); }

// The meta row is the version when all is there, "VERSION@ID" when the rows of the therapies up to
// ID are, and anything else while those that another program made are still to be dropped.
Status BringHeldClaimsUp(Store& store, const std::shared_ptr<const RegistryHistory>& history) {
  const std::string version = HeldRowsVersion();
  const std::string making = version + "@";
  std::optional<WorkPool> pool;
  while (true) {
    const std::unique_ptr<const Snapshot> snapshot = store.GetSnapshot();
    CUSTODY_ASSIGN_OR_RETURN(const auto meta, GetMeta(*snapshot, kMetaHeld));
    const std::string kept = meta.value_or("");
    if (kept == version) return {};
    const bool long_work = snapshot->version().log_size > kSoonDone;
    if (!pool) {
      pool.emplace(0);
      if (long_work) {
        spdlog::info(
            "another program wrote this folder: what therapies hold is made anew from its {} "
            "entries before it is served; this is done once",
            snapshot->version().log_size);
      }
    }
    Batch batch;
    if (kept.starts_with(making)) {
      CUSTODY_ASSIGN_OR_RETURN(const std::string last, PutRows(store, *snapshot, history, *pool,
                                                               kept.substr(making.size()), batch));
      batch.Put(Table::kMeta, kMetaHeld, last.empty() ? version : making + last);
      if (long_work && !last.empty()) {
        spdlog::info("what therapies hold is made up to therapy {}", last);
      }
    } else {
      CUSTODY_ASSIGN_OR_RETURN(const bool dropped, DropRows(*snapshot, batch));
      batch.Put(Table::kMeta, kMetaHeld, dropped ? making : "dropped for " + version);
      batch.Delete(Table::kMeta, kMetaHeldLacks);
    }
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
    batch.Put(Table::kIdentifiers, row, "");
  }
}

}  // namespace custody

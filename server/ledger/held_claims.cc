#include "server/ledger/held_claims.h"

#include <algorithm>
#include <set>

#include "custody/chain.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::string_view kPrefix = "held ";

// The rows of all who hold a thing begin so; chain, zero byte and place follow.
std::string RowsOf(const Claim& claim) {
  return IdentifierRow(std::string(kPrefix) + claim.kind, claim.value, "");
}

std::string RowOf(const Claim& claim, std::string_view chain) {
  std::string row = RowsOf(claim).append(chain);
  row.push_back('\0');
  return row.append(claim.place);
}

}  // namespace

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
    const std::string_view holder = chain.substr(std::min(kTherapyPrefix.size(), chain.size()));
    if (holder == therapy) continue;
    if (Collide(claim, {claim.kind, claim.value, std::string(rest)})) holders.emplace(holder);
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

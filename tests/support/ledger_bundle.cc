#include "tests/support/ledger_bundle.h"

#include <set>

namespace custody {
namespace {

// The therapy's chain and every registry chain that is needed to judge what is already taken.
std::set<std::string> ChainsFor(const TestLedger& ledger, std::string_view therapy) {
  std::set<std::string> chains = {std::string(therapy)};
  for (std::size_t before = 0; before != chains.size();) {
    before = chains.size();
    Registry registry;
    for (const Recorded& recorded : ledger.log()) {
      if (chains.contains(recorded.parsed.event.chain())) {
        for (const std::string& needed : ChainsNeededBy(recorded.parsed, registry))
          chains.insert(needed);
      }
      Must(registry.Apply(recorded.parsed, recorded.index));
    }
  }
  return chains;
}

}  // namespace

Bundle BundleOf(TestLedger& ledger, std::string_view therapy) {
  Bundle bundle;
  bundle.origin = ledger.origin();
  bundle.log_key = ledger.log_vkey();
  bundle.genesis = ledger.genesis();
  bundle.environment = ledger.registry().environment();
  bundle.checkpoint = ledger.SignedCheckpoint();
  bundle.last_index = ledger.log().size() - 1;
  bundle.last_entry = ledger.log().back().entry_bytes;
  bundle.last_path = ledger.Path(bundle.last_index);
  bundle.schema = Schema();
  for (const std::string& chain : ChainsFor(ledger, therapy)) {
    if (ledger.Length(chain) == 0) continue;
    bundle.heads[chain] = {ledger.Length(chain), ledger.Head(chain),
                           ledger.ProveHead(chain).siblings};
    for (const Recorded& recorded : ledger.log()) {
      if (recorded.parsed.event.chain() != chain) continue;
      bundle.chains[chain].push_back({.index = recorded.index,
                                      .entry = recorded.entry_bytes,
                                      .path = ledger.Path(recorded.index),
                                      .signed_event = recorded.signed_event,
                                      .view = {}});
    }
  }
  return bundle;
}

std::string BundleText(TestLedger& ledger, std::string_view therapy) {
  return Must(WriteBundle(BundleOf(ledger, therapy)));
}

TrustAnchor TrustIn(const TestLedger& ledger) {
  TrustAnchor trust = Must(TrustAnchor::FromLogKey(ledger.log_vkey()));
  trust.genesis = ledger.genesis();
  return trust;
}

}  // namespace custody

// Bundles and trust files of a ledger in memory: what its server would export.
#ifndef CUSTODY_TESTS_SUPPORT_LEDGER_BUNDLE_H_
#define CUSTODY_TESTS_SUPPORT_LEDGER_BUNDLE_H_

#include <string>
#include <string_view>

#include "custody/bundle.h"
#include "custody/trust.h"
#include "tests/support/test_ledger.h"

namespace custody {

// `BundleOf` gives the whole proof of `therapy` up to the log's end, attachments not included.
Bundle BundleOf(TestLedger& ledger, std::string_view therapy);
// `BundleText` is the same as a file.
std::string BundleText(TestLedger& ledger, std::string_view therapy);

// `TrustIn` is what somebody who trusts `ledger` holds.
TrustAnchor TrustIn(const TestLedger& ledger);

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_LEDGER_BUNDLE_H_

// What a server calls its therapies names files of the station: no name leads out of their folder.

#include "client/known_ledger.h"

#include <gtest/gtest.h>

#include "crypto/file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

TEST(KnownLedgerTest, WhatIsNoIdNamesNoFile) {
  const TempDir temp;
  const std::filesystem::path folder = temp / "station";
  std::filesystem::create_directories(folder / "tls");
  Must(Must(PrivateKey::Generate(KeyAlgorithm::kP256)).SavePlain(folder / "tls" / "station.key"));
  const KnownLedger known(folder);
  for (const char* ending : {".therapy", ".secret"}) {
    CUSTODY_ASSERT_OK(WriteFileAtomically(temp / (std::string("T1") + ending), "another's", 0600));
  }
  const std::string absolute = (temp / "T1").string();
  for (const std::string& id : {absolute, std::string("../../T1"), std::string("../hello"),
                                std::string(), std::string("t1"), std::string("T1\n")}) {
    EXPECT_THAT(known.KeepTherapy(id, {}), StatusIs(StatusCode::kInvalidArgument)) << id;
    EXPECT_THAT(known.Therapy(id), StatusIs(StatusCode::kNotFound)) << id;
    EXPECT_THAT(known.KeepSecret(id, "secret", SystemRng()), StatusIs(StatusCode::kInvalidArgument))
        << id;
    EXPECT_THAT(known.Secret(id), StatusIs(StatusCode::kInvalidArgument)) << id;
    EXPECT_THAT(known.ForgetSecret(id), StatusIs(StatusCode::kInvalidArgument)) << id;
  }
  for (const char* ending : {".therapy", ".secret"}) {
    EXPECT_EQ(Must(ReadFile(temp / (std::string("T1") + ending), 100)), "another's");
  }
  CUSTODY_EXPECT_OK(known.KeepTherapy("T1", {}));
  CUSTODY_EXPECT_OK(known.Therapy("T1"));
  CUSTODY_EXPECT_OK(known.KeepSecret("T1", "secret", SystemRng()));
  EXPECT_EQ(Must(known.Secret("T1")), "secret");
  CUSTODY_EXPECT_OK(known.ForgetSecret("T1"));
}

}  // namespace
}  // namespace custody

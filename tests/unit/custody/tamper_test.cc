// Tampering, tried out: bit by bit over everything a bundle decodes to and over its text, on all
// processors.
//
// Signatures are not checked here: what is signed is found by its hashes alone, and so twice. With
// CUSTODY_EXHAUSTIVE=1 every bit of the file, every bit of what it decodes to, every byte taken out
// or put in and every cut is tried (a quarter of an hour on two processors, so not at every
// change); an ordinary run tries bits of every field, and every so many bytes.
//
// A change of the text that the reader finds is not audited further: that whatever the reader finds
// is in the report, and makes it fail, is a test of its own below.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "custody/auditor.h"
#include "tests/support/audits.h"
#include "tests/support/therapy_events.h"

namespace custody {
namespace {

using nlohmann::json;

bool Exhaustive() { return std::getenv("CUSTODY_EXHAUSTIVE") != nullptr; }

// One field of a bundle: so many bits from `bytes` on, each byte's lowest first.
struct Field {
  std::string name;
  char* bytes;
  std::size_t bits;
};

void Add(std::string name, std::string& text, std::vector<Field>& fields) {
  fields.push_back({std::move(name), text.data(), text.size() * 8});
}
void Add(std::string name, Hash& hash, std::vector<Field>& fields) {
  fields.push_back({std::move(name), reinterpret_cast<char*>(hash.bytes.data()), 256});
}
void Add(std::string name, std::vector<Hash>& hashes, std::vector<Field>& fields) {
  for (Hash& hash : hashes) Add(name, hash, fields);
}
// A number of the file: 53 bits. (The machine that runs the tests is little-endian.)
void Add(std::string name, std::uint64_t& number, std::vector<Field>& fields) {
  fields.push_back({std::move(name), reinterpret_cast<char*>(&number), 53});
}

// Every field of `bundle` but the decoded views, which are compared as a whole, and the
// environment.
std::vector<Field> FieldsOf(Bundle& bundle) {
  std::vector<Field> fields;
  Add("origin", bundle.origin, fields);
  Add("logKey", bundle.log_key, fields);
  Add("genesis", bundle.genesis, fields);
  Add("checkpoint", bundle.checkpoint, fields);
  Add("lastEntry.index", bundle.last_index, fields);
  Add("lastEntry.entry", bundle.last_entry, fields);
  Add("lastEntry.path", bundle.last_path, fields);
  Add("schema", bundle.schema, fields);
  for (auto& [chain, head] : bundle.heads) {
    Add(chain + " length", head.length, fields);
    Add(chain + " head", head.head, fields);
    Add(chain + " siblings", head.siblings, fields);
  }
  for (auto& [chain, entries] : bundle.chains) {
    for (BundleEntry& entry : entries) {
      const std::string place = chain + "[" + std::to_string(entry.index) + "].";
      Add(place + "index", entry.index, fields);
      Add(place + "entry", entry.entry, fields);
      Add(place + "path", entry.path, fields);
      Add(place + "payload", *entry.signed_event.mutable_payload(), fields);
      for (pb::Signature& signature : *entry.signed_event.mutable_signatures()) {
        Add(place + "keyid", *signature.mutable_key_id(), fields);
        Add(place + "sig", *signature.mutable_value(), fields);
      }
    }
  }
  return fields;
}

// What was changed and not found, by all threads together.
class Accepted {
 public:
  void Note(std::string what) {
    const std::lock_guard lock(mutex_);
    if (noted_.size() < 100) noted_.push_back(std::move(what));
  }
  const std::vector<std::string>& noted() const { return noted_; }

 private:
  std::mutex mutex_;
  std::vector<std::string> noted_;  // guarded by mutex_
};

// Lets `work` take numbers below `count` on every processor; each thread makes its own by `make`.
void InParallel(std::size_t count, const std::function<std::function<void(std::size_t)>()>& make) {
  std::atomic<std::size_t> next = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < std::max(1U, std::thread::hardware_concurrency()); ++i) {
    threads.emplace_back([&] {
      const auto work = make();
      for (std::size_t n = next++; n < count; n = next++) work(n);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

class TamperTest : public ::testing::Test {
 protected:
  TamperTest() {
    // A short schema, published as the newest, keeps the file small.
    EventBuilder schema = ledger_.On("registry").By("t-1", pb::APPROVED).By("t-2", pb::APPROVED);
    schema.event().mutable_schema_published()->set_schema_sha256(Sha256(kSchema).ToString());
    schema.Record();
    for (const char* therapy : {"therapy/A1", "therapy/B2"})
      PatientEnrolledBy(ledger_, therapy, "clinic.rn.1", "clinic.rn.2").Record();
    ConsentWithdrawnBy(ledger_, "therapy/A1").Record();
    bundle_ = BundleOf(ledger_, "therapy/A1");
    bundle_.schema = kSchema;
    text_ = Must(WriteBundle(bundle_));
    std::vector<pb::Finding> findings;
    bundle_ = Must(ParseBundle(text_, findings));  // with views
  }

  bool Clean(const Bundle& bundle) const {
    return ExitCode(AuditBundle(bundle, &trust_, options_)) == 0;
  }
  bool Clean(std::string_view text) const {
    return ExitCode(AuditBundle(text, &trust_, options_)) == 0;
  }
  // Whether a changed text is taken for sound.
  bool Passes(std::string_view text) const {
    std::vector<pb::Finding> findings;
    auto bundle = ParseBundle(text, findings);
    return bundle.ok() && findings.empty() && Clean(*bundle);
  }
  bool MeansTheSame(std::string_view text) const {
    static const json original = json::parse(text_);
    return json::parse(text, nullptr, false) == original;
  }

  static constexpr char kSchema[] = "a short schema";
  TestLedger ledger_{pb::DEMO, "one", {.nurses_alone = true}};
  TrustAnchor trust_ = TrustIn(ledger_);
  AuditOptions options_{.threads = 1, .signatures = false, .progress = {}};
  Bundle bundle_;
  std::string text_;
};

TEST_F(TamperTest, UntouchedItIsClean) {
  EXPECT_TRUE(Clean(bundle_));
  EXPECT_TRUE(Clean(text_));
  EXPECT_TRUE(Passes(text_));
  options_.signatures = true;
  EXPECT_TRUE(Clean(text_));
}

TEST_F(TamperTest, WhateverTheReaderFindsMakesTheAuditFail) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < text_.size(); i += 499) {
    std::string changed = text_;
    changed[i] = static_cast<char>(changed[i] ^ 0x20);
    std::vector<pb::Finding> findings;
    const bool read = ParseBundle(changed, findings).ok() && findings.empty();
    if (read) continue;
    EXPECT_FALSE(Clean(changed)) << "byte " << i;
    ++found;
  }
  EXPECT_GT(found, 10U);
}

TEST_F(TamperTest, EveryBitOfWhatItSaysIsFound) {
  std::vector<std::pair<std::size_t, std::size_t>> flips;  // field, bit
  {
    Bundle copy = bundle_;
    const std::vector<Field> fields = FieldsOf(copy);
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::size_t step = Exhaustive() ? 1 : 97;
      for (std::size_t bit = Exhaustive() ? 0 : i % 31; bit < fields[i].bits; bit += step)
        flips.emplace_back(i, bit);
    }
    EXPECT_GT(flips.size(), fields.size());
  }
  Accepted accepted;
  InParallel(flips.size(), [&]() -> std::function<void(std::size_t)> {
    const auto bundle = std::make_shared<Bundle>(bundle_);
    return [&, bundle, fields = FieldsOf(*bundle)](std::size_t n) {
      const auto [field, bit] = flips[n];
      char& byte = fields[field].bytes[bit / 8];
      const char mask = static_cast<char>(1 << (bit % 8));
      byte = static_cast<char>(byte ^ mask);
      if (Clean(*bundle)) accepted.Note(fields[field].name + ", bit " + std::to_string(bit));
      byte = static_cast<char>(byte ^ mask);
    };
  });
  EXPECT_EQ(accepted.noted(), std::vector<std::string>());
  RecordProperty("flips", static_cast<int>(flips.size()));
}

TEST_F(TamperTest, AnotherEnvironmentIsFound) {
  for (const pb::Environment environment : {pb::VALIDATION, pb::PRODUCTION}) {
    bundle_.environment = environment;
    EXPECT_FALSE(Clean(bundle_));
  }
}

TEST_F(TamperTest, EveryBitOfTheTextIsFoundOrMeansTheSame) {
  const std::size_t step = Exhaustive() ? 1 : 67;
  std::atomic<std::size_t> same = 0;
  Accepted accepted;
  InParallel((text_.size() + step - 1) / step, [&]() -> std::function<void(std::size_t)> {
    return [&, changed = text_](std::size_t n) mutable {
      char& byte = changed[n * step];
      const char original = byte;
      for (unsigned bit = 0; bit < 8; ++bit) {
        if (!Exhaustive() && bit != 0 && bit != 5) continue;
        byte = static_cast<char>(original ^ (1 << bit));
        if (!Passes(changed)) continue;
        ++same;
        // Only white space may differ: no key and no value.
        if (!MeansTheSame(changed))
          accepted.Note("byte " + std::to_string(n * step) + ", bit " + std::to_string(bit));
      }
      byte = original;
    };
  });
  EXPECT_EQ(accepted.noted(), std::vector<std::string>());
  EXPECT_LT(same, text_.size() / 50);
}

TEST_F(TamperTest, BytesInsertedOrTakenOutAreFoundOrMeanTheSame) {
  const std::size_t step = Exhaustive() ? 1 : 151;
  Accepted accepted;
  InParallel((text_.size() + step - 1) / step, [&]() -> std::function<void(std::size_t)> {
    return [&](std::size_t n) {
      const std::size_t i = n * step;
      std::string shorter = text_;
      shorter.erase(i, 1);
      if (Passes(shorter) && !MeansTheSame(shorter))
        accepted.Note("without byte " + std::to_string(i));
      for (const char added : {'0', '=', '"', ',', '\0'}) {
        std::string longer = text_;
        longer.insert(i, 1, added);
        if (Passes(longer)) accepted.Note("one more at byte " + std::to_string(i));
      }
    };
  });
  EXPECT_EQ(accepted.noted(), std::vector<std::string>());
}

TEST_F(TamperTest, EveryCutIsFound) {
  const std::size_t end = text_.find_last_of('}');
  const std::size_t step = Exhaustive() ? 1 : 97;
  Accepted accepted;
  InParallel(end / step + 1, [&]() -> std::function<void(std::size_t)> {
    return [&](std::size_t n) {
      if (Passes(std::string_view(text_).substr(0, n * step)))
        accepted.Note("cut at " + std::to_string(n * step));
    };
  });
  EXPECT_EQ(accepted.noted(), std::vector<std::string>());
  EXPECT_FALSE(Clean(std::string_view(text_).substr(0, end)));
  EXPECT_TRUE(Clean(std::string_view(text_).substr(0, end + 1)));
}

}  // namespace
}  // namespace custody

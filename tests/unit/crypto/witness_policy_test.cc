#include "crypto/witness_policy.h"

#include "tests/support/status_matchers.h"

namespace custody {
namespace {

PrivateKey Key(char seed) { return PrivateKey::FromSeed(std::string(32, seed)).value(); }

std::string Vkey(std::string_view name, NoteKeyType type, char seed) {
  return NoteVerifier::Of(name, type, Key(seed).public_key())->ToString();
}
std::string Log() { return "log " + Vkey("log.example", NoteKeyType::kEd25519, 'l') + "\n"; }
std::string Witness(char seed) {
  const std::string name(1, seed);
  return "witness " + name + " " + Vkey("w.example/" + name, NoteKeyType::kCosignatureV1, seed) +
         " https://w.example/" + name + "\n";
}

// A checkpoint of the log, cosigned by `witnesses`.
Note Cosigned(std::string_view witnesses, char log = 'l') {
  Note note =
      Note::Parse(SignCheckpoint({"log.example", 3, Sha256("root")}, Key(log)).value()).value();
  for (const char seed : witnesses) {
    EXPECT_TRUE(CosignNote(note, "w.example/" + std::string(1, seed), Key(seed), 1).ok());
  }
  return note;
}

TEST(WitnessPolicyTest, CountsValidCosignaturesThroughGroups) {
  const std::string text = "# who must agree\n\n" + Log() + Witness('a') + Witness('b') +
                           Witness('c') + Witness('d') +
                           "group pair all a b\n\tgroup two  2 c d pair # no comment here\n";
  // A '#' only begins a comment at a line's start, so the last line above names unknown members.
  EXPECT_THAT(WitnessPolicy::Parse(text), StatusIs(StatusCode::kInvalidArgument, "line 9"));
  CUSTODY_ASSERT_OK_AND_ASSIGN(
      const WitnessPolicy policy,
      WitnessPolicy::Parse(text.substr(0, text.rfind(" #")) + "\nquorum two"));
  EXPECT_TRUE(policy.wants_witnesses());
  EXPECT_EQ(policy.logs().size(), 1U);
  for (const char* enough : {"cd", "abc", "abd", "abcd", "dba"}) {
    CUSTODY_EXPECT_OK(policy.Satisfied(Cosigned(enough)));
  }
  for (const char* few : {"", "a", "ab", "ac", "bd", "cxyz"}) {
    EXPECT_THAT(policy.Satisfied(Cosigned(few)), StatusIs(StatusCode::kInvalidArgument, "quorum"))
        << few;
  }
  EXPECT_THAT(policy.Satisfied(Cosigned("ac")),
              StatusIs(StatusCode::kInvalidArgument, "valid cosignatures: a, c"));
}

TEST(WitnessPolicyTest, AForgedCosignatureDoesNotCount) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const WitnessPolicy policy,
                               WitnessPolicy::Parse(Log() + Witness('a') + "quorum a\n"));
  Note note = Cosigned("a");
  CUSTODY_EXPECT_OK(policy.Satisfied(note));
  note.signatures.back().value.back() ^= 1;
  EXPECT_THAT(policy.Satisfied(note), StatusIs(StatusCode::kInvalidArgument, "none"));
}

TEST(WitnessPolicyTest, TheLogsOwnLineIsNeededAlways) {
  CUSTODY_ASSERT_OK_AND_ASSIGN(const WitnessPolicy policy,
                               WitnessPolicy::Parse(Log() + "quorum none\n"));
  EXPECT_FALSE(policy.wants_witnesses());
  CUSTODY_EXPECT_OK(policy.Satisfied(Cosigned("")));
  EXPECT_THAT(policy.Satisfied(Cosigned("", 'm')),
              StatusIs(StatusCode::kInvalidArgument, "not signed by a log"));
  Note other{"other.example\n3\n" + Cosigned("").text.substr(14), {}};
  CUSTODY_ASSERT_OK(SignNote(other, "log.example", Key('l')));
  EXPECT_THAT(policy.Satisfied(other), StatusIs(StatusCode::kInvalidArgument, "other.example"));
  EXPECT_THAT(policy.Satisfied(Note{"no checkpoint\n", {}}),
              StatusIs(StatusCode::kInvalidArgument));
}

TEST(WitnessPolicyTest, RefusesWhatIsAmbiguous) {
  const std::string a = Log() + Witness('a');
  const std::pair<std::string, const char*> kRefused[] = {
      {"", "no log"},
      {Log(), "no quorum"},
      {Witness('a') + "quorum a\n", "no log"},
      {a + "quorum b\n", "names b"},
      {"quorum a\n" + a, "names a"},
      {a + "quorum a\nquorum none\n", "one quorum"},
      {a + Witness('a') + "quorum a\n", "taken"},
      {a + "witness b " + Vkey("b", NoteKeyType::kCosignatureV1, 'a') + "\nquorum a\n", "twice"},
      {a + "witness none " + Vkey("n", NoteKeyType::kCosignatureV1, 'n') + "\nquorum a\n", "taken"},
      {a + "witness b " + Vkey("b", NoteKeyType::kEd25519, 'b') + "\nquorum a\n", "0x04"},
      {"log " + Vkey("l", NoteKeyType::kCosignatureV1, 'l') + "\nquorum none\n", "0x01"},
      {a + "group g 0 a\nquorum g\n", "1 to 1"},
      {a + "group g 2 a\nquorum g\n", "1 to 1"},
      {a + "group g 01 a\nquorum g\n", "1 to 1"},
      {a + "group g some a\nquorum g\n", "1 to 1"},
      {a + "group g any\nquorum g\n", "expected 'log"},
      {a + "group g any g\nquorum g\n", "names g"},
      {a + "group g any a a\nquorum g\n", "twice"},
      {a + "group a any a\nquorum a\n", "taken"},
      {a + "quorum\n", "expected 'log"},
      {a + "wittness b c\nquorum a\n", "line 3"},
      {"log nonsense\nquorum none\n", "line 1"}};
  for (const auto& [text, reason] : kRefused) {
    EXPECT_THAT(WitnessPolicy::Parse(text), StatusIs(StatusCode::kInvalidArgument, reason)) << text;
  }
}

TEST(WitnessPolicyTest, GroupsOfGroupsAreCountedOnce) {
  // Every level names the one before twice over; counting naively would take 2^60 steps.
  std::string text = Log() + Witness('a') + "group x0 any a\ngroup y0 any a\n";
  for (int i = 1; i < 60; ++i) {
    const std::string level = std::to_string(i);
    const std::string below = std::to_string(i - 1);
    for (const char* name : {"x", "y"}) {
      text += "group " + (name + level) + " all x" + below + " y" + below + "\n";
    }
  }
  CUSTODY_ASSERT_OK_AND_ASSIGN(const WitnessPolicy policy,
                               WitnessPolicy::Parse(text + "quorum x59"));
  CUSTODY_EXPECT_OK(policy.Satisfied(Cosigned("a")));
  EXPECT_FALSE(policy.Satisfied(Cosigned("")).ok());
}

}  // namespace
}  // namespace custody

// Notes, checkpoints and receipts: strictness. That they agree with others' is in tests/vectors.
#include "crypto/note.h"

#include "crypto/encoding.h"
#include "tests/support/status_matchers.h"

namespace custody {
namespace {

PrivateKey Key(char seed) { return PrivateKey::FromSeed(std::string(32, seed)).value(); }

const std::string kMark = "\xe2\x80\x94 ";
const std::string kSignature = Base64(std::string(68, 's'));

TEST(NoteTest, ParsesWhatItWritesAndKeepsBlankLinesOfTheText) {
  Note note{"first\n\nsecond \xc3\xa9\xe2\x82\xac\xf0\x9f\x92\x89\n", {}};
  CUSTODY_ASSERT_OK(SignNote(note, "log.example/1", Key('l')));
  CUSTODY_ASSERT_OK(CosignNote(note, "w.example", Key('w'), 1'700'000'000));
  const std::string text = note.ToString();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Note parsed, Note::Parse(text));
  EXPECT_EQ(parsed.text, note.text);
  EXPECT_EQ(parsed.signatures.size(), 2U);
  EXPECT_EQ(parsed.ToString(), text);
}

TEST(NoteTest, RefusesWhatIsNotANote) {
  const std::string line = kMark + "name " + kSignature + "\n";
  CUSTODY_ASSERT_OK(Note::Parse("text\n\n" + line));
  const std::pair<std::string, const char*> kRefused[] = {
      {"", "blank line"},
      {"text\n" + line, "blank line"},
      {"text\n\n", "no signature line"},
      {"text\n\n" + line.substr(0, line.size() - 1), "newline"},
      {"text\n\n" + line + "\n" + line + "x\n", "only signature lines"},
      {"text\n\nname " + kSignature + "\n", "only signature lines"},
      {"text\n\n- name " + kSignature + "\n", "only signature lines"},
      {"text\n\n" + kMark + "name\n", "no name"},
      {"text\n\n" + kMark + " " + kSignature + "\n", "name"},
      {"text\n\n" + kMark + "na+me " + kSignature + "\n", "without white space"},
      {"text\n\n" + kMark + "na\xc2\xa0me " + kSignature + "\n", "without white space"},
      {"text\n\n" + kMark + "name  " + kSignature + "\n", "base64"},
      {"text\n\n" + kMark + "name " + kSignature.substr(4) + " \n", "base64"},
      {"text\n\n" + kMark + "name AAAAAA==\n", "too short"},
      {"te\txt\n\n" + line, "control"},
      {"text\r\n\n" + line, "control"},
      {std::string("te\0xt\n\n", 7) + line, "control"},
      {"te\xffxt\n\n" + line, "UTF-8"},
      {"te\xc0\x80xt\n\n" + line, "UTF-8"},
      {"te\xe0\x80\x80xt\n\n" + line, "UTF-8"},
      {"te\xed\xa0\x80xt\n\n" + line, "UTF-8"},
      {"te\xf4\x90\x80\x80xt\n\n" + line, "UTF-8"},
      {"te\xe2\x82\n\n" + line, "UTF-8"},
      {std::string(1'000'001, 'x') + "\n\n" + line, "1,000,000"}};
  for (const auto& [text, reason] : kRefused) {
    EXPECT_THAT(Note::Parse(text), StatusIs(StatusCode::kInvalidArgument, reason))
        << text.substr(0, 100);
  }
  std::string many = "text\n\n";
  for (int i = 0; i < 100; ++i) many += line;
  CUSTODY_EXPECT_OK(Note::Parse(many));
  EXPECT_THAT(Note::Parse(many + line), StatusIs(StatusCode::kInvalidArgument, "100"));
}

TEST(NoteTest, RefusesToSignWhatCouldNotBeRead) {
  for (const char* text : {"no newline", "control \x01\n", "\xff\n"}) {
    Note note{text, {}};
    EXPECT_THAT(SignNote(note, "log", Key('l')), StatusIs(StatusCode::kInvalidArgument)) << text;
    EXPECT_THAT(CosignNote(note, "log", Key('l'), 1), StatusIs(StatusCode::kInvalidArgument));
    EXPECT_TRUE(note.signatures.empty());
  }
  Note note{"text\n", {}};
  EXPECT_THAT(SignNote(note, "", Key('l')), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(SignNote(note, "a b", Key('l')), StatusIs(StatusCode::kInvalidArgument));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const PrivateKey p256, PrivateKey::Generate(KeyAlgorithm::kP256));
  EXPECT_THAT(SignNote(note, "log", p256), StatusIs(StatusCode::kInvalidArgument, "ed25519"));
}

TEST(NoteTest, ALineThatDoesNotVerifyIsNotIgnored) {
  Note note{"text\n", {}};
  CUSTODY_ASSERT_OK(SignNote(note, "log", Key('l')));
  CUSTODY_ASSERT_OK(CosignNote(note, "w", Key('w'), 5));
  CUSTODY_ASSERT_OK(CosignNote(note, "w", Key('w'), 9));
  const auto log = NoteVerifier::Of("log", NoteKeyType::kEd25519, Key('l').public_key()).value();
  const auto w = NoteVerifier::Of("w", NoteKeyType::kCosignatureV1, Key('w').public_key()).value();
  const auto x = NoteVerifier::Of("w", NoteKeyType::kCosignatureV1, Key('x').public_key()).value();
  EXPECT_EQ(VerifyNote(note, log)->unix_seconds, std::nullopt);
  EXPECT_EQ(VerifyNote(note, w)->unix_seconds, 9U);
  EXPECT_THAT(VerifyNote(note, x), StatusIs(StatusCode::kNotFound));
  Note changed = note;
  changed.signatures[2].value[7] = 8;  // the stated time is signed too
  EXPECT_THAT(VerifyNote(changed, w), StatusIs(StatusCode::kInvalidArgument));
  changed.signatures[2].value = "short";
  EXPECT_THAT(VerifyNote(changed, w), StatusIs(StatusCode::kInvalidArgument, "no time"));
  // A signature of the text itself is no cosignature, nor the other way round.
  Note crossed{"text\n", {{"w", w.key_hash(), U64(5) + Key('w').Sign("text\n").value()}}};
  EXPECT_THAT(VerifyNote(crossed, w), StatusIs(StatusCode::kInvalidArgument));
}

TEST(NoteVerifierTest, RefusesKeysThatAreNotWhatTheySay) {
  const auto good = NoteVerifier::Of("log", NoteKeyType::kEd25519, Key('l').public_key());
  const std::string vkey = good->ToString();
  EXPECT_EQ(NoteVerifier::Parse(vkey)->key_hash(), good->key_hash());
  std::string upper = vkey;
  for (std::size_t i = 4; i < 12; ++i) upper[i] = static_cast<char>(std::toupper(upper[i]));
  for (const std::string& bad :
       {std::string("log"), std::string("log+00000000"), "x" + vkey, vkey + "=", upper,
        "+" + vkey.substr(4), "log+00000000" + vkey.substr(12), "lo\tg" + vkey.substr(3)}) {
    EXPECT_THAT(NoteVerifier::Parse(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
  // A low-order key with the right key hash.
  const std::string typed = std::string("\x01\x01", 2) + std::string(31, '\0');
  const std::string hash = Sha256("log\n" + typed).ToHex().substr(0, 8);
  EXPECT_THAT(NoteVerifier::Parse("log+" + hash + "+" + Base64(typed)),
              StatusIs(StatusCode::kInvalidArgument, "low order"));
}

TEST(CheckpointTest, OneTextForEveryCheckpoint) {
  const std::string root = Base64(std::string(32, 'r'));
  CUSTODY_ASSERT_OK_AND_ASSIGN(const Checkpoint max,
                               Checkpoint::Parse("o\n18446744073709551615\n" + root + "\n"));
  EXPECT_EQ(max.size, ~0ULL);
  EXPECT_EQ(max.ToText(), "o\n18446744073709551615\n" + root + "\n");
  for (const std::string& bad :
       {"o\n01\n" + root + "\n", "o\n+1\n" + root + "\n", "o\n-1\n" + root + "\n",
        "o\n18446744073709551616\n" + root + "\n", "o\n\n" + root + "\n", "o\n1 \n" + root + "\n",
        "o\n1\n" + root, "o\n1\n" + root + "\nextension\n", "\n1\n" + root + "\n",
        "o\n1\n" + root.substr(4) + "\n", "o\n1\n" + root + "AAAA\n", std::string("o\n1\n"),
        std::string()}) {
    EXPECT_THAT(Checkpoint::Parse(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

TEST(CheckpointTest, OpensOnlyUnderTheLogsOwnKeyAndName) {
  const Checkpoint checkpoint{"demo.example/1", 7, Sha256("root")};
  CUSTODY_ASSERT_OK_AND_ASSIGN(const std::string note, SignCheckpoint(checkpoint, Key('l')));
  const PublicKey key = Key('l').public_key();
  const auto verifier = [](std::string_view name, NoteKeyType type, const PublicKey& of) {
    return NoteVerifier::Of(name, type, of).value();
  };
  EXPECT_EQ(OpenCheckpoint(note, verifier("demo.example/1", NoteKeyType::kEd25519, key)).value(),
            checkpoint);
  EXPECT_THAT(OpenCheckpoint(note, verifier("demo.example/2", NoteKeyType::kEd25519, key)),
              StatusIs(StatusCode::kInvalidArgument, "origin"));
  EXPECT_THAT(OpenCheckpoint(note, verifier("demo.example/1", NoteKeyType::kCosignatureV1, key)),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(OpenCheckpoint(
                  note, verifier("demo.example/1", NoteKeyType::kEd25519, Key('m').public_key())),
              StatusIs(StatusCode::kInvalidArgument, "no line"));
  for (std::size_t i = 0; i < note.size(); ++i) {
    std::string changed = note;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_THAT(OpenCheckpoint(changed, verifier("demo.example/1", NoteKeyType::kEd25519, key)),
                StatusIs(StatusCode::kInvalidArgument))
        << i;
  }
}

TEST(TlogProofTest, OneTextForEveryProof) {
  TlogProof proof;
  proof.index = 3;
  proof.path = {Sha256("a"), Sha256("b")};
  proof.checkpoint = SignCheckpoint({"demo.example/1", 7, Sha256("root")}, Key('l')).value();
  const std::string text = proof.ToString();
  CUSTODY_ASSERT_OK_AND_ASSIGN(const TlogProof parsed, TlogProof::Parse(text));
  EXPECT_EQ(parsed.path, proof.path);
  EXPECT_EQ(parsed.ToString(), text);
  TlogProof only = proof;
  only.path.clear();
  EXPECT_EQ(TlogProof::Parse(only.ToString())->ToString(), only.ToString());
  TlogProof deep = proof;
  deep.path.resize(65);
  const std::string header = "c2sp.org/tlog-proof@v1\n";
  for (const std::string& bad :
       {std::string(), header, header + "index 3", header + "index 3\n", header + "index 3\n\n",
        text.substr(1), header + "index 03\n\n" + proof.checkpoint,
        header + "index -3\n\n" + proof.checkpoint, header + "index 3\nAAAA\n\n" + proof.checkpoint,
        header + "index 3\n" + proof.checkpoint, header + "index 3 \n\n" + proof.checkpoint,
        header + "index 3\n\n\n" + proof.checkpoint, text + "\n", deep.ToString()}) {
    EXPECT_THAT(TlogProof::Parse(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

}  // namespace
}  // namespace custody

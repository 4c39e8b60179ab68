// Whatever stands in a note: checkpoints, cosignatures, receipts, verifier keys and witness
// policies. What is accepted has one text only, and no text that was not signed opens.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/note.h"
#include "crypto/witness_policy.h"

namespace custody {
namespace {

// The keys of tests/vectors/notes/derived-custody.json, whose notes are in the corpus (seeds of
// RFC 8032).
NoteVerifier VerifierOf(std::string_view vkey) {
  auto verifier = NoteVerifier::Parse(vkey);
  CUSTODY_CHECK(verifier.ok());
  return *std::move(verifier);
}
const NoteVerifier& Log() {
  static const NoteVerifier& log = *new NoteVerifier(
      VerifierOf("custody.example/log1+6f3071f7+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"));
  return log;
}
const NoteVerifier& Witness() {
  static const NoteVerifier& witness = *new NoteVerifier(
      VerifierOf("witness.example/w1+04d2d833+BD1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"));
  return witness;
}
const WitnessPolicy& Policy() {
  static const auto& policy = *new StatusOr<WitnessPolicy>(WitnessPolicy::Parse(
      "log " + Log().ToString() + "\nwitness w " + Witness().ToString() + "\nquorum w\n"));
  CUSTODY_CHECK(policy.ok());
  return *policy;
}

void JudgeNote(std::string_view text) {
  const auto note = Note::Parse(text);
  if (!note.ok()) {
    CUSTODY_CHECK(!OpenCheckpoint(text, Log()).ok());
    return;
  }
  CUSTODY_CHECK(note->ToString() == text);
  static_cast<void>(VerifyNote(*note, Witness()));
  static_cast<void>(Policy().BrokenCosigners(*note));
  const auto opened = OpenCheckpoint(text, Log());
  const auto checkpoint = Checkpoint::Parse(note->text);
  if (checkpoint.ok()) CUSTODY_CHECK(checkpoint->ToText() == note->text);
  if (opened.ok()) CUSTODY_CHECK(checkpoint.ok() && *opened == *checkpoint);
  if (Policy().Satisfied(*note).ok()) CUSTODY_CHECK(VerifyNote(*note, Witness()).ok());
}

}  // namespace
}  // namespace custody

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace custody;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  JudgeNote(text);
  if (const auto checkpoint = Checkpoint::Parse(text); checkpoint.ok())
    CUSTODY_CHECK(checkpoint->ToText() == text);
  if (const auto verifier = NoteVerifier::Parse(text); verifier.ok())
    CUSTODY_CHECK(verifier->ToString() == text);
  if (const auto proof = TlogProof::Parse(text); proof.ok())
    CUSTODY_CHECK(proof->ToString() == text);
  static_cast<void>(WitnessPolicy::Parse(text));
  return 0;
}

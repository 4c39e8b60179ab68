// Receipts as files (c2sp.org/tlog-proof@v1):
//
//   header LF "index " N LF (base64(hash) LF)* LF checkpoint
#include <charconv>

#include "crypto/encoding.h"
#include "crypto/note.h"

namespace custody {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1\nindex ";
constexpr std::size_t kMaxPath = 64;  // the depth of the largest tree

}  // namespace

StatusOr<TlogProof> TlogProof::Parse(std::string_view text) {
  if (!text.starts_with(kHeader)) {
    return InvalidArgument("expected a proof that begins with c2sp.org/tlog-proof@v1 and an index");
  }
  text.remove_prefix(kHeader.size());
  TlogProof proof;
  const std::string_view number = text.substr(0, text.find('\n'));
  const auto [stop, error] =
      std::from_chars(number.data(), number.data() + number.size(), proof.index);
  if (error != std::errc() || std::to_string(proof.index) != number) {
    return InvalidArgument("expected a decimal index without leading zeros in the proof");
  }
  static_cast<void>(stop);
  text.remove_prefix(number.size());
  // Every line so far left its newline, so a blank line shows as two of them.
  while (text.starts_with('\n') && !text.starts_with("\n\n")) {
    text.remove_prefix(1);
    const std::string_view line = text.substr(0, text.find('\n'));
    if (proof.path.size() == kMaxPath) return InvalidArgument("proof has more than 64 hashes");
    CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, DecodeBase64(line));
    CUSTODY_ASSIGN_OR_RETURN(const Hash hash, Hash::FromBytes(bytes));
    proof.path.push_back(hash);
    text.remove_prefix(line.size());
  }
  if (!text.starts_with("\n\n")) return InvalidArgument("proof has no blank line after its hashes");
  proof.checkpoint = text.substr(2);
  CUSTODY_ASSIGN_OR_RETURN(const Note note, Note::Parse(proof.checkpoint));
  CUSTODY_RETURN_IF_ERROR(Checkpoint::Parse(note.text).status());
  return proof;
}

std::string TlogProof::ToString() const {
  std::string text = std::string(kHeader) + std::to_string(index) + "\n";
  for (const Hash& hash : path) text += Base64(hash.view()) + "\n";
  return text + "\n" + checkpoint;
}

}  // namespace custody

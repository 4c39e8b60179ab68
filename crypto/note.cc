// C2SP signed notes. A note is a text, a blank line and signature lines:
//
//   note  = text LF line+
//   line  = "— " name " " base64(key hash(4) || signature) LF
//   vkey  = name "+" hex(key hash) "+" base64(type || public key(32))
//
// A text ends in LF and may hold blank lines of its own: the last one in the note splits it.
// Names are neither empty nor hold white space or "+"; the key hash only says which key to try.
// Keys are of type 0x01, which signs the text, or 0x04, which signs "cosignature/v1\ntime T\n" ||
// text. Parsing is strict and keeps nothing unsaid, so ToString gives back exactly what was parsed.
#include "crypto/note.h"

#include <algorithm>
#include <charconv>

#include "crypto/encoding.h"
#include "crypto/utf8.h"

namespace custody {
namespace {

constexpr std::string_view kSignatureMark = "\xe2\x80\x94 ";  // an em dash and a space
constexpr std::size_t kMaxNoteBytes = 1'000'000;
constexpr std::size_t kMaxSignatures = 100;
constexpr std::size_t kKeyHashSize = 4;
constexpr std::size_t kTimeSize = 8;

bool IsSpace(char32_t c) {
  return c == ' ' || (c >= 0x09 && c <= 0x0d) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
         c == 0x3000;
}

Status CheckText(std::string_view text) {
  if (text.size() > kMaxNoteBytes) return InvalidArgument("a note has at most 1,000,000 bytes");
  while (!text.empty()) {
    const char32_t c = TakeCodePoint(text);
    if (c == kNoCodePoint) return InvalidArgument("note is not valid UTF-8");
    if (c < 0x20 && c != '\n') return InvalidArgument("note holds a control character");
  }
  return absl::OkStatus();
}

Status CheckName(std::string_view name) {
  if (name.empty()) return InvalidArgument("expected the name of a note key, found none");
  for (std::string_view rest = name; !rest.empty();) {
    const char32_t c = TakeCodePoint(rest);
    if (c == kNoCodePoint || c < 0x20 || c == '+' || IsSpace(c)) {
      return InvalidArgument("a note key's name is UTF-8 without white space or '+'");
    }
  }
  return absl::OkStatus();
}

std::uint32_t ReadU32(std::string_view bytes) {
  return static_cast<std::uint32_t>(ReadU64(std::string(4, '\0').append(bytes.substr(0, 4))));
}

std::string U32(std::uint32_t value) { return U64(value).substr(4); }

std::uint32_t KeyHash(std::string_view name, NoteKeyType type, const PublicKey& key) {
  const char type_byte = static_cast<char>(type);
  return ReadU32(Sha256({name, "\n", {&type_byte, 1}, key.raw()}).view());
}

std::string CosignedMessage(std::uint64_t unix_seconds, std::string_view text) {
  return "cosignature/v1\ntime " + std::to_string(unix_seconds) + "\n" + std::string(text);
}

// Cuts the first line, without its newline, off `text`; nothing when there is no newline.
std::optional<std::string_view> TakeLine(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

StatusOr<std::uint64_t> ParseDecimal(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || std::to_string(value) != text) {
    return InvalidArgument("expected a decimal number below 2^64 without leading zeros");
  }
  return value;
}

StatusOr<Hash> ParseHash(std::string_view text) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, DecodeBase64(text));
  return Hash::FromBytes(bytes);
}

StatusOr<NoteSignature> ParseSignatureLine(std::string_view line) {
  if (!line.starts_with(kSignatureMark)) {
    return InvalidArgument("expected only signature lines after the note's last blank line");
  }
  line.remove_prefix(kSignatureMark.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return InvalidArgument("note signature line has no name");
  NoteSignature signature;
  signature.name = line.substr(0, space);
  CUSTODY_RETURN_IF_ERROR(CheckName(signature.name));
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, DecodeBase64(line.substr(space + 1)));
  if (bytes.size() <= kKeyHashSize) return InvalidArgument("note signature is too short");
  signature.key_hash = ReadU32(bytes);
  signature.value = bytes.substr(kKeyHashSize);
  return signature;
}

// The line that `verifier` would have made, with `value`.
NoteSignature LineOf(const NoteVerifier& verifier, std::string value) {
  return {verifier.name(), verifier.key_hash(), std::move(value)};
}

Status CheckSignable(const Note& note) {
  CUSTODY_RETURN_IF_ERROR(CheckText(note.text));
  if (!note.text.ends_with('\n')) return InvalidArgument("a note's text ends in a newline");
  return absl::OkStatus();
}

}  // namespace

NoteVerifier::NoteVerifier(std::string name, NoteKeyType type, PublicKey key)
    : name_(std::move(name)),
      type_(type),
      key_hash_(KeyHash(name_, type, key)),
      key_(std::move(key)) {}

StatusOr<NoteVerifier> NoteVerifier::Of(std::string_view name, NoteKeyType type,
                                        const PublicKey& key) {
  CUSTODY_RETURN_IF_ERROR(CheckName(name));
  if (key.algorithm() != KeyAlgorithm::kEd25519) {
    return InvalidArgument("expected an ed25519 key for notes, found p-256");
  }
  return NoteVerifier(std::string(name), type, key);
}

StatusOr<NoteVerifier> NoteVerifier::Parse(std::string_view vkey) {
  const std::size_t first = vkey.find('+');
  const std::size_t second = first == vkey.npos ? vkey.npos : vkey.find('+', first + 1);
  if (second == vkey.npos) {
    return InvalidArgument("expected a verifier key name+hash+base64, found fewer parts");
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::string hash,
                           DecodeHex(vkey.substr(first + 1, second - first - 1)));
  CUSTODY_ASSIGN_OR_RETURN(const std::string typed, DecodeBase64(vkey.substr(second + 1)));
  if (hash.size() != kKeyHashSize || typed.size() != 33) {
    return InvalidArgument("expected a verifier key with a hash of 4 bytes and a key of 33");
  }
  const auto type = static_cast<NoteKeyType>(typed[0]);
  if (type != NoteKeyType::kEd25519 && type != NoteKeyType::kCosignatureV1) {
    return InvalidArgument("expected a verifier key of type 0x01 or 0x04, found " +
                           Hex(typed.substr(0, 1)));
  }
  CUSTODY_ASSIGN_OR_RETURN(const PublicKey key, PublicKey::FromEd25519(typed.substr(1)));
  CUSTODY_ASSIGN_OR_RETURN(NoteVerifier verifier, Of(vkey.substr(0, first), type, key));
  if (U32(verifier.key_hash_) != hash) {
    return InvalidArgument("verifier key has key hash " + Hex(hash) + ", expected " +
                           Hex(U32(verifier.key_hash_)));
  }
  return verifier;
}

std::string NoteVerifier::ToString() const {
  std::string typed(1, static_cast<char>(type_));
  typed += key_.raw();
  return name_ + "+" + Hex(U32(key_hash_)) + "+" + Base64(typed);
}

StatusOr<Note> Note::Parse(std::string_view note) {
  CUSTODY_RETURN_IF_ERROR(CheckText(note));
  const std::size_t split = note.rfind("\n\n");
  if (split == note.npos) return InvalidArgument("note has no blank line before its signatures");
  Note parsed;
  parsed.text = note.substr(0, split + 1);
  std::string_view rest = note.substr(split + 2);
  if (rest.empty()) return InvalidArgument("note has no signature line");
  while (!rest.empty()) {
    const std::optional<std::string_view> line = TakeLine(rest);
    if (!line) return InvalidArgument("note does not end in a newline");
    if (parsed.signatures.size() == kMaxSignatures) {
      return InvalidArgument("a note has at most 100 signature lines");
    }
    CUSTODY_ASSIGN_OR_RETURN(NoteSignature signature, ParseSignatureLine(*line));
    parsed.signatures.push_back(std::move(signature));
  }
  return parsed;
}

std::string Note::ToString() const {
  std::string note = text + "\n";
  for (const NoteSignature& signature : signatures) {
    note.append(kSignatureMark).append(signature.name);
    note += " " + Base64(U32(signature.key_hash) + signature.value) + "\n";
  }
  return note;
}

Status SignNote(Note& note, std::string_view name, const PrivateKey& key) {
  CUSTODY_RETURN_IF_ERROR(CheckSignable(note));
  CUSTODY_ASSIGN_OR_RETURN(const NoteVerifier verifier,
                           NoteVerifier::Of(name, NoteKeyType::kEd25519, key.public_key()));
  CUSTODY_ASSIGN_OR_RETURN(std::string signature, key.Sign(note.text));
  note.signatures.push_back(LineOf(verifier, std::move(signature)));
  return absl::OkStatus();
}

Status CosignNote(Note& note, std::string_view name, const PrivateKey& key,
                  std::uint64_t unix_seconds) {
  CUSTODY_RETURN_IF_ERROR(CheckSignable(note));
  CUSTODY_ASSIGN_OR_RETURN(const NoteVerifier verifier,
                           NoteVerifier::Of(name, NoteKeyType::kCosignatureV1, key.public_key()));
  CUSTODY_ASSIGN_OR_RETURN(const std::string signature,
                           key.Sign(CosignedMessage(unix_seconds, note.text)));
  note.signatures.push_back(LineOf(verifier, U64(unix_seconds) + signature));
  return absl::OkStatus();
}

StatusOr<NoteVerdict> VerifyNote(const Note& note, const NoteVerifier& verifier) {
  NoteVerdict verdict;
  for (const NoteSignature& line : note.signatures) {
    if (line.name != verifier.name() || line.key_hash != verifier.key_hash()) continue;
    const std::string who = "note line of " + verifier.name();
    if (verifier.type() == NoteKeyType::kEd25519) {
      CUSTODY_RETURN_IF_ERROR(WithContext(verifier.key().Verify(note.text, line.value), who));
    } else {
      if (line.value.size() < kTimeSize) return InvalidArgument(who + " states no time");
      const std::uint64_t time = ReadU64(line.value);
      CUSTODY_RETURN_IF_ERROR(
          WithContext(verifier.key().Verify(CosignedMessage(time, note.text),
                                            std::string_view(line.value).substr(kTimeSize)),
                      who));
      verdict.unix_seconds = std::max(verdict.unix_seconds.value_or(0), time);
    }
    verdict.signed_by_key = true;
  }
  if (!verdict.signed_by_key) return NotFound("note has no line of " + verifier.name());
  return verdict;
}

StatusOr<Checkpoint> Checkpoint::Parse(std::string_view text) {
  const std::optional<std::string_view> origin = TakeLine(text);
  const std::optional<std::string_view> size = TakeLine(text);
  const std::optional<std::string_view> root = TakeLine(text);
  if (!root || !text.empty() || origin->empty()) {
    return InvalidArgument("expected a checkpoint of three lines: origin, size and root");
  }
  Checkpoint checkpoint;
  checkpoint.origin = *origin;
  CUSTODY_ASSIGN_OR_RETURN(checkpoint.size, ParseDecimal(*size));
  CUSTODY_ASSIGN_OR_RETURN(checkpoint.root, ParseHash(*root));
  return checkpoint;
}

std::string Checkpoint::ToText() const {
  return origin + "\n" + std::to_string(size) + "\n" + Base64(root.view()) + "\n";
}

StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, const NoteVerifier& log) {
  CUSTODY_ASSIGN_OR_RETURN(const Note parsed, Note::Parse(note));
  CUSTODY_ASSIGN_OR_RETURN(Checkpoint checkpoint, Checkpoint::Parse(parsed.text));
  if (log.type() != NoteKeyType::kEd25519 || checkpoint.origin != log.name()) {
    return InvalidArgument("checkpoint has origin " + checkpoint.origin + ", expected " +
                           log.name() + " and its key of type 0x01");
  }
  const StatusOr<NoteVerdict> verdict = VerifyNote(parsed, log);
  if (!verdict.ok()) return InvalidArgument(Message(verdict.status()));
  return checkpoint;
}

StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const PrivateKey& log_key) {
  Note note{checkpoint.ToText(), {}};
  CUSTODY_RETURN_IF_ERROR(SignNote(note, checkpoint.origin, log_key));
  return note.ToString();
}

}  // namespace custody

// C2SP signed notes, checkpoints, cosignatures and tlog-proofs: the texts by which a log speaks.
#ifndef CUSTODY_CRYPTO_NOTE_H_
#define CUSTODY_CRYPTO_NOTE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/hash.h"
#include "crypto/key.h"
#include "crypto/status.h"

namespace custody {

// What a verifier key's type byte says it signs.
enum class NoteKeyType : std::uint8_t { kEd25519 = 0x01, kCosignatureV1 = 0x04 };

// `NoteVerifier` is a C2SP vkey: NAME+HEX(key hash)+b64(type || 32 bytes). Copyable.
class NoteVerifier {
 public:
  // `Parse` refuses a name with white space or '+', a wrong key hash, an unknown type and weak
  // keys.
  static StatusOr<NoteVerifier> Parse(std::string_view vkey);
  // `Of` names `key` (Ed25519) as `name`.
  static StatusOr<NoteVerifier> Of(std::string_view name, NoteKeyType type, const PublicKey& key);

  const std::string& name() const { return name_; }
  NoteKeyType type() const { return type_; }
  std::uint32_t key_hash() const { return key_hash_; }
  const PublicKey& key() const { return key_; }
  std::string ToString() const;  // the vkey

 private:
  NoteVerifier(std::string name, NoteKeyType type, PublicKey key);
  std::string name_;
  NoteKeyType type_;
  std::uint32_t key_hash_;
  PublicKey key_;
};

struct NoteSignature {
  std::string name;
  std::uint32_t key_hash = 0;
  std::string value;  // the bytes after the key hash
};

// `Note` is a text that ends in a newline and its signature lines.
struct Note {
  std::string text;
  std::vector<NoteSignature> signatures;

  // `Parse` is strict: valid UTF-8, no control characters but newline, a blank line, then only
  // signature lines in canonical base64; at most 100 of them and 1,000,000 bytes.
  static StatusOr<Note> Parse(std::string_view note);
  std::string ToString() const;
};

// `SignNote` appends the log's line (type 0x01).
Status SignNote(Note& note, std::string_view name, const PrivateKey& key);
// `CosignNote` appends a cosignature/v1 line of `name` at `unix_seconds` (type 0x04).
Status CosignNote(Note& note, std::string_view name, const PrivateKey& key,
                  std::uint64_t unix_seconds);

// `VerifiedAt` is set for cosignatures: the time the cosigner states.
struct NoteVerdict {
  bool signed_by_key = false;
  std::optional<std::uint64_t> unix_seconds;
};
// `VerifyNote` looks for a line of `verifier` and checks it. NOT_FOUND when there is none,
// INVALID_ARGUMENT when one is there and does not verify.
StatusOr<NoteVerdict> VerifyNote(const Note& note, const NoteVerifier& verifier);

// `Checkpoint` is C2SP tlog-checkpoint without extension lines.
struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root;

  // `Parse` reads a note's text: origin, decimal size without leading zeros, b64 root.
  static StatusOr<Checkpoint> Parse(std::string_view text);
  std::string ToText() const;
  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

// `OpenCheckpoint` parses a signed checkpoint and verifies the log's line; `log.name()` must be the
// origin. INVALID_ARGUMENT otherwise.
StatusOr<Checkpoint> OpenCheckpoint(std::string_view note, const NoteVerifier& log);
// `SignCheckpoint` gives the whole signed note.
StatusOr<std::string> SignCheckpoint(const Checkpoint& checkpoint, const PrivateKey& log_key);

// `TlogProof` is a receipt as a file (c2sp.org/tlog-proof@v1).
struct TlogProof {
  std::uint64_t index = 0;
  std::vector<Hash> path;
  std::string checkpoint;  // the note, whole

  static StatusOr<TlogProof> Parse(std::string_view text);
  std::string ToString() const;
};

}  // namespace custody

#endif  // CUSTODY_CRYPTO_NOTE_H_

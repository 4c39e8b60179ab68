// The vault: patients' identifiers, therapies' secrets and attachments, sealed beside the log.
//
// Every therapy has a random data key of its own, wrapped under the epoch key, which is a file
// outside the database: whoever has the database alone has nothing, and destroying an epoch key
// erases what was not rewrapped.
//
//   subjects row    = epoch (8) || wrapped data key (60) || sealed Subject
//   epoch           = first 8 bytes of SHA-256(epoch key)
//   attachment part = sealed; part 0 is the description, the others 1 MiB of the bytes each
#ifndef CUSTODY_SERVER_LEDGER_VAULT_H_
#define CUSTODY_SERVER_LEDGER_VAULT_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/v1/service.pb.h"
#include "server/store/store.h"

namespace custody {

// Identifiers kept of one therapy's patient: all are read, compared and sealed anew when one is
// added, on the committer's thread. A patient has some five, and as many again after corrections.
inline constexpr std::size_t kMaxIdentifiersKept = 256;

// `Vault` seals and unseals rows; it writes nothing itself. Thread-safe (immutable).
class Vault {
 public:
  // `epoch_key_file` is 32 random bytes, mode 0600; it is read at each call, so that the key is in
  // memory only while it is used. `rng` must outlive the vault.
  Vault(std::filesystem::path epoch_key_file, Rng& rng)
      : epoch_key_file_(std::move(epoch_key_file)), rng_(rng) {}

  // `PutSubject` adds to `batch` what the request changes. ALREADY_EXISTS when it brings another
  // secret than the therapy has; RESOURCE_EXHAUSTED beyond `kMaxIdentifiersKept`;
  // FAILED_PRECONDITION when the epoch key is missing or another.
  Status PutSubject(const Snapshot& snapshot, const pb::PutSubjectRequest& request,
                    Batch& batch) const;
  // NOT_FOUND when the therapy has none.
  StatusOr<pb::GetSubjectReply> GetSubject(const Snapshot& snapshot,
                                           std::string_view therapy) const;

  // `MakeSubject` adds to `batch` what a therapy needs before anything of it can be sealed; nothing
  // when it has that.
  Status MakeSubject(const Snapshot& snapshot, std::string_view therapy, Batch& batch) const;

  // `SealAttachment` gives the batches to be committed in order; the last makes it visible.
  // NOT_FOUND before `MakeSubject`.
  StatusOr<std::vector<Batch>> SealAttachment(const Snapshot& snapshot, std::string_view therapy,
                                              std::string_view media_type,
                                              std::string_view bytes) const;
  // Bytes and media type. NOT_FOUND; DATA_LOSS when what was sealed does not come back.
  StatusOr<std::pair<std::string, std::string>> GetAttachment(const Snapshot& snapshot,
                                                              std::string_view therapy,
                                                              const Hash& sha256) const;

 private:
  struct Subject;
  StatusOr<std::string> EpochKey() const;
  StatusOr<Subject> Load(const Snapshot& snapshot, std::string_view therapy) const;
  StatusOr<Subject> LoadOrMake(const Snapshot& snapshot, std::string_view therapy) const;
  Status Store(const Subject& subject, std::string_view therapy, Batch& batch) const;

  const std::filesystem::path epoch_key_file_;
  Rng& rng_;
};

// `HasAttachment` says whether a therapy's attachment is there, whole.
StatusOr<bool> HasAttachment(const Snapshot& snapshot, std::string_view therapy,
                             const Hash& sha256);
// `HasAttachmentOfSize`: and whether it has `size` bytes. Told from the sealed parts, so that it
// needs no key.
StatusOr<bool> HasAttachmentOfSize(const Snapshot& snapshot, std::string_view therapy,
                                   const Hash& sha256, std::uint64_t size);

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_VAULT_H_

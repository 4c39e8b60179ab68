#include "server/ledger/vault.h"

#include <optional>
#include <set>

#include "crypto/file.h"
#include "crypto/sealing.h"
#include "custody/event.h"
#include "server/ledger/rows.h"

namespace custody {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kEpochBytes = 8;
constexpr std::size_t kSealBytes = 12 + 16;  // nonce and tag
constexpr std::size_t kWrappedBytes = kKeyBytes + kSealBytes;
constexpr std::size_t kPartBytes = 1 << 20;
constexpr std::size_t kPartsPerBatch = 4;

std::string Context(std::string_view what, std::string_view rest) {
  return "custody.v1." + std::string(what) + '\0' + std::string(rest);
}

std::string EpochOf(std::string_view epoch_key) {
  return Sha256(epoch_key).ToString().substr(0, kEpochBytes);
}

Status CannotUnseal(std::string_view what, const Status& why) {
  return DataLoss(std::string(what) + " does not unseal: " + Message(why));
}

}  // namespace

// A therapy's part of the vault, open.
struct Vault::Subject {
  std::string data_key;
  pb::GetSubjectReply content;
  bool made = false;  // not in the store yet

  Subject() = default;
  Subject(Subject&&) = default;
  Subject& operator=(Subject&&) = default;
  ~Subject() { Cleanse(data_key); }
};

StatusOr<std::string> Vault::EpochKey() const {
  StatusOr<std::string> key = ReadSecretFile(epoch_key_file_, kKeyBytes);
  if (key.ok() && key->size() == kKeyBytes) return *std::move(key);
  if (key.ok()) {
    return FailedPrecondition(epoch_key_file_.string() + " must be 32 bytes, found " +
                              std::to_string(key->size()));
  }
  if (key.status().code() != StatusCode::kNotFound) return key.status();
  return FailedPrecondition("the vault's key " + epoch_key_file_.string() +
                            " is missing; put it back from where it is kept safe");
}

StatusOr<Vault::Subject> Vault::Load(const Snapshot& snapshot, std::string_view therapy) const {
  const StatusOr<std::string> kept = snapshot.Get(Table::kSubjects, therapy);
  if (!kept.ok()) {
    if (kept.status().code() != StatusCode::kNotFound) return kept.status();
    return NotFound("nothing of therapy " + std::string(therapy) + " is in the vault");
  }
  const std::string& row = *kept;
  if (row.size() < kEpochBytes + kWrappedBytes) return DataLoss("a row of the vault is cut short");
  CUSTODY_ASSIGN_OR_RETURN(std::string epoch_key, EpochKey());
  if (row.compare(0, kEpochBytes, EpochOf(epoch_key)) != 0) {
    Cleanse(epoch_key);
    return FailedPrecondition("the vault of this therapy is under another epoch key than " +
                              epoch_key_file_.string() + " holds");
  }
  Subject subject;
  StatusOr<std::string> data_key =
      Unseal(epoch_key, Context("data-key", therapy), row.substr(kEpochBytes, kWrappedBytes));
  Cleanse(epoch_key);
  if (!data_key.ok()) return CannotUnseal("a data key", data_key.status());
  subject.data_key = *std::move(data_key);
  StatusOr<std::string> content = Unseal(subject.data_key, Context("subject", therapy),
                                         row.substr(kEpochBytes + kWrappedBytes));
  if (!content.ok()) return CannotUnseal("a subject", content.status());
  const bool parsed = subject.content.ParseFromString(*content);
  Cleanse(*content);
  if (!parsed) return DataLoss("a subject of the vault does not parse");
  return subject;
}

StatusOr<Vault::Subject> Vault::LoadOrMake(const Snapshot& snapshot,
                                           std::string_view therapy) const {
  StatusOr<Subject> found = Load(snapshot, therapy);
  if (found.ok() || found.status().code() != StatusCode::kNotFound) return found;
  Subject subject;
  CUSTODY_ASSIGN_OR_RETURN(subject.data_key, rng_.Bytes(kKeyBytes));
  subject.made = true;
  return subject;
}

Status Vault::Store(const Subject& subject, std::string_view therapy, Batch& batch) const {
  CUSTODY_ASSIGN_OR_RETURN(std::string epoch_key, EpochKey());
  const std::string epoch = EpochOf(epoch_key);
  const StatusOr<std::string> wrapped =
      Seal(epoch_key, Context("data-key", therapy), subject.data_key, rng_);
  Cleanse(epoch_key);
  CUSTODY_RETURN_IF_ERROR(wrapped.status());
  std::string plain = subject.content.SerializeAsString();
  const StatusOr<std::string> sealed =
      Seal(subject.data_key, Context("subject", therapy), plain, rng_);
  Cleanse(plain);
  CUSTODY_RETURN_IF_ERROR(sealed.status());
  batch.Put(Table::kSubjects, therapy, epoch + *wrapped + *sealed);
  return {};
}

Status Vault::PutSubject(const Snapshot& snapshot, const pb::PutSubjectRequest& request,
                         Batch& batch) const {
  CUSTODY_ASSIGN_OR_RETURN(Subject subject, LoadOrMake(snapshot, request.therapy()));
  if (!request.secret().empty()) {
    if (request.secret().size() != kKeyBytes) {
      return InvalidArgument("a therapy's secret must be 32 bytes, found " +
                             std::to_string(request.secret().size()));
    }
    if (!subject.content.secret().empty() && subject.content.secret() != request.secret()) {
      return AlreadyExists("the therapy has another secret already; it is made once");
    }
    subject.content.set_secret(request.secret());
  }
  std::set<std::string> kept;
  for (const pb::SubjectIdentifier& one : subject.content.identifiers()) {
    kept.insert(one.SerializeAsString());
  }
  for (const pb::SubjectIdentifier& added : request.identifiers()) {
    if (!kept.insert(added.SerializeAsString()).second) continue;
    if (kept.size() > kMaxIdentifiersKept) {
      return ResourceExhausted("of a patient at most " + std::to_string(kMaxIdentifiersKept) +
                               " identifiers are kept, and therapy " + request.therapy() +
                               " would have more; nothing was added");
    }
    *subject.content.add_identifiers() = added;
  }
  return Store(subject, request.therapy(), batch);
}

StatusOr<pb::GetSubjectReply> Vault::GetSubject(const Snapshot& snapshot,
                                                std::string_view therapy) const {
  CUSTODY_ASSIGN_OR_RETURN(Subject subject, Load(snapshot, therapy));
  return std::move(subject.content);
}

Status Vault::MakeSubject(const Snapshot& snapshot, std::string_view therapy, Batch& batch) const {
  CUSTODY_ASSIGN_OR_RETURN(const Subject subject, LoadOrMake(snapshot, therapy));
  return subject.made ? Store(subject, therapy, batch) : Status();
}

StatusOr<std::vector<Batch>> Vault::SealAttachment(const Snapshot& snapshot,
                                                   std::string_view therapy,
                                                   std::string_view media_type,
                                                   std::string_view bytes) const {
  if (bytes.empty() || bytes.size() > kMaxAttachmentBytes) {
    return InvalidArgument("an attachment must have 1 to " + std::to_string(kMaxAttachmentBytes) +
                           " bytes, found " + std::to_string(bytes.size()));
  }
  CUSTODY_ASSIGN_OR_RETURN(const Subject subject, Load(snapshot, therapy));
  std::vector<Batch> batches(1);
  const Hash sha256 = Sha256(bytes);
  std::uint32_t part = 1;
  for (std::size_t at = 0; at < bytes.size(); at += kPartBytes, ++part) {
    const std::string key = AttachmentRow(therapy, sha256, part);
    CUSTODY_ASSIGN_OR_RETURN(
        const std::string sealed,
        Seal(subject.data_key, Context("attachment", key), bytes.substr(at, kPartBytes), rng_));
    if (batches.back().writes().size() > kPartsPerBatch) batches.emplace_back();
    batches.back().Put(Table::kAttachments, key, sealed);
  }
  pb::AttachmentRef description;
  description.set_sha256(sha256.ToString());
  description.set_size(bytes.size());
  description.set_media_type(std::string(media_type));
  const std::string key = AttachmentRow(therapy, sha256, 0);
  CUSTODY_ASSIGN_OR_RETURN(
      const std::string sealed,
      Seal(subject.data_key, Context("attachment", key), description.SerializeAsString(), rng_));
  batches.back().Put(Table::kAttachments, key, sealed);
  return batches;
}

StatusOr<std::pair<std::string, std::string>> Vault::GetAttachment(const Snapshot& snapshot,
                                                                   std::string_view therapy,
                                                                   const Hash& sha256) const {
  const std::string head = AttachmentRow(therapy, sha256, 0);
  const StatusOr<std::string> sealed = snapshot.Get(Table::kAttachments, head);
  if (!sealed.ok()) {
    if (sealed.status().code() != StatusCode::kNotFound) return sealed.status();
    return NotFound("therapy " + std::string(therapy) + " has no attachment " + sha256.ToHex());
  }
  CUSTODY_ASSIGN_OR_RETURN(const Subject subject, Load(snapshot, therapy));
  const StatusOr<std::string> plain =
      Unseal(subject.data_key, Context("attachment", head), *sealed);
  if (!plain.ok()) return CannotUnseal("an attachment", plain.status());
  pb::AttachmentRef description;
  if (!description.ParseFromString(*plain) || description.size() > kMaxAttachmentBytes) {
    return DataLoss("an attachment's description does not parse");
  }
  std::string bytes;
  for (std::uint32_t part = 1; bytes.size() < description.size(); ++part) {
    const std::string key = AttachmentRow(therapy, sha256, part);
    CUSTODY_ASSIGN_OR_RETURN(const std::string row, GetPromised(snapshot, Table::kAttachments, key,
                                                                "a part of an attachment"));
    const StatusOr<std::string> piece = Unseal(subject.data_key, Context("attachment", key), row);
    if (!piece.ok()) return CannotUnseal("a part of an attachment", piece.status());
    if (piece->empty()) return DataLoss("a part of an attachment is empty");
    bytes += *piece;
  }
  if (Sha256(bytes) != sha256)
    return DataLoss("an attachment does not have the hash it is named by");
  return std::make_pair(std::move(bytes), description.media_type());
}

StatusOr<bool> HasAttachment(const Snapshot& snapshot, std::string_view therapy,
                             const Hash& sha256) {
  const StatusOr<std::string> row =
      snapshot.Get(Table::kAttachments, AttachmentRow(therapy, sha256, 0));
  if (row.ok()) return true;
  if (row.status().code() == StatusCode::kNotFound) return false;
  return row.status();
}

StatusOr<bool> HasAttachmentOfSize(const Snapshot& snapshot, std::string_view therapy,
                                   const Hash& sha256, std::uint64_t size) {
  if (size == 0 || size > kMaxAttachmentBytes) return false;
  const std::uint64_t parts = (size - 1) / kPartBytes + 1;
  const auto last = static_cast<std::uint32_t>(parts);
  const StatusOr<std::string> row =
      snapshot.Get(Table::kAttachments, AttachmentRow(therapy, sha256, last));
  const StatusOr<std::string> beyond =
      snapshot.Get(Table::kAttachments, AttachmentRow(therapy, sha256, last + 1));
  for (const Status& status : {row.status(), beyond.status()}) {
    if (!status.ok() && status.code() != StatusCode::kNotFound) return status;
  }
  return row.ok() && !beyond.ok() && row->size() == size - (parts - 1) * kPartBytes + kSealBytes;
}

}  // namespace custody

#include "client/station_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <system_error>
#include <utility>

#include "crypto/dsse.h"
#include "crypto/file.h"
#include "custody/chain.h"

namespace custody {
namespace {

constexpr std::size_t kMaxSmallFile = 1 << 20;
constexpr std::string_view kEventEnding = ".event";
constexpr unsigned kPrivate = 0600;

Status CannotWrite(std::string_view what, const std::filesystem::path& path,
                   const std::error_code& error) {
  const std::string message =
      "cannot " + std::string(what) + " " + path.string() + ": " + error.message();
  const bool full = error == std::errc::no_space_on_device || error == std::errc::file_too_large;
  return full ? ResourceExhausted(message) : PermissionDenied(message);
}

// Held while a program writes: two programs of one station take turns.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder)
      : file_(::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)) {
    if (file_ < 0 || ::flock(file_, LOCK_EX) != 0) {
      status_ = CannotWrite("lock", folder, std::error_code(errno, std::generic_category()));
    }
  }
  ~FolderLock() {
    if (file_ >= 0) ::close(file_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  const Status& status() const { return status_; }

 private:
  int file_;
  Status status_;
};

// A folder that is made here is its owner's alone: what lies in it is of patients and staff. Its
// name is durable before anything is put into it.
Status MakeFolders(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return Status();
  if (folder.has_parent_path() && folder != folder.parent_path()) {
    CUSTODY_RETURN_IF_ERROR(MakeFolders(folder.parent_path()));
  }
  if (std::filesystem::create_directory(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) return CannotWrite("make", folder, error);
  return SyncFolder(folder.has_parent_path() ? folder.parent_path() : ".");
}

std::string Numbered(std::uint64_t number) {
  std::string digits = std::to_string(number);
  if (digits.size() < 8) digits.insert(0, 8 - digits.size(), '0');
  return digits;
}

StatusOr<std::filesystem::path> ReceiptPath(const std::filesystem::path& folder,
                                            std::string_view chain, std::uint64_t sequence) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain parsed, Chain::Parse(chain));
  // A chain's name is a safe path: its parts are [A-Z0-9._-] without "..". The registry's own
  // receipts stand beside the folders of the sites.
  return folder / "receipts" / parsed.name() / Numbered(sequence);
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c);
  }
  return quoted + "\"";
}

StatusOr<StationFolder::Settings> ParseSettings(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return InvalidArgument("station.toml: " + std::string(parsed.error().description()));
  StationFolder::Settings settings;
  const std::pair<std::string_view, std::string*> known[] = {{"server", &settings.server},
                                                             {"station", &settings.station},
                                                             {"site", &settings.site},
                                                             {"zone", &settings.zone}};
  for (const auto& [key, to] : known) {
    const auto value = parsed.table()[key].value<std::string>();
    if (!value) return InvalidArgument("station.toml has no text for " + std::string(key));
    *to = *value;
  }
  if (parsed.table().size() != std::size(known)) {
    return InvalidArgument("station.toml has settings besides server, station, site and zone");
  }
  return settings;
}

bool IsEventFile(const std::filesystem::path& path, std::uint64_t& number) {
  if (path.extension() != kEventEnding) return false;
  const std::string stem = path.stem().string();
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), number);
  return error == std::errc() && end == stem.data() + stem.size() && stem.size() >= 8;
}

// Named by content, so that keeping the same again adds nothing.
std::string NameOf(std::string_view note) { return Sha256(note).ToHex().substr(0, 32); }

}  // namespace

StationFolder::StationFolder(std::filesystem::path path, Settings settings, TrustAnchor trust)
    : path_(std::move(path)), settings_(std::move(settings)), trust_(std::move(trust)) {}

StatusOr<StationFolder> StationFolder::Open(const std::filesystem::path& path) {
  if (path.empty()) {
    return InvalidArgument("which folder? give --folder DIR or set CUSTODY_STATION");
  }
  // Absolute, so that a program that changes its folder does not change its station.
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::absolute(path, error).lexically_normal();
  if (error) return InvalidArgument(path.string() + ": " + error.message());
  const StatusOr<std::string> text = ReadFile(folder / "station.toml", kMaxSmallFile);
  if (text.status().code() == StatusCode::kNotFound) {
    return NotFound(folder.string() + " is no station's folder: make one with `join`");
  }
  CUSTODY_RETURN_IF_ERROR(text.status());
  CUSTODY_ASSIGN_OR_RETURN(Settings settings, ParseSettings(*text));
  CUSTODY_ASSIGN_OR_RETURN(const std::string trust_json,
                           ReadFile(folder / "ledger.trust.json", kMaxSmallFile));
  StatusOr<TrustAnchor> trust = TrustAnchor::Parse(trust_json);
  CUSTODY_RETURN_IF_ERROR(WithContext(trust.status(), (folder / "ledger.trust.json").string()));
  return StationFolder(folder, std::move(settings), *std::move(trust));
}

StatusOr<StationFolder> StationFolder::Create(const std::filesystem::path& folder,
                                              const Settings& settings, std::string_view trust_json,
                                              std::string_view ca_pem,
                                              std::string_view certificate_pem) {
  std::error_code ignored;
  if (std::filesystem::exists(folder / "station.toml", ignored)) {
    return AlreadyExists(folder.string() + " is a station's folder already");
  }
  CUSTODY_RETURN_IF_ERROR(TrustAnchor::Parse(trust_json).status());
  for (const char* name : {"tls", "keys", "outbox", "receipts", "unlinked"}) {
    CUSTODY_RETURN_IF_ERROR(MakeFolders(folder / name));
  }
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder / "ledger.trust.json", trust_json));
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder / "tls" / "ca.pem", ca_pem));
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder / "tls" / "station.pem", certificate_pem));
  // Last, since it is what makes the folder a station's.
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(
      folder / "station.toml",
      "server = " + Quoted(settings.server) + "\nstation = " + Quoted(settings.station) +
          "\nsite = " + Quoted(settings.site) + "\nzone = " + Quoted(settings.zone) + "\n"));
  return Open(folder);
}

StatusOr<PrivateKey> StationFolder::LoadKey(std::string_view person,
                                            std::string_view passphrase) const {
  if (person.empty() || person.find('/') != std::string_view::npos || person.front() == '.') {
    return InvalidArgument("\"" + std::string(person) + "\" is no person's id");
  }
  return PrivateKey::Load(path_ / "keys" / (std::string(person) + ".pem"), passphrase);
}

StatusOr<std::string> StationFolder::LastCheckpoint() const {
  StatusOr<std::string> note = ReadFile(path_ / "checkpoint", kMaxSmallFile);
  if (note.status().code() == StatusCode::kNotFound) return std::string();
  return note;
}

Status StationFolder::KeepCheckpoint(std::string_view note) const {
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  return WriteFileAtomically(path_ / "checkpoint", note);
}

Status StationFolder::KeepUnlinked(std::string_view note) const {
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  CUSTODY_RETURN_IF_ERROR(MakeFolders(path_ / "unlinked"));
  return WriteFileAtomically(path_ / "unlinked" / NameOf(note), note, kPrivate);
}

Status StationFolder::ForgetUnlinked(std::string_view note) const {
  std::error_code error;
  const std::filesystem::path file = path_ / "unlinked" / NameOf(note);
  std::filesystem::remove(file, error);
  return error ? CannotWrite("take away", file, error) : Status();
}

StatusOr<std::vector<std::string>> StationFolder::Unlinked() const {
  std::vector<std::string> notes;
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(path_ / "unlinked", error)) {
    StatusOr<std::string> note = ReadFile(item.path(), kMaxSmallFile);
    // Another program of this station may have compared it just now; a half-written one was
    // not kept, and whoever wrote it believed nothing.
    if (note.status().code() == StatusCode::kNotFound) continue;
    CUSTODY_RETURN_IF_ERROR(note.status());
    if (item.path().filename() == NameOf(*note)) notes.push_back(*std::move(note));
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Unavailable("cannot read " + (path_ / "unlinked").string() + ": " + error.message());
  }
  return notes;
}

StatusOr<std::filesystem::path> StationFolder::KeepEvidence(std::string_view what,
                                                            std::string_view kept,
                                                            std::string_view served) const {
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  // Named by content, so that meeting the same contradiction again adds nothing.
  const std::string name =
      std::string(what) + "-" + Sha256({kept, "\n", served}).ToHex().substr(0, 16);
  const std::filesystem::path folder = path_ / "evidence" / name;
  CUSTODY_RETURN_IF_ERROR(MakeFolders(path_ / "evidence"));
  CUSTODY_RETURN_IF_ERROR(MakeFolders(folder));
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder / "kept", kept, kPrivate));
  CUSTODY_RETURN_IF_ERROR(WriteFileAtomically(folder / "served", served, kPrivate));
  return folder;
}

std::vector<std::filesystem::path> StationFolder::Evidence() const {
  std::vector<std::filesystem::path> found;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator(path_ / "evidence", ignored)) {
    found.push_back(item.path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

Status StationFolder::KeepReceipt(std::string_view chain, std::uint64_t sequence,
                                  const pb::SignedEvent& signed_event,
                                  const pb::Receipt& receipt) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::filesystem::path file, ReceiptPath(path_, chain, sequence));
  pb::StoredReceipt stored;
  *stored.mutable_signed_() = signed_event;
  *stored.mutable_receipt() = receipt;
  const std::string bytes = stored.SerializeAsString();
  const StatusOr<pb::StoredReceipt> before = KeptReceipt(chain, sequence);
  if (before.ok() && before->signed_().payload() != signed_event.payload()) {
    CUSTODY_ASSIGN_OR_RETURN(const std::filesystem::path evidence,
                             KeepEvidence("receipt", before->SerializeAsString(), bytes));
    return DataLoss("the server proved two different events for " + std::string(chain) + " #" +
                    std::to_string(sequence) + ": it rewrote history; both proofs are kept in " +
                    evidence.string());
  }
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  CUSTODY_RETURN_IF_ERROR(MakeFolders(path_ / "receipts"));
  CUSTODY_RETURN_IF_ERROR(MakeFolders(file.parent_path()));
  return WriteFileAtomically(file, bytes, kPrivate);
}

StatusOr<pb::StoredReceipt> StationFolder::KeptReceipt(std::string_view chain,
                                                       std::uint64_t sequence) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::filesystem::path file, ReceiptPath(path_, chain, sequence));
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kMaxSmallFile));
  pb::StoredReceipt stored;
  if (!stored.ParseFromString(bytes)) return DataLoss(file.string() + " is damaged");
  return stored;
}

StatusOr<pb::SignedEvent> StationFolder::KeptEvent(std::string_view chain,
                                                   std::uint64_t sequence) const {
  CUSTODY_ASSIGN_OR_RETURN(pb::StoredReceipt stored, KeptReceipt(chain, sequence));
  return std::move(*stored.mutable_signed_());
}

Status StationFolder::KeepSigned(const pb::SignedEvent& signed_event) const {
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  CUSTODY_RETURN_IF_ERROR(MakeFolders(path_ / "signed"));
  return WriteFileAtomically(path_ / "signed" / EventId(signed_event.payload()).ToHex(),
                             signed_event.SerializeAsString(), kPrivate);
}

StatusOr<std::filesystem::path> StationFolder::Enqueue(const pb::SignedEvent& signed_event) const {
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  CUSTODY_RETURN_IF_ERROR(MakeFolders(path_ / "outbox"));
  CUSTODY_ASSIGN_OR_RETURN(const std::vector<std::filesystem::path> waiting, Outbox());
  std::uint64_t last = 0;
  if (!waiting.empty()) IsEventFile(waiting.back(), last);
  const std::filesystem::path item =
      path_ / "outbox" / (Numbered(last + 1) + std::string(kEventEnding));
  const Status kept = CreateFileExclusively(item, signed_event.SerializeAsString(), kPrivate);
  if (kept.ok()) return item;
  // Whoever is told that it is not kept will enter it anew: then it must not be here either.
  std::error_code ignored;
  std::filesystem::remove(item, ignored);
  return kept;
}

StatusOr<std::vector<std::filesystem::path>> StationFolder::Outbox() const {
  std::vector<std::pair<std::uint64_t, std::filesystem::path>> found;
  std::error_code error;
  for (const auto& item : std::filesystem::directory_iterator(path_ / "outbox", error)) {
    std::uint64_t number = 0;
    if (IsEventFile(item.path(), number)) found.emplace_back(number, item.path());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return Unavailable("cannot read the outbox: " + error.message());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::filesystem::path> items;
  items.reserve(found.size());
  for (auto& [number, path] : found) items.push_back(std::move(path));
  return items;
}

StatusOr<pb::SignedEvent> StationFolder::ReadOutbox(const std::filesystem::path& item) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(item, kMaxSmallFile));
  pb::SignedEvent signed_event;
  if (!signed_event.ParseFromString(bytes) || signed_event.payload().empty()) {
    return DataLoss(item.string() + " is damaged: it holds no signed event");
  }
  return signed_event;
}

StatusOr<std::filesystem::path> StationFolder::SetAside(const std::filesystem::path& item) const {
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  std::filesystem::path kept = item;
  kept += ".damaged";
  for (int again = 2; std::filesystem::exists(kept); ++again) {
    kept = item.string() + ".damaged-" + std::to_string(again);
  }
  std::error_code error;
  std::filesystem::rename(item, kept, error);
  if (error) return CannotWrite("put aside", item, error);
  CUSTODY_RETURN_IF_ERROR(SyncFolder(item.parent_path()));
  return kept;
}

Status StationFolder::Dequeue(const std::filesystem::path& item,
                              const pb::SignedEvent& signed_event) const {
  const FolderLock lock(path_);
  CUSTODY_RETURN_IF_ERROR(lock.status());
  const StatusOr<pb::SignedEvent> there = ReadOutbox(item);
  if (there.status().code() == StatusCode::kNotFound) return Status();
  CUSTODY_RETURN_IF_ERROR(there.status());
  // A number is free again once its event is gone: what another program put there since stays.
  if (there->payload() != signed_event.payload()) return Status();
  std::error_code error;
  std::filesystem::remove(item, error);
  if (error) return CannotWrite("take away", item, error);
  return SyncFolder(item.parent_path());
}

}  // namespace custody

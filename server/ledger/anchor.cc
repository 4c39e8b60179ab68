#include "server/ledger/anchor.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include "crypto/file.h"
#include "crypto/hash.h"

namespace custody {
namespace {

constexpr std::size_t kSlotBytes = 4096;
constexpr std::string_view kMagic = "custody-anchor 1 ";

Hash Digest(const AnchorMark& mark) {
  return Sha256({std::to_string(mark.writes), "\n", mark.checkpoint});
}

StatusOr<std::string> EncodeSlot(const AnchorMark& mark) {
  std::string slot(kMagic);
  slot += std::to_string(mark.writes) + " " + std::to_string(mark.checkpoint.size()) + " " +
          Digest(mark).ToHex() + "\n" + mark.checkpoint;
  if (slot.size() > kSlotBytes) return Internal("a checkpoint is too long for the anchor");
  slot.resize(kSlotBytes, '\0');
  return slot;
}

// Takes a decimal number and the character after it off the front of `text`.
std::optional<std::uint64_t> TakeNumber(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ') return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  return number;
}

std::optional<AnchorMark> DecodeSlot(std::string_view slot) {
  if (slot.substr(0, kMagic.size()) != kMagic) return {};
  slot.remove_prefix(kMagic.size());
  const std::optional<std::uint64_t> writes = TakeNumber(slot);
  const std::optional<std::uint64_t> length = TakeNumber(slot);
  if (!writes || !length || slot.size() < 65 || slot[64] != '\n') return {};
  if (*length > slot.size() - 65) return {};
  AnchorMark mark{*writes, std::string(slot.substr(65, *length))};
  if (Digest(mark).ToHex() != slot.substr(0, 64)) return {};
  return mark;
}

}  // namespace

Status Anchor::Create(const std::filesystem::path& path, const AnchorMark& mark) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string slot, EncodeSlot(mark));
  return WriteFileAtomically(path, slot + std::string(kSlotBytes, '\0'));
}

StatusOr<Anchor> Anchor::Open(const std::filesystem::path& path) {
  const StatusOr<std::string> bytes = ReadFile(path, 2 * kSlotBytes);
  if (!bytes.ok()) {
    if (bytes.status().code() != StatusCode::kNotFound) return bytes.status();
    return DataLoss("the anchor " + path.string() +
                    " is missing, so nobody can tell whether this ledger is whole; put it back, or "
                    "restore database and anchor together from a backup");
  }
  std::array<std::optional<AnchorMark>, 2> slots;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (bytes->size() >= i * kSlotBytes) {
      slots[i] = DecodeSlot(std::string_view(*bytes).substr(i * kSlotBytes, kSlotBytes));
    }
  }
  if (!slots[0] && !slots[1]) {
    return DataLoss("neither slot of the anchor " + path.string() +
                    " can be read; restore database and anchor together from a backup");
  }
  const std::size_t newest = !slots[0] || (slots[1] && slots[1]->writes > slots[0]->writes) ? 1 : 0;
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0 && (errno == EACCES || errno == EPERM || errno == EROFS)) {
    return PermissionDenied(
        "the server may not write its anchor " + path.string() + " (" + std::strerror(errno) +
        "): whatever it promises is noted there first; give its user the right "
        "to write there and in the data folder, or mount them writable. Only to "
        "look at a ledger: custody-audit verify FOLDER");
  }
  if (file < 0) return IoError("open the anchor", path);
  return Anchor(file, path, *std::move(slots[newest]), newest == 0 ? 1 : 0);
}

Anchor::Anchor(int file, std::filesystem::path path, AnchorMark mark, int next)
    : file_(file), path_(std::move(path)), mark_(std::move(mark)), next_(next) {}
Anchor::Anchor(Anchor&& other) noexcept
    : file_(std::exchange(other.file_, -1)),
      path_(std::move(other.path_)),
      mark_(std::move(other.mark_)),
      next_(other.next_) {}
Anchor& Anchor::operator=(Anchor&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(path_, other.path_);
  std::swap(mark_, other.mark_);
  std::swap(next_, other.next_);
  return *this;
}
Anchor::~Anchor() {
  if (file_ >= 0) ::close(file_);
}

Status Anchor::Write(const AnchorMark& mark) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string slot, EncodeSlot(mark));
  const off_t offset = static_cast<off_t>(next_) * static_cast<off_t>(kSlotBytes);
  const ssize_t written = ::pwrite(file_, slot.data(), slot.size(), offset);
  if (written < 0) return IoError("write the anchor", path_);
  if (static_cast<std::size_t>(written) != slot.size()) {
    return ResourceExhausted("the anchor " + path_.string() + " was written in part only");
  }
  if (::fdatasync(file_) != 0) return IoError("sync the anchor", path_);
  mark_ = mark;
  next_ = 1 - next_;
  return {};
}

}  // namespace custody

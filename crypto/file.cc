// A file is replaced by writing a temporary in the same folder, syncing it, renaming it and syncing
// the folder: at every moment the name stands for all of the old bytes or all of the new ones. A
// file that must be new is linked into place instead of renamed, since link(2) refuses a taken
// name.
#include "crypto/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace custody {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }
  int get() const { return fd_; }
  // Whether closing went well; on some file systems only this reports a failed write.
  bool Close() {
    const int fd = std::exchange(fd_, -1);
    return fd < 0 || ::close(fd) == 0;
  }

 private:
  int fd_;
};

StatusOr<std::string> ReadAll(const std::filesystem::path& path, std::size_t max_bytes,
                              bool secret) {
  // Non-blocking, so that a fifo in the file's place is refused below rather than waited for.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return IoError("open", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return IoError("stat", path);
  if (!S_ISREG(status.st_mode)) return InvalidArgument(path.string() + " is not a regular file");
  const auto mode = status.st_mode & 07777;
  if (secret && mode != 0600 && mode != 0400) {
    return PermissionDenied(path.string() +
                            " may be used by others than its owner; make its mode 0600");
  }
  std::string bytes;
  std::string block(64 * 1024, '\0');
  for (;;) {
    const ssize_t count = ::read(file.get(), block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return IoError("read", path);
    if (count == 0) break;
    if (static_cast<std::size_t>(count) > max_bytes - bytes.size()) {
      return ResourceExhausted(path.string() + " is larger than " + std::to_string(max_bytes) +
                               " bytes");
    }
    bytes.append(block, 0, static_cast<std::size_t>(count));
  }
  return bytes;
}

std::filesystem::path FolderOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

Status FillAndSync(Descriptor& file, const std::filesystem::path& path, std::string_view bytes,
                   unsigned mode) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return IoError("write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  // Not left to the umask: what is asked for is what is there.
  if (::fchmod(file.get(), mode) != 0) return IoError("set mode of", path);
  if (::fsync(file.get()) != 0) return IoError("sync", path);
  if (!file.Close()) return IoError("close", path);
  return absl::OkStatus();
}

Status WriteThroughTemporary(const std::filesystem::path& path, std::string_view bytes,
                             unsigned mode, bool exclusively) {
  const std::filesystem::path folder = FolderOf(path);
  std::string temporary = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  // mkostemp creates with mode 0600, so a secret is never readable by others, not even half of it.
  Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return IoError("create a temporary for", path);
  Status status = FillAndSync(file, path, bytes, mode);
  bool renamed = false;
  if (status.ok() && exclusively) {
    if (::link(temporary.c_str(), path.c_str()) != 0) status = IoError("create", path);
  } else if (status.ok()) {
    renamed = ::rename(temporary.c_str(), path.c_str()) == 0;
    if (!renamed) status = IoError("replace", path);
  }
  if (!renamed) ::unlink(temporary.c_str());
  if (!status.ok()) return status;
  return SyncFolder(folder);
}

}  // namespace

Status IoError(std::string_view verb, const std::filesystem::path& path) {
  const int error = errno;
  const std::string message = "cannot " + std::string(verb) + " " + path.string() + ": " +
                              std::generic_category().message(error);
  switch (error) {
    case ENOENT:
      return NotFound(message);
    case EEXIST:
      return AlreadyExists(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return PermissionDenied(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return ResourceExhausted(message);
    default:
      return Unavailable(message);
  }
}

StatusOr<std::string> ReadFile(const std::filesystem::path& path, std::size_t max_bytes) {
  return ReadAll(path, max_bytes, false);
}

StatusOr<std::string> ReadSecretFile(const std::filesystem::path& path, std::size_t max_bytes) {
  return ReadAll(path, max_bytes, true);
}

Status WriteFileAtomically(const std::filesystem::path& path, std::string_view bytes,
                           unsigned mode) {
  return WriteThroughTemporary(path, bytes, mode, false);
}

Status RenameDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return IoError("rename to", to);
  return SyncFolder(FolderOf(to));
}

Status SyncFolder(const std::filesystem::path& folder) {
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0) return IoError("open folder", folder);
  if (::fsync(descriptor.get()) != 0) return IoError("sync folder", folder);
  return absl::OkStatus();
}

Status CreateFileExclusively(const std::filesystem::path& path, std::string_view bytes,
                             unsigned mode) {
  return WriteThroughTemporary(path, bytes, mode, true);
}

}  // namespace custody

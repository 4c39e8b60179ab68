// The anchor: a small file, best on another volume, that says how far the ledger had come.
//
// It is what an older copy of the database, put back by accident or on purpose, cannot bring along.
// Two slots of 4,096 bytes are written in turn, so that a torn write leaves the other:
//
//   slot = "custody-anchor 1 " writes " " length " " sha256 "\n" note, padded with zeros
//
// with the store's write count and the note's length in decimal, and in hex the SHA-256 of
// writes (decimal) || 0x0A || note.
#ifndef CUSTODY_SERVER_LEDGER_ANCHOR_H_
#define CUSTODY_SERVER_LEDGER_ANCHOR_H_

#include <cstdint>
#include <filesystem>
#include <string>

#include "crypto/status.h"

namespace custody {

// What the ledger had reached when the anchor was written.
struct AnchorMark {
  std::uint64_t writes = 0;
  std::string checkpoint;  // signed note
};

// `Anchor` is the open file. Move-only; not thread-safe.
class Anchor {
 public:
  // `Create` makes the file, or replaces what is there, with `mark` in it, durably.
  static Status Create(const std::filesystem::path& path, const AnchorMark& mark);
  // `Open` reads the newer of the slots. DATA_LOSS when the file is missing or neither slot is
  // whole, with what to do; PERMISSION_DENIED.
  static StatusOr<Anchor> Open(const std::filesystem::path& path);
  Anchor(Anchor&& other) noexcept;
  Anchor& operator=(Anchor&& other) noexcept;
  ~Anchor();

  const AnchorMark& mark() const { return mark_; }
  // `Write` puts `mark` into the older slot and syncs it. On error the newer slot is untouched.
  Status Write(const AnchorMark& mark);

 private:
  Anchor(int file, std::filesystem::path path, AnchorMark mark, int next);
  int file_;
  std::filesystem::path path_;
  AnchorMark mark_;
  int next_;  // slot to be written
};

}  // namespace custody

#endif  // CUSTODY_SERVER_LEDGER_ANCHOR_H_

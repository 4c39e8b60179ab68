#include "crypto/file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace custody {
namespace {

std::size_t FilesIn(const TempDir& dir) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(dir.path()),
                                                std::filesystem::directory_iterator()));
}

mode_t ModeOf(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST(FileTest, WritesReplacesAndReads) {
  TempDir dir;
  const auto path = dir / "anchor";
  CUSTODY_ASSERT_OK(WriteFileAtomically(path, "old"));
  EXPECT_EQ(ModeOf(path), 0644U);
  std::string large(300'000, 'x');
  large[123'456] = '\0';
  CUSTODY_ASSERT_OK(WriteFileAtomically(path, large, 0600));
  EXPECT_EQ(ModeOf(path), 0600U);
  EXPECT_EQ(ReadFile(path, large.size()).value(), large);
  EXPECT_EQ(ReadSecretFile(path, large.size()).value(), large);
  EXPECT_EQ(FilesIn(dir), 1U);
}

TEST(FileTest, ModeDoesNotDependOnTheUmask) {
  TempDir dir;
  const mode_t before = ::umask(0077);
  CUSTODY_EXPECT_OK(WriteFileAtomically(dir / "public", "x", 0644));
  ::umask(before);
  EXPECT_EQ(ModeOf(dir / "public"), 0644U);
}

TEST(FileTest, CreatesOnlyWhatIsNotThere) {
  TempDir dir;
  CUSTODY_ASSERT_OK(CreateFileExclusively(dir / "key", "first", 0600));
  EXPECT_THAT(CreateFileExclusively(dir / "key", "second", 0600),
              StatusIs(StatusCode::kAlreadyExists, "key"));
  EXPECT_EQ(ReadFile(dir / "key", 10).value(), "first");
  std::filesystem::create_symlink(dir / "nowhere", dir / "link");
  EXPECT_THAT(CreateFileExclusively(dir / "link", "x"), StatusIs(StatusCode::kAlreadyExists));
  EXPECT_FALSE(std::filesystem::exists(dir / "nowhere"));
  EXPECT_EQ(FilesIn(dir), 2U);
}

TEST(FileTest, ReadingHasALimitAndWantsARegularFile) {
  TempDir dir;
  CUSTODY_ASSERT_OK(WriteFileAtomically(dir / "ten", "0123456789"));
  EXPECT_EQ(ReadFile(dir / "ten", 10).value(), "0123456789");
  EXPECT_THAT(ReadFile(dir / "ten", 9), StatusIs(StatusCode::kResourceExhausted, "ten"));
  EXPECT_THAT(ReadFile(dir / "absent", 9), StatusIs(StatusCode::kNotFound, "absent"));
  EXPECT_THAT(ReadFile(dir.path(), 9), StatusIs(StatusCode::kInvalidArgument, "not a regular"));
  ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(dir / "fifo", 9), StatusIs(StatusCode::kInvalidArgument, "not a regular"));
  EXPECT_THAT(ReadSecretFile(dir / "ten", 10), StatusIs(StatusCode::kPermissionDenied, "0600"));
}

TEST(FileTest, AFailedWriteLeavesTheOldFileAndNoTemporary) {
  TempDir dir;
  // A folder in the file's place cannot be renamed over.
  std::filesystem::create_directory(dir / "taken");
  EXPECT_FALSE(WriteFileAtomically(dir / "taken", "x").ok());
  EXPECT_TRUE(std::filesystem::is_directory(dir / "taken"));
  EXPECT_EQ(FilesIn(dir), 1U);
  EXPECT_THAT(WriteFileAtomically(dir / "no" / "folder", "x"), StatusIs(StatusCode::kNotFound));
  if (::geteuid() != 0) {
    ::chmod(dir.path().c_str(), 0500);
    EXPECT_THAT(WriteFileAtomically(dir / "new", "x"), StatusIs(StatusCode::kPermissionDenied));
    ::chmod(dir.path().c_str(), 0700);
  }
}

}  // namespace
}  // namespace custody

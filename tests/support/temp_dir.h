// A folder of its own for every test.
#ifndef CUSTODY_TESTS_SUPPORT_TEMP_DIR_H_
#define CUSTODY_TESTS_SUPPORT_TEMP_DIR_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "crypto/status.h"

namespace custody {

// `TempDir` makes an empty folder and takes it away, with all that is in it, when it goes.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "custody.XXXXXX").string();
    CUSTODY_CHECK(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_TEMP_DIR_H_

// Runs a fuzz target over files: how ctest replays a corpus without a fuzzer.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <ios>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kBeginnings = 1000;

}  // namespace

int main(int argc, char** argv) {
  std::size_t replayed = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!file.is_regular_file()) continue;
      std::ifstream stream(file.path(), std::ios::binary);
      std::string bytes(file.file_size(), '\0');
      if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) return 1;
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      // Beginnings of it too, of small files every one: what a broken connection leaves.
      const std::size_t step = 1 + bytes.size() / kBeginnings;
      for (std::size_t length = 0; length < bytes.size(); length += step) {
        LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), length);
      }
      ++replayed;
    }
  }
  std::printf("replayed %zu files\n", replayed);
  return replayed > 0 ? 0 : 1;  // an empty corpus proves nothing
}

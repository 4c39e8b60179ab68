// Whatever stands where a key or a certificate should: public keys in DER, private keys and
// certificates in PEM. A public key has one form only; a private key that loads signs what its
// public half verifies. (Encrypted key files cost a passphrase's work each and are tested apart.)
#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "crypto/certificate.h"
#include "crypto/key.h"

namespace custody {
namespace {

// One file for the whole run: keys are only ever read from files of the owner's alone.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "custody-fuzz-XXXXXX").string();
    CUSTODY_CHECK(::mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::filesystem::path file() const { return folder_ / "key.pem"; }

 private:
  std::filesystem::path folder_;
};

void JudgePrivateKey(std::string_view pem) {
  static const Scratch scratch;
  const int file = ::open(scratch.file().c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  CUSTODY_CHECK(file >= 0);
  CUSTODY_CHECK(::write(file, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()));
  ::close(file);
  const auto key = PrivateKey::LoadPlain(scratch.file());
  if (!key.ok()) return;
  const auto signature = key->Sign("message");
  CUSTODY_CHECK(signature.ok() && key->public_key().Verify("message", *signature).ok());
  CUSTODY_CHECK(!key->public_key().Verify("another message", *signature).ok());
}

}  // namespace
}  // namespace custody

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace custody;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto key = PublicKey::FromSpki(bytes); key.ok()) {
    CUSTODY_CHECK(key->spki() == bytes && key->key_id() == Sha256(bytes));
    CUSTODY_CHECK(!key->Verify("message", std::string(64, '\0')).ok());
  }
  static_cast<void>(ReadCertificate(bytes));
  if (bytes.starts_with("-----BEGIN")) JudgePrivateKey(bytes);
  return 0;
}

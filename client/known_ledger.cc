#include "client/known_ledger.h"

#include <algorithm>
#include <system_error>

#include "crypto/file.h"
#include "crypto/sealing.h"
#include "custody/chain.h"
#include "custody/event.h"

namespace custody {
namespace {

constexpr std::size_t kMaxFileBytes = 256U << 20;  // a registry of decades is far smaller
constexpr std::string_view kSecretContext = "custody station secret ";

Status Unreadable(const std::filesystem::path& file) {
  return DataLoss("cannot be read, delete it: " + file.string());
}

}  // namespace

KnownLedger::KnownLedger(std::filesystem::path folder)
    : folder_(std::move(folder)), known_(folder_ / "known") {}

StatusOr<std::filesystem::path> KnownLedger::PathOf(std::string_view id,
                                                    std::string_view ending) const {
  if (!IsChainId(id)) return InvalidArgument("this is no therapy's id");
  return known_ / (std::string(id) + std::string(ending));
}

Status KnownLedger::Keep(const std::filesystem::path& file, std::string_view bytes) const {
  std::error_code error;
  if (std::filesystem::create_directories(known_, error)) {
    std::filesystem::permissions(known_, std::filesystem::perms::owner_all, error);
  }
  if (error) return Unavailable("cannot make " + known_.string() + ": " + error.message());
  return WriteFileAtomically(file, bytes, 0600);
}

Status KnownLedger::KeepHello(const pb::HelloReply& hello) const {
  return Keep(known_ / "hello", hello.SerializeAsString());
}

StatusOr<pb::HelloReply> KnownLedger::Hello() const {
  const std::filesystem::path file = known_ / "hello";
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kMaxFileBytes));
  pb::HelloReply hello;
  if (!hello.ParseFromString(bytes)) return Unreadable(file);
  return hello;
}

Status KnownLedger::KeepClock(const ComparedClock& clock) const {
  return Keep(known_ / "clock", U64(static_cast<std::uint64_t>(clock.ahead)) +
                                    U64(static_cast<std::uint64_t>(clock.at.micros)));
}

StatusOr<KnownLedger::ComparedClock> KnownLedger::Clock() const {
  const std::filesystem::path file = known_ / "clock";
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kMaxFileBytes));
  if (bytes.size() != 16) return Unreadable(file);
  const auto number = [&](std::size_t at) {
    return static_cast<std::int64_t>(ReadU64(std::string_view(bytes).substr(at)));
  };
  return ComparedClock{number(0), {number(8)}};
}

// One entry after the other, each after its length.
Status KnownLedger::KeepRegistry(std::span<const pb::EntryReply> entries) const {
  std::string bytes;
  for (const pb::EntryReply& entry : entries) {
    const std::string one = entry.SerializeAsString();
    bytes += U64(one.size()) + one;
  }
  return Keep(known_ / "registry", bytes);
}

StatusOr<Registry> KnownLedger::FoldRegistry() const {
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(known_ / "registry", kMaxFileBytes));
  std::vector<pb::EntryReply> entries;
  std::string_view rest = bytes;
  while (rest.size() >= 8) {
    const std::uint64_t length = ReadU64(rest);
    rest.remove_prefix(8);
    pb::EntryReply entry;
    if (length > rest.size() || !entry.ParseFromArray(rest.data(), static_cast<int>(length))) {
      return DataLoss("the kept registry cannot be read");
    }
    rest.remove_prefix(length);
    entries.push_back(std::move(entry));
  }
  std::ranges::sort(entries, {}, [](const pb::EntryReply& entry) { return entry.index(); });
  Registry registry;
  for (const pb::EntryReply& entry : entries) {
    CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent event, ParseEvent(entry.signed_().payload()));
    CUSTODY_RETURN_IF_ERROR(registry.Apply(event, entry.index()));
  }
  return registry;
}

Status KnownLedger::KeepTherapy(std::string_view id, const KnownTherapy& therapy) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::filesystem::path file, PathOf(id, ".therapy"));
  return Keep(file, U64(static_cast<std::uint64_t>(therapy.confirmed_at.micros)) +
                        therapy.reply.SerializeAsString());
}

StatusOr<KnownLedger::KnownTherapy> KnownLedger::Therapy(std::string_view id) const {
  // Anything may be scanned; what is no id is not known here.
  const StatusOr<std::filesystem::path> named = PathOf(id, ".therapy");
  if (!named.ok()) return NotFound(Message(named.status()));
  const std::filesystem::path& file = *named;
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file, kMaxFileBytes));
  KnownTherapy therapy;
  if (bytes.size() < 8 || !therapy.reply.ParseFromString(bytes.substr(8))) return Unreadable(file);
  therapy.confirmed_at.micros = static_cast<std::int64_t>(ReadU64(bytes));
  return therapy;
}

std::vector<std::string> KnownLedger::Therapies() const {
  std::vector<std::string> ids;
  std::error_code ignored;
  for (const auto& item : std::filesystem::directory_iterator(known_, ignored)) {
    if (item.path().extension() == ".therapy") ids.push_back(item.path().stem().string());
  }
  std::ranges::sort(ids);
  return ids;
}

StatusOr<std::string> KnownLedger::SealingKey() const {
  CUSTODY_ASSIGN_OR_RETURN(std::string pem,
                           ReadSecretFile(folder_ / "tls" / "station.key", 64U << 10));
  std::string key = HmacSha256(pem, "custody station secrets").ToString();
  Cleanse(pem);
  return key;
}

Status KnownLedger::KeepSecret(std::string_view id, std::string_view secret, Rng& rng) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::filesystem::path file, PathOf(id, ".secret"));
  CUSTODY_ASSIGN_OR_RETURN(std::string key, SealingKey());
  const auto sealed = Seal(key, std::string(kSecretContext) + std::string(id), secret, rng);
  Cleanse(key);
  CUSTODY_RETURN_IF_ERROR(sealed.status());
  return Keep(file, *sealed);
}

StatusOr<std::string> KnownLedger::Secret(std::string_view id) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::filesystem::path file, PathOf(id, ".secret"));
  CUSTODY_ASSIGN_OR_RETURN(const std::string sealed, ReadSecretFile(file, 4096));
  CUSTODY_ASSIGN_OR_RETURN(std::string key, SealingKey());
  auto secret = Unseal(key, std::string(kSecretContext) + std::string(id), sealed);
  Cleanse(key);
  return secret;
}

Status KnownLedger::ForgetSecret(std::string_view id) const {
  CUSTODY_ASSIGN_OR_RETURN(const std::filesystem::path file, PathOf(id, ".secret"));
  std::error_code error;
  std::filesystem::remove(file, error);
  return error ? Unavailable("cannot delete a kept secret: " + error.message()) : absl::OkStatus();
}

}  // namespace custody

// The genesis is the one event signed by keys that it introduces: from then on every key follows
// from an earlier event. Founding therefore makes the trustees' keys first, then the log's, and
// puts the genesis into the store by the same code that will check it at every opening.
#include "tools/admin/founding.h"

#include <algorithm>
#include <utility>

#include "client/passphrase.h"
#include "client/station_folder.h"
#include "crypto/certificate.h"
#include "crypto/dsse.h"
#include "crypto/file.h"
#include "crypto/random.h"
#include "crypto/sealing.h"
#include "custody/registry.h"
#include "custody/rules.h"
#include "custody/trust.h"
#include "server/ledger/ledger.h"
#include "tools/admin/acts.h"
#include "tools/admin/stations.h"

namespace custody {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kAuthorityYears = 30;  // as long as the record must be kept
constexpr std::int64_t kSecondsPerDay = 86'400;

struct TrusteeKey {
  NamedSigner signer;
  PrivateKey key;
};

Status MakeFolder(const fs::path& path) {
  std::error_code error;
  if (fs::exists(path, error)) {
    return AlreadyExists("\"" + path.string() + "\" exists; a ledger is founded in new folders");
  }
  fs::create_directories(path, error);
  if (error) return Unavailable("cannot make " + path.string() + ": " + error.message());
  fs::permissions(path, fs::perms::owner_all, error);
  return absl::OkStatus();
}

StatusOr<PrivateKey> NewEncryptedKey(const FoundingOptions& options, KeyAlgorithm algorithm,
                                     const std::string& person, const fs::path& file) {
  CUSTODY_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::Generate(algorithm));
  CUSTODY_ASSIGN_OR_RETURN(std::string passphrase, AskNewPassphrase(options.pins, person));
  const Status saved = key.Save(file, passphrase);
  Cleanse(passphrase);
  CUSTODY_RETURN_IF_ERROR(saved);
  return key;
}

StatusOr<std::vector<TrusteeKey>> MakeTrustees(const FoundingOptions& options) {
  std::vector<TrusteeKey> trustees;
  for (const std::string& text : options.trustees) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
      return InvalidArgument("a trustee is PERSON:PRINTED NAME, found \"" + text + "\"");
    }
    NamedSigner signer{text.substr(0, colon), text.substr(colon + 1), pb::TRUSTEE};
    CUSTODY_ASSIGN_OR_RETURN(PrivateKey key,
                             NewEncryptedKey(options, KeyAlgorithm::kEd25519, signer.person,
                                             options.folder / "keys" / (signer.person + ".pem")));
    trustees.push_back({std::move(signer), std::move(key)});
  }
  return trustees;
}

StatusOr<pb::SignedEvent> MakeGenesis(const FoundingOptions& options, Instant now,
                                      std::vector<TrusteeKey>& trustees,
                                      const NoteVerifier& log_key) {
  pb::Event event;
  event.set_chain("registry");
  *event.mutable_occurred_at() = ToProto(now);
  *event.mutable_signed_at() = ToProto(now);
  event.set_time_zone(options.zone);
  event.set_station(std::string(kAdminName));
  event.set_entry(pb::LIVE);
  pb::LedgerCreated& created = *event.mutable_ledger_created();
  CUSTODY_ASSIGN_OR_RETURN(*created.mutable_random(), SystemRng().Bytes(32));
  created.set_origin(options.origin);
  created.set_environment(options.environment);
  created.set_log_key(log_key.ToString());
  created.set_quorum(options.quorum);
  created.set_schema_sha256(Sha256(Schema()).ToString());
  created.set_rules_version(kNewestRulesVersion);
  std::vector<PrivateKey> keys;
  for (TrusteeKey& trustee : trustees) {
    pb::Trustee& named = *created.add_trustees();
    named.set_person(trustee.signer.person);
    named.set_printed_name(trustee.signer.printed_name);
    named.set_spki(trustee.key.public_key().spki());
    AddSigner(event, trustee.signer, trustee.key, now);
    keys.push_back(std::move(trustee.key));
  }
  return SignAll(event, keys);
}

// Everything TLS needs: the authority, the server's certificate and the administration's.
Status MakeCertificates(const FoundingOptions& options, Instant now, std::string& authority_pem,
                        std::string& admin_pem) {
  const std::int64_t seconds = now.micros / kMicrosPerSecond;
  CUSTODY_ASSIGN_OR_RETURN(
      const PrivateKey authority,
      NewEncryptedKey(options, KeyAlgorithm::kP256, "authority", AuthorityKeyFile(options.folder)));
  CUSTODY_ASSIGN_OR_RETURN(
      authority_pem,
      SelfSignAuthority(authority, options.origin + " authority", seconds - kSecondsPerDay,
                        seconds + kAuthorityYears * 366 * kSecondsPerDay));
  CUSTODY_RETURN_IF_ERROR(
      CreateFileExclusively(AuthorityCertificateFile(options.folder), authority_pem));

  CertificateRequest server{.name = "custody-server",
                            .purpose = CertificatePurpose::kServer,
                            .hosts = {options.server.substr(0, options.server.rfind(':'))},
                            .not_before = seconds - kSecondsPerDay,
                            .not_after = seconds + kCertificateDays * kSecondsPerDay};
  if (server.hosts[0] == "127.0.0.1") server.hosts.push_back("localhost");
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey server_key, PrivateKey::Generate(KeyAlgorithm::kP256));
  CUSTODY_RETURN_IF_ERROR(server_key.SavePlain(options.data / "tls" / "server.key"));
  CUSTODY_ASSIGN_OR_RETURN(
      const std::string server_pem,
      IssueCertificate(server, server_key.public_key(), authority, authority_pem));
  CUSTODY_RETURN_IF_ERROR(CreateFileExclusively(options.data / "tls" / "server.pem", server_pem));
  CUSTODY_RETURN_IF_ERROR(CreateFileExclusively(options.data / "tls" / "ca.pem", authority_pem));

  CertificateRequest admin = server;
  admin.name = kAdminName;
  admin.purpose = CertificatePurpose::kStation;
  admin.hosts.clear();
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey admin_key, PrivateKey::Generate(KeyAlgorithm::kP256));
  CUSTODY_RETURN_IF_ERROR(admin_key.SavePlain(options.folder / "tls" / "station.key"));
  CUSTODY_ASSIGN_OR_RETURN(
      admin_pem, IssueCertificate(admin, admin_key.public_key(), authority, authority_pem));
  return absl::OkStatus();
}

Status CheckOptions(const FoundingOptions& options) {
  if (options.quorum < 1 || options.quorum > options.trustees.size()) {
    return InvalidArgument("the quorum must be between 1 and the number of trustees (" +
                           std::to_string(options.trustees.size()) + "), found " +
                           std::to_string(options.quorum));
  }
  const bool demo_origin = options.origin.rfind("demo.", 0) == 0;
  if (demo_origin != (options.environment == pb::DEMO)) {
    return InvalidArgument(
        "the origin of a demo ledger, and of no other, begins with \"demo.\"; found \"" +
        options.origin + "\"");
  }
  if (options.server.rfind(':') == std::string::npos) {
    return InvalidArgument("the server's address is HOST:PORT, found \"" + options.server + "\"");
  }
  if (!IsTimeZone(options.zone)) {
    return InvalidArgument("\"" + options.zone + "\" is no IANA time zone such as Europe/Berlin");
  }
  return absl::OkStatus();
}

// In the two new folders.
Status FoundIn(const FoundingOptions& options, Instant now) {
  for (const fs::path& inner : {options.data / "tls", options.folder / "tls",
                                options.folder / "keys", options.folder / "authority"}) {
    CUSTODY_RETURN_IF_ERROR(MakeFolder(inner));
  }
  CUSTODY_ASSIGN_OR_RETURN(std::vector<TrusteeKey> trustees, MakeTrustees(options));
  CUSTODY_ASSIGN_OR_RETURN(const PrivateKey log, PrivateKey::Generate(KeyAlgorithm::kEd25519));
  CUSTODY_RETURN_IF_ERROR(log.SavePlain(options.data / "log.key"));
  CUSTODY_ASSIGN_OR_RETURN(
      const NoteVerifier verifier,
      NoteVerifier::Of(options.origin, NoteKeyType::kEd25519, log.public_key()));
  CUSTODY_ASSIGN_OR_RETURN(std::string vault_key, SystemRng().Bytes(32));
  const Status vault = CreateFileExclusively(options.data / "vault.key", vault_key, 0600);
  Cleanse(vault_key);
  CUSTODY_RETURN_IF_ERROR(vault);

  CUSTODY_ASSIGN_OR_RETURN(const pb::SignedEvent genesis,
                           MakeGenesis(options, now, trustees, verifier));
  LedgerOptions ledger;
  ledger.folder = options.data;
  CUSTODY_RETURN_IF_ERROR(Ledger::Create(ledger, genesis, log));

  std::string authority_pem;
  std::string admin_pem;
  CUSTODY_RETURN_IF_ERROR(MakeCertificates(options, now, authority_pem, admin_pem));
  const TrustAnchor trust{.origin = options.origin,
                          .log_key = verifier,
                          .genesis = EventId(genesis.payload()),
                          .policy = std::nullopt,
                          .policy_text = "log " + verifier.ToString() + "\nquorum none\n"};
  return StationFolder::Create(options.folder,
                               {.server = options.server,
                                .station = std::string(kAdminName),
                                .site = "",
                                .zone = options.zone},
                               trust.ToJson(), authority_pem, admin_pem)
      .status();
}

}  // namespace

fs::path AuthorityKeyFile(const fs::path& folder) { return folder / "authority" / "authority.pem"; }
fs::path AuthorityCertificateFile(const fs::path& folder) {
  return folder / "authority" / "certificate.pem";
}

Status FoundLedger(const FoundingOptions& options, Instant now) {
  CUSTODY_RETURN_IF_ERROR(CheckOptions(options));
  CUSTODY_RETURN_IF_ERROR(MakeFolder(options.data));
  Status founded = MakeFolder(options.folder);
  std::error_code ignored;
  if (founded.ok()) {
    founded = FoundIn(options, now);
    // Nothing in it was ever used: who tries again finds no half of a ledger in the way.
    if (!founded.ok()) fs::remove_all(options.folder, ignored);
  }
  if (!founded.ok()) fs::remove_all(options.data, ignored);
  return founded;
}

}  // namespace custody

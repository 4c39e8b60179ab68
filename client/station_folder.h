// A station's folder: who it is, whom it trusts, its people's keys, and what it has kept.
//
//   station.toml             server = "HOST:PORT", station = "ID", site = "SITE",
//                            zone = "Europe/Berlin"
//   ledger.trust.json        trust anchor
//   tls/                     ca.pem, station.pem, station.key (0600)
//   keys/PERSON.pem          encrypted private keys (0600) of people who sign here
//   keys/PERSON.request      the key's enrolment request (JSON), for a registrar
//   outbox/NNNNNNNN.event    signed events not known to be recorded, in order (SignedEvent bytes)
//   receipts/CHAIN/NNNNNNNN  StoredReceipt: signed event and its receipt
//   signed/EVENTID           what was signed here and is recorded under other bytes (SignedEvent)
//   checkpoint               last checkpoint seen
//   unlinked/HASH            checkpoints of receipts not yet proved to be of one history with it
//   evidence/                two things the log signed that cannot both be true, kept for people
//   lock                     held while a program writes here
#ifndef CUSTODY_CLIENT_STATION_FOLDER_H_
#define CUSTODY_CLIENT_STATION_FOLDER_H_

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/trust.h"
#include "custody/v1/service.pb.h"

namespace custody {

// `StationFolder` reads and writes such a folder; every write is synced before it returns.
class StationFolder {
 public:
  struct Settings {
    std::string server;  // HOST:PORT
    std::string station;
    std::string site;
    std::string zone;  // IANA time zone of the place
  };

  // `Open` reads an existing folder; NOT_FOUND says how to make one (`join`).
  static StatusOr<StationFolder> Open(const std::filesystem::path& path);
  // `Create` makes one from what an administrator handed over. ALREADY_EXISTS.
  static StatusOr<StationFolder> Create(const std::filesystem::path& folder,
                                        const Settings& settings, std::string_view trust_json,
                                        std::string_view ca_pem, std::string_view certificate_pem);

  // Absolute.
  const std::filesystem::path& path() const { return path_; }
  const Settings& settings() const { return settings_; }
  const TrustAnchor& trust() const { return trust_; }

  StatusOr<PrivateKey> LoadKey(std::string_view person, std::string_view passphrase) const;

  // The last checkpoint this station saw; empty at first.
  StatusOr<std::string> LastCheckpoint() const;
  Status KeepCheckpoint(std::string_view note) const;

  // `KeepUnlinked` keeps a checkpoint that the log signed until it is compared with the others,
  // `ForgetUnlinked` takes it away then; `Unlinked` gives what is there.
  Status KeepUnlinked(std::string_view note) const;
  Status ForgetUnlinked(std::string_view note) const;
  StatusOr<std::vector<std::string>> Unlinked() const;

  // `KeepEvidence` keeps what the log signed before (`kept`) and what it serves now (`served`),
  // which contradict each other, and gives the folder they lie in.
  StatusOr<std::filesystem::path> KeepEvidence(std::string_view what, std::string_view kept,
                                               std::string_view served) const;

  // `Evidence` lists what was kept so, for people to look at; empty where the server was honest.
  std::vector<std::filesystem::path> Evidence() const;

  // `KeepReceipt` keeps a receipt that was verified. DATA_LOSS, with both kept as evidence, when
  // another event was proved for this place of the chain before.
  Status KeepReceipt(std::string_view chain, std::uint64_t sequence,
                     const pb::SignedEvent& signed_event, const pb::Receipt& receipt) const;
  // The signed event at a place of a chain, as kept; NOT_FOUND.
  StatusOr<pb::SignedEvent> KeptEvent(std::string_view chain, std::uint64_t sequence) const;
  StatusOr<pb::StoredReceipt> KeptReceipt(std::string_view chain, std::uint64_t sequence) const;

  // `KeepSigned` keeps what was signed here, when it is recorded under other bytes.
  Status KeepSigned(const pb::SignedEvent& signed_event) const;

  // The outbox: what was signed and is not known to be recorded, in order. `Enqueue` gives the
  // item, durable when it returns; on an error nothing of it is left. `Outbox` lists what waits,
  // oldest first. `Dequeue` takes `item` away if it still is `signed_event`, so that of two
  // programs that hand in one event neither takes away what came after it; of what is gone it is
  // OK.
  StatusOr<std::filesystem::path> Enqueue(const pb::SignedEvent& signed_event) const;
  StatusOr<std::vector<std::filesystem::path>> Outbox() const;
  StatusOr<pb::SignedEvent> ReadOutbox(const std::filesystem::path& item) const;
  Status Dequeue(const std::filesystem::path& item, const pb::SignedEvent& signed_event) const;
  // `SetAside` takes a damaged item out of the outbox and gives the name under which it is kept.
  StatusOr<std::filesystem::path> SetAside(const std::filesystem::path& item) const;

 private:
  StationFolder(std::filesystem::path path, Settings settings, TrustAnchor trust);
  std::filesystem::path path_;
  Settings settings_;
  TrustAnchor trust_;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_STATION_FOLDER_H_

// Acts of administration: registry events, signed by the people they need and recorded over TLS.
#ifndef CUSTODY_TOOLS_ADMIN_ACTS_H_
#define CUSTODY_TOOLS_ADMIN_ACTS_H_

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/session.h"
#include "client/station_folder.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// Who signs an act and where their passphrases come from, as given on the command line.
struct ActOptions {
  std::filesystem::path folder;      // the administration's station folder
  std::filesystem::path pins;        // folder of PERSON.pin files; empty: ask on the terminal
  std::vector<std::string> signers;  // PERSON or PERSON:ROLE
};

// `Administration` is a session of the administration's folder with what it needs to sign acts.
class Administration {
 public:
  static StatusOr<std::unique_ptr<Administration>> Open(const ActOptions& options);

  Session& session() { return *session_; }
  const StationFolder& folder() const { return folder_; }

  // `Record` puts the body that `fill` sets at the end of `chain`, signs it with everybody of
  // ActOptions::signers and records it. Gives the event id in hex. The status lists every reason
  // when the registry refuses.
  StatusOr<std::string> Record(std::string_view chain,
                               const std::function<Status(pb::Event&)>& fill);

 private:
  Administration(ActOptions options, StationFolder folder);
  Status AddSigners(pb::Event& event, std::vector<PrivateKey>& keys);

  ActOptions options_;
  StationFolder folder_;
  std::unique_ptr<Session> session_;
  std::shared_ptr<const Registry> registry_;
};

// `NamedSigner` is a person as an act names them.
struct NamedSigner {
  std::string person;
  std::string printed_name;
  pb::Role role = pb::ROLE_UNSPECIFIED;
};
// `AddSigner` declares `signer`, who signs with `key` and was identified at `now`.
void AddSigner(pb::Event& event, const NamedSigner& signer, const PrivateKey& key, Instant now);

// `SignAll` signs `event` with `keys`, which stand in the order of its signers.
StatusOr<pb::SignedEvent> SignAll(const pb::Event& event, const std::vector<PrivateKey>& keys);

// `ParseRole` reads a role's id ("REGISTRAR"); INVALID_ARGUMENT lists those there are.
StatusOr<pb::Role> ParseRole(std::string_view text);

}  // namespace custody

#endif  // CUSTODY_TOOLS_ADMIN_ACTS_H_

// The patient's identifiers on their way into an event: in clear to the vault, as commitments into
// the event, and nowhere else.
#ifndef CUSTODY_CLIENT_PATIENT_H_
#define CUSTODY_CLIENT_PATIENT_H_

#include <string>
#include <string_view>
#include <vector>

#include "client/desk.h"
#include "client/draft.h"
#include "crypto/random.h"
#include "crypto/status.h"
#include "custody/pb.h"
#include "custody/v1/common.pb.h"

namespace custody {

// `NewTherapyId` is 16 characters of [A-Z2-7]: 80 random bits, so that a chain's name tells
// nothing.
StatusOr<std::string> NewTherapyId(Rng& rng);

// `Patient` serves one draft. What was read in clear is kept only to be handed to the vault, and is
// wiped with it.
class Patient {
 public:
  // `therapy` as in the draft; `role` in which the secret is asked for.
  Patient(Desk& desk, std::string therapy, pb::Role role)
      : desk_(desk), therapy_(std::move(therapy)), role_(role) {}
  Patient(const Patient&) = delete;
  Patient& operator=(const Patient&) = delete;
  ~Patient();

  // `Enrol` makes a new therapy of it: an id (unless the draft names one) and a secret, and the
  // draft's readings as fields. INVALID_ARGUMENT when fewer than two identifiers were read, or the
  // second person read something else than the first. REQUIRES: a patient_enrolled draft.
  Status Enrol(Draft& draft);

  // `Commit` reads TYPE:ISSUER:VALUE and gives its commitment.
  StatusOr<v1::IdentifierCommitment> Commit(std::string_view clear);

  // `HandToVault` puts the identifiers that were committed (and those kept only in clear), with the
  // secret of a therapy enrolled here, into the vault. Needs the server.
  Status HandToVault();

  const std::string& therapy() const { return therapy_; }

 private:
  Desk& desk_;
  std::string therapy_;
  pb::Role role_;
  std::string secret_;
  bool enrols_ = false;
  std::vector<pb::SubjectIdentifier> heard_;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_PATIENT_H_

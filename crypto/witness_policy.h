// C2SP tlog-policy: which cosignatures make a checkpoint trusted.
//
//   log <vkey> [<url>]
//   witness <name> <vkey> [<url>]
//   group <name> <any|all|k> <name>...
//   quorum <name|none>
//
// Empty lines and lines that begin with '#' say nothing.
#ifndef CUSTODY_CRYPTO_WITNESS_POLICY_H_
#define CUSTODY_CRYPTO_WITNESS_POLICY_H_

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/note.h"
#include "crypto/status.h"

namespace custody {

// `WitnessPolicy` is a parsed policy. Copyable, immutable.
class WitnessPolicy {
 public:
  // `Parse` refuses unknown lines, names used twice or before they stand, a threshold outside
  // 1..members, one key under two names and more than one quorum line (INVALID_ARGUMENT with the
  // line number). A policy must have a quorum line and at least one log.
  static StatusOr<WitnessPolicy> Parse(std::string_view text);

  const std::vector<NoteVerifier>& logs() const { return logs_; }
  bool wants_witnesses() const { return quorum_ != "none"; }

  // `Satisfied` checks the log's own line and then the quorum over the cosignatures of `note`;
  // unknown cosigners' lines are ignored. OK, or INVALID_ARGUMENT saying what is missing.
  Status Satisfied(const Note& note) const;
  // `BrokenCosigners` names the policy's witnesses that have a line in `note` which does not
  // verify, whether or not the quorum is met without them.
  std::vector<std::string> BrokenCosigners(const Note& note) const;

 private:
  struct Group {
    std::size_t threshold = 0;
    std::vector<std::string> members;
  };
  class Reader;  // the parser
  WitnessPolicy() = default;
  // Whether the witness or group `name` agrees; `known` holds every witness' answer and gathers the
  // groups', so a group in many groups is counted once.
  bool Holds(const std::string& name, std::map<std::string, bool>& known) const;

  std::vector<NoteVerifier> logs_;
  std::map<std::string, NoteVerifier> witnesses_;
  std::map<std::string, Group> groups_;
  std::string quorum_;
};

}  // namespace custody

#endif  // CUSTODY_CRYPTO_WITNESS_POLICY_H_

// How the checks of authority speak: reasons of rules R01, R04 and R45 in plain words.
#ifndef CUSTODY_CUSTODY_OBJECTION_H_
#define CUSTODY_CUSTODY_OBJECTION_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "custody/pb.h"
#include "custody/registry.h"

namespace custody {

// What an objection says; see pb::Reason.
struct Words {
  std::string subject;
  std::string expected;
  std::string found;
  std::string next_step;
};

// `Objections` is a judgement under way: the registry as of `index`, and the verdict it fills.
// References must outlive it.
struct Objections {
  const Registry& registry;
  std::uint64_t index;
  pb::Verdict& verdict;

  // `Add` puts a reason into the verdict.
  pb::Reason& Add(std::string_view rule, pb::ReasonKind kind, const Words& words) const;
  // `Refuse` adds a reason of kind STRUCTURE, which no override lifts, and marks it refused.
  void Refuse(std::string_view rule, const Words& words) const;
};

// `IsOneOf` says whether `name` is among `names`.
template <typename Names>
bool IsOneOf(std::string_view name, const Names& names) {
  return std::ranges::find(names, name) != names.end();
}

// `Roles` is a set of roles. A value.
class Roles {
 public:
  template <typename List>
  explicit Roles(const List& list) {
    for (const int role : list) Add(static_cast<pb::Role>(role));
  }
  Roles() = default;
  void Add(pb::Role role) { bits_ |= BitOf(role); }
  bool Has(pb::Role role) const { return (bits_ & BitOf(role)) != 0; }
  bool empty() const { return bits_ == 0; }
  Roles operator|(const Roles& other) const {
    Roles both;
    both.bits_ = bits_ | other.bits_;
    return both;
  }
  std::string ToString() const;  // "PHY, RN"

 private:
  // Whatever number an unchecked message holds: what is no role here is in no set.
  static std::uint64_t BitOf(pb::Role role) {
    return role >= 0 && role < 64 ? std::uint64_t{1} << role : 0;
  }
  std::uint64_t bits_ = 0;
};

// `HoldsRole` and `WorksAt` ask of a person as enrolled now; false for null.
bool HoldsRole(const EnrolledPerson* person, pb::Role role);
bool WorksAt(const EnrolledPerson* person, std::string_view site);

// `JudgeSigners` judges every signer by themselves: key enrolled before and not revoked, bound to
// that person, printed name and role enrolled for them (rule R01).
void JudgeSigners(const pb::Event& event, const Objections& objections);

// `JudgeRegistryAct` judges who signs an act of the registry, and whether it fits the registry.
void JudgeRegistryAct(const ParsedEvent& parsed, const Objections& objections);

// `JudgeEnvironment` refuses what belongs to another environment (rule R45): facility numbers,
// profiles, the origin of a genesis.
void JudgeEnvironment(const pb::Event& event, const Objections& objections);

}  // namespace custody

#endif  // CUSTODY_CUSTODY_OBJECTION_H_

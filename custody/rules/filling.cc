// R07 of what a product is filled into: kind of container, how many, how much in each. A lot is
// filled in one event, each component by itself; samples and vials for the laboratory are none of
// it.
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "custody/rules/case.h"

namespace custody::rules {
namespace {

std::string KindText(pb::VesselKind kind) {
  const auto* value = pb::VesselKind_descriptor()->FindValueByNumber(kind);
  return value == nullptr ? "unknown" : Lower(value->options().GetExtension(pb::value).label());
}

bool Matches(const pb::Presentation& stated, const pb::FilledContainer& filled) {
  const auto fits = [](const std::string& asked, const std::string& is) {
    return asked.empty() || Lower(asked) == Lower(is);
  };
  return stated.kind() == filled.kind() && fits(stated.component(), filled.component()) &&
         fits(stated.colour(), filled.colour());
}

// "10 to 50 mL", "at least 3", for people.
std::string Text(std::optional<double> least, std::optional<double> most, const char* unit) {
  if (least && most && *least == *most) return Number(*least) + unit;
  if (least && most) return Number(*least) + " to " + Number(*most) + unit;
  return (least ? "at least " + Number(*least) : "at most " + Number(*most)) + unit;
}

struct Filling {
  const Case& c;
  const Rule& rule;
  pb::Verdict& v;

  void Judge(std::optional<double> least, std::optional<double> most, double value,
             const char* unit, const std::string& subject) const {
    const bool low = least && value < *least;
    const bool high = most && value > *most;
    if (!low && !high) return;
    Tell(Text(least, most, unit), Number(value) + unit, subject);
  }
  void Tell(const std::string& expected, std::string found, const std::string& subject) const {
    Deviation(c, rule, v,
              {"as the product is filled: " + expected, std::move(found),
               "look again; quality decides what follows from it", subject, pb::QUALITY},
              false);
  }
};

template <class Message>
void JudgeOne(const Filling& filling, const Message& stated, const pb::FilledContainer& filled) {
  using Limit = std::optional<double>;
  const Limit least_ml = stated.has_min_volume_ml() ? Limit(stated.min_volume_ml()) : Limit();
  const Limit most_ml = stated.has_max_volume_ml() ? Limit(stated.max_volume_ml()) : Limit();
  filling.Judge(least_ml, most_ml, filled.volume_ml(), " mL", filled.container());
  if (filled.nominal_dose_1e6() <= 0) return;  // not stated
  const Limit least = stated.has_min_dose_1e6() ? Limit(stated.min_dose_1e6()) : Limit();
  const Limit most = stated.has_max_dose_1e6() ? Limit(stated.max_dose_1e6()) : Limit();
  filling.Judge(least, most, filled.nominal_dose_1e6(), " x 10^6", filled.container());
}

}  // namespace

void JudgeFilling(const Case& c, const Rule& rule, pb::Verdict& v) {
  if (!c.effective.has_filled() || c.profile == nullptr) return;
  const auto& presentations = c.profile->presentations();
  if (presentations.empty()) return;
  const Filling filling{c, rule, v};
  // By presentation and component.
  std::map<std::pair<int, std::string>, int> counts;
  for (const pb::FilledContainer& filled : c.effective.filled().containers()) {
    if (!IsProductVessel(filled.kind())) continue;
    bool known = false;
    for (int i = 0; i < presentations.size(); ++i) {
      if (!Matches(presentations[i], filled)) continue;
      known = true;
      ++counts[{i, filled.component()}];
      JudgeOne(filling, presentations[i], filled);
    }
    if (known) continue;
    std::vector<std::string> kinds;
    for (const pb::Presentation& one : presentations) {
      const std::string what = KindText(one.kind()) +
                               (one.component().empty() ? "" : " of " + one.component()) +
                               (one.colour().empty() ? "" : ", " + one.colour());
      if (std::ranges::find(kinds, what) == kinds.end()) kinds.push_back(what);
    }
    filling.Tell(List(kinds), KindText(filled.kind()), filled.container());
  }
  for (const auto& [of, count] : counts) {
    const pb::Presentation& stated = presentations[of.first];
    using Limit = std::optional<double>;
    const Limit least = stated.min_count() != 0 ? Limit(stated.min_count()) : Limit();
    const Limit most = stated.max_count() != 0 ? Limit(stated.max_count()) : Limit();
    const std::string unit = " x " + KindText(stated.kind()) +
                             (of.second.empty() ? "" : " of " + of.second) +
                             (stated.colour().empty() ? "" : ", " + stated.colour());
    filling.Judge(least, most, count, unit.c_str(), c.effective.filled().lot());
  }
}

}  // namespace custody::rules

// What somebody finds who compares the record with what is really there. An audit moves nothing.
// But what is not in its place may be in another patient's, and what lies there instead may be
// another patient's: both are in doubt (F8b), and nobody counts on them, until quality says what
// they are.
#include "custody/rules/case.h"

namespace custody::rules {
namespace {

// Where the record has a container that can therefore not be missing here; empty: it should be
// here.
std::string Elsewhere(const Case& c, const pb::Container& container) {
  if (IsTerminal(container.state())) return StateLabel(container.state());
  const bool under_way =
      container.state() == pb::CONTAINER_PACKED || container.state() == pb::CONTAINER_IN_TRANSIT;
  if (under_way) return StateLabel(container.state()) + " in " + container.shipment();
  const bool in_hand =
      container.state() >= pb::CONTAINER_REMOVED && container.state() <= pb::CONTAINER_INFUSING;
  if (in_hand) return StateLabel(container.state());
  const std::string site = SiteOf(c);
  const bool other =
      !site.empty() && !container.site().empty() && !c.registry.IsSameHouse(container.site(), site);
  return other ? "at " + container.site() : "";
}

}  // namespace

void JudgeMissing(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::CustodyAudited& body = c.effective.custody_audited();
  for (const std::string& id : body.missing()) {
    const std::vector<const pb::Container*> meant = ContainersMeant(c.therapy, id);
    if (meant.empty()) {
      Deviation(c, rule, v,
                {"a container of this therapy", id + " is none, and was looked for",
                 "look what it is, and audit the therapy whose it is", id},
                true);
    }
    for (const pb::Container* container : meant) {
      if (const std::string where = Elsewhere(c, *container); !where.empty()) {
        Note(c, rule, v,
             {"containers that the record has here", "by the record it is " + where,
              "look for it there", container->id()});
        continue;
      }
      Deviation(c, rule, v,
                {container->id() + " in " + body.place(), "it was not found",
                 "search for it at once, and call physician and quality", container->id()},
                true);
      Quarantine(
          c, rule, v,
          {container->id() + " in " + body.place(), "it was not found",
           "search for it; found, quality looks whose it is: IDENTITY_RESOLVED", container->id()});
    }
  }
}

void DoubtUnexpected(const Case& c, const Rule& rule, pb::Verdict& v) {
  const pb::CustodyAudited& body = c.effective.custody_audited();
  for (const std::string& id : body.unexpected()) {
    const pb::Container* container = FindContainer(c.therapy, id);
    Quarantine(c, rule, v,
               {"only what the record has in " + body.place(), id + " was found there",
                container == nullptr
                    ? "put it aside; look whose it is, and record IDENTITY_IN_DOUBT there too"
                    : "put it aside; quality looks how it came there: IDENTITY_RESOLVED",
                container == nullptr ? id : container->id()});
  }
}

}  // namespace custody::rules

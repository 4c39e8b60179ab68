#include "client/recall_words.h"

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

#include "client/pages.h"
#include "custody/state.h"
#include "custody/trace.h"

namespace custody {
namespace {

constexpr std::uint32_t kTherapiesOfPage = 50;

// What comes first in a recall: how near it is to a patient, and then when.
struct Line {
  const pb::TracedTherapy* therapy = nullptr;
  const pb::TracedContainer* container = nullptr;  // null: none yet
  int urgency = 2;
  std::int64_t when = 0;

  auto Order() const {
    return std::tuple(urgency, when, std::string_view(therapy->therapy()),
                      container == nullptr ? std::string_view() : container->container());
  }
};

Line LineOf(const pb::TracedTherapy& therapy, const pb::TracedContainer* container) {
  Line line{&therapy, container};
  const std::int64_t never = std::numeric_limits<std::int64_t>::max();
  line.when = therapy.expected_us() == 0 ? never : therapy.expected_us();
  if (container == nullptr) return line;
  line.urgency = RecallUrgency(*container);
  // Of those that were given the last one first: its patient is watched now.
  if (container->infusion_started_us() != 0) line.when = -container->infusion_started_us();
  return line;
}

std::string GivenOf(const Line& line, std::string_view zone) {
  if (line.container != nullptr && line.container->infusion_started_us() != 0) {
    return "given " + LocalTime(line.container->infusion_started_us(), zone);
  }
  if (line.therapy->expected_us() != 0 && line.urgency < 3) {
    return "planned " + LocalTime(line.therapy->expected_us(), zone);
  }
  return "";
}

template <typename Reply, typename Request, typename Call>
StatusOr<std::vector<pb::TracedTherapy>> AllTherapies(const Request& request, const Call& call,
                                                      Status& whole) {
  std::vector<Reply> pages;
  whole = AllPages(request, call, pages);
  std::vector<pb::TracedTherapy> all;
  for (Reply& page : pages) {
    for (pb::TracedTherapy& one : *page.mutable_therapies()) all.push_back(std::move(one));
  }
  if (!whole.ok() && !ListedThoughNotAll(whole, all.empty())) return whole;
  return all;
}

}  // namespace

StatusOr<std::vector<pb::TracedTherapy>> TraceAll(Session& session, pb::TraceRequest request,
                                                  Status& whole) {
  request.set_limit(kTherapiesOfPage);
  return AllTherapies<pb::TraceReply>(
      request, [&](const pb::TraceRequest& page) { return session.Trace(page); }, whole);
}

StatusOr<std::vector<pb::TracedTherapy>> InventoryAll(Session& session,
                                                      pb::InventoryRequest request, Status& whole) {
  return AllTherapies<pb::InventoryReply>(
      request, [&](const pb::InventoryRequest& page) { return session.Inventory(page); }, whole);
}

StatusOr<std::vector<pb::WorklistEntry>> WorklistAll(Session& session, pb::WorklistRequest request,
                                                     std::uint32_t& looked_at, Status& whole) {
  request.set_limit(1000);
  const auto call = [&](const pb::WorklistRequest& page) { return session.Worklist(page); };
  std::vector<pb::WorklistReply> pages;
  whole = AllPages(request, call, pages);
  std::vector<pb::WorklistEntry> entries;
  looked_at = 0;
  for (pb::WorklistReply& page : pages) {
    looked_at += page.looked_at();
    for (pb::WorklistEntry& entry : *page.mutable_entries()) entries.push_back(std::move(entry));
  }
  if (!whole.ok() && !ListedThoughNotAll(whole, looked_at == 0)) return whole;
  return entries;
}

std::int64_t DueAt(const pb::NextStep& step) {
  const std::int64_t when = step.due_us() != 0 ? step.due_us() : step.opens_us();
  return when == 0 ? std::numeric_limits<std::int64_t>::max() : when;
}

std::string DueWords(const pb::NextStep& step, const std::string& zone, std::int64_t now) {
  const std::string opens =
      step.opens_us() > now ? "from " + LocalTime(step.opens_us(), zone) + " " : "";
  if (step.due_us() == 0) return opens.empty() ? "now" : opens;
  return opens + (step.overdue() ? "OVERDUE since " : "by ") + LocalTime(step.due_us(), zone);
}

std::string WhereOf(const pb::TracedContainer& container) {
  if (!container.carrier().empty()) {
    return "with " + container.carrier() + " to " + container.to_site();
  }
  std::string where = container.site();
  const auto add = [&](const std::string& part) {
    if (!part.empty()) where += (where.empty() ? "" : ", ") + part;
  };
  const bool within = container.position().starts_with(container.unit());
  if (!within) add(container.unit());
  add(container.position());
  if (!container.shipper().empty() && container.unit() != container.shipper()) {
    add("in shipper " + container.shipper());
  }
  return where;
}

Rows ConcernedRows(std::span<const pb::TracedTherapy> therapies, std::string_view zone) {
  std::vector<Line> lines;
  for (const pb::TracedTherapy& therapy : therapies) {
    const std::size_t before = lines.size();
    for (const pb::TracedContainer& container : therapy.containers()) {
      if (container.concerned()) lines.push_back(LineOf(therapy, &container));
    }
    if (lines.size() == before) lines.push_back(LineOf(therapy, nullptr));
  }
  std::ranges::sort(lines, {}, &Line::Order);
  Rows rows;
  for (const Line& line : lines) {
    const pb::TracedTherapy& therapy = *line.therapy;
    const std::string tell = Joined(therapy.notify());
    const std::string given = GivenOf(line, zone);
    if (line.container == nullptr) {
      std::string because = therapy.uses().empty() ? "" : "used in " + therapy.uses(0).body();
      rows.push_back({"", therapy.state(), "", given, therapy.therapy(), therapy.coi(),
                      std::move(because), tell});
      continue;
    }
    const pb::TracedContainer& container = *line.container;
    std::string state = StateLabel(container.state());
    if (container.recalled()) state += ", recalled";
    if (container.held()) {
      const bool by = !container.held_by().empty();  // a server of an earlier version does not say
      state += ", held" + (by ? " by " + Joined(container.held_by()) : std::string());
    }
    rows.push_back({container.container(), state, WhereOf(container), given, therapy.therapy(),
                    therapy.coi(), container.because(), tell});
  }
  return rows;
}

Rows TouchedRows(const pb::TracedTherapy& therapy, std::string_view zone) {
  Rows rows;
  for (const pb::TracedItem& item : therapy.touched()) {
    rows.push_back({item.type(), item.value(), LocalTime(item.first_us(), zone),
                    LocalTime(item.last_us(), zone), std::to_string(item.events()), item.body()});
  }
  return rows;
}

std::string RecallSummary(std::span<const pb::TracedTherapy> therapies) {
  std::size_t containers = 0;
  std::size_t given = 0;
  std::size_t held = 0;
  std::size_t recalled = 0;
  std::uint64_t withheld = 0;
  std::set<std::string> tell;
  for (const pb::TracedTherapy& therapy : therapies) {
    given += therapy.infused_us() != 0 ? 1U : 0U;
    withheld += therapy.withheld();
    tell.insert(therapy.notify().begin(), therapy.notify().end());
    for (const pb::TracedContainer& container : therapy.containers()) {
      if (!container.concerned()) continue;
      ++containers;
      const bool there = !IsTerminal(container.state());
      if (!there) continue;
      recalled += container.recalled() ? 1U : 0U;
      held += container.held() && !container.recalled() ? 1U : 0U;
    }
  }
  std::string text =
      std::to_string(therapies.size()) + (therapies.size() == 1 ? " therapy, " : " therapies, ") +
      std::to_string(containers) + (containers == 1 ? " container; " : " containers; ") +
      std::to_string(given) +
      " given to their patients already. Tell: " + (tell.empty() ? "nobody" : Joined(tell));
  if (held > 0) {
    text += ". " + std::to_string(held) +
            " held, until quality decides: H-... by HOLD_CLEARED, or for ever by PRODUCT_RECALLED, "
            "signed by quality of the maker; Q-... by QUARANTINE_DECIDED or IDENTITY_RESOLVED";
  }
  if (recalled > 0) {
    text += ". " + std::to_string(recalled) +
            " recalled and not gone yet: sent back, or destroyed by two: DISPOSITION";
  }
  if (withheld > 0) {
    text += ". " + std::to_string(withheld) +
            " events are not this station's to read and were not looked at: ask the clinics too";
  }
  return text;
}

}  // namespace custody

#include "tools/admin/upkeep.h"

#include "crypto/utf8.h"
#include "custody/time.h"
#include "tools/admin/stations.h"

namespace custody {
namespace {

using google::protobuf::RepeatedPtrField;
using google::protobuf::Timestamp;

// Names stand in a column of this width.
constexpr std::size_t kNameWidth = 22;

void AddLine(std::string& text, std::string_view name, const std::string& value) {
  const std::size_t gap = name.size() < kNameWidth ? kNameWidth - name.size() : 1;
  text += std::string(name) + std::string(gap, ' ') + value + "\n";
}

std::string Joined(const RepeatedPtrField<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + Plain(name);
  return text;
}

std::string At(const Timestamp& time, std::string_view zone) {
  return FormatLocal(FromProto(time), zone);
}

std::string Times(std::uint32_t count) {
  return count == 1 ? "once" : std::to_string(count) + " times";
}

// What became of one recipient's messages.
std::string Told(const pb::Handout& handout, std::string_view zone) {
  std::string text = Plain(handout.site()) + " " + Plain(handout.recipient()) + ": ";
  if (handout.has_last()) {
    text += "told " + Times(handout.times()) + ", " + At(handout.first(), zone);
    if (handout.times() > 1) text += " to " + At(handout.last(), zone);
  }
  if (handout.failures() == 0) return text;
  text += std::string(handout.has_last() ? "; " : "") + "NOT REACHED " + Times(handout.failures()) +
          ", last " + At(handout.tried(), zone);
  // Why is said of tests; of real alerts it is the recipient's state (custody-admin status).
  return handout.error().empty() ? text : text + ": " + Plain(handout.error());
}

// Never tested is overdue: nobody knows whether anybody is told there.
std::string Due(const pb::AlertTest& test, std::string_view zone) {
  const std::string site = Plain(test.site());
  if (!test.has_passed()) return site + ": NEVER PASSED; custody-admin alert test --site " + site;
  return site + ": " + (test.overdue() ? "OVERDUE since " : "due ") + At(test.due(), zone) +
         ", last passed " + At(test.passed(), zone);
}

void AddAlerting(std::string& text, const pb::AlertingStatus& status, std::string_view zone) {
  if (!status.configured()) {
    AddLine(text, "alerts", "NOBODY IS TOLD: no recipients in the server's settings");
    return;
  }
  std::string open = std::to_string(status.open()) + " wait for an acknowledgement";
  if (status.urgent_waiting() != 0) {
    open += ", " + std::to_string(status.urgent_waiting()) + " URGENT for over an hour";
  }
  if (status.unreached() != 0) {
    open += ", " + std::to_string(status.unreached()) + " WITH NOBODY TO TELL";
  }
  if (status.catching_up()) open += "; still looking through the therapies";
  AddLine(text, "alerts", open);
  if (!status.trouble().empty()) AddLine(text, "alerts, trouble", Plain(status.trouble()));
  for (const pb::RecipientStatus& one : status.recipients()) {
    std::string how = Plain(one.recipient()) + " (" + Joined(one.sites()) + "): ";
    if (one.failing()) {
      how += "FAILING, " + Times(one.failures()) + ", next try " + At(one.next_try(), zone) + ": " +
             Plain(one.error());
    } else {
      how += one.has_last_taken() ? "took the last at " + At(one.last_taken(), zone)
                                  : "was handed nothing yet";
    }
    AddLine(text, "alert recipient", how);
  }
  for (const pb::AlertTest& test : status.tests()) {
    AddLine(text, "monthly alert test", Due(test, zone));
  }
}

}  // namespace

std::string RenderAlerts(const pb::ListAlertsReply& alerts, std::string_view zone) {
  constexpr std::string_view kPrefix = "ALERT_";
  std::string text;
  for (const pb::AlertRecord& alert : alerts.alerts()) {
    const std::string severity = pb::AlertSeverity_Name(alert.severity()).substr(kPrefix.size());
    text += Plain(alert.alert()) + "  " + severity + "  since " + At(alert.since(), zone);
    text += alert.has_ended() ? "  ended " + At(alert.ended(), zone)
                              : "  waits for " + Joined(alert.waiting());
    text += "\n";
    for (const pb::Handout& handout : alert.handouts()) text += "    " + Told(handout, zone) + "\n";
    for (const std::string& site : alert.unreached()) {
      text += "    " + Plain(site) + ": NOBODY TO TELL in the server's settings\n";
    }
    for (const pb::AlertSeenBy& seen : alert.seen()) {
      text += "    " + Plain(seen.site()) + ": acknowledged " + At(seen.at(), zone) + "\n";
    }
  }
  if (alerts.more()) text += "... and more: name a --site\n";
  return text.empty() ? "no alerts\n" : text;
}

std::string RenderTest(const pb::TestAlertReply& test, std::string_view site,
                       std::string_view zone) {
  std::string text;
  bool all = true;
  for (const pb::Handout& handout : test.handouts()) {
    all = all && handout.error().empty();
    text += "    " + Told(handout, zone) + "\n";
  }
  const std::string id = Plain(test.alert());
  if (!all) return id + ": NOT PASSED, not all recipients of " + Plain(site) + " took it\n" + text;
  return id + ": every recipient of " + Plain(site) + " took it; the next test is due " +
         At(test.next_due(), zone) + "\n" + text;
}

std::string RenderCertificates(const std::vector<WatchedCertificate>& certificates, Instant now,
                               std::string_view zone) {
  std::string text;
  for (const WatchedCertificate& one : certificates) {
    const std::string name = "certificate, " + one.whose;
    if (!one.fields.ok()) {
      AddLine(text, name, "NOT SEEN: " + Plain(Message(one.fields.status())));
      continue;
    }
    const Instant ends{one.fields->not_after * kMicrosPerSecond};
    const std::int64_t days = DaysLeft(*one.fields, now);
    std::string said = "ends " + FormatLocal(ends, zone);
    if (days < kWarnDays) {
      said += days < 0 ? ": IT HAS ENDED" : ": IN " + std::to_string(days) + " DAYS";
      said += ", and nothing connects without it: " + one.renewed_by;
    }
    AddLine(text, name, said);
  }
  return text;
}

std::string RenderStatus(const pb::GetStatusReply& status, std::string_view zone) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    AddLine(text, name, value);
  };
  line("server version", Plain(status.version()));
  line("entries", std::to_string(status.entries()));
  line("recording", status.read_only() ? "NO - " + Plain(status.read_only_reason()) : "yes");
  line("server time", FormatLocal(FromProto(status.server_time()), zone));
  if (status.clock_offset_ms() != 0) {
    constexpr std::int64_t kMinute = 60'000;
    const std::int64_t minutes = status.clock_offset_ms() / kMinute;
    line("demo clock ahead by", std::to_string(minutes / 1440) + " days " +
                                    std::to_string(minutes / 60 % 24) + " h " +
                                    std::to_string(minutes % 60) + " min");
  }
  if (status.entries() > 0) {
    line("last entry", FormatLocal(FromProto(status.last_entry_at()), zone));
  }
  line("queue",
       std::to_string(status.queue_length()) + " of " + std::to_string(status.queue_capacity()));
  line("synced groups", std::to_string(status.groups()));
  if (status.has_alerting()) AddAlerting(text, status.alerting(), zone);
  return text;
}

}  // namespace custody

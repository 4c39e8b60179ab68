#include "tools/admin/upkeep.h"

#include "crypto/utf8.h"
#include "custody/time.h"

namespace custody {

std::string RenderStatus(const pb::GetStatusReply& status, std::string_view zone) {
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += std::string(name) + std::string(22 - name.size(), ' ') + value + "\n";
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
  return text;
}

}  // namespace custody

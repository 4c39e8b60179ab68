// What a recipient is handed: fixed words, the ledger's own names, and nothing that anybody typed.
#ifndef CUSTODY_SERVER_ALERTING_NOTICE_H_
#define CUSTODY_SERVER_ALERTING_NOTICE_H_

#include <string>
#include <string_view>

#include "custody/pb.h"
#include "custody/registry.h"
#include "custody/time.h"
#include "custody/v1/service.pb.h"

namespace custody {

// `SeverityOf` is how soon somebody has to act on an alert of this rule.
pb::AlertSeverity SeverityOf(std::string_view rule);

// `NoticeOf` is what `site` is told of `record` at `now`. How often and in which place the
// recipient is told is the caller's to add.
pb::AlertNotice NoticeOf(const pb::AlertRecord& record, const std::string& site,
                         const Registry& registry, Instant now);
// `TestNotice` is the monthly test's; nobody acknowledges it.
pb::AlertNotice TestNotice(const std::string& alert, const std::string& site,
                           const Registry& registry, Instant now);

// `NoticeJson` is the message as it is handed out: one line, every field.
std::string NoticeJson(const pb::AlertNotice& notice);

}  // namespace custody

#endif  // CUSTODY_SERVER_ALERTING_NOTICE_H_

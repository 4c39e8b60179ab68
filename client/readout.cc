#include "client/readout.h"

#include "crypto/file.h"
#include "custody/event.h"
#include "custody/profile.h"
#include "custody/telemetry.h"

namespace custody {

StatusOr<LoggerFile> ReadLoggerFile(const std::string& path) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxAttachmentBytes));
  StatusOr<LoggerFile> file = ParseLoggerFile(bytes);
  if (file.ok()) return file;
  return InvalidArgument(path + ": " + Message(file.status()) + "; " +
                         std::string(kUnreadableFileNext));
}

bool ComesWithFile(const google::protobuf::FieldDescriptor& field) {
  return field.name() == "file" || ComesFromFile(field);
}

Status ReadOut(const std::string& path, const pb::TherapyState& state, const Registry& registry,
               const FieldSources& sources, pb::Event& event) {
  if (path.empty()) return absl::OkStatus();
  if (!event.has_telemetry_batch()) {
    return InvalidArgument("a logger's file goes with telemetry_batch, not with " +
                           std::string(BodyName(event)));
  }
  pb::TelemetryBatch& batch = *event.mutable_telemetry_batch();
  if (batch.has_file()) return InvalidArgument("give the file once: --logger-file attaches it");
  CUSTODY_ASSIGN_OR_RETURN(const LoggerFile file, ReadLoggerFile(path));
  CUSTODY_RETURN_IF_ERROR(FillSummary(file, state, ProfileFor(registry, state, event), batch));
  return SetField(batch, "file", "@" + path, sources);
}

}  // namespace custody

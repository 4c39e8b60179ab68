// A logger's file on its way into a TELEMETRY_BATCH.
#ifndef CUSTODY_CLIENT_READOUT_H_
#define CUSTODY_CLIENT_READOUT_H_

#include <string>

#include "client/forms.h"
#include "crypto/status.h"
#include "custody/logger_file.h"
#include "custody/pb.h"
#include "custody/registry.h"

namespace custody {

// `ReadLoggerFile` reads and parses a logger's file; INVALID_ARGUMENT says what is wrong with it
// and what to do.
StatusOr<LoggerFile> ReadLoggerFile(const std::string& path);
// `ComesWithFile` says of a field of TELEMETRY_BATCH that nobody is asked for it when there is such
// a file.
bool ComesWithFile(const google::protobuf::FieldDescriptor& field);

// `ReadOut` reads the logger's file `path`, fills the summary of `event`'s TELEMETRY_BATCH by the
// limits of the therapy in `state`, and attaches the file; nothing without a path. INVALID_ARGUMENT
// for another event, a file that cannot be read, one of another logger, and values that were given
// beside it.
Status ReadOut(const std::string& path, const pb::TherapyState& state, const Registry& registry,
               const FieldSources& sources, pb::Event& event);

}  // namespace custody

#endif  // CUSTODY_CLIENT_READOUT_H_

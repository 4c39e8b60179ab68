// Fills an event's form line by line with the person who stands there.
#ifndef CUSTODY_CLIENT_FORM_FILLER_H_
#define CUSTODY_CLIENT_FORM_FILLER_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/console.h"
#include "client/draft.h"
#include "client/forms.h"
#include "crypto/status.h"
#include "custody/pb.h"

namespace custody {

// `FormFiller` asks for required fields in their order, one a line, with label, unit, range and
// choices; what is typed is checked at once and asked for again until it stands. An unusual value
// is typed a second time. Own checks are asked of each signer by name. Then optional fields may be
// given as "NAME VALUE"; an empty line ends the form.
class FormFiller {
 public:
  // Looks at a scan before it is taken: OK, or what is wrong with it (already said to the console).
  using ScanCheck = std::function<Status(pb::ScanKind kind, const std::string& value)>;

  FormFiller(Console& console, FieldSources sources, std::vector<DraftSigner> signers,
             ScanCheck check)
      : console_(console),
        sources_(std::move(sources)),
        signers_(std::move(signers)),
        check_(std::move(check)) {}

  // `LeaveOut` says which fields of the body are not asked for: what comes from elsewhere.
  void LeaveOut(std::function<bool(const google::protobuf::FieldDescriptor& field)> leave_out) {
    leave_out_ = std::move(leave_out);
  }

  // `AskToo` says which optional fields of the body are asked for all the same.
  void AskToo(std::function<bool(const google::protobuf::FieldDescriptor& field)> ask_too) {
    ask_too_ = std::move(ask_too);
  }

  // `Fill` gives the fields of `body` as paths and values. OUT_OF_RANGE when the input ended,
  // CANCELLED when the person wrote "cancel".
  StatusOr<std::vector<std::pair<std::string, std::string>>> Fill(
      const google::protobuf::FieldDescriptor& body);

 private:
  Status AskFields(const google::protobuf::Descriptor& type, const std::string& prefix);
  Status AskPart(const google::protobuf::FieldDescriptor& field, const std::string& prefix);
  Status AskValue(const google::protobuf::FieldDescriptor& field, const std::string& path,
                  bool more);
  Status AskOptional();
  StatusOr<std::string> Line(const std::string& question);
  Status Take(const std::string& path, const google::protobuf::FieldDescriptor* field,
              const std::string& text);

  Console& console_;
  FieldSources sources_;
  std::vector<DraftSigner> signers_;
  ScanCheck check_;
  std::function<bool(const google::protobuf::FieldDescriptor& field)> leave_out_;
  std::function<bool(const google::protobuf::FieldDescriptor& field)> ask_too_;
  std::unique_ptr<google::protobuf::Message> scratch_;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace custody

#endif  // CUSTODY_CLIENT_FORM_FILLER_H_

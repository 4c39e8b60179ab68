// Values are tried on a scratch body, so that what a form accepts is exactly what the event will
// take; the draft then carries the texts as they were given.
#include "client/form_filler.h"

#include <algorithm>

#include "client/field_values.h"
#include "custody/event.h"
#include "custody/field_check.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

bool IsOwnCheck(const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return false;
  const std::string& type = field.message_type()->full_name();
  return type == "custody.v1.PersonCheck" || type == "custody.v1.IdentityReading";
}

// Whether a part says nothing by its required fields alone (vital signs: only when they were
// taken), so that a form which asked for no more would record nothing.
bool IsAllOptional(const Descriptor& type) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const bool time = field.message_type() != nullptr &&
                      field.message_type()->full_name() == "google.protobuf.Timestamp";
    if (RuleOfField(field).required() && !time) return false;
  }
  return true;
}

// Whether a field takes a value of its own, and not parts.
bool TakesText(const FieldDescriptor& field) {
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return true;
  const std::string& type = field.message_type()->full_name();
  return type == "google.protobuf.Timestamp" || type == "custody.v1.Scanned" ||
         type == "custody.v1.IdentifierCommitment" || type == "custody.v1.AttachmentRef" ||
         type == "custody.v1.TypedIdentifier";
}

std::string Question(const FieldDescriptor& field, bool more) {
  std::string question = "  " + LabelOf(field);
  std::string hint;
  const auto add = [&hint](const std::string& part) {
    if (!part.empty()) hint += (hint.empty() ? "" : "; ") + part;
  };
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    const auto choices = ChoicesOf(field);
    std::string list;
    for (const std::string& choice : choices) list += (list.empty() ? "" : " / ") + choice;
    add(list);
  } else if (const std::string range = RangeInWords(field); !range.empty()) {
    add(range);
  } else {
    add(ShownUnit(RuleOfField(field).unit()));
  }
  if (RuleOfField(field).scan() == pb::SCAN_WRISTBAND) {
    add("scan, or TYPE:ISSUER:VALUE");
  } else if (RuleOfField(field).scan() != pb::SCAN_KIND_UNSPECIFIED) {
    add("scan");
  }
  add(RuleOfField(field).help());
  if (more) add("empty: no more");
  if (!hint.empty()) question += " [" + hint + "]";
  return question + ": ";
}

}  // namespace

StatusOr<std::string> FormFiller::Line(const std::string& question) {
  CUSTODY_ASSIGN_OR_RETURN(std::string line, console_.Ask(question));
  if (line == "cancel" || line == "quit")
    return absl::CancelledError("given up; nothing was recorded");
  return line;
}

Status FormFiller::Take(const std::string& path, const FieldDescriptor* field,
                        const std::string& text) {
  if (field != nullptr && check_ && RuleOfField(*field).scan() != pb::SCAN_KIND_UNSPECIFIED &&
      RuleOfField(*field).scan() != pb::SCAN_WRISTBAND) {
    const std::string bare = text.starts_with("typed:") ? text.substr(6) : text;
    CUSTODY_ASSIGN_OR_RETURN(const std::string value,
                             NormaliseScan(RuleOfField(*field).scan(), bare));
    CUSTODY_RETURN_IF_ERROR(check_(RuleOfField(*field).scan(), value));
  }
  std::string unusual;
  FieldSources sources = sources_;
  sources.unusual = [&unusual](const std::string& remark) { unusual = remark; };
  const std::unique_ptr<google::protobuf::Message> before(scratch_->New());
  before->CopyFrom(*scratch_);
  CUSTODY_RETURN_IF_ERROR(SetField(*scratch_, path, text, sources));
  if (!unusual.empty()) {
    console_.Shout(Mood::kCareful, "CHECK", unusual);
    const auto again = Line("  The same once more, to confirm: ");
    if (!again.ok() || *again != text) {
      scratch_->CopyFrom(*before);
      if (!again.ok()) return again.status();
      return InvalidArgument("the two entries differ");
    }
  }
  fields_.emplace_back(path, text);
  return absl::OkStatus();
}

Status FormFiller::AskValue(const FieldDescriptor& field, const std::string& path, bool more) {
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string text, Line(Question(field, more)));
    if (text.empty() && more) return NotFound("no more");
    const Status status = Take(path, &field, text);
    if (status.ok() || status.code() == StatusCode::kCancelled ||
        status.code() == StatusCode::kOutOfRange) {
      return status;
    }
    console_.Say("  " + Message(status), Mood::kBad);
  }
}

Status FormFiller::AskPart(const FieldDescriptor& field, const std::string& prefix) {
  const std::string path = prefix + OptionName(field);
  if (!field.is_repeated()) {
    console_.Say("  " + LabelOf(field) + ":");
    return AskFields(*field.message_type(), path + ".");
  }
  if (IsOwnCheck(field)) {
    for (std::size_t i = 0; i < signers_.size(); ++i) {
      console_.Say("  " + LabelOf(field) + " of " + signers_[i].person + ", by this person alone:");
      CUSTODY_RETURN_IF_ERROR(
          AskFields(*field.message_type(), path + "." + std::to_string(i) + "."));
    }
    return absl::OkStatus();
  }
  for (std::size_t i = 0;; ++i) {
    if (i > 0) {
      CUSTODY_ASSIGN_OR_RETURN(const std::string more,
                               Line("  Another of " + LabelOf(field) + "? [yes; empty: no more] "));
      if (more != "yes" && more != "y") return absl::OkStatus();
    }
    console_.Say("  " + LabelOf(field) + " " + std::to_string(i + 1) + ":");
    CUSTODY_RETURN_IF_ERROR(AskFields(*field.message_type(), path + "." + std::to_string(i) + "."));
  }
}

Status FormFiller::AskFields(const Descriptor& type, const std::string& prefix) {
  const bool own_check = type.full_name() == "custody.v1.PersonCheck" ||
                         type.full_name() == "custody.v1.IdentityReading";
  // A phone call is asked for with its answer, or it is none.
  const bool call = type.full_name() == "custody.v1.RecallCall";
  const bool asked_in_full = own_check || call || (!prefix.empty() && IsAllOptional(type));
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (prefix.empty() && leave_out_ && leave_out_(field)) continue;
    if (own_check && (field.name() == "person" || field.name() == "at")) continue;  // filled in
    const bool offered = asked_in_full && TakesText(field);
    const bool too = prefix.empty() && ask_too_ && ask_too_(field);
    const bool must = prefix.empty() ? IsRequired(field, *scratch_) : RuleOfField(field).required();
    if (!must && !offered && !too) continue;
    if (!TakesText(field)) {
      CUSTODY_RETURN_IF_ERROR(AskPart(field, prefix));
      continue;
    }
    const std::string path = prefix + OptionName(field);
    Status status = AskValue(field, path, !must);
    while (status.ok() && field.is_repeated()) status = AskValue(field, path, true);
    if (status.code() != StatusCode::kNotFound) CUSTODY_RETURN_IF_ERROR(status);
  }
  return absl::OkStatus();
}

Status FormFiller::AskOptional() {
  while (true) {
    CUSTODY_ASSIGN_OR_RETURN(
        const std::string line,
        Line("  Anything else? [NAME VALUE; ? lists the fields; empty: done] "));
    if (line.empty()) return absl::OkStatus();
    const Descriptor& type = *scratch_->GetDescriptor();
    if (line == "?") {
      for (int i = 0; i < type.field_count(); ++i) {
        console_.Say("    " + OptionName(*type.field(i)) + "  " + LabelOf(*type.field(i)));
      }
      continue;
    }
    const std::size_t space = line.find(' ');
    if (space == std::string::npos) {
      console_.Say("  give a name and a value", Mood::kBad);
      continue;
    }
    const std::string path = line.substr(0, space);
    const auto field = FindField(type, path.substr(0, path.find('.')));
    const Status status = Take(path, field.ok() ? *field : nullptr, line.substr(space + 1));
    if (status.code() == StatusCode::kCancelled || status.code() == StatusCode::kOutOfRange) {
      return status;
    }
    if (!status.ok()) console_.Say("  " + Message(status), Mood::kBad);
  }
}

StatusOr<std::vector<std::pair<std::string, std::string>>> FormFiller::Fill(
    const FieldDescriptor& body) {
  scratch_.reset(google::protobuf::MessageFactory::generated_factory()
                     ->GetPrototype(body.message_type())
                     ->New());
  fields_.clear();
  CUSTODY_RETURN_IF_ERROR(AskFields(*body.message_type(), ""));
  CUSTODY_RETURN_IF_ERROR(AskOptional());
  return fields_;
}

}  // namespace custody

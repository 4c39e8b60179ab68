// Paths are walked down from the body. What makes repetition work is that setting a part that is
// already set answers ALREADY_EXISTS: the repeated part above takes that as the beginning of its
// next element. Work is done on a copy, so that a refused value leaves nothing half-made behind; a
// person who is asked again starts from what stood before.
#include "client/forms.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <span>

#include "client/field_values.h"
#include "custody/field_check.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using AnyMessage = google::protobuf::Message;

constexpr int kMaxElements = 500;  // of one repeated field; payloads hold at most 64,000 bytes

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t point = path.find('.');
    std::string part(path.substr(0, point));
    std::ranges::replace(part, '-', '_');
    parts.push_back(std::move(part));
    if (point == std::string_view::npos) return parts;
    path.remove_prefix(point + 1);
  }
}

std::optional<int> Index(std::string_view part) {
  int index = 0;
  const auto [stop, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (error != std::errc() || stop != part.data() + part.size() || index < 0) return std::nullopt;
  return index;
}

std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

class Walk {
 public:
  explicit Walk(const FieldSources& sources) : sources_(sources) {}

  Status Set(AnyMessage& message, std::span<const std::string> path, std::string_view text) const {
    CUSTODY_ASSIGN_OR_RETURN(const FieldDescriptor* field,
                             FindField(*message.GetDescriptor(), path[0]));
    const auto rest = path.subspan(1);
    if (field->is_repeated()) return SetRepeated(message, *field, rest, text);
    const auto& reflection = *message.GetReflection();
    if (!rest.empty()) {
      CUSTODY_RETURN_IF_ERROR(MustHaveParts(*field));
      return Set(*reflection.MutableMessage(&message, field), rest, text);
    }
    if (reflection.HasField(message, field)) {
      return AlreadyExists(OptionName(*field) + " is given twice");
    }
    return SetValue(message, *field, text, sources_);
  }

 private:
  static Status MustHaveParts(const FieldDescriptor& field) {
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) return absl::OkStatus();
    return InvalidArgument(OptionName(field) + " has no parts; give it a value of its own");
  }

  Status SetRepeated(AnyMessage& message, const FieldDescriptor& field,
                     std::span<const std::string> rest, std::string_view text) const {
    const auto& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    if (size >= kMaxElements) return InvalidArgument(OptionName(field) + " is given too often");
    if (rest.empty()) return SetValue(message, field, text, sources_);
    if (const auto index = Index(rest[0])) return SetAt(message, field, *index, rest, text);
    CUSTODY_RETURN_IF_ERROR(MustHaveParts(field));
    if (size > 0) {
      const Status status =
          Set(*reflection.MutableRepeatedMessage(&message, &field, size - 1), rest, text);
      if (status.code() != StatusCode::kAlreadyExists) return status;
    }
    return Set(*reflection.AddMessage(&message, &field), rest, text);
  }

  Status SetAt(AnyMessage& message, const FieldDescriptor& field, int index,
               std::span<const std::string> rest, std::string_view text) const {
    const auto& reflection = *message.GetReflection();
    const int size = reflection.FieldSize(message, &field);
    if (index > size) {
      return InvalidArgument(OptionName(field) + "." + std::to_string(index) +
                             " is given before number " + std::to_string(size) +
                             "; they are counted from 0");
    }
    const auto parts = rest.subspan(1);
    if (parts.empty()) {
      if (index == size) return SetValue(message, field, text, sources_);
      return AlreadyExists(OptionName(field) + "." + std::to_string(index) + " is given twice");
    }
    CUSTODY_RETURN_IF_ERROR(MustHaveParts(field));
    AnyMessage* element = index == size
                              ? reflection.AddMessage(&message, &field)
                              : reflection.MutableRepeatedMessage(&message, &field, index);
    return Set(*element, parts, text);
  }

  const FieldSources& sources_;
};

void Missing(const AnyMessage& message, const std::string& prefix,
             std::vector<std::string>& paths) {
  const auto& reflection = *message.GetReflection();
  const Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const std::string path = prefix + OptionName(field);
    const bool part = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
                      field.message_type()->file()->package() == type.file()->package();
    if (field.is_repeated()) {
      const int size = reflection.FieldSize(message, &field);
      if (size == 0 && IsRequired(field, message)) paths.push_back(path);
      for (int n = 0; part && n < size; ++n) {
        Missing(reflection.GetRepeatedMessage(message, &field, n),
                path + "." + std::to_string(n) + ".", paths);
      }
    } else if (!reflection.HasField(message, &field)) {
      if (IsRequired(field, message)) paths.push_back(path);
    } else if (part) {
      Missing(reflection.GetMessage(message, &field), path + ".", paths);
    }
  }
}

}  // namespace

StatusOr<const FieldDescriptor*> FindField(const Descriptor& type, std::string_view name) {
  std::string wanted(name);
  std::ranges::replace(wanted, '-', '_');
  if (const FieldDescriptor* field = type.FindFieldByName(wanted)) return field;
  const FieldDescriptor* nearest = nullptr;
  std::size_t distance = 0;
  for (int i = 0; i < type.field_count(); ++i) {
    const std::size_t its = Distance(wanted, type.field(i)->name());
    if (nearest == nullptr || its < distance) {
      nearest = type.field(i);
      distance = its;
    }
  }
  std::string message = "there is no field \"" + std::string(name) + "\"";
  if (nearest != nullptr) message += "; the nearest is " + OptionName(*nearest);
  return InvalidArgument(message + "; `describe` lists all");
}

Status SetField(AnyMessage& message, std::string_view path, std::string_view text,
                const FieldSources& sources) {
  const std::vector<std::string> parts = Split(path);
  const std::unique_ptr<AnyMessage> copy(message.New());
  copy->CopyFrom(message);
  const Status status = Walk(sources).Set(*copy, parts, text);
  if (status.code() == StatusCode::kAlreadyExists) return InvalidArgument(custody::Message(status));
  CUSTODY_RETURN_IF_ERROR(status);
  message.GetReflection()->Swap(&message, copy.get());
  return absl::OkStatus();
}

std::vector<std::string> MissingFields(const AnyMessage& message) {
  std::vector<std::string> paths;
  Missing(message, "", paths);
  return paths;
}

}  // namespace custody

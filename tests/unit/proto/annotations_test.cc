// The schema's promises. Forms, help, checks and the reference are made from annotations alone, so
// an event type that forgets one would show an empty form or check nothing. Everything that can be
// reached from a body of Event is walked here.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "custody/pb.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;

std::vector<const FieldDescriptor*> Bodies() {
  const auto* oneof = pb::Event::descriptor()->FindOneofByName("body");
  std::vector<const FieldDescriptor*> bodies;
  for (int i = 0; i < oneof->field_count(); ++i) bodies.push_back(oneof->field(i));
  return bodies;
}

// What Event itself is made of, and profiles, carry no form: they are not walked into.
bool HasForm(const Descriptor& type) {
  const std::string& file = type.file()->name();
  return file != "custody/v1/event.proto" && file != "custody/v1/profile.proto" &&
         type.file()->package() == "custody.v1";
}

void Collect(const Descriptor& type, std::set<const Descriptor*>& found) {
  if (!found.insert(&type).second) return;
  for (int i = 0; i < type.field_count(); ++i) {
    const Descriptor* below = type.field(i)->message_type();
    if (below != nullptr && HasForm(*below)) Collect(*below, found);
  }
}

// Every message that a body is or holds.
std::set<const Descriptor*> Messages() {
  std::set<const Descriptor*> found;
  for (const FieldDescriptor* body : Bodies()) Collect(*body->message_type(), found);
  return found;
}

std::vector<const FieldDescriptor*> Fields() {
  std::vector<const FieldDescriptor*> fields;
  for (const Descriptor* type : Messages()) {
    for (int i = 0; i < type->field_count(); ++i) fields.push_back(type->field(i));
  }
  return fields;
}

const pb::FieldRule& RuleOf(const FieldDescriptor& field) {
  return field.options().GetExtension(pb::field);
}
const pb::EventRule& RuleOf(const Descriptor& body) {
  return body.options().GetExtension(pb::event);
}

bool IsNumber(const FieldDescriptor& field) {
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
    case FieldDescriptor::CPPTYPE_INT64:
    case FieldDescriptor::CPPTYPE_UINT32:
    case FieldDescriptor::CPPTYPE_UINT64:
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return true;
    default:
      return false;
  }
}

std::string SnakeCase(const std::string& name) {
  std::string snake;
  for (const char c : name) {
    const bool upper = std::isupper(static_cast<unsigned char>(c)) != 0;
    if (upper && !snake.empty()) snake += '_';
    snake += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return snake;
}

bool IsTherapyBody(const FieldDescriptor& body) { return body.number() >= 100; }

TEST(AnnotationsTest, TheWalkReachesTheBodies) {
  EXPECT_GE(Bodies().size(), 150U);
  EXPECT_GE(Fields().size(), 1000U);
}

TEST(AnnotationsTest, EveryBodySaysWhatItIsAndWhoSignsIt) {
  for (const FieldDescriptor* body : Bodies()) {
    SCOPED_TRACE(body->name());
    const pb::EventRule& rule = RuleOf(*body->message_type());
    EXPECT_FALSE(rule.label().empty());
    EXPECT_FALSE(rule.step().empty());
    EXPECT_NE(rule.kind(), pb::EVENT_KIND_UNSPECIFIED);
    EXPECT_NE(rule.field_class(), pb::FIELD_CLASS_UNSPECIFIED);
    if (body->number() != pb::Event::kSealed) {
      EXPECT_TRUE(rule.any_role() || rule.enter_size() > 0);
    }
    EXPECT_TRUE(body->number() < 40 || !rule.help().empty()) << "no line for who fills it";
    EXPECT_TRUE(rule.two_person() || rule.second_size() == 0) << "names a second signer, asks none";
    EXPECT_TRUE(rule.two_person() || !rule.own_checks()) << "own checks, but of one person";
  }
}

TEST(AnnotationsTest, BodiesAreNamedAndNumberedLikeTheirMessages) {
  // First body number of each file; it ends where the next begins.
  const std::map<int, std::string> files = {
      {32, "event"},        {40, "registry"},    {100, "clinic"},
      {130, "manufacture"}, {160, "transport"},  {190, "infusion"},
      {220, "monitoring"},  {250, "exceptions"}, {300, "none"}};
  for (const FieldDescriptor* body : Bodies()) {
    SCOPED_TRACE(body->name());
    const Descriptor& type = *body->message_type();
    if (body->number() >= 40) {
      EXPECT_EQ(body->name(), SnakeCase(type.name()));
    }
    const std::string& file = std::prev(files.upper_bound(body->number()))->second;
    EXPECT_EQ(type.file()->name(), "custody/v1/" + file + ".proto");
  }
}

TEST(AnnotationsTest, EveryFieldHasALabel) {
  for (const FieldDescriptor* field : Fields()) {
    EXPECT_FALSE(RuleOf(*field).label().empty()) << field->full_name();
  }
}

TEST(AnnotationsTest, UsualRangesLieInsidePossibleOnes) {
  for (const FieldDescriptor* field : Fields()) {
    SCOPED_TRACE(field->full_name());
    const pb::FieldRule& rule = RuleOf(*field);
    if (rule.has_possible_min() && rule.has_possible_max()) {
      EXPECT_LT(rule.possible_min(), rule.possible_max());
    }
    if (!rule.has_usual_min() && !rule.has_usual_max()) continue;
    ASSERT_TRUE(rule.has_usual_min() && rule.has_usual_max());
    EXPECT_LT(rule.usual_min(), rule.usual_max());
    EXPECT_LE(rule.possible_min(), rule.usual_min());
    EXPECT_GE(rule.possible_max(), rule.usual_max());
  }
}

TEST(AnnotationsTest, MeasuredFieldsOfTherapiesArePossiblyBounded) {
  std::set<const Descriptor*> therapy;
  for (const FieldDescriptor* body : Bodies()) {
    if (IsTherapyBody(*body)) Collect(*body->message_type(), therapy);
  }
  for (const Descriptor* type : therapy) {
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor& field = *type->field(i);
      SCOPED_TRACE(field.full_name());
      const pb::FieldRule& rule = RuleOf(field);
      if (!IsNumber(field)) {
        EXPECT_FALSE(rule.has_possible_min() || rule.has_possible_max()) << "range of no number";
        continue;
      }
      EXPECT_TRUE(rule.has_possible_min() && rule.has_possible_max());
      // Where 0 is an answer it must not look like "left empty".
      const bool zero = rule.possible_min() <= 0 && rule.possible_max() >= 0;
      EXPECT_EQ(zero, rule.zero_valid())
          << "0 is possible but not told from absent, or the reverse";
      EXPECT_EQ(field.has_presence(), rule.zero_valid());
    }
  }
}

// What no sensible registry or profile says is a typing error, found before quorums sign it.
TEST(AnnotationsTest, NumbersOfTheRegistryAndOfProfilesAreBounded) {
  std::set<const Descriptor*> types = {pb::Profile::descriptor()};
  for (const FieldDescriptor* body : Bodies()) {
    if (!IsTherapyBody(*body)) Collect(*body->message_type(), types);
  }
  for (int i = 0; i < pb::Profile::descriptor()->field_count(); ++i) {
    const Descriptor* part = pb::Profile::descriptor()->field(i)->message_type();
    if (part != nullptr) types.insert(part);
  }
  int numbers = 0;
  for (const Descriptor* type : types) {
    for (int i = 0; i < type->field_count(); ++i) {
      const FieldDescriptor& field = *type->field(i);
      SCOPED_TRACE(field.full_name());
      const pb::FieldRule& rule = RuleOf(field);
      EXPECT_FALSE(rule.label().empty());
      if (!IsNumber(field)) continue;
      ++numbers;
      ASSERT_TRUE(rule.has_possible_min() && rule.has_possible_max());
      EXPECT_LT(rule.possible_min(), rule.possible_max());
    }
  }
  EXPECT_GE(numbers, 60);
}

TEST(AnnotationsTest, WhatIsRequiredCanBeGiven) {
  for (const FieldDescriptor* field : Fields()) {
    SCOPED_TRACE(field->full_name());
    const pb::FieldRule& rule = RuleOf(*field);
    if (rule.zero_valid()) {
      EXPECT_TRUE(field->has_presence());
    }
    // A bool would make false and "not answered" the same.
    EXPECT_NE(field->cpp_type(), FieldDescriptor::CPPTYPE_BOOL);
    if (!rule.required() || field->cpp_type() != FieldDescriptor::CPPTYPE_ENUM) continue;
    EXPECT_GE(field->enum_type()->value_count(), 2) << "no value but the unspecified one";
  }
}

TEST(AnnotationsTest, FormsHaveNoMapsFloatsGroupsOrOneofs) {
  for (const Descriptor* type : Messages()) {
    EXPECT_EQ(type->real_oneof_decl_count(), 0) << type->full_name();
    EXPECT_EQ(type->extension_range_count(), 0) << type->full_name();
  }
  for (const FieldDescriptor* field : Fields()) {
    EXPECT_FALSE(field->is_map()) << field->full_name();
    EXPECT_NE(field->type(), FieldDescriptor::TYPE_FLOAT) << field->full_name();
    EXPECT_NE(field->type(), FieldDescriptor::TYPE_GROUP) << field->full_name();
  }
}

TEST(AnnotationsTest, EnumsBeginUnspecifiedAndNameTheirValues) {
  // Roles and environments go by their names everywhere; a file cannot use its own extensions.
  const std::set<std::string> unlabelled = {"custody/v1/annotations.proto"};
  std::set<const EnumDescriptor*> enums;
  for (const FieldDescriptor* field : Fields()) {
    if (field->enum_type() != nullptr) enums.insert(field->enum_type());
  }
  EXPECT_GE(enums.size(), 40U);
  for (const EnumDescriptor* type : enums) {
    SCOPED_TRACE(type->full_name());
    EXPECT_EQ(type->value(0)->number(), 0);
    EXPECT_TRUE(type->value(0)->name().ends_with("_UNSPECIFIED")) << type->value(0)->name();
    for (int i = 1; i < type->value_count(); ++i) {
      if (unlabelled.contains(type->file()->name())) continue;
      EXPECT_FALSE(type->value(i)->options().GetExtension(pb::value).label().empty())
          << type->value(i)->name();
    }
  }
}

// Patients appear as commitments alone: no field of a body asks for who they are.
TEST(AnnotationsTest, WristbandsAreCommitments) {
  int wristbands = 0;
  for (const FieldDescriptor* field : Fields()) {
    if (RuleOf(*field).scan() != pb::SCAN_WRISTBAND) continue;
    ++wristbands;
    ASSERT_NE(field->message_type(), nullptr) << field->full_name();
    EXPECT_EQ(field->message_type(), pb::IdentifierCommitment::descriptor()) << field->full_name();
  }
  EXPECT_GE(wristbands, 20);
}

TEST(AnnotationsTest, TheFormatsPageListsEveryBody) {
  std::ostringstream text;
  text << std::ifstream(std::string(CUSTODY_SOURCE_DIR) + "/proto/FORMATS.md").rdbuf();
  const std::string page = text.str();
  std::size_t rows = 0;
  for (std::size_t at = page.find("\n| "); at != std::string::npos;
       at = page.find("\n| ", at + 1)) {
    const std::size_t digits = page.find_first_not_of("0123456789", at + 3);
    if (digits > at + 3 && page.compare(digits, 4, " | `") == 0 && page[digits + 4] != '`') ++rows;
  }
  for (const FieldDescriptor* body : Bodies()) {
    const pb::EventRule& rule = RuleOf(*body->message_type());
    const std::string row = "\n| " + std::to_string(body->number()) + " | `" + body->name() +
                            "` | " + rule.label() + " | " + rule.step() + " |\n";
    EXPECT_NE(page.find(row), std::string::npos) << "FORMATS.md section 12 lacks:" << row;
  }
  EXPECT_GE(rows, Bodies().size());
}

}  // namespace
}  // namespace custody

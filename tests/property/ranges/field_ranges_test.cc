// Every number that any body can carry, at any depth, against its annotation: in the shape that
// admission checks, in rule R07, and in the form that people fill.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <limits>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "client/form_filler.h"
#include "client/forms.h"
#include "custody/body_plan.h"
#include "custody/event.h"
#include "custody/field_check.h"
#include "custody/rules.h"
#include "tests/support/status_matchers.h"
#include "tests/support/test_ledger.h"

namespace custody {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// A number somewhere in a body: the way to it, and what it is called on the way.
struct Number {
  std::vector<const FieldDescriptor*> way;  // from the member of Event down
  std::string fault;                        // "filled.containers[0].volume_ml"
  std::string planned;                      // "filled.containers.volume_ml"
  std::string option;                       // "containers.0.volume-ml"

  const FieldDescriptor& field() const { return *way.back(); }
  const pb::FieldRule& rule() const { return RuleOfField(field()); }
  bool whole() const {
    return field().cpp_type() != FieldDescriptor::CPPTYPE_DOUBLE &&
           field().cpp_type() != FieldDescriptor::CPPTYPE_FLOAT;
  }
  bool natural() const {
    return field().cpp_type() == FieldDescriptor::CPPTYPE_UINT32 ||
           field().cpp_type() == FieldDescriptor::CPPTYPE_UINT64;
  }
};

void Collect(Number at, std::vector<Number>& out) {
  const FieldDescriptor& field = at.field();
  if (field.message_type() == nullptr) {
    if (IsNumber(field)) out.push_back(std::move(at));
    return;
  }
  for (int i = 0; i < field.message_type()->field_count(); ++i) {
    const FieldDescriptor* below = field.message_type()->field(i);
    if (IsTime(*below)) continue;
    const auto same = [&](const auto* f) { return f->message_type() == below->message_type(); };
    if (below->message_type() != nullptr && std::ranges::any_of(at.way, same)) continue;
    Number next = at;
    next.way.push_back(below);
    next.fault += "." + below->name() + (below->is_repeated() ? "[0]" : "");
    next.planned += "." + below->name();
    next.option += (next.option.empty() ? "" : ".") + OptionName(*below);
    // A single value of a repeated number is given by its name alone.
    if (below->is_repeated() && below->message_type() != nullptr) next.option += ".0";
    Collect(std::move(next), out);
  }
}

// Of every body of a therapy.
const std::vector<Number>& Numbers() {
  static const std::vector<Number>& numbers = *[] {
    auto* all = new std::vector<Number>;
    for (const BodyPlan* plan : Plans()) {
      Number body;
      body.way = {plan->body};
      body.fault = body.planned = plan->body->name();
      if (plan->body->name() == "adopted" || plan->body->name() == "profile_published") continue;
      Collect(std::move(body), *all);
    }
    return all;
  }();
  return numbers;
}

void Set(Message& message, const FieldDescriptor& field, double value) {
  const auto* r = message.GetReflection();
  const bool many = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return many ? r->AddDouble(&message, &field, value) : r->SetDouble(&message, &field, value);
    case FieldDescriptor::CPPTYPE_INT32: {
      const auto whole = static_cast<std::int32_t>(value);
      return many ? r->AddInt32(&message, &field, whole) : r->SetInt32(&message, &field, whole);
    }
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto whole = static_cast<std::uint32_t>(value);
      return many ? r->AddUInt32(&message, &field, whole) : r->SetUInt32(&message, &field, whole);
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      const auto whole = static_cast<std::int64_t>(value);
      return many ? r->AddInt64(&message, &field, whole) : r->SetInt64(&message, &field, whole);
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      const auto whole = static_cast<std::uint64_t>(value);
      return many ? r->AddUInt64(&message, &field, whole) : r->SetUInt64(&message, &field, whole);
    }
    default:
      FAIL() << field.full_name() << " is a number of another type";
  }
}

// An event whose body says nothing but this number.
pb::Event With(const Number& number, double value) {
  pb::Event event;
  Message* at = &event;
  for (std::size_t i = 0; i + 1 < number.way.size(); ++i) {
    const auto* reflection = at->GetReflection();
    const FieldDescriptor* field = number.way[i];
    at = field->is_repeated() ? reflection->AddMessage(at, field)
                              : reflection->MutableMessage(at, field);
  }
  Set(*at, number.field(), value);
  return event;
}

// What the shape check says of the number itself; empty: nothing.
std::string FaultOf(const Number& number, double value) {
  const pb::Event event = With(number, value);
  pb::BadFields bad;
  Faults faults(&bad);
  const FieldDescriptor* body = number.way.front();
  CheckFields(event.GetReflection()->GetMessage(event, body), body->name(), faults);
  for (const pb::BadField& field : bad.fields()) {
    if (field.path() == number.fault) return field.reason();
  }
  return "";
}

// The next number that the field's type has.
double Step(const Number& number, double from, bool up) {
  if (number.whole()) return from + (up ? 1 : -1);
  const double far = std::numeric_limits<double>::infinity();
  return std::nextafter(from, up ? far : -far);
}

bool Fits(const Number& number, double value) {
  switch (number.field().cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32:
      return value >= 0 && value <= std::numeric_limits<std::uint32_t>::max();
    case FieldDescriptor::CPPTYPE_INT32:
      return value >= std::numeric_limits<std::int32_t>::min() &&
             value <= std::numeric_limits<std::int32_t>::max();
    case FieldDescriptor::CPPTYPE_UINT64:
      return value >= 0;
    default:
      return true;
  }
}

TEST(FieldRangesTest, ThereAreManyAndEachHasAPossibleRange) {
  EXPECT_GT(Numbers().size(), 200U);
  for (const Number& number : Numbers()) {
    EXPECT_TRUE(number.rule().has_possible_min() && number.rule().has_possible_max())
        << number.fault;
    EXPECT_FALSE(number.rule().label().empty()) << number.fault;
  }
}

TEST(FieldRangesTest, OutsideItsPossibleRangeEachIsRefusedByItsName) {
  for (const Number& number : Numbers()) {
    const pb::FieldRule& rule = number.rule();
    const double least = rule.possible_min();
    const double most = rule.possible_max();
    EXPECT_EQ(FaultOf(number, most), "") << number.fault << " at its most";
    if (least != 0 || rule.zero_valid() || !rule.required()) {
      EXPECT_EQ(FaultOf(number, least), "") << number.fault << " at its least";
    }
    const double above = Step(number, most, true);
    const double below = Step(number, least, false);
    if (Fits(number, above)) {
      const std::string fault = FaultOf(number, above);
      EXPECT_NE(fault.find("must be between"), std::string::npos) << number.fault << " " << above;
      EXPECT_TRUE(fault.starts_with(rule.label())) << fault;
    }
    // Where a zero cannot be told from nothing, it is nothing: asked for when it is required.
    const bool nothing =
        below == 0 && !number.field().has_presence() && !number.field().is_repeated();
    if (nothing) {
      EXPECT_EQ(FaultOf(number, below).empty(), !rule.required()) << number.fault;
    } else if (Fits(number, below)) {
      EXPECT_NE(FaultOf(number, below).find("must be between"), std::string::npos)
          << number.fault << " " << below;
    }
    if (number.whole()) continue;
    for (const double none :
         {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(),
          -std::numeric_limits<double>::infinity()}) {
      EXPECT_NE(FaultOf(number, none), "") << number.fault << " " << none;
    }
  }
}

TEST(FieldRangesTest, ZeroIsAnAnswerWhereTheAnnotationSaysSo) {
  int valid = 0;
  for (const Number& number : Numbers()) {
    const pb::FieldRule& rule = number.rule();
    if (number.field().is_repeated()) continue;
    const bool possible = rule.possible_min() <= 0 && rule.possible_max() >= 0;
    const std::string fault = FaultOf(number, 0);
    if (rule.zero_valid()) {
      EXPECT_TRUE(number.field().has_presence()) << number.fault;
      EXPECT_EQ(fault, "") << number.fault;
      ++valid;
    } else if (rule.required()) {
      EXPECT_NE(fault, "") << number.fault << ": zero would count as an answer";
    } else if (number.field().has_presence()) {
      EXPECT_EQ(fault.empty(), possible) << number.fault;
    }
  }
  EXPECT_GT(valid, 100);
}

// A vital sign has no number, or "not recordable".
TEST(FieldRangesTest, EveryVitalSignMayBeZeroOrNotRecordable) {
  const Descriptor& vitals = *pb::VitalSigns::descriptor();
  std::set<std::string> signs;
  for (int i = 0; i < vitals.field_count(); ++i) {
    if (!IsNumber(*vitals.field(i)) || vitals.field(i)->is_repeated()) continue;
    EXPECT_TRUE(RuleOfField(*vitals.field(i)).zero_valid()) << vitals.field(i)->name();
    signs.insert(vitals.field(i)->name());
  }
  EXPECT_EQ(signs.size(), static_cast<std::size_t>(pb::VitalSign_descriptor()->value_count() - 1));
  pb::Event event;
  auto& taken = *event.mutable_observations_recorded()->add_observations()->mutable_vitals();
  taken.mutable_at()->set_seconds(1);
  for (int i = 1; i < pb::VitalSign_descriptor()->value_count(); ++i) {
    const int sign = pb::VitalSign_descriptor()->value(i)->number();
    taken.add_not_recordable(static_cast<pb::VitalSign>(sign));
  }
  pb::BadFields bad;
  Faults faults(&bad);
  CheckFields(event.observations_recorded(), "observations_recorded", faults);
  for (const pb::BadField& field : bad.fields()) {
    EXPECT_EQ(field.path().find("vitals"), std::string::npos) << field.path();
  }
}

// A possible number outside the usual range, on either side.
std::vector<double> Unusual(const Number& number) {
  const pb::FieldRule& rule = number.rule();
  std::vector<double> out;
  if (rule.has_usual_min()) out.push_back(Step(number, rule.usual_min(), false));
  if (rule.has_usual_max()) out.push_back(Step(number, rule.usual_max(), true));
  std::erase_if(out, [&](double value) {
    const bool zero = value == 0 && !number.field().has_presence();
    return zero || value < rule.possible_min() || value > rule.possible_max() ||
           !Fits(number, value);
  });
  return out;
}

bool Noted(const TestLedger& ledger, const Number& number, double value) {
  ParsedEvent parsed;
  parsed.event = With(number, value);
  parsed.event.set_chain("therapy/T1");
  parsed.event.set_entry(pb::LIVE);
  const pb::Verdict verdict = Judge(parsed, ledger.registry(), pb::TherapyState(), Place{});
  return std::ranges::any_of(verdict.reasons(), [&](const pb::Reason& reason) {
    return reason.rule() == "R07" && reason.subject() == number.planned;
  });
}

TEST(FieldRangesTest, OutsideItsUsualRangeEachIsNotedByR07) {
  const TestLedger ledger;
  int unusual = 0;
  for (const Number& number : Numbers()) {
    if (number.field().is_repeated()) continue;
    if (number.way.front()->containing_oneof() == nullptr) continue;
    for (const double value : Unusual(number)) {
      EXPECT_TRUE(Noted(ledger, number, value)) << number.planned << " " << value;
      ++unusual;
    }
    const pb::FieldRule& rule = number.rule();
    if (!rule.has_usual_min() || !rule.has_usual_max()) continue;
    for (const double value : {rule.usual_min(), rule.usual_max()}) {
      EXPECT_FALSE(Noted(ledger, number, value)) << number.planned << " " << value;
    }
  }
  EXPECT_GT(unusual, 200);
}

// A form that asks for nothing and takes what is given by name.
struct Formed {
  std::string screen;
  std::size_t taken = 0;
};

Formed Form(const Number& number, const std::string& typed) {
  std::istringstream in(typed);
  std::ostringstream out;
  Console console(in, out, out, {.terminal = true});
  FieldSources sources;
  sources.zone = "Europe/Berlin";
  FormFiller filler(console, sources, {}, nullptr);
  filler.LeaveOut([](const FieldDescriptor&) { return true; });
  const auto fields = filler.Fill(*number.way.front());
  return {out.str(), fields.ok() ? fields->size() : 0};
}

std::string Typed(const Number& number, double value) {
  std::ostringstream text;
  text.precision(17);
  text << std::fixed << std::setprecision(number.whole() ? 0 : 17) << value;
  std::string digits = text.str();
  if (!number.whole()) {
    std::ostringstream exact;
    exact.precision(17);
    exact << value;
    digits = exact.str();
  }
  return digits + (number.rule().unit().empty() ? "" : " " + number.rule().unit());
}

TEST(FieldRangesTest, OutsideItsUsualRangeTheFormAsksForEachAgain) {
  int asked = 0;
  for (const Number& number : Numbers()) {
    for (const double value : Unusual(number)) {
      const std::string text = Typed(number, value);
      const std::string line = number.option + " " + text + "\n";
      const Formed confirmed = Form(number, line + text + "\n\n");
      EXPECT_NE(confirmed.screen.find("CHECK"), std::string::npos)
          << number.planned << " " << confirmed.screen;
      EXPECT_EQ(confirmed.taken, 1U) << number.planned << " " << confirmed.screen;
      EXPECT_EQ(Form(number, line + "no\n\n").taken, 0U) << number.planned;
      ++asked;
    }
  }
  EXPECT_GT(asked, 200);
}

TEST(FieldRangesTest, OutsideItsPossibleRangeTheFormRefusesEachByItsLabel) {
  for (const Number& number : Numbers()) {
    const double above = Step(number, number.rule().possible_max(), true);
    if (!Fits(number, above)) continue;
    const Formed formed = Form(number, number.option + " " + Typed(number, above) + "\n\n");
    EXPECT_EQ(formed.taken, 0U) << number.planned << " " << formed.screen;
    EXPECT_NE(formed.screen.find(LabelOf(number.field())), std::string::npos) << formed.screen;
    EXPECT_NE(formed.screen.find("is not possible"), std::string::npos)
        << number.planned << " " << formed.screen;
  }
}

}  // namespace
}  // namespace custody

#include "server/rpc/views.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "custody/chain.h"
#include "custody/claims.h"
#include "custody/event.h"
#include "custody/therapy.h"

namespace custody {
namespace {

// Whether any field that is filled in `message`, at any depth, is of class CLINICAL: a wristband's
// scan stands in the person check inside a receipt.
bool HoldsClinical(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& look = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> filled;
  look.ListFields(message, &filled);
  return std::any_of(filled.begin(), filled.end(), [&](const auto* member) {
    if (RuleOfField(*member).field_class() == pb::CLINICAL) return true;
    if (member->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) return false;
    if (!member->is_repeated()) return HoldsClinical(look.GetMessage(message, member));
    for (int i = 0; i < look.FieldSize(message, member); ++i) {
      if (HoldsClinical(look.GetRepeatedMessage(message, member, i))) return true;
    }
    return false;
  });
}

// Whether a body, or any field that is filled in it, is of class CLINICAL.
bool IsClinical(const pb::Event& event) {
  const google::protobuf::FieldDescriptor* field = BodyField(event);
  if (field == nullptr) return true;
  const pb::FieldClass body_class = RuleOfBody(*field).field_class();
  if (body_class != pb::CUSTODY && body_class != pb::QUALITY) return true;
  return HoldsClinical(event.GetReflection()->GetMessage(event, field));
}

// Whether `message` names the attachment outside what is CLINICAL. `around` is the class of what
// the message stands in; a CLINICAL field makes all below it so, a CLINICAL body only what says
// nothing else.
bool Names(const google::protobuf::Message& message, std::string_view sha256, pb::FieldClass around,
           bool below_clinical) {
  if (message.GetDescriptor() == pb::AttachmentRef::descriptor()) {
    pb::AttachmentRef named;
    named.CopyFrom(message);
    return around != pb::CLINICAL && !below_clinical && named.sha256() == sha256;
  }
  const google::protobuf::Reflection& look = *message.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor*> filled;
  look.ListFields(message, &filled);
  return std::any_of(filled.begin(), filled.end(), [&](const auto* member) {
    if (member->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) return false;
    const pb::FieldClass own = RuleOfField(*member).field_class();
    const pb::FieldClass here = own == pb::FIELD_CLASS_UNSPECIFIED ? around : own;
    const bool clinical = below_clinical || own == pb::CLINICAL;
    if (!member->is_repeated()) {
      return Names(look.GetMessage(message, member), sha256, here, clinical);
    }
    for (int i = 0; i < look.FieldSize(message, member); ++i) {
      if (Names(look.GetRepeatedMessage(message, member, i), sha256, here, clinical)) return true;
    }
    return false;
  });
}

bool IsOwnSite(const Caller& caller, const pb::TherapyState& state) {
  return !caller.site.empty() &&
         (state.site() == caller.site || state.treating_site() == caller.site);
}

}  // namespace

Status Hidden(std::string_view therapy) {
  return NotFound("no therapy " + std::string(therapy) +
                  " that this station may read: check the id, or ask the site that enrolled the "
                  "patient");
}

bool MaySee(const Permit& permit, const pb::TherapyState& state, const Registry& registry) {
  switch (permit.scope) {
    case Scope::kNone:
    case Scope::kRegistry:
      return false;
    case Scope::kOwnSite:
      return IsOwnSite(permit.caller, state);
    case Scope::kParty:
      return IsParty(state, registry, permit.caller.site);
    case Scope::kAll:
      return true;
  }
  return false;
}

StatusOr<pb::GetTherapyReply> Look(Ledger& ledger, const Permit& permit, std::string_view therapy,
                                   std::optional<Instant> as_of, Keep keep) {
  // Who may see a therapy is judged by what is known now, also when its past is asked for.
  StatusOr<pb::GetTherapyReply> now = ledger.GetTherapy(therapy, std::nullopt, keep);
  if (!now.ok()) {
    return now.status().code() == StatusCode::kNotFound ? Hidden(therapy) : now.status();
  }
  if (!MaySee(permit, now->state(), *ledger.registry())) return Hidden(therapy);
  if (!as_of.has_value()) return now;
  return ledger.GetTherapy(therapy, as_of, keep);
}

pb::GetTherapyReply InView(const pb::GetTherapyReply& reply, const Caller& caller,
                           const Registry& registry) {
  pb::GetTherapyReply view;
  view.set_length(reply.length());
  view.set_head(reply.head());
  *view.mutable_state() = ViewFor(reply.state(), registry, caller.site);
  return view;
}

bool MayReadBody(Who who, const pb::Event& event) {
  switch (who) {
    case Who::kClinic:
    case Who::kOversight:
      return true;
    case Who::kManufacturer: {
      if (!event.has_adopted()) return !IsClinical(event);
      pb::Event original;  // what was adopted decides, not that it was
      return original.ParseFromString(event.adopted().original().payload()) &&
             !original.has_adopted() && !IsClinical(original);
    }
    case Who::kCarrier:
    case Who::kAdmin:
      return false;
  }
  return false;
}

bool NamesAttachment(const pb::Event& event, const Hash& sha256) {
  const google::protobuf::FieldDescriptor* body = BodyField(event);
  if (body == nullptr) return false;
  if (event.has_adopted()) {
    pb::Event original;
    return original.ParseFromString(event.adopted().original().payload()) &&
           !original.has_adopted() && NamesAttachment(original, sha256);
  }
  return Names(event.GetReflection()->GetMessage(event, body), sha256.view(),
               RuleOfBody(*body).field_class(), false);
}

StatusOr<bool> MayReadAttachment(Ledger& ledger, const Caller& caller, std::string_view therapy,
                                 const Hash& sha256) {
  if (caller.who == Who::kClinic || caller.who == Who::kOversight) return true;
  if (caller.who != Who::kManufacturer) return false;
  pb::ReadEntriesRequest chain;
  chain.set_chain(TherapyChain(therapy));
  chain.set_with_events(true);
  bool named = false;
  const auto visit = [&](const pb::EntryReply& entry) {
    pb::Event event;
    named = event.ParseFromString(entry.signed_().payload()) && NamesAttachment(event, sha256);
    return !named;
  };
  CUSTODY_RETURN_IF_ERROR(ledger.ReadEntries(
      chain, [](const Hash&) { return true; }, visit));
  return named;
}

bool MayKnowBody(Who who, std::string_view body) {
  if (who == Who::kClinic || who == Who::kOversight) return true;
  const google::protobuf::FieldDescriptor* field = FindBody(body);
  if (field == nullptr) return false;
  const pb::EventRule& rule = RuleOfBody(*field);
  if (who == Who::kManufacturer) return rule.field_class() != pb::CLINICAL;
  return who == Who::kCarrier &&
         std::find(rule.enter().begin(), rule.enter().end(), pb::COUR) != rule.enter().end();
}

Hash WhatIsShown(const pb::GetTherapyReply& view) {
  pb::TherapyState shown = view.state();
  shown.clear_length();
  shown.clear_head();
  shown.clear_index();
  shown.clear_updated_us();
  shown.clear_event_prefixes();
  shown.clear_event_bodies();
  return Sha256(shown.SerializeAsString());
}

bool VerdictInView(const Caller& caller, const Registry& registry, pb::Verdict& verdict) {
  if (caller.who == Who::kClinic || caller.who == Who::kOversight) return false;
  return HideReasons(*verdict.mutable_reasons(), registry, caller.site);
}

namespace {

bool HideHoldersIn(pb::Verdict& verdict, const std::function<bool(const std::string&)>& may_know) {
  bool hidden = false;
  for (pb::Reason& reason : *verdict.mutable_reasons()) {
    if (reason.rule() != "R05" && reason.rule() != "R15") continue;
    hidden = HideHolders(*reason.mutable_found(), may_know) || hidden;
  }
  return hidden;
}

}  // namespace

bool HoldersInView(Ledger& ledger, const Permit& permit, pb::Verdict& verdict) {
  Permit as_party = permit;
  if (permit.scope != Scope::kAll) as_party.scope = Scope::kParty;
  return HideHoldersIn(
      verdict, [&](const std::string& therapy) { return Look(ledger, as_party, therapy).ok(); });
}

void WithoutHolders(pb::Verdict& verdict) {
  HideHoldersIn(verdict, [](const std::string&) { return false; });
}

void StepsInView(const Caller& caller, const Registry& registry, pb::NextStepsReply& steps) {
  if (caller.who == Who::kClinic || caller.who == Who::kOversight) return;
  auto* list = steps.mutable_steps();
  const auto hidden = [&](const pb::NextStep& step) {
    if (caller.who == Who::kCarrier) {
      return std::find(step.roles().begin(), step.roles().end(), pb::COUR) == step.roles().end();
    }
    const google::protobuf::FieldDescriptor* body = FindBody(step.body());
    return body == nullptr || RuleOfBody(*body).field_class() == pb::CLINICAL;
  };
  list->erase(std::remove_if(list->begin(), list->end(), hidden), list->end());
  for (pb::NextStep& step : *list) HideReasons(*step.mutable_reasons(), registry, caller.site);
}

void ReduceVerdict(pb::Verdict& verdict) {
  auto* reasons = verdict.mutable_reasons();
  const auto tells = [](const pb::Reason& reason) {
    return reason.rule() != "R01" && reason.rule() != "R45";
  };
  reasons->erase(std::remove_if(reasons->begin(), reasons->end(), tells), reasons->end());
  verdict.clear_profile();
}

Status CheckChain(Ledger& ledger, const Permit& permit, std::string_view chain, bool new_allowed) {
  CUSTODY_ASSIGN_OR_RETURN(const Chain parsed, Chain::Parse(chain));
  if (parsed.kind() != ChainKind::kTherapy || permit.scope == Scope::kAll) {
    return permit.scope == Scope::kNone ? PermissionDenied("not open to this station") : Status();
  }
  if (permit.scope == Scope::kRegistry) {
    return PermissionDenied(std::string(CallName(permit.call)) + " is open to station " +
                            permit.caller.station + " for registry chains only");
  }
  const StatusOr<pb::GetTherapyReply> state =
      ledger.GetTherapy(parsed.id(), std::nullopt, Keep::kYes);
  if (!state.ok()) {
    if (state.status().code() != StatusCode::kNotFound) return state.status();
    return new_allowed ? Status() : Hidden(parsed.id());
  }
  return MaySee(permit, state->state(), *ledger.registry()) ? Status() : Hidden(parsed.id());
}

std::string PeekChain(std::string_view payload) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(payload.data()),
                                            static_cast<int>(payload.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    if (tag == WireFormatLite::MakeTag(pb::Event::kChainFieldNumber,
                                       WireFormatLite::WIRETYPE_LENGTH_DELIMITED)) {
      std::uint32_t length = 0;
      std::string chain;
      if (!in.ReadVarint32(&length) || length > 256) return "";
      if (!in.ReadString(&chain, static_cast<int>(length))) return "";
      return chain;
    }
    if (!WireFormatLite::SkipField(&in, tag)) return "";
  }
  return "";
}

bool IsFromAnywhere(std::string_view payload) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(payload.data()),
                                            static_cast<int>(payload.size()));
  while (const std::uint32_t tag = in.ReadTag()) {
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    if (field == pb::Event::kWrongItemPresentedFieldNumber ||
        field == pb::Event::kIdentityInDoubtFieldNumber) {
      return true;
    }
    if (!WireFormatLite::SkipField(&in, tag)) return false;
  }
  return false;
}

bool IsRegistryChain(std::string_view chain) {
  return chain == "registry" || chain.starts_with("registry/");
}

}  // namespace custody

#include "server/rpc/views.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <vector>

#include "custody/event.h"
#include "custody/therapy.h"

namespace custody {
namespace {

// Whether a body, or any field that is filled in it, is of class CLINICAL.
bool IsClinical(const pb::Event& event) {
  const google::protobuf::FieldDescriptor* field = BodyField(event);
  if (field == nullptr) return true;
  const pb::FieldClass body_class = RuleOfBody(*field).field_class();
  if (body_class != pb::CUSTODY && body_class != pb::QUALITY) return true;
  const google::protobuf::Message& body = event.GetReflection()->GetMessage(event, field);
  std::vector<const google::protobuf::FieldDescriptor*> filled;
  body.GetReflection()->ListFields(body, &filled);
  return std::any_of(filled.begin(), filled.end(), [](const auto* member) {
    return RuleOfField(*member).field_class() == pb::CLINICAL;
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
                                   std::optional<Instant> as_of) {
  // Who may see a therapy is judged by what is known now, also when its past is asked for.
  StatusOr<pb::GetTherapyReply> now = ledger.GetTherapy(therapy, std::nullopt);
  if (!now.ok()) {
    return now.status().code() == StatusCode::kNotFound ? Hidden(therapy) : now.status();
  }
  if (!MaySee(permit, now->state(), *ledger.registry())) return Hidden(therapy);
  if (!as_of.has_value()) return now;
  return ledger.GetTherapy(therapy, as_of);
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

bool VerdictInView(const Caller& caller, const Registry& registry, pb::Verdict& verdict) {
  if (caller.who == Who::kClinic || caller.who == Who::kOversight) return false;
  return HideReasons(*verdict.mutable_reasons(), registry, caller.site);
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
  const StatusOr<pb::GetTherapyReply> state = ledger.GetTherapy(parsed.id(), std::nullopt);
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

bool IsRegistryChain(std::string_view chain) {
  return chain == "registry" || chain.starts_with("registry/");
}

}  // namespace custody

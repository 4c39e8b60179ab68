// Writing a bundle: one record a line, so that people can page through it and tools can compare
// two.
//
// Each record goes through the JSON library, the file as a whole does not: a tree of everything
// would take several times the file's size again.
#include <nlohmann/json.hpp>
#include <set>

#include "crypto/encoding.h"
#include "custody/bundle.h"
#include "custody/event.h"

namespace custody {
namespace {

using Json = nlohmann::ordered_json;

StatusOr<std::string_view> EnvironmentName(pb::Environment environment) {
  switch (environment) {
    case pb::DEMO:
      return "demo";
    case pb::VALIDATION:
      return "validation";
    case pb::PRODUCTION:
      return "production";
    default:
      return InvalidArgument("expected the environment of the ledger, found none");
  }
}

// `Dump` gives INVALID_ARGUMENT for text that is not UTF-8, where the library would throw.
StatusOr<std::string> Dump(const Json& value) {
  try {
    return value.dump();
  } catch (const Json::exception& error) {
    return InvalidArgument(std::string("cannot be written as json: ") + error.what());
  }
}

Json PathJson(const std::vector<Hash>& path) {
  Json hashes = Json::array();
  for (const Hash& hash : path) hashes.push_back(Base64(hash.view()));
  return hashes;
}

StatusOr<std::string> ViewOf(const BundleEntry& entry) {
  if (!entry.view.empty()) return entry.view;
  CUSTODY_ASSIGN_OR_RETURN(const ParsedEvent parsed, ParseEvent(entry.signed_event.payload()));
  return DecodedView(parsed.event);
}

StatusOr<std::string> EntryText(const BundleEntry& entry) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string view, ViewOf(entry));
  Json object;
  object["index"] = entry.index;
  object["entry"] = Base64(entry.entry);
  object["path"] = PathJson(entry.path);
  object["payload"] = Base64(entry.signed_event.payload());
  object["signatures"] = Json::array();
  for (const pb::Signature& signature : entry.signed_event.signatures()) {
    object["signatures"].push_back(
        {{"keyid", Hex(signature.key_id())}, {"sig", Base64(signature.value())}});
  }
  object["event"] = Json::parse(view, nullptr, /*allow_exceptions=*/false);
  if (object["event"].is_discarded())
    return InvalidArgument("the decoded view of entry " + std::to_string(entry.index) +
                           " is not json");
  return Dump(object);
}

Json HeadJson(const BundleHead& head) {
  Json object;
  object["length"] = head.length;
  object["head"] = head.head.ToHex();
  object["siblings"] = Json::array();
  for (const Hash& sibling : head.siblings) object["siblings"].push_back(sibling.ToHex());
  return object;
}

Json AttachmentJson(const BundleAttachment& attachment) {
  Json object;
  object["mediaType"] = attachment.media_type;
  object["size"] = attachment.size;
  if (attachment.bytes) object["data"] = Base64(*attachment.bytes);
  return object;
}

// `Writer` puts keys and values down with the commas between them.
class Writer {
 public:
  Status Value(std::string_view key, const Json& value) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string text, Dump(value));
    CUSTODY_RETURN_IF_ERROR(Key(key));
    text_ += text;
    return absl::OkStatus();
  }
  Status Open(std::string_view key, char bracket) {
    CUSTODY_RETURN_IF_ERROR(Key(key));
    text_ += bracket;
    first_ = true;
    return absl::OkStatus();
  }
  void Element(std::string_view text) {
    Separate();
    text_ += text;
  }
  void Close(char bracket) {
    text_ += '\n';
    text_ += bracket;
    first_ = false;
  }
  std::string Take() && { return "{" + std::move(text_) + "\n}\n"; }

 private:
  void Separate() {
    text_ += first_ ? "\n" : ",\n";
    first_ = false;
  }
  Status Key(std::string_view key) {
    CUSTODY_ASSIGN_OR_RETURN(const std::string text, Dump(Json(key)));
    Separate();
    text_ += text + ": ";
    return absl::OkStatus();
  }

  std::string text_;
  bool first_ = true;
};

Status WriteHeader(const Bundle& bundle, Writer& writer) {
  CUSTODY_ASSIGN_OR_RETURN(const std::string_view environment, EnvironmentName(bundle.environment));
  CUSTODY_RETURN_IF_ERROR(writer.Value("custodyBundle", 1));
  CUSTODY_RETURN_IF_ERROR(writer.Value("origin", bundle.origin));
  CUSTODY_RETURN_IF_ERROR(writer.Value("logKey", bundle.log_key));
  CUSTODY_RETURN_IF_ERROR(writer.Value("genesis", bundle.genesis.ToHex()));
  CUSTODY_RETURN_IF_ERROR(writer.Value("environment", environment));
  return writer.Value("checkpoint", bundle.checkpoint);
}

Status WriteChains(const Bundle& bundle, Writer& writer) {
  CUSTODY_RETURN_IF_ERROR(writer.Open("chains", '{'));
  for (const auto& [chain, entries] : bundle.chains) {
    CUSTODY_RETURN_IF_ERROR(writer.Open(chain, '['));
    for (const BundleEntry& entry : entries) {
      auto text = EntryText(entry);
      if (!text.ok()) return WithContext(text.status(), chain);
      writer.Element(*text);
    }
    writer.Close(']');
  }
  writer.Close('}');
  return absl::OkStatus();
}

Status WriteMaps(const Bundle& bundle, Writer& writer) {
  CUSTODY_RETURN_IF_ERROR(writer.Open("heads", '{'));
  for (const auto& [chain, head] : bundle.heads)
    CUSTODY_RETURN_IF_ERROR(writer.Value(chain, HeadJson(head)));
  writer.Close('}');
  CUSTODY_RETURN_IF_ERROR(writer.Value("schema", Base64(bundle.schema)));
  CUSTODY_RETURN_IF_ERROR(writer.Open("attachments", '{'));
  for (const auto& [sha256, attachment] : bundle.attachments)
    CUSTODY_RETURN_IF_ERROR(writer.Value(sha256, AttachmentJson(attachment)));
  writer.Close('}');
  return absl::OkStatus();
}

Status WriteContinues(const Bundle& bundle, Writer& writer) {
  if (bundle.continues.empty()) return absl::OkStatus();
  Json all = Json::array();
  for (const BundleContinuation& continuation : bundle.continues) {
    all.push_back({{"origin", continuation.origin},
                   {"logKey", continuation.log_key},
                   {"genesis", continuation.genesis.ToHex()},
                   {"checkpoint", continuation.checkpoint}});
  }
  return writer.Value("continues", all);
}

}  // namespace

std::vector<std::string> ChainsNeededBy(const ParsedEvent& event, const Registry& registry) {
  std::set<std::string> chains = {"registry"};
  const auto collect = [&](const pb::Event& signed_by) {
    if (const EnrolledStation* station = registry.FindStation(signed_by.station()))
      chains.insert("registry/" + station->site);
    const auto enrolled = [&](const std::string& id) {
      const EnrolledPerson* person = registry.FindPerson(id);
      if (person != nullptr) chains.insert(person->enrolled_in);
    };
    for (const pb::Signer& signer : signed_by.signers()) enrolled(signer.person());
    for (const pb::Performer& performer : signed_by.performed_by()) enrolled(performer.person());
  };
  collect(event.event);
  if (event.original) collect(event.original->event);
  return {chains.begin(), chains.end()};
}

StatusOr<std::string> WriteBundle(const Bundle& bundle) {
  Writer writer;
  CUSTODY_RETURN_IF_ERROR(WriteHeader(bundle, writer));
  CUSTODY_RETURN_IF_ERROR(WriteChains(bundle, writer));
  Json last;
  last["index"] = bundle.last_index;
  last["entry"] = Base64(bundle.last_entry);
  last["path"] = PathJson(bundle.last_path);
  CUSTODY_RETURN_IF_ERROR(writer.Value("lastEntry", last));
  CUSTODY_RETURN_IF_ERROR(WriteMaps(bundle, writer));
  CUSTODY_RETURN_IF_ERROR(WriteContinues(bundle, writer));
  return std::move(writer).Take();
}

}  // namespace custody

// Reading a bundle: strict, in one pass, and never stopping at the first fault.
//
// The library's tree of a file of 1 GiB would take several times as much again, and it silently
// keeps the last of two equal keys. So this reads by events (SAX): a stack of frames says where in
// the format we are, a table says which keys belong there, and every text is decoded to bytes as it
// passes. What does not belong is a finding with its place, is skipped as a whole, and reading goes
// on; only broken JSON ends it, because nobody can say where to resume.
//
// The decoded view is the one part that is not ours to know the shape of: it is kept as compact
// JSON text for the auditor to compare, and only watched for repeated keys.
//
// Long because it is one machine: frames, the table of keys and what each text becomes make sense
// only side by side.
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/utf8.h"
#include "custody/bundle.h"

namespace custody {
namespace {

using nlohmann::json;

constexpr std::uint64_t kNumberEnd = std::uint64_t{1} << 53;
constexpr std::size_t kMaxDepth = 100;

enum class Frame {
  kBundle,
  kChains,
  kChain,
  kEntry,
  kPath,
  kSignatures,
  kSignature,
  kView,
  kLastEntry,
  kLastPath,
  kHeads,
  kHead,
  kSiblings,
  kAttachments,
  kAttachment,
  kContinues,
  kContinuation,
  kSkipped,
};

enum class Kind { kText, kNumber, kObject, kArray, kOther };

constexpr std::string_view NameOf(Kind kind) {
  constexpr std::array<std::string_view, 5> kNames = {"text", "a whole number", "an object",
                                                      "an array", "true, false or null"};
  return kNames[static_cast<std::size_t>(kind)];
}

// What may stand under `key` in a frame; an empty key stands for any (maps, and array elements).
struct Field {
  Frame frame;
  std::string_view key;
  Kind kind;
  Frame inside = Frame::kSkipped;  // the frame that an object or array opens
  bool required = true;
};

constexpr Field kFields[] = {
    {Frame::kBundle, "custodyBundle", Kind::kNumber},
    {Frame::kBundle, "origin", Kind::kText},
    {Frame::kBundle, "logKey", Kind::kText},
    {Frame::kBundle, "genesis", Kind::kText},
    {Frame::kBundle, "environment", Kind::kText},
    {Frame::kBundle, "checkpoint", Kind::kText},
    {Frame::kBundle, "chains", Kind::kObject, Frame::kChains},
    {Frame::kBundle, "lastEntry", Kind::kObject, Frame::kLastEntry},
    {Frame::kBundle, "heads", Kind::kObject, Frame::kHeads},
    {Frame::kBundle, "schema", Kind::kText},
    {Frame::kBundle, "attachments", Kind::kObject, Frame::kAttachments},
    {Frame::kBundle, "continues", Kind::kArray, Frame::kContinues, false},
    {Frame::kChains, "", Kind::kArray, Frame::kChain},
    {Frame::kChain, "", Kind::kObject, Frame::kEntry},
    {Frame::kEntry, "index", Kind::kNumber},
    {Frame::kEntry, "entry", Kind::kText},
    {Frame::kEntry, "path", Kind::kArray, Frame::kPath},
    {Frame::kEntry, "payload", Kind::kText},
    {Frame::kEntry, "signatures", Kind::kArray, Frame::kSignatures},
    {Frame::kEntry, "event", Kind::kObject, Frame::kView},
    {Frame::kPath, "", Kind::kText},
    {Frame::kSignatures, "", Kind::kObject, Frame::kSignature},
    {Frame::kSignature, "keyid", Kind::kText},
    {Frame::kSignature, "sig", Kind::kText},
    {Frame::kLastEntry, "index", Kind::kNumber},
    {Frame::kLastEntry, "entry", Kind::kText},
    {Frame::kLastEntry, "path", Kind::kArray, Frame::kLastPath},
    {Frame::kLastPath, "", Kind::kText},
    {Frame::kHeads, "", Kind::kObject, Frame::kHead},
    {Frame::kHead, "length", Kind::kNumber},
    {Frame::kHead, "head", Kind::kText},
    {Frame::kHead, "siblings", Kind::kArray, Frame::kSiblings},
    {Frame::kSiblings, "", Kind::kText},
    {Frame::kAttachments, "", Kind::kObject, Frame::kAttachment},
    {Frame::kAttachment, "mediaType", Kind::kText},
    {Frame::kAttachment, "size", Kind::kNumber},
    {Frame::kAttachment, "data", Kind::kText, Frame::kSkipped, false},
    {Frame::kContinues, "", Kind::kObject, Frame::kContinuation},
    {Frame::kContinuation, "origin", Kind::kText},
    {Frame::kContinuation, "logKey", Kind::kText},
    {Frame::kContinuation, "genesis", Kind::kText},
    {Frame::kContinuation, "checkpoint", Kind::kText},
};

const Field* FindField(Frame frame, std::string_view key) {
  for (const Field& field : kFields) {
    if (field.frame == frame && (field.key.empty() || field.key == key)) return &field;
  }
  return nullptr;
}

class Reader {
 public:
  using number_integer_t = json::number_integer_t;
  using number_unsigned_t = json::number_unsigned_t;
  using number_float_t = json::number_float_t;
  using string_t = json::string_t;
  using binary_t = json::binary_t;

  explicit Reader(std::vector<pb::Finding>& findings) : findings_(findings) {}

  bool began() const { return began_; }
  Bundle Take() { return std::move(bundle_); }
  // `BreakOff` takes out what the file was saying when it could not be read further: half of it
  // would look like a forgery.
  void BreakOff();

  // The library's side: its names are not ours to choose.
  bool null() { return Scalar(Kind::kOther, "null"); }
  bool boolean(bool value) { return Scalar(Kind::kOther, value ? "true" : "false"); }
  bool number_integer(number_integer_t value) {
    return Scalar(Kind::kOther, std::to_string(value), "a negative number");
  }
  bool number_float(number_float_t, const string_t& text) {
    return Scalar(Kind::kOther, text, "a number with fraction or exponent");
  }
  bool number_unsigned(number_unsigned_t value);
  bool string(string_t& value);
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return Open(Kind::kObject); }
  bool start_array(std::size_t) { return Open(Kind::kArray); }
  bool key(string_t& key);
  bool end_object() { return Close('}'); }
  bool end_array() { return Close(']'); }
  bool parse_error(std::size_t position, const std::string&, const json::exception&);

  void Report(std::string_view check, const std::string& reason);
  // `Sum` says how many findings were not listed.
  void Sum();

 private:
  struct Level {
    Frame frame;
    bool array = false;
    std::string key;               // the key whose value is being read
    bool skip_value = false;       // the key was unknown or stood before
    std::uint64_t count = 0;       // keys or elements so far
    std::set<std::string> seen{};  // keys so far
  };

  bool Scalar(Kind kind, std::string_view text, std::string_view found = {});
  bool Open(Kind kind);
  bool Close(char closing);
  // `Expect` counts an element and finds what may stand here; null (reported) when `kind` may not.
  const Field* Expect(Kind kind, std::string_view found);
  void Enter(Frame frame);
  void CheckComplete(const Level& level);
  void BeginViewValue(const Level& level);
  void Number(const Field& field, std::uint64_t value);
  void Text(const Field& field, std::string_view text);
  void BundleText(std::string_view key, std::string_view text);
  void ContinuationText(std::string_view key, std::string_view text);
  std::string Where() const;

  void HashFromHex(std::string_view text, Hash& hash);
  void HashFromBase64(std::string_view text, std::vector<Hash>& hashes);
  void Bytes(StatusOr<std::string> decoded, std::string& bytes);

  // A file of zeros where records should be must not fill the memory with what is wrong with it.
  static constexpr std::size_t kMostFindings = 10'000;
  std::vector<pb::Finding>& findings_;
  std::uint64_t unsaid_ = 0;  // findings beyond those
  Bundle bundle_;
  bool began_ = false;
  std::vector<Level> levels_;
  std::vector<BundleEntry>* chain_ = nullptr;  // being read, like those below
  BundleHead* head_ = nullptr;
  BundleAttachment* attachment_ = nullptr;
};

// So much of a forger's key or value as tells people where to look.
std::string Cut(std::string_view text) {
  constexpr std::size_t kShown = 100;
  if (text.size() <= kShown) return std::string(text);
  std::string_view rest = text.substr(0, kShown);
  while (!rest.empty() && TakeCodePoint(rest) != kNoCodePoint) {
  }
  return std::string(text.substr(0, kShown - rest.size())) + "...";  // whole characters
}

void Reader::Report(std::string_view check, const std::string& reason) {
  if (findings_.size() >= kMostFindings) {
    ++unsaid_;
    return;
  }
  pb::Finding& finding = findings_.emplace_back();
  finding.set_grade(pb::UNREADABLE);
  finding.set_check(std::string(check));
  finding.set_reason(levels_.empty() ? reason : Where() + ": " + reason);
  if (levels_.size() < 3 || levels_[2].frame != Frame::kChain) return;
  finding.set_chain(Cut(levels_[1].key));
  const std::uint64_t count = levels_[2].count;
  if (count > 0) finding.set_sequence(count - 1);
  if (count > 0 && chain_->size() == count && chain_->back().index != 0)
    finding.set_index(chain_->back().index);
}

void Reader::BreakOff() {
  bundle_.whole = levels_.empty();
  for (std::size_t i = 1; i < levels_.size(); ++i) {
    const std::string& key = levels_[i - 1].key;
    switch (levels_[i].frame) {
      case Frame::kEntry:
        chain_->pop_back();
        return;
      case Frame::kLastEntry:
        bundle_.last_entry.clear();
        return;
      case Frame::kHead:
        bundle_.heads.erase(key);
        return;
      case Frame::kAttachment:
        bundle_.attachments.erase(key);
        return;
      case Frame::kContinuation:
        bundle_.continues.pop_back();
        return;
      default:
        break;
    }
  }
}

void Reader::Sum() {
  if (unsaid_ == 0) return;
  pb::Finding& finding = findings_.emplace_back();
  finding.set_grade(pb::UNREADABLE);
  finding.set_check("json");
  finding.set_reason("and " + std::to_string(unsaid_) + " findings more, which are not listed");
}

// Where we are, as people write it: chains["therapy/A1"][3].path[2].
std::string Reader::Where() const {
  std::string where;
  for (const Level& level : levels_) {
    if (level.array) {
      if (level.count > 0) where += "[" + std::to_string(level.count - 1) + "]";
    } else if (level.frame == Frame::kChains || level.frame == Frame::kHeads ||
               level.frame == Frame::kAttachments) {
      if (!level.key.empty()) where += "[\"" + Cut(level.key) + "\"]";
    } else if (!level.key.empty()) {
      where += (where.empty() ? "" : ".") + Cut(level.key);
    }
  }
  return where.empty() ? "top level" : where;
}

const Field* Reader::Expect(Kind kind, std::string_view found) {
  Level& level = levels_.back();
  if (level.array) ++level.count;
  if (level.skip_value || level.frame == Frame::kSkipped) return nullptr;
  const Field* field = FindField(level.frame, level.key);
  if (field != nullptr && field->kind == kind) return field;
  const std::string_view expected = field == nullptr ? "nothing" : NameOf(field->kind);
  Report("json", "expected " + std::string(expected) + ", found " +
                     std::string(found.empty() ? NameOf(kind) : found));
  return nullptr;
}

void Reader::BeginViewValue(const Level& level) {
  if (level.array && level.count > 0) chain_->back().view += ',';
}

bool Reader::Scalar(Kind kind, std::string_view text, std::string_view found) {
  if (levels_.empty()) return true;
  if (levels_.back().frame == Frame::kView) {
    BeginViewValue(levels_.back());
    ++levels_.back().count;
    chain_->back().view += text;
    return true;
  }
  Expect(kind, found);
  return true;
}

bool Reader::number_unsigned(number_unsigned_t value) {
  if (levels_.empty() || levels_.back().frame == Frame::kView)
    return Scalar(Kind::kNumber, std::to_string(value));
  const Field* field = Expect(Kind::kNumber, {});
  if (field == nullptr) return true;
  if (value >= kNumberEnd) {
    Report("json", "expected a number below 2^53, found " + std::to_string(value));
  } else {
    Number(*field, value);
  }
  return true;
}

bool Reader::string(string_t& value) {
  if (levels_.empty() || levels_.back().frame == Frame::kView)
    return Scalar(Kind::kText, json(std::move(value)).dump());
  if (const Field* field = Expect(Kind::kText, {})) Text(*field, value);
  return true;
}

bool Reader::key(string_t& key) {
  Level& level = levels_.back();
  const bool first = level.seen.insert(key).second;
  level.key = key;
  level.skip_value = false;
  if (level.frame == Frame::kView) {
    if (level.count++ > 0) chain_->back().view += ',';
    chain_->back().view += json(key).dump() + ":";
    if (!first) Report("json", "expected each key once, found it again");
    return true;
  }
  ++level.count;
  if (level.frame == Frame::kSkipped) return true;
  if (!first) {
    level.skip_value = true;
    Report("json", "expected each key once, found it again; the first was used");
  } else if (FindField(level.frame, key) == nullptr) {
    level.skip_value = true;
    Report("json", "unknown key");
  }
  return true;
}

bool Reader::Open(Kind kind) {
  const bool array = kind == Kind::kArray;
  if (levels_.empty()) {
    began_ = !array;
    if (began_) levels_.push_back({.frame = Frame::kBundle, .array = false, .key = {}});
    return began_;
  }
  if (levels_.size() >= kMaxDepth) {
    Report("json", "expected at most " + std::to_string(kMaxDepth) + " levels; not read further");
    return false;
  }
  Frame inside = Frame::kSkipped;
  if (levels_.back().frame == Frame::kView) {
    BeginViewValue(levels_.back());
    if (levels_.back().array) ++levels_.back().count;
    inside = Frame::kView;
  } else if (const Field* field = Expect(kind, {})) {
    inside = field->inside;
    Enter(inside);
  }
  if (inside == Frame::kView) chain_->back().view += array ? '[' : '{';
  levels_.push_back({.frame = inside, .array = array, .key = {}});
  return true;
}

// Makes room for what the frame will fill.
void Reader::Enter(Frame frame) {
  const std::string& key = levels_.back().key;
  if (frame == Frame::kChain) chain_ = &bundle_.chains[key];
  if (frame == Frame::kEntry) chain_->emplace_back();
  if (frame == Frame::kSignature) chain_->back().signed_event.add_signatures();
  if (frame == Frame::kHead) head_ = &bundle_.heads[key];
  if (frame == Frame::kAttachment) attachment_ = &bundle_.attachments[key];
  if (frame == Frame::kContinuation) bundle_.continues.emplace_back();
}

bool Reader::Close(char closing) {
  const Level level = std::move(levels_.back());
  levels_.pop_back();
  if (level.frame == Frame::kView) {
    chain_->back().view += closing;
  } else if (level.frame != Frame::kSkipped && !level.array) {
    CheckComplete(level);
  }
  return true;
}

void Reader::CheckComplete(const Level& level) {
  for (const Field& field : kFields) {
    if (field.frame != level.frame || field.key.empty() || !field.required) continue;
    if (!level.seen.contains(std::string(field.key)))
      Report("json", "expected key \"" + std::string(field.key) + "\", found none");
  }
}

void Reader::Number(const Field& field, std::uint64_t value) {
  switch (field.frame) {
    case Frame::kBundle:
      if (value != 1)
        Report("version", "expected 1, found " + std::to_string(value) +
                              "; a newer file needs a newer program");
      break;
    case Frame::kEntry:
      chain_->back().index = value;
      break;
    case Frame::kLastEntry:
      bundle_.last_index = value;
      break;
    case Frame::kHead:
      head_->length = value;
      break;
    case Frame::kAttachment:
      attachment_->size = value;
      break;
    default:
      break;
  }
}

void Reader::Text(const Field& field, std::string_view text) {
  switch (field.frame) {
    case Frame::kBundle:
      return BundleText(field.key, text);
    case Frame::kEntry: {
      BundleEntry& entry = chain_->back();
      return Bytes(DecodeBase64(text),
                   field.key == "entry" ? entry.entry : *entry.signed_event.mutable_payload());
    }
    case Frame::kPath:
      return HashFromBase64(text, chain_->back().path);
    case Frame::kSignature: {
      auto& signatures = *chain_->back().signed_event.mutable_signatures();
      pb::Signature& signature = *signatures.Mutable(signatures.size() - 1);
      if (field.key == "sig") return Bytes(DecodeBase64(text), *signature.mutable_value());
      return Bytes(DecodeHex(text), *signature.mutable_key_id());
    }
    case Frame::kLastEntry:
      return Bytes(DecodeBase64(text), bundle_.last_entry);
    case Frame::kLastPath:
      return HashFromBase64(text, bundle_.last_path);
    case Frame::kHead:
      return HashFromHex(text, head_->head);
    case Frame::kSiblings:
      return HashFromHex(text, head_->siblings.emplace_back());
    case Frame::kAttachment:
      if (field.key == "mediaType") {
        attachment_->media_type = text;
      } else {
        Bytes(DecodeBase64(text), attachment_->bytes.emplace());
      }
      return;
    default:
      return ContinuationText(field.key, text);
  }
}

void Reader::BundleText(std::string_view key, std::string_view text) {
  if (key == "origin") bundle_.origin = text;
  if (key == "logKey") bundle_.log_key = text;
  if (key == "genesis") HashFromHex(text, bundle_.genesis);
  if (key == "checkpoint") bundle_.checkpoint = text;
  if (key == "schema") Bytes(DecodeBase64(text), bundle_.schema);
  if (key != "environment") return;
  if (text == "demo") bundle_.environment = pb::DEMO;
  if (text == "validation") bundle_.environment = pb::VALIDATION;
  if (text == "production") bundle_.environment = pb::PRODUCTION;
  if (bundle_.environment == pb::ENVIRONMENT_UNSPECIFIED)
    Report("json", "expected demo, validation or production, found " + Cut(text));
}

void Reader::ContinuationText(std::string_view key, std::string_view text) {
  BundleContinuation& continuation = bundle_.continues.back();
  if (key == "origin") continuation.origin = text;
  if (key == "logKey") continuation.log_key = text;
  if (key == "genesis") HashFromHex(text, continuation.genesis);
  if (key == "checkpoint") continuation.checkpoint = text;
}

void Reader::HashFromHex(std::string_view text, Hash& hash) {
  auto decoded = Hash::FromHex(text);
  if (decoded.ok()) {
    hash = *decoded;
  } else {
    Report("hex", Message(decoded.status()));
  }
}

void Reader::HashFromBase64(std::string_view text, std::vector<Hash>& hashes) {
  Hash& hash = hashes.emplace_back();
  auto decoded = DecodeBase64(text);
  if (!decoded.ok()) return Report("base64", Message(decoded.status()));
  auto of_bytes = Hash::FromBytes(*decoded);
  if (!of_bytes.ok()) return Report("base64", Message(of_bytes.status()));
  hash = *of_bytes;
}

void Reader::Bytes(StatusOr<std::string> decoded, std::string& bytes) {
  if (!decoded.ok()) return Report("encoding", Message(decoded.status()));
  bytes = *std::move(decoded);
}

bool Reader::parse_error(std::size_t position, const std::string&, const json::exception& error) {
  Report("json", "broken at byte " + std::to_string(position) + ", not read further (" +
                     error.what() + "): the file was cut or damaged; ask for it again");
  return false;
}

}  // namespace

StatusOr<Bundle> ParseBundle(std::string_view text, std::vector<pb::Finding>& findings) {
  Reader reader(findings);
  const std::size_t before = findings.size();
  if (text.starts_with("\xEF\xBB\xBF"))
    reader.Report("json", "expected {, found a byte order mark");
  if (const std::size_t nul = text.find('\0'); nul != text.npos)  // the library would stop there
    reader.Report("json", "found a NUL byte at byte " + std::to_string(nul));
  if (!json::sax_parse(text, &reader) && reader.began()) reader.BreakOff();
  reader.Sum();
  if (reader.began()) return reader.Take();
  findings.resize(before);
  return InvalidArgument("expected a custody bundle (a json object), found something else");
}

}  // namespace custody

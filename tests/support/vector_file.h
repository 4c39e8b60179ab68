// Vector files, read so that nothing in them goes unnoticed: a value that no test looked at fails
// the test, so a file with a new field, or a loop that quietly ended early, shows.
#ifndef CUSTODY_TESTS_SUPPORT_VECTOR_FILE_H_
#define CUSTODY_TESTS_SUPPORT_VECTOR_FILE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/encoding.h"
#include "crypto/hash.h"

namespace custody {

// `VectorFile` is one JSON file below tests/vectors; its destructor fails the test for every value
// that was not taken.
class VectorFile {
 public:
  class Value;

  explicit VectorFile(std::string_view name) : name_(name) {
    const auto path = std::filesystem::path(CUSTODY_SOURCE_DIR) / "tests" / "vectors" / name;
    std::ifstream stream(path);
    root_ = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
    if (root_.is_discarded()) ADD_FAILURE() << path << " is missing or not JSON";
  }
  VectorFile(const VectorFile&) = delete;
  VectorFile& operator=(const VectorFile&) = delete;
  ~VectorFile() { ReportLeftOver(root_, name_); }

  Value root();
  Value operator[](std::string_view field);

 private:
  void ReportLeftOver(const nlohmann::json& value, const std::string& where) const {
    if (value.is_structured() && !value.empty()) {
      for (const auto& item : value.items()) {
        ReportLeftOver(item.value(), where + "/" + item.key());
      }
    } else if (!taken_.contains(&value)) {
      ADD_FAILURE() << where << " was never used by the test";
    }
  }

  std::string name_;
  nlohmann::json root_;
  std::set<const nlohmann::json*> taken_;
};

// `Value` is one place in a vector file. Taking a value of the wrong type ends the test program, as
// a vector file that is not as its reader believes proves nothing.
class VectorFile::Value {
 public:
  Value(VectorFile* file, const nlohmann::json* json) : file_(file), json_(json) {}

  Value operator[](std::string_view field) const { return {file_, &json_->at(std::string(field))}; }
  bool Has(std::string_view field) const { return json_->contains(std::string(field)); }

  std::string Text() const { return Take().get<std::string>(); }
  std::uint64_t Number() const { return Take().get<std::uint64_t>(); }
  bool Flag() const { return Take().get<bool>(); }
  std::string FromHex() const { return DecodeHex(Text()).value(); }
  std::string FromBase64() const { return DecodeBase64(Text()).value(); }
  Hash AsHash() const { return Hash::FromHex(Text()).value(); }

  // The elements of an array; none for null, which some files write for an empty one.
  std::vector<Value> Items() const {
    if (json_->empty()) Take();
    std::vector<Value> items;
    for (const nlohmann::json& item : *json_) items.emplace_back(file_, &item);
    return items;
  }
  std::vector<Hash> Hashes() const {
    std::vector<Hash> hashes;
    for (const Value& item : Items()) hashes.push_back(item.AsHash());
    return hashes;
  }

  // Takes everything here unjudged; `why` says by what right: words for people (sources, remarks),
  // judged by another test, or of something that this project does not do. Only strings may be
  // among it.
  void Unjudged(const char* why) const {
    EXPECT_STRNE(why, "");
    if (json_->is_structured() && !json_->empty()) {
      for (const nlohmann::json& item : *json_) Value(file_, &item).Unjudged(why);
    } else if (!Take().is_string() && !json_->empty()) {
      ADD_FAILURE() << "expected words, found " << json_->dump();
    }
  }

 private:
  const nlohmann::json& Take() const {
    file_->taken_.insert(json_);
    return *json_;
  }

  VectorFile* file_;
  const nlohmann::json* json_;
};

inline VectorFile::Value VectorFile::root() { return {this, &root_}; }
inline VectorFile::Value VectorFile::operator[](std::string_view field) { return root()[field]; }

}  // namespace custody

#endif  // CUSTODY_TESTS_SUPPORT_VECTOR_FILE_H_

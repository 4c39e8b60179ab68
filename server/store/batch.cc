#include <string>

#include "server/store/store.h"

namespace custody {

void Batch::Put(Table table, std::string_view key, std::string_view value) {
  bytes_ += key.size() + value.size();
  writes_.push_back({table, std::string(key), std::string(value)});
}

void Batch::Delete(Table table, std::string_view key) {
  bytes_ += key.size();
  writes_.push_back({table, std::string(key), std::nullopt});
}

}  // namespace custody

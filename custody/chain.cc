#include "custody/chain.h"

#include <algorithm>

namespace custody {
namespace {

constexpr std::string_view kRegistryName = "registry";
constexpr std::string_view kSitePrefix = "registry/";
constexpr std::string_view kTherapyPrefix = "therapy/";
constexpr std::size_t kMaxIdLength = 64;

bool IsIdCharacter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool IsChainId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdLength && std::ranges::all_of(id, IsIdCharacter) &&
         id.find("..") == std::string_view::npos;
}

bool IsTherapyChain(std::string_view chain) { return chain.starts_with(kTherapyPrefix); }

std::string TherapyChain(std::string_view id) { return std::string(kTherapyPrefix).append(id); }

std::string_view TherapyOf(std::string_view chain) {
  return IsTherapyChain(chain) ? chain.substr(kTherapyPrefix.size()) : std::string_view();
}

StatusOr<Chain> Chain::Parse(std::string_view name) {
  if (name == kRegistryName) return Registry();
  if (name.starts_with(kSitePrefix) && IsChainId(name.substr(kSitePrefix.size()))) {
    return Chain(std::string(name), ChainKind::kSite);
  }
  if (IsTherapyChain(name) && IsChainId(TherapyOf(name))) {
    return Chain(std::string(name), ChainKind::kTherapy);
  }
  return InvalidArgument(
      "chain must be \"registry\", \"registry/SITE\" or \"therapy/ID\" with 1 to 64 of A-Z 0-9 . _ "
      "- and no \"..\", found \"" +
      std::string(name.substr(0, 100)) + "\"");
}

Chain Chain::Registry() { return Chain(std::string(kRegistryName), ChainKind::kRegistry); }

Chain Chain::Therapy(std::string_view id) {
  CUSTODY_CHECK(IsChainId(id));
  return Chain(TherapyChain(id), ChainKind::kTherapy);
}

Chain Chain::Site(std::string_view site) {
  CUSTODY_CHECK(IsChainId(site));
  return Chain(std::string(kSitePrefix).append(site), ChainKind::kSite);
}

std::string_view Chain::id() const {
  switch (kind_) {
    case ChainKind::kRegistry:
      return {};
    case ChainKind::kSite:
      return std::string_view(name_).substr(kSitePrefix.size());
    case ChainKind::kTherapy:
      return TherapyOf(name_);
  }
  return {};
}

}  // namespace custody

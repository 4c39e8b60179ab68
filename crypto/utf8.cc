#include "crypto/utf8.h"

namespace custody {
namespace {

// Whether a character stands for itself: not a control, not the end of a line, and nothing that
// turns the direction of what follows.
bool IsShown(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == kNoCodePoint) return false;
  return c != 0x061c && c != 0x200e && c != 0x200f && (c < 0x2028 || c > 0x202e) &&
         (c < 0x2066 || c > 0x2069);
}

}  // namespace

std::string Plain(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t c = TakeCodePoint(text);
    if (c == kNoCodePoint) text.remove_prefix(1);
    if (IsShown(c)) {
      plain += before.substr(0, before.size() - text.size());
    } else {
      plain += '?';
    }
  }
  return plain;
}

}  // namespace custody

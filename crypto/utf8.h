// UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing above U+10FFFF.
#ifndef CUSTODY_CRYPTO_UTF8_H_
#define CUSTODY_CRYPTO_UTF8_H_

#include <string>
#include <string_view>

namespace custody {

inline constexpr char32_t kNoCodePoint = 0xffffffff;

// `TakeCodePoint` takes one code point off `text`, which is not empty. kNoCodePoint, and nothing
// taken, when it does not begin with one. Here, for it is asked of every character that is parsed.
inline char32_t TakeCodePoint(std::string_view& text) {
  const auto byte = [&text](std::size_t i) -> char32_t {
    return static_cast<unsigned char>(text[i]);
  };
  const char32_t first = byte(0);
  if (first < 0x80) {
    text.remove_prefix(1);
    return first;
  }
  const std::size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return kNoCodePoint;
  char32_t code_point = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return kNoCodePoint;
    code_point = code_point << 6 | (byte(i) & 0x3f);
  }
  const bool overlong = (size == 3 && code_point < 0x800) || (size == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xd800 && code_point <= 0xdfff;
  if (overlong || surrogate || code_point > 0x10ffff) return kNoCodePoint;
  text.remove_prefix(size);
  return code_point;
}

// `Plain` gives text of a stranger's as a person may be shown it on one line: control characters,
// line ends, marks that turn the direction of writing and each byte that is no UTF-8 become "?".
// Nobody's text may write its own verdict on an inspector's screen.
std::string Plain(std::string_view text);

}  // namespace custody

#endif  // CUSTODY_CRYPTO_UTF8_H_

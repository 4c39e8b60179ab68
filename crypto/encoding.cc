#include "crypto/encoding.h"

#include <array>
#include <cstdint>

namespace custody {
namespace {

constexpr std::string_view kBase64Digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::uint8_t kNoDigit = 0xff;

// The value of every character as a digit of `digits`, or kNoDigit.
constexpr std::array<std::uint8_t, 256> ValuesOf(std::string_view digits) {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr auto kBase64Values = ValuesOf(kBase64Digits);
constexpr auto kHexValues = ValuesOf(kHexDigits);

std::uint32_t Byte(std::string_view bytes, std::size_t i) {
  return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0;
}

}  // namespace

std::string Base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::uint32_t group = Byte(bytes, i) << 16 | Byte(bytes, i + 1) << 8 | Byte(bytes, i + 2);
    text += kBase64Digits[group >> 18];
    text += kBase64Digits[group >> 12 & 63];
    text += i + 1 < bytes.size() ? kBase64Digits[group >> 6 & 63] : '=';
    text += i + 2 < bytes.size() ? kBase64Digits[group & 63] : '=';
  }
  return text;
}

StatusOr<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) {
    return InvalidArgument("base64 must be padded to a multiple of 4 characters, found " +
                           std::to_string(text.size()));
  }
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool padded = i >= text.size() - padding;
    const std::uint8_t value = padded ? 0 : kBase64Values[static_cast<unsigned char>(text[i])];
    if (value == kNoDigit) {
      return InvalidArgument("base64 has a character outside its alphabet at offset " +
                             std::to_string(i));
    }
    group = group << 6 | value;
    if (i % 4 != 3) continue;
    bytes += static_cast<char>(group >> 16 & 0xff);
    bytes += static_cast<char>(group >> 8 & 0xff);
    bytes += static_cast<char>(group & 0xff);
    if (i + 1 < text.size()) group = 0;
  }
  // What the padding stands for must be zero bits, or two texts would mean the same bytes.
  if (padding > 0 && (group & (padding == 1 ? 0xffU : 0xffffU)) != 0) {
    return InvalidArgument("base64 has padding bits that are not zero");
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

std::string Hex(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

StatusOr<std::string> DecodeHex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return InvalidArgument("hex must have an even number of digits, found " +
                           std::to_string(text.size()));
  }
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::uint8_t high = kHexValues[static_cast<unsigned char>(text[i])];
    const std::uint8_t low = kHexValues[static_cast<unsigned char>(text[i + 1])];
    if (high == kNoDigit || low == kNoDigit) {
      return InvalidArgument("hex has a character other than 0-9 and a-f near offset " +
                             std::to_string(i));
    }
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace custody

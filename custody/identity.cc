// Identifiers of patients as commitments, and those of products as ISBT 128 writes them.
//
//   DIN scan   "=" FIN(5) year(2) number(6) flags(2)     13 characters name the donation
//   CoI scan   "&/" "CH" FIN(5) year(2) id(6)            15 characters of content
//   FIN        [A-NP-Z1-9][A-NP-Z0-9][A-NP-Z0-9][0-9][0-9]
//
// Lower case is never made upper case: a scan says what it says.
#include "custody/identity.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "crypto/sealing.h"

namespace custody {
namespace {

constexpr std::array<std::string_view, 5> kTypes = {"mrn", "gsrn", "dob", "national", "other"};
constexpr std::size_t kDinLength = 13;
constexpr std::size_t kCoiLength = 15;
constexpr std::size_t kFacilityLength = 5;
constexpr std::size_t kSecretBytes = 32;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
// Letters but O, which is too like a zero.
bool IsLetter(char c) { return IsUpper(c) && c != 'O'; }

bool AreDigits(std::string_view text) { return std::ranges::all_of(text, IsDigit); }

bool IsFacility(std::string_view text) {
  return text.size() == kFacilityLength &&
         (IsLetter(text[0]) || (IsDigit(text[0]) && text[0] != '0')) &&
         (IsLetter(text[1]) || IsDigit(text[1])) && (IsLetter(text[2]) || IsDigit(text[2])) &&
         AreDigits(text.substr(3));
}

bool IsDin(std::string_view text) {
  return text.size() == kDinLength && IsFacility(text.substr(0, kFacilityLength)) &&
         AreDigits(text.substr(kFacilityLength));
}

bool IsCoi(std::string_view text) {
  return text.size() == kCoiLength && text.starts_with("CH") && IsFacility(text.substr(2, 5)) &&
         AreDigits(text.substr(7, 2)) &&
         std::ranges::all_of(text.substr(9), [](char c) { return IsDigit(c) || IsUpper(c); });
}

// 20260229 is no day.
bool IsDate(std::string_view text) {
  if (text.size() != 8 || !AreDigits(text)) return false;
  const auto number = [&](std::size_t from, std::size_t count) {
    int value = 0;
    for (const char c : text.substr(from, count)) value = value * 10 + (c - '0');
    return value;
  };
  const int year = number(0, 4);
  const int month = number(4, 2);
  const int day = number(6, 2);
  constexpr std::array<int, 12> kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (year < 1850 || month < 1 || month > 12 || day < 1) return false;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

// In NFC, without white space (any that Unicode knows) at the ends.
StatusOr<std::string> Normalized(std::string_view text) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t length =
      utf8proc_map(bytes, static_cast<utf8proc_ssize_t>(text.size()), &composed,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, &std::free);
  if (length < 0) return InvalidArgument("identifier is not valid UTF-8: type it again");
  const auto is_space = [](utf8proc_int32_t c) {
    const utf8proc_category_t category = utf8proc_category(c);
    return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
           category == UTF8PROC_CATEGORY_ZP || (c >= 0x09 && c <= 0x0D) || c == 0x85;
  };
  utf8proc_ssize_t first = -1;
  utf8proc_ssize_t end = 0;
  for (utf8proc_ssize_t at = 0; at < length;) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t width = utf8proc_iterate(composed + at, length - at, &c);
    if (width <= 0) return InvalidArgument("identifier is not valid UTF-8: type it again");
    if (!is_space(c)) {
      if (first < 0) first = at;
      end = at + width;
    }
    at += width;
  }
  if (first < 0) return std::string();
  return std::string(reinterpret_cast<const char*>(composed) + first,
                     static_cast<std::size_t>(end - first));
}

// An AIM prefix ("]C0") tells the symbology; it is no part of what was scanned.
std::string_view WithoutAimPrefix(std::string_view scan) {
  return scan.size() > 3 && scan.front() == ']' ? scan.substr(3) : scan;
}

int Mod37Value(char c) { return IsDigit(c) ? c - '0' : c - 'A' + 10; }

int CheckValue(std::string_view text) {
  int sum = 0;
  for (const char c : text) sum = (sum + Mod37Value(c)) * 2 % 37;
  return (38 - sum) % 37;
}

Status NotAScan(std::string_view what, std::string_view form, std::string_view scan) {
  return InvalidArgument(std::string(what) + " must be scanned as " + std::string(form) +
                         ", found \"" + std::string(scan.substr(0, 40)) + "\"");
}

}  // namespace

StatusOr<Hash> CommitIdentifier(std::string_view secret, std::string_view type,
                                std::string_view issuer, std::string_view value) {
  if (secret.size() != kSecretBytes) {
    return InvalidArgument("a therapy's secret must have 32 bytes, found " +
                           std::to_string(secret.size()));
  }
  if (std::ranges::find(kTypes, type) == kTypes.end()) {
    return InvalidArgument("identifier type must be mrn, gsrn, dob, national or other, found \"" +
                           std::string(type.substr(0, 20)) + "\"");
  }
  CUSTODY_ASSIGN_OR_RETURN(const std::string clean_issuer, Normalized(issuer));
  CUSTODY_ASSIGN_OR_RETURN(const std::string clean_value, Normalized(value));
  if (clean_value.empty()) return InvalidArgument("identifier is empty");
  if (type == "dob" && !IsDate(clean_value)) {
    return InvalidArgument("date of birth must be written YYYYMMDD and be a day that exists");
  }
  return HmacSha256(secret, CommitmentText(type, clean_issuer, clean_value));
}

StatusOr<Din> ParseDinScan(std::string_view scan) {
  constexpr std::string_view kForm =
      "\"=\" and 15 characters, a facility number, year, number and two flags";
  const std::string_view text = WithoutAimPrefix(scan);
  if (text.size() != 1 + kDinLength + 2 || text.front() != '=' ||
      !IsDin(text.substr(1, kDinLength))) {
    return NotAScan("a donation number", kForm, scan);
  }
  const std::string_view number = text.substr(1, kDinLength);
  const std::string_view flags = text.substr(1 + kDinLength);
  const auto is_flag = [](char c) {
    return IsDigit(c) || (IsLetter(c) && c != 'I' && c != 'Q' && c != 'Z');
  };
  if (!std::ranges::all_of(flags, is_flag)) return NotAScan("a donation number", kForm, scan);
  if (AreDigits(flags)) {
    const int flag = (flags[0] - '0') * 10 + (flags[1] - '0');
    if (flag >= 60 && flag <= 96 && flag != 60 + CheckValue(number)) {
      return InvalidArgument("donation number " + std::string(number) +
                             " was read wrongly: its check value is " +
                             std::to_string(60 + CheckValue(number)) + ", found " +
                             std::to_string(flag) + ", scan it again");
    }
  }
  return Din{std::string(number), std::string(flags), std::string(number.substr(0, 5))};
}

StatusOr<std::string> ParseCoiScan(std::string_view scan) {
  const std::string_view text = WithoutAimPrefix(scan);
  if (!text.starts_with("&/") || !IsCoi(text.substr(2))) {
    return NotAScan("a chain-of-identity number", "\"&/CH\" and 13 characters", scan);
  }
  return std::string(text.substr(2));
}

char DinCheckCharacter(std::string_view din) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*";
  return kAlphabet[static_cast<std::size_t>(CheckValue(din))];
}

std::string_view FacilityOf(std::string_view identifier) {
  const auto of_din = [](std::string_view text) {
    const bool with_flags = text.size() == kDinLength + 2;
    return IsDin(with_flags ? text.substr(0, kDinLength) : text) ? text.substr(0, kFacilityLength)
                                                                 : std::string_view();
  };
  // A chain-of-identity number may look like a donation number with flags ("CHG12" could be a
  // facility by its form, with letters that ICCBBA has reserved for later), so it is tried first.
  if (identifier.starts_with('=')) return of_din(identifier.substr(1));
  if (identifier.starts_with("&/")) identifier.remove_prefix(2);
  return IsCoi(identifier) ? identifier.substr(2, kFacilityLength) : of_din(identifier);
}

bool IsReservedFacility(std::string_view facility) {
  return facility.size() == kFacilityLength && facility.starts_with("A999") &&
         IsDigit(facility.back());
}

}  // namespace custody

#include "client/plain_lines.h"

#include "crypto/utf8.h"

namespace custody {

std::string PlainLines(std::string_view text, std::string_view indent) {
  std::string lines;
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string line = Plain(text.substr(0, end));
    if (!lines.empty() && !line.empty() && !line.starts_with(' ')) lines += indent;
    lines += line;
    if (end == std::string_view::npos) return lines;
    lines += '\n';
    text.remove_prefix(end + 1);
  }
}

}  // namespace custody

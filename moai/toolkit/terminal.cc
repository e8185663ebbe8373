#include "moai/toolkit/terminal.h"

#include <charconv>
#include <istream>
#include <ostream>

namespace moai::toolkit {
namespace {

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace

std::optional<uint32_t> select(Terminal& terminal, uint32_t first, uint32_t last) {
  const std::string range = std::to_string(first) + "-" + std::to_string(last);
  while (true) {
    terminal.out << "Selection (" << range << ", q, Q): " << std::flush;
    std::string line;
    if (!std::getline(terminal.in, line)) {
      terminal.out << "\n";
      return std::nullopt;
    }
    line = trimmed(line);
    if (line == "q" || line == "Q") return std::nullopt;
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    const bool whole = error == std::errc() && end == line.data() + line.size();
    if (whole && number >= first && number <= last) return number;
    terminal.out << "\"" << line << "\" is no selection: enter a number of " << range
                 << ", or q to quit.\n";
  }
}

}  // namespace moai::toolkit

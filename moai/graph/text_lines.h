// TextLines: the lines of a text that say something, trimmed of spaces.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>

namespace moai::graph {

class TextLines {
 public:
  explicit TextLines(std::string_view text) : rest_(text) {}

  // Nothing at the end. Empty lines and those that begin with "#" are passed over.
  std::optional<std::string_view> next() {
    while (!rest_.empty()) {
      const size_t end = std::min(rest_.find('\n'), rest_.size());
      std::string_view line = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++number_;
      while (line.starts_with(' ')) line.remove_prefix(1);
      while (line.ends_with(' ')) line.remove_suffix(1);
      if (!line.empty() && !line.starts_with('#')) return line;
    }
    return std::nullopt;
  }
  // Of the last line, from 1.
  size_t number() const { return number_; }

 private:
  std::string_view rest_;
  size_t number_ = 0;
};

}  // namespace moai::graph

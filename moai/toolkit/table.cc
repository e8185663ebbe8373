#include "moai/toolkit/table.h"

#include <algorithm>
#include <cmath>
#include <ctime>

namespace moai::toolkit {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// Characters of UTF-8 text.
size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

// The first `width` characters.
std::string cut(const std::string& text, size_t width) {
  size_t at = 0;
  for (size_t seen = 0; at < text.size(); ++at) {
    if (begins_character(text[at]) && seen++ == width) break;
  }
  return text.substr(0, at);
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string line(char fill, size_t width) { return "+" + std::string(width, fill) + "+\n"; }

std::string cells(const std::vector<std::string>& texts, const std::vector<size_t>& widths) {
  std::string out;
  for (size_t i = 0; i < widths.size(); ++i) {
    out += "|  " + padded(i < texts.size() ? texts[i] : "", widths[i]) + "  ";
  }
  return out + "|\n";
}

std::vector<size_t> widths_of(const Table& table) {
  std::vector<size_t> widths;
  for (const std::string& text : table.header) widths.push_back(width_of(text));
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < std::min(row.size(), widths.size()); ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  return widths;
}

// Between the outer bars.
size_t inner_width(const std::vector<size_t>& widths) {
  size_t inner = widths.size() - 1;
  for (const size_t width : widths) inner += width + 4;
  return inner;
}

}  // namespace

std::string render(const Table& table) {
  std::vector<size_t> widths = widths_of(table);
  size_t inner = inner_width(widths);
  const size_t title = width_of(table.title) + 4;
  if (!table.title.empty() && title > inner) {
    widths.back() += title - inner;
    inner = title;
  }
  std::string out = line('-', inner);
  if (!table.title.empty()) {
    out += "|" + std::string(inner - title + 2, ' ') + table.title + "  |\n" + line('-', inner);
  }
  out += cells(table.header, widths) + line('=', inner);
  for (const auto& row : table.rows) out += cells(row, widths);
  return out + line('-', inner);
}

std::string mib(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

std::string percent(double share) { return std::to_string(std::lround(share * 100)) + " %"; }

std::string local_time(int64_t unix_ns) {
  if (unix_ns == 0) return "-";
  const std::time_t seconds = unix_ns / 1'000'000'000;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[32];
  const size_t n = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
  return std::string(text, n);
}

std::string duration(int64_t seconds) {
  const auto pair = [](int64_t big, const char* unit, int64_t small, const char* small_unit) {
    std::string text = std::to_string(big) + unit;
    return small == 0 ? text : text + " " + std::to_string(small) + small_unit;
  };
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return pair(seconds / 60, " min", seconds % 60, " s");
  if (seconds < 86400) return pair(seconds / 3600, " h", seconds / 60 % 60, " min");
  return pair(seconds / 86400, " d", seconds / 3600 % 24, " h");
}

std::string one_line(const std::string& text, size_t width) {
  std::string out = text;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  if (width_of(out) <= width) return out;
  return cut(out, width - 3) + "...";
}

}  // namespace moai::toolkit

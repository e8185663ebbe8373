// Tables in boxes, as moreh-smi has always drawn them, and the words that stand in them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moai::toolkit {

struct Table {
  std::string title;  // right-aligned above the header; empty: none
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
};
// Ends with a line end.
std::string render(const Table& table);

std::string mib(uint64_t bytes);          // "397 MiB"
std::string percent(double share);        // 0…1 → "42 %"
std::string local_time(int64_t unix_ns);  // "2026-11-25 09:38:55"; 0 → "-"
std::string duration(int64_t seconds);    // "42 s", "3 min", "2 h 5 min", "4 d 1 h"
// One line without control characters, which a foreign command line may hold, of at most `width`
// characters.
std::string one_line(const std::string& text, size_t width);

}  // namespace moai::toolkit

#include "moai/graph/recording.h"

#include <sstream>

#include "moai/graph/text_lines.h"

namespace moai::graph {
namespace {

std::string print(const Upload& u) {
  return "upload s" + std::to_string(u.storage) + " " + std::to_string(u.storage_bytes) + " " +
         std::to_string(u.offset) + " " + std::to_string(u.size) + "\n";
}

bool parse_upload(std::string_view line, RecordedWindow* w) {
  std::istringstream in{std::string(line)};
  std::string verb;
  char sigil = 0;
  Upload u{.before = w->window.nodes.size()};
  in >> verb >> sigil >> u.storage >> u.storage_bytes >> u.offset >> u.size;
  if (!in || verb != "upload" || sigil != 's' || !(in >> std::ws).eof()) return false;
  w->uploads.push_back(u);
  return true;
}

// "line 12 train.py:40"; ids are small numbers, for they count lines of sources.
bool parse_line(std::string_view line, Recording* r) {
  constexpr LineId kLinesMax = 1 << 24;
  std::istringstream in{std::string(line)};
  std::string verb, text;
  LineId id = 0;
  if (!(in >> verb >> id) || verb != "line" || id > kLinesMax) return false;
  std::getline(in >> std::ws, text);
  if (r->lines.size() <= id) r->lines.resize(id + 1);
  r->lines[id] = text;
  return true;
}

}  // namespace

std::string print(const Recording& r, const SignatureTable& signatures) {
  std::string text;
  for (LineId id = 0; id < r.lines.size(); ++id) {
    if (!r.lines[id].empty()) text += "line " + std::to_string(id) + " " + r.lines[id] + "\n";
  }
  for (const RecordedWindow& w : r.windows) {
    if (&w != &r.windows.front()) text += "step\n";
    auto upload = w.uploads.begin();
    for (size_t i = 0; i <= w.window.nodes.size(); ++i) {
      for (; upload != w.uploads.end() && upload->before == i; ++upload) text += print(*upload);
      if (i < w.window.nodes.size()) {
        text += print_node(w.window, w.window.nodes[i], signatures) + "\n";
      }
    }
  }
  return text;
}

Result<Recording> parse_recording(std::string_view text, SignatureTable* signatures) {
  Recording r{.windows = std::vector<RecordedWindow>(1)};
  TextLines lines(text);
  while (const auto line = lines.next()) {
    if (*line == "step") {
      r.windows.emplace_back();
    } else if (!parse_upload(*line, &r.windows.back()) && !parse_line(*line, &r) &&
               !parse_node(*line, &r.windows.back().window, signatures)) {
      return invalid_argument("[graph.recording] line " + std::to_string(lines.number()) +
                              " is neither node, upload, line nor step: " + std::string(*line));
    }
  }
  for (size_t i = 0; i < r.windows.size(); ++i) {
    const Status sound = verify(r.windows[i].window, *signatures);
    if (!sound.ok()) {
      return invalid_argument("[graph.recording] window " + std::to_string(i) + ": " +
                              sound.message());
    }
  }
  return r;
}

}  // namespace moai::graph

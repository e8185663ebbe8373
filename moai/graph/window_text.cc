#include <charconv>
#include <optional>

#include "moai/graph/text_lines.h"
#include "moai/graph/window.h"
#include "moai/ops/call_text.h"

namespace moai::graph {
namespace {

constexpr std::string_view kLineMark = "    @";

std::string_view verb(NodeKind kind) {
  switch (kind) {
    case NodeKind::kAlloc:
      return "alloc";
    case NodeKind::kResize:
      return "resize";
    case NodeKind::kFree:
      return "free";
    default:
      return "call";
  }
}

// Takes a number from the front of `text`.
template <class T>
std::optional<T> take_number(std::string_view* text) {
  T v = 0;
  const auto [at, error] = std::from_chars(text->data(), text->data() + text->size(), v);
  if (error != std::errc()) return std::nullopt;
  text->remove_prefix(static_cast<size_t>(at - text->data()));
  return v;
}

bool take(std::string_view* text, std::string_view token) {
  if (!text->starts_with(token)) return false;
  text->remove_prefix(token.size());
  return true;
}

// Appends the node of "alloc s7 4096", "resize s7 4096" or "free s7"; false when it is none.
bool parse_storage_node(std::string_view text, Window* w) {
  for (NodeKind kind : {NodeKind::kAlloc, NodeKind::kResize, NodeKind::kFree}) {
    if (!take(&text, verb(kind))) continue;
    if (!take(&text, " s")) return false;
    const auto id = take_number<StorageId>(&text);
    if (!id) return false;
    if (kind == NodeKind::kFree) {
      w->free(*id);
      return text.empty();
    }
    if (!take(&text, " ")) return false;
    const auto size = take_number<uint64_t>(&text);
    if (!size || !text.empty()) return false;
    kind == NodeKind::kAlloc ? w->alloc(*id, *size) : w->resize(*id, *size);
    return true;
  }
  return false;
}

bool parse_call(std::string_view text, Window* w, SignatureTable* signatures) {
  LineId line = 0;
  if (const size_t mark = text.rfind(kLineMark); mark != std::string_view::npos) {
    std::string_view number = text.substr(mark + kLineMark.size());
    const auto parsed = take_number<LineId>(&number);
    if (parsed && number.empty()) {
      line = *parsed;
      text = text.substr(0, mark);
    }
  }
  auto call = ops::bound_call_from_string(text);
  if (!call) return false;
  w->call(signatures->intern(std::move(call->signature)), call->storages, call->words, line);
  return true;
}

}  // namespace

std::string print_node(const Window& w, const Node& n, const SignatureTable& signatures) {
  if (n.kind == NodeKind::kCall) {
    std::string text = ops::to_string(signatures.at(n.signature).signature(),
                                      {.storages = w.storages_of(n), .words = w.words_of(n)});
    return n.line ? text + std::string(kLineMark) + std::to_string(n.line) : text;
  }
  std::string text = std::string(verb(n.kind)) + " s" + std::to_string(w.storages_of(n)[0]);
  return n.words_count ? text + " " + std::to_string(w.words_of(n)[0]) : text;
}

bool parse_node(std::string_view line, Window* w, SignatureTable* signatures) {
  return parse_storage_node(line, w) || parse_call(line, w, signatures);
}

std::string print(const Window& w, const SignatureTable& signatures) {
  std::string text;
  for (const Node& n : w.nodes) text += print_node(w, n, signatures) + '\n';
  return text;
}

Result<Window> parse(std::string_view text, SignatureTable* signatures) {
  Window w;
  TextLines lines(text);
  while (const auto line = lines.next()) {
    if (!parse_node(*line, &w, signatures)) {
      return invalid_argument("[graph.parse] line " + std::to_string(lines.number()) +
                              " is no node: " + std::string(*line));
    }
  }
  return w;
}

}  // namespace moai::graph

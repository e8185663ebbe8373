#include "moai/compiler/compile.h"

#include <algorithm>

namespace moai::compiler {

program::Program lower_streamed(graph::Window window) {
  program::Program p;
  p.instructions.reserve(window.nodes.size());
  for (const graph::Node& n : window.nodes) {
    p.instructions.push_back({.kind = n.kind,
                              .signature = n.signature,
                              .places_begin = n.storages_begin,
                              .places_count = n.storages_count,
                              .words_begin = n.words_begin,
                              .words_count = n.words_count});
  }
  p.places = std::move(window.storages);
  p.words = std::move(window.words);
  return p;
}

program::Program lower_template(graph::Window slots) {
  program::Program p = lower_streamed(std::move(slots));
  p.is_template = true;
  p.words.clear();
  for (const program::Place slot : p.places) {
    p.slot_count = std::max(p.slot_count, static_cast<uint32_t>(slot + 1));
  }
  uint32_t words = 0;
  for (program::Instruction& i : p.instructions) {
    i.words_begin = words;
    words += i.words_count;
  }
  return p;
}

}  // namespace moai::compiler

#include "moai/driver/mesh/rank_program.h"

#include <unordered_map>

#include "moai/compiler/compile.h"

namespace moai::driver {

using graph::NodeKind;

RankProgram make_rank_program(const compiler::RankWindow& w) {
  RankProgram out;
  graph::Window slots;
  std::unordered_map<StorageId, StorageId> slot_of;
  const std::vector<uint64_t> no_words(w.window.words.size());
  for (const graph::Node& n : w.window.nodes) {
    const auto ids = w.window.storages_of(n);
    if (n.kind == NodeKind::kFree) {
      out.releases.push_back({static_cast<uint32_t>(slots.nodes.size()), ids[0]});
      continue;
    }
    std::vector<StorageId> places;
    for (const StorageId id : ids) {
      const auto [found, fresh] = slot_of.try_emplace(id, out.slots.size());
      if (fresh) out.slots.push_back(id);
      places.push_back(found->second);
    }
    const auto words = std::span(no_words).subspan(0, n.words_count);
    for (uint32_t i = 0; i < n.words_count; ++i) out.words.push_back(w.words[n.words_begin + i]);
    if (n.kind == NodeKind::kCall) {
      slots.call(n.signature, places, words, 0);
      out.calls.push_back(n.line);
    } else if (n.kind == NodeKind::kAlloc) {
      slots.alloc(places[0], 0);
    } else {
      slots.resize(places[0], 0);
    }
  }
  out.program = compiler::lower_template(std::move(slots));
  return out;
}

dispatch::RunTemplate bind_template(const RankProgram& p, dispatch::TemplateId id,
                                    uint64_t first_sequence, std::span<const StorageId> storages,
                                    std::span<const uint64_t> words) {
  dispatch::RunTemplate run{.id = id,
                            .first_sequence = first_sequence,
                            .begin = 0,
                            .end = static_cast<uint32_t>(p.program.instructions.size())};
  run.bindings.reserve(p.slots.size());
  for (const StorageId number : p.slots) run.bindings.push_back(storages[number]);
  run.words.reserve(p.words.size());
  for (const compiler::RankWord& w : p.words) {
    run.words.push_back(w.recorded ? words[w.value] : w.value);
  }
  run.releases.reserve(p.releases.size());
  for (const dispatch::Release& r : p.releases) {
    run.releases.push_back({r.before, storages[r.storage]});
  }
  return run;
}

dispatch::Run bind_once(const RankProgram& p, uint64_t first_sequence,
                        std::span<const StorageId> storages, std::span<const uint64_t> words) {
  graph::Window w;
  size_t release = 0, word = 0;
  std::vector<StorageId> places;
  std::vector<uint64_t> values;
  const auto release_until = [&](size_t at) {
    for (; release < p.releases.size() && p.releases[release].before <= at; ++release) {
      w.free(storages[p.releases[release].storage]);
    }
  };
  for (size_t i = 0; i < p.program.instructions.size(); ++i) {
    release_until(i);
    const program::Instruction& in = p.program.instructions[i];
    places.clear();
    values.clear();
    for (const program::Place slot : p.program.places_of(in)) {
      places.push_back(storages[p.slots[slot]]);
    }
    for (uint32_t k = 0; k < in.words_count; ++k, ++word) {
      values.push_back(p.words[word].recorded ? words[p.words[word].value] : p.words[word].value);
    }
    if (in.kind == NodeKind::kCall) {
      w.call(in.signature, places, values, 0);
    } else if (in.kind == NodeKind::kAlloc) {
      w.alloc(places[0], values[0]);
    } else {
      w.resize(places[0], values[0]);
    }
  }
  release_until(p.program.instructions.size());
  return {first_sequence, compiler::lower_streamed(std::move(w))};
}

}  // namespace moai::driver

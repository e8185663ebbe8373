#include "moai/driver/record/template_book.h"

#include <algorithm>

namespace moai::driver {
namespace {

uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * 0xff51afd7ed558ccdull;
  return h ^ h >> 32;
}

bool same_prefix(const Template& a, const Template& b, size_t nodes) {
  const auto same = [&](size_t i) {
    const program::Instruction& x = a.program.instructions[i];
    const program::Instruction& y = b.program.instructions[i];
    const auto places = a.program.places_of(x);
    return x.kind == y.kind && x.signature == y.signature &&
           std::ranges::equal(places, b.program.places_of(y));
  };
  for (size_t i = 0; i < nodes; ++i) {
    if (!same(i)) return false;
  }
  return true;
}

}  // namespace

uint64_t next_prefix(uint64_t prefix, const SlotNode& node) {
  uint64_t h = mix(prefix, static_cast<uint64_t>(node.kind) << 32 | node.signature);
  for (const uint32_t slot : node.slots) h = mix(h, slot);
  return h;
}

bool matches(const Template& t, size_t position, const SlotNode& node) {
  const program::Instruction& i = t.program.instructions[position];
  if (i.kind != node.kind || i.signature != node.signature) return false;
  const program::Place* slots = t.program.places.data() + i.places_begin;
  for (size_t k = 0; k < node.slots.size(); ++k) {
    if (slots[k] != node.slots[k]) return false;
  }
  return true;
}

bool TemplateBook::saw(uint64_t hash, size_t nodes) {
  if (nodes < options_.nodes_min) return false;
  if (seen_.size() >= options_.seen_max) seen_.clear();
  return ++seen_[hash] == 2;
}

std::unique_ptr<Template> TemplateBook::keep(program::Program program, std::vector<uint64_t> prefix,
                                             const Template* in_use) {
  std::unique_ptr<Template> leaving;
  if (templates_.size() >= options_.templates_max) {
    auto oldest = templates_.end();
    for (auto it = templates_.begin(); it != templates_.end(); ++it) {
      if (it->get() == in_use) continue;
      if (oldest == templates_.end() || (*it)->used < (*oldest)->used) oldest = it;
    }
    if (oldest != templates_.end()) {
      leaving = std::move(*oldest);
      templates_.erase(oldest);
      seen_.erase(leaving->prefix.back());  // it may come back after two more times
    }
  }
  auto t = std::make_unique<Template>();
  t->id = next_id_++;
  t->program = std::move(program);
  t->prefix = std::move(prefix);
  t->used = ++clock_;
  templates_.push_back(std::move(t));
  return leaving;
}

Template* TemplateBook::begin(uint64_t last, const SlotNode& first) {
  const auto expected = next_.find(last);
  Template* newest = nullptr;
  for (const auto& t : templates_) {
    if (!matches(*t, 0, first)) continue;
    if (expected != next_.end() && t->id == expected->second) return t.get();
    if (!newest || t->used > newest->used) newest = t.get();
  }
  return newest;
}

Template* TemplateBook::alternative(const Template& t, size_t position, const SlotNode& node) {
  Template* newest = nullptr;
  for (const auto& other : templates_) {
    if (other.get() == &t || other->size() <= position) continue;
    if (position > 0 && other->prefix[position - 1] != t.prefix[position - 1]) continue;
    if (!matches(*other, position, node) || !same_prefix(*other, t, position)) continue;
    if (!newest || other->used > newest->used) newest = other.get();
  }
  return newest;
}

void TemplateBook::follows(uint64_t last, Template* t) {
  if (next_.size() >= options_.seen_max) next_.clear();
  next_[last] = t->id;
  t->used = ++clock_;
}

}  // namespace moai::driver

#include "moai/worker/exec/template_set.h"

#include <algorithm>
#include <string>

namespace moai::worker {
namespace {

Status bad(const dispatch::RunTemplate& run, const char* what, uint64_t value) {
  return invalid_argument("[worker.template] template " + std::to_string(run.id) +
                          ", instructions " + std::to_string(run.begin) + " to " +
                          std::to_string(run.end) + ": " + what + ": " + std::to_string(value));
}

}  // namespace

void TemplateSet::define(dispatch::TemplateId id, program::Program program,
                         std::vector<UnreadCall> unread) {
  Template t;
  uint32_t slots = 0, words = 0;
  for (const program::Instruction& i : program.instructions) {
    t.slots_before.push_back(slots);
    t.words_before.push_back(words);
    for (const program::Place slot : program.places_of(i)) {
      slots = std::max(slots, static_cast<uint32_t>(slot) + 1);
    }
    words += i.words_count;
  }
  t.slots_before.push_back(slots);
  t.words_before.push_back(words);
  t.program = std::move(program);
  t.unread = std::move(unread);
  templates_[id] = std::move(t);
}

Status TemplateSet::drop(dispatch::TemplateId id) {
  if (templates_.erase(id)) return ok_status();
  return not_found("[worker.template] no template " + std::to_string(id));
}

Result<const Template*> TemplateSet::begin(const dispatch::RunTemplate& run) {
  const auto found = templates_.find(run.id);
  if (found == templates_.end()) return bad(run, "not defined", run.id);
  const Template& t = found->second;
  const size_t count = t.program.instructions.size();
  if (run.begin > run.end || run.end > count) return bad(run, "it has instructions", count);
  if (run.begin == 0) bound_.clear();
  if (bound_.size() != t.slots_before[run.begin]) return bad(run, "bound so far", bound_.size());
  if (run.bindings.size() != t.slots_before[run.end] - t.slots_before[run.begin]) {
    return bad(run, "wrong number of bindings", run.bindings.size());
  }
  if (run.words.size() != t.words_before[run.end] - t.words_before[run.begin]) {
    return bad(run, "wrong number of words", run.words.size());
  }
  uint32_t last = run.begin;
  for (const dispatch::Release& release : run.releases) {
    if (release.before < last || release.before > run.end) {
      return bad(run, "a release out of order", release.before);
    }
    last = release.before;
  }
  bound_.insert(bound_.end(), run.bindings.begin(), run.bindings.end());
  return &t;
}

std::span<const graph::StorageId> TemplateSet::resolve(std::span<const program::Place> slots) {
  resolved_.resize(slots.size());
  for (size_t i = 0; i < slots.size(); ++i) resolved_[i] = bound_[slots[i]];
  return resolved_;
}

}  // namespace moai::worker

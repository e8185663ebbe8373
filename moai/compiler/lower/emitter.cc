#include "moai/compiler/lower/emitter.h"

#include <algorithm>

#include "moai/ops/list_call.h"

namespace moai::compiler {

using graph::StorageId;

void Emitter::alloc(StorageId id, uint64_t bytes) {
  finish_parts();
  finish_reductions();
  out_.window.alloc(id, bytes);
  out_.sources.push_back(source_);
}

void Emitter::resize(StorageId id, uint64_t bytes) {
  out_.window.resize(id, bytes);
  out_.sources.push_back(source_);
}

void Emitter::append(const LocalCall& c, graph::LineId line, uint32_t source) {
  out_.window.call(signatures_.intern(c.signature), c.storages, c.words, line);
  out_.sources.push_back(source);
}

void Emitter::release(StorageId id, uint32_t source) {
  out_.window.free(id);
  out_.sources.push_back(source);
}

void Emitter::call(const LocalCall& c, graph::LineId line) {
  finish_reductions();
  append(c, line, source_);
}

void Emitter::part(LocalCall c, graph::LineId line) {
  if (waiting_ && waiting_->source != source_) finish_parts();
  if (!waiting_) waiting_ = Waiting{.source = source_, .line = line};
  waiting_->parts.push_back(std::move(c));
}

void Emitter::finish_parts() {
  if (!waiting_) return;
  finish_reductions();
  if (!join()) {
    for (const LocalCall& c : waiting_->parts) append(c, waiting_->line, waiting_->source);
  }
  const Waiting done = std::move(*waiting_);
  waiting_.reset();
  for (const StorageId id : done.freed) release(id, done.source);
}

bool Emitter::join() {
  const std::vector<LocalCall>& parts = waiting_->parts;
  if (parts.size() < 2) return false;
  std::vector<ops::CallSignature> signatures;
  for (const LocalCall& c : parts) signatures.push_back(c.signature);
  const auto joined = ops::join_list_calls(signatures);
  if (!joined) return false;
  LocalCall whole{.signature = joined->signature};
  // A list's item stands in one part; what stands in all of them must be the same there.
  bool same = true;
  const auto gather = [&](const std::vector<ops::JoinedCall::Place>& places, const auto& of,
                          auto* out) {
    const auto at = [&](const ops::JoinedCall::Place& p) { return of(parts[p.part])[p.index]; };
    for (const ops::JoinedCall::Place& p : places) same &= at(p) == at(places[0]);
    out->push_back(at(places[0]));
  };
  const auto storages = [](const LocalCall& c) -> const auto& { return c.storages; };
  const auto words = [](const LocalCall& c) -> const auto& { return c.words; };
  for (const auto& places : joined->operands) gather(places, storages, &whole.storages);
  for (const auto& places : joined->words) gather(places, words, &whole.words);
  for (const ops::JoinedCall::Place& p : joined->fresh) {
    const LocalCall& c = parts[p.part];
    whole.storages.push_back(c.storages[ops::arity(c.signature).operands + p.index]);
  }
  if (!same) return false;
  append(whole, waiting_->line, waiting_->source);
  return true;
}

void Emitter::all_reduce(Reduced r) {
  if (!reduced_.empty() && (reduced_[0].axis != r.axis || reduced_[0].reduction != r.reduction ||
                            reduced_[0].operand.dtype != r.operand.dtype)) {
    finish_reductions();
  }
  if (reduced_.empty()) reduced_for_ = source_;
  reduced_.push_back(std::move(r));
}

void Emitter::finish_reductions() {
  if (reduced_.empty()) return;
  ops::Arg list{.kind = ops::ArgKind::kList};
  LocalCall c;
  for (const Reduced& r : reduced_) {
    list.items.push_back({.kind = ops::ArgKind::kTensor, .written = true, .geometry = r.operand});
    c.storages.push_back(r.storage);
  }
  c.signature = {.op = "moai::all_reduce",
                 .overload = "",
                 .args = {std::move(list),
                          {.kind = ops::ArgKind::kString, .text = reduced_[0].reduction},
                          {.kind = ops::ArgKind::kInt, .ints = {reduced_[0].axis}}},
                 .results = {{.kind = ops::ResultKind::kIgnored}}};
  reduced_.clear();
  append(c, 0, reduced_for_);
  for (const StorageId id : std::exchange(freed_, {})) release(id, reduced_for_);
}

void Emitter::free(StorageId id) {
  if (waiting_) return waiting_->freed.push_back(id);
  if (!reduced_.empty()) return freed_.push_back(id);
  release(id, source_);
}

Emitter::Emitted Emitter::take() {
  finish_parts();
  finish_reductions();
  return std::move(out_);
}

}  // namespace moai::compiler

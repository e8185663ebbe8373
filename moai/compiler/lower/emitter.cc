#include "moai/compiler/lower/emitter.h"

#include <algorithm>

#include "moai/ops/bundled_call.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/list_call.h"

namespace moai::compiler {

using graph::StorageId;

namespace {

tensor::DType dtype_of(const ops::CallSignature& s) {
  return ops::tensor_operands(s)[0]->geometry.dtype;
}

// Operands of all, then results of all.
LocalCall bundled(const ops::CallSignature& all, const std::vector<LocalCall>& moves) {
  LocalCall c{.signature = all};
  for (const bool results : {false, true}) {
    for (const LocalCall& m : moves) {
      const auto operands = m.storages.begin() + ops::arity(m.signature).operands;
      c.storages.insert(c.storages.end(), results ? operands : m.storages.begin(),
                        results ? m.storages.end() : operands);
    }
  }
  return c;
}

}  // namespace

void Emitter::alloc(StorageId id, uint64_t bytes) {
  finish_parts();
  finish_moves();
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
  finish_moves();
  append(c, line, source_);
}

void Emitter::part(LocalCall c, graph::LineId line) {
  if (waiting_ && waiting_->source != source_) finish_parts();
  if (!waiting_) waiting_ = Waiting{.source = source_, .line = line};
  waiting_->parts.push_back(std::move(c));
}

void Emitter::finish_parts() {
  if (!waiting_) return;
  finish_moves();
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

// Sums are in place: what they read is what they make.
bool Emitter::goes_with(const LocalCall& c, uint32_t bundle) const {
  if (moves_.empty()) return true;
  const ops::CallSignature& first = moves_[0].signature;
  if (c.signature.op != "moai::all_reduce") return bundle != 0 && bundle == bundle_;
  if (first.op != c.signature.op) return false;
  return first.args[1] == c.signature.args[1] && first.args[2] == c.signature.args[2] &&
         dtype_of(first) == dtype_of(c.signature);
}

void Emitter::move(LocalCall c, uint32_t bundle) {
  if (!goes_with(c, bundle)) finish_moves();
  if (moves_.empty()) moved_for_ = source_;
  bundle_ = bundle;
  moves_.push_back(std::move(c));
}

void Emitter::finish_moves() {
  if (moves_.empty()) return;
  const std::vector<LocalCall> moves = std::exchange(moves_, {});
  std::vector<ops::CallSignature> signatures;
  for (const LocalCall& c : moves) signatures.push_back(c.signature);
  if (const auto all = ops::bundled_call(signatures)) {
    append(bundled(*all, moves), 0, moved_for_);
  } else {
    for (const LocalCall& c : moves) append(c, 0, moved_for_);
  }
  for (const StorageId id : std::exchange(freed_, {})) release(id, moved_for_);
}

void Emitter::free(StorageId id) {
  if (waiting_) return waiting_->freed.push_back(id);
  if (!moves_.empty()) return freed_.push_back(id);
  release(id, source_);
}

Emitter::Emitted Emitter::take() {
  finish_parts();
  finish_moves();
  return std::move(out_);
}

}  // namespace moai::compiler

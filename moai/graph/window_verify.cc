#include <unordered_map>

#include "moai/graph/window.h"

namespace moai::graph {
namespace {

enum class State : uint8_t { kLive, kReleased };

class Verifier {
 public:
  Verifier(const Window& w, const SignatureTable& signatures) : w_(w), signatures_(signatures) {}

  Status run() {
    for (; at_ < w_.nodes.size(); ++at_) MOAI_RETURN_IF_ERROR(node(w_.nodes[at_]));
    return ok_status();
  }

 private:
  Status node(const Node& n) {
    MOAI_RETURN_IF_ERROR(ranges(n));
    if (n.kind == NodeKind::kCall) return call(n);
    if (n.storages_count != 1) return bad("needs one storage", n.storages_count);
    if (n.words_count != (n.kind == NodeKind::kFree ? 0u : 1u)) {
      return bad("has a wrong number of words", n.words_count);
    }
    const StorageId id = w_.storages_of(n)[0];
    if (id == 0) return bad("names no storage", id);
    if (n.kind == NodeKind::kAlloc) return make(id);
    MOAI_RETURN_IF_ERROR(use(id));
    if (n.kind == NodeKind::kFree) states_[id] = State::kReleased;
    return ok_status();
  }

  Status ranges(const Node& n) const {
    const bool good = n.kind <= NodeKind::kFree && n.storages_begin <= w_.storages.size() &&
                      n.storages_count <= w_.storages.size() - n.storages_begin &&
                      n.words_begin <= w_.words.size() &&
                      n.words_count <= w_.words.size() - n.words_begin;
    return good ? ok_status() : bad("is out of the window's lists", n.storages_begin);
  }

  Status call(const Node& n) {
    if (n.signature >= signatures_.size()) return bad("has an unknown signature", n.signature);
    const ops::Arity& arity = signatures_.at(n.signature).arity;
    if (n.storages_count != arity.operands + arity.fresh) {
      return bad("has a wrong number of storages", n.storages_count);
    }
    if (n.words_count != arity.words) return bad("has a wrong number of words", n.words_count);
    const std::span<const StorageId> ids = w_.storages_of(n);
    for (StorageId id : ids.first(arity.operands)) MOAI_RETURN_IF_ERROR(use(id));
    for (StorageId id : ids.subspan(arity.operands)) MOAI_RETURN_IF_ERROR(make(id));
    return ok_status();
  }

  // Storages that the window does not make are older than it.
  Status use(StorageId id) {
    if (id == 0) return ok_status();
    const auto [it, older] = states_.try_emplace(id, State::kLive);
    return it->second == State::kLive ? ok_status() : bad("uses a released storage", id);
  }

  Status make(StorageId id) {
    if (id == 0 || states_.try_emplace(id, State::kLive).second) return ok_status();
    return bad("makes a storage that exists", id);
  }

  Status bad(const char* what, uint64_t value) const {
    return invalid_argument("[graph.verify] node " + std::to_string(at_) + " " + what + ": " +
                            std::to_string(value));
  }

  const Window& w_;
  const SignatureTable& signatures_;
  std::unordered_map<StorageId, State> states_;
  size_t at_ = 0;
};

}  // namespace

Status verify(const Window& w, const SignatureTable& signatures) {
  return Verifier(w, signatures).run();
}

}  // namespace moai::graph

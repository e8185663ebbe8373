#include "moai/compiler/conformance/mutants/window_mutants.h"

#include <algorithm>
#include <map>
#include <vector>

#include "moai/ops/call_tensors.h"
#include "moai/ops/share.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

class Mutation {
 public:
  Mutation(std::mt19937* random, graph::SignatureTable* signatures, graph::Window* w)
      : random_(*random), signatures_(*signatures), window_(*w) {}

  bool run(WindowMistake mistake) {
    std::vector<size_t> places;
    for (size_t i = 0; i < window_.nodes.size(); ++i) {
      if (fits(mistake, i)) places.push_back(i);
    }
    if (places.empty()) return false;
    return make(mistake, places[random_() % places.size()]);
  }

 private:
  ops::CallSignature signature(size_t i) const {
    return signatures_.at(window_.nodes[i].signature).signature();
  }
  static bool makes_nothing(const ops::CallSignature& s) { return ops::fresh_results(s).empty(); }
  bool is_call(size_t i) const { return window_.nodes[i].kind == NodeKind::kCall; }

  bool fits(WindowMistake mistake, size_t i) const {
    switch (mistake) {
      case WindowMistake::kDroppedCall:
        return is_call(i) && makes_nothing(signature(i));
      case WindowMistake::kDoubledCall:
        return is_call(i) && signature(i).op == "aten::add_";
      case WindowMistake::kWrongSlice:
        return is_call(i) && (signature(i).op == "aten::clone" || signature(i).op == "aten::copy_");
      case WindowMistake::kWrongOrder:
        return i + 1 < window_.nodes.size() && is_call(i) && is_call(i + 1);
      case WindowMistake::kAnotherStorage:
        return is_call(i) && signatures_.at(window_.nodes[i].signature).arity.operands > 0;
      case WindowMistake::kOtherNumbers:
        return is_call(i) && ops::draws(signature(i)) && window_.nodes[i].words_count > 0;
      case WindowMistake::kReleasedEarly:
        return i > 0 && window_.nodes[i].kind == NodeKind::kFree && is_call(i - 1);
    }
    return false;
  }

  bool make(WindowMistake mistake, size_t at) {
    std::vector<graph::Node>& nodes = window_.nodes;
    const auto here = nodes.begin() + static_cast<ptrdiff_t>(at);
    switch (mistake) {
      case WindowMistake::kDroppedCall:
        nodes.erase(here);
        return true;
      case WindowMistake::kDoubledCall:
        nodes.insert(here, nodes[at]);
        return true;
      case WindowMistake::kWrongSlice:
        return slice(at);
      case WindowMistake::kWrongOrder:
      case WindowMistake::kReleasedEarly: {
        const size_t other = mistake == WindowMistake::kWrongOrder ? at + 1 : at - 1;
        std::swap(nodes[at], nodes[other]);
        return true;
      }
      case WindowMistake::kAnotherStorage:
        return storage(at);
      case WindowMistake::kOtherNumbers:
        window_.words[nodes[at].words_begin + nodes[at].words_count - 1] ^= 1;
        return true;
    }
    return false;
  }

  // By as much as the copy has, forward or back.
  bool slice(size_t at) {
    ops::CallSignature s = signature(at);
    const auto tensors = ops::tensor_operands(s);
    tensor::Geometry& g = tensors[random_() % tensors.size()]->geometry;
    const int64_t count = tensor::element_count(g);
    if (count == 0) return false;
    g.offset = g.offset >= count ? g.offset - count : g.offset + count;
    window_.nodes[at].signature = signatures_.intern(s);
    return true;
  }
  // One that is there and read as the same type and size elsewhere.
  bool storage(size_t at) {
    std::map<StorageId, tensor::Geometry> live;
    for (size_t i = 0; i < at; ++i) {
      const auto ids = window_.storages_of(window_.nodes[i]);
      if (window_.nodes[i].kind == NodeKind::kFree) live.erase(ids[0]);
      if (!is_call(i)) continue;
      const ops::CallSignature s = signature(i);
      size_t k = 0;
      for (const ops::Arg* a : ops::tensor_operands(s)) live[ids[k++]] = a->geometry;
      for (const ops::Result* r : ops::fresh_results(s)) live[ids[k++]] = r->geometry;
    }
    const ops::CallSignature s = signature(at);
    const auto tensors = ops::tensor_operands(s);
    const size_t operand = random_() % tensors.size();
    const graph::Node& n = window_.nodes[at];
    StorageId& id = window_.storages[n.storages_begin + operand];
    std::vector<StorageId> others;
    for (const auto& [other, geometry] : live) {
      if (other != id && geometry == tensors[operand]->geometry) others.push_back(other);
    }
    if (others.empty()) return false;
    id = others[random_() % others.size()];
    return true;
  }

  std::mt19937& random_;
  graph::SignatureTable& signatures_;
  graph::Window& window_;
};

}  // namespace

bool make_mistake(WindowMistake mistake, std::mt19937* random, graph::SignatureTable* signatures,
                  graph::Window* w) {
  return Mutation(random, signatures, w).run(mistake);
}

}  // namespace moai::compiler

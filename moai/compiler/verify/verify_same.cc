#include "moai/compiler/verify/verify_same.h"

#include <set>

#include "moai/compiler/verify/content_numbers.h"
#include "moai/compiler/verify/report.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

class Run {
 public:
  Run(ContentNumbers* numbers, LoweredCalls* decoded)
      : numbers_(*numbers), decoded_(*decoded), contents_(numbers) {}

  Status run(const graph::Window& w) {
    for (size_t i = 0; i < w.nodes.size(); ++i) {
      const std::string what = node(w, w.nodes[i]);
      if (!what.empty()) return fault("node " + std::to_string(i), what);
    }
    return ok_status();
  }
  const std::unordered_map<StorageId, ContentRun::Content>& left() const {
    return contents_.storages();
  }
  const std::set<StorageId>& older_released() const { return older_released_; }

 private:
  std::string node(const graph::Window& w, const graph::Node& n) {
    const auto ids = w.storages_of(n);
    switch (n.kind) {
      case NodeKind::kAlloc:
        contents_.put(ids[0], {numbers_.undefined(), w.words_of(n)[0]});
        return {};
      case NodeKind::kFree:
        if (!contents_.has(ids[0])) older_released_.insert(ids[0]);
        if (older_.contains(ids[0])) older_released_.insert(ids[0]);
        contents_.free(ids[0]);
        return {};
      case NodeKind::kResize:
        meet(ids);
        if (contents_.at(ids[0]).bytes != 0) contents_.at(ids[0]).bytes = w.words_of(n)[0];
        return {};
      case NodeKind::kCall:
        break;
    }
    const LoweredCall& c = decoded_.at(n.signature);
    meet(ids.first(c.operands));
    return contents_.call(c, ids, w.words_of(n));
  }
  void meet(std::span<const StorageId> ids) {
    for (const StorageId id : ids) {
      if (id == 0 || contents_.has(id)) continue;
      contents_.meet(id, numbers_.initial(id));
      older_.insert(id);
    }
  }

  ContentNumbers& numbers_;
  LoweredCalls& decoded_;
  ContentRun contents_;
  std::set<StorageId> older_, older_released_;  // than the window
};

}  // namespace

Status verify_same(const graph::Window& recorded, const graph::Window& other,
                   const graph::SignatureTable& signatures) {
  const Status status = graph::verify(other, signatures);
  if (!status.ok()) return fault("the window", status.message());
  ContentNumbers numbers;
  LoweredCalls decoded(signatures);
  Run wanted(&numbers, &decoded), got(&numbers, &decoded);
  MOAI_RETURN_IF_ERROR(wanted.run(recorded));
  MOAI_RETURN_IF_ERROR(got.run(other));
  for (const auto& [id, content] : wanted.left()) {
    const auto found = got.left().find(id);
    if (found == got.left().end()) return fault("s" + std::to_string(id), "it is not left");
    if (found->second.number != content.number) {
      return fault("s" + std::to_string(id), "it holds something else");
    }
  }
  for (const auto& [id, content] : got.left()) {
    if (!wanted.left().contains(id)) return fault("s" + std::to_string(id), "it is left as well");
  }
  if (wanted.older_released() != got.older_released()) {
    return fault("the window", "it releases other storages that were there before");
  }
  return ok_status();
}

}  // namespace moai::compiler

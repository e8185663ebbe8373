#include "moai/compiler/verify/verify_started.h"

#include <algorithm>
#include <unordered_map>
#include <vector>

#include "moai/compiler/verify/report.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

enum class Kind : uint8_t { kOther, kStart, kWait, kBorder };

// Of calls, each signature decoded once.
class Kinds {
 public:
  explicit Kinds(const graph::SignatureTable& signatures) : signatures_(signatures) {}
  Kind of(const graph::Node& n) {
    if (n.kind != NodeKind::kCall) return Kind::kOther;
    const auto [found, is_new] = kinds_.try_emplace(n.signature);
    if (is_new) found->second = read(signatures_.at(n.signature).signature());
    return found->second;
  }

 private:
  static Kind read(const ops::CallSignature& s) {
    if (ops::is_start(s)) return Kind::kStart;
    if (ops::is_wait(s)) return Kind::kWait;
    return s.op.starts_with("moai::skip_") ? Kind::kBorder : Kind::kOther;
  }

  const graph::SignatureTable& signatures_;
  std::unordered_map<graph::SignatureId, Kind> kinds_;
};

// By storage in how many exchanges each is read, and made.
class StartedCheck {
 public:
  StartedCheck(const graph::Window& program, const graph::SignatureTable& signatures)
      : program_(program), signatures_(signatures), kinds_(signatures) {}

  Status run() {
    for (at_ = 0; at_ < program_.nodes.size(); ++at_) {
      const graph::Node& n = program_.nodes[at_];
      MOAI_RETURN_IF_ERROR(n.kind == NodeKind::kCall ? call(n)
                                                     : memory(program_.storages_of(n)[0]));
    }
    if (!started_.empty()) return wrong("nobody waits for an exchange");
    return ok_status();
  }

 private:
  struct Started {
    ops::CallSignature wait{};
    std::vector<StorageId> reads{}, makes{};
  };

  Status wrong(const std::string& what) const { return fault("node " + std::to_string(at_), what); }

  Status memory(StorageId id) const {
    if (made_.contains(id)) return wrong("it changes what an exchange makes meanwhile");
    if (read_.contains(id)) return wrong("it changes what an exchange reads meanwhile");
    return ok_status();
  }

  Status call(const graph::Node& n) {
    const auto& entry = signatures_.at(n.signature);
    const auto ids = program_.storages_of(n);
    const Kind kind = kinds_.of(n);
    if (kind == Kind::kWait) return wait(entry.signature(), ids);
    if (kind == Kind::kBorder && !started_.empty()) {
      return wrong("an exchange goes on where a part begins or ends that may be skipped");
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      const bool writes = i >= entry.written.size() || entry.written[i];
      if (made_.contains(ids[i])) return wrong("it uses what an exchange makes meanwhile");
      if (writes && read_.contains(ids[i])) {
        return wrong("it overwrites what an exchange reads meanwhile");
      }
    }
    if (kind == Kind::kStart) start(entry.signature(), ids);
    return ok_status();
  }

  void start(const ops::CallSignature& s, std::span<const StorageId> ids) {
    Started started{.wait = ops::wait_of(s)};
    const size_t operands = ops::arity(s).operands;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i < operands) started.reads.push_back(ids[i]);
      if (i >= operands || ops::makes_in_place(s)) started.makes.push_back(ids[i]);
    }
    for (const StorageId id : started.reads) {
      if (id != 0) ++read_[id];
    }
    for (const StorageId id : started.makes) {
      if (id != 0) ++made_[id];
    }
    started_.push_back(std::move(started));
  }

  Status wait(const ops::CallSignature& s, std::span<const StorageId> ids) {
    const auto found = std::ranges::find_if(started_, [&](const Started& started) {
      return std::ranges::equal(started.makes, ids) && started.wait == s;
    });
    if (found == started_.end()) return wrong("it waits for what was not started");
    const auto forget = [](std::unordered_map<StorageId, int>* by, StorageId id) {
      if (id != 0 && --by->at(id) == 0) by->erase(id);
    };
    for (const StorageId id : found->reads) forget(&read_, id);
    for (const StorageId id : found->makes) forget(&made_, id);
    started_.erase(found);
    return ok_status();
  }

  const graph::Window& program_;
  const graph::SignatureTable& signatures_;
  Kinds kinds_;
  size_t at_ = 0;
  std::vector<Started> started_;
  std::unordered_map<StorageId, int> read_, made_;
};

}  // namespace

Status verify_started(const graph::Window& program, const graph::SignatureTable& signatures) {
  return StartedCheck(program, signatures).run();
}

bool has_waits(const graph::Window& program, const graph::SignatureTable& signatures) {
  Kinds kinds(signatures);
  return std::ranges::any_of(program.nodes,
                             [&](const graph::Node& n) { return kinds.of(n) == Kind::kWait; });
}

graph::Window without_waits(const graph::Window& program, const graph::SignatureTable& signatures) {
  graph::Window whole = program;
  Kinds kinds(signatures);
  std::erase_if(whole.nodes, [&](const graph::Node& n) { return kinds.of(n) == Kind::kWait; });
  return whole;
}

}  // namespace moai::compiler

#include "moai/compiler/verify/verify_in_time.h"

#include <algorithm>
#include <set>

#include "moai/compiler/verify/content_numbers.h"
#include "moai/compiler/verify/rank_part.h"
#include "moai/compiler/verify/report.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;
using tensor::Geometry;
using Content = ContentRun::Content;

class TimeCheck {
 public:
  TimeCheck(const Lowering& in, std::span<const graph::Window> ranks, const graph::Window& in_time,
            const graph::SignatureTable& signatures)
      : in_(in), ranks_(ranks), in_time_(in_time), decoded_(signatures), one_(&numbers_) {
    for (size_t k = 0; k < ranks.size(); ++k) runs_.emplace_back(&numbers_);
    for (const std::vector<RegisterId>* list : {&in.program->inputs, &in.program->outputs}) {
      for (const RegisterId r : *list) {
        if (!in.program->registers[r].placement[0].split()) continue;
        split_[segment(r).storage] = r;
      }
    }
    for (const RegisterId r : in.program->inputs) {
      if (in.program->registers[r].placement[0].split()) given_[segment(r).storage] = r;
    }
    for (const graph::Node& n : in.window->nodes) {
      const auto ids = in.window->storages_of(n);
      known_.insert(ids.begin(), ids.end());
      if (n.kind == NodeKind::kAlloc) made_.insert(ids[0]);
      if (n.kind == NodeKind::kFree) released_.insert(ids[0]);
      if (n.kind != NodeKind::kCall) continue;
      const auto results = ids.subspan(decoded_.at(n.signature).operands);
      made_.insert(results.begin(), results.end());
    }
    known_.erase(0);
  }

  Status run() {
    for (size_t i = 0; i < ranks_[0].nodes.size(); ++i) MOAI_RETURN_IF_ERROR(rank_node(i));
    for (size_t i = 0; i < in_time_.nodes.size(); ++i) MOAI_RETURN_IF_ERROR(node(i));
    return compare();
  }

 private:
  const Segment& segment(RegisterId r) const {
    return in_.graph->segments[in_.graph->values[in_.program->registers[r].value].segment];
  }
  int microbatches() const { return static_cast<int>(ranks_.size()); }
  Status wrong(size_t i, const std::string& what) {
    const graph::Node& n = in_time_.nodes[i];
    const std::string op =
        n.kind == NodeKind::kCall ? ", " + decoded_.at(n.signature).signature.op : "";
    return fault("node " + std::to_string(i) + " in time" + op, what);
  }

  // What is older than the window is there when it is first used.
  void meet(ContentRun* run, int k, std::span<const StorageId> ids) {
    for (const StorageId id : ids) {
      if (id == 0 || run->has(id)) continue;
      const bool part = k >= 0 && split_.contains(id);
      run->meet(id, part ? numbers_.initial_part(id, k) : numbers_.initial(id));
    }
  }

  // ---- the windows of virtual ranks

  Status rank_node(size_t i) {
    const graph::Node& first = ranks_[0].nodes[i];
    if (first.kind == NodeKind::kCall) {
      const LoweredCall& c = decoded_.at(first.signature);
      const std::string& op = c.signature.op;
      if (op.starts_with("moai::") && !op.starts_with("moai::skip_")) return collective(i, c);
    }
    for (size_t k = 0; k < ranks_.size(); ++k) {
      const graph::Window& w = ranks_[k];
      if (std::string what = step(&runs_[k], w, w.nodes[i], static_cast<int>(k)); !what.empty()) {
        return fault("a virtual rank's node " + std::to_string(i), what);
      }
    }
    return ok_status();
  }

  std::string step(ContentRun* run, const graph::Window& w, const graph::Node& n, int k) {
    const auto ids = w.storages_of(n);
    switch (n.kind) {
      case NodeKind::kAlloc:
        run->put(ids[0], {numbers_.undefined(), w.words_of(n)[0]});
        return {};
      case NodeKind::kFree:
        run->free(ids[0]);
        return {};
      case NodeKind::kResize:
        meet(run, k, ids);
        return {};
      case NodeKind::kCall:
        break;
    }
    const LoweredCall& c = decoded_.at(n.signature);
    meet(run, k, ids.first(c.operands));
    return run->call(c, ids, w.words_of(n));
  }

  Status collective(size_t i, const LoweredCall& c) {
    const graph::Node& n = ranks_[0].nodes[i];
    const auto ids = ranks_[0].storages_of(n);
    for (int k = 0; k < microbatches(); ++k) meet(&runs_[size_t(k)], k, ids.first(c.operands));
    if (c.signature.op == "moai::all_reduce") return all_reduce(c, ids);
    if (c.signature.op == "moai::all_gather") return all_gather(i, ids);
    if (c.signature.op == "moai::reduce_scatter") return reduce_scatter(i, ids);
    return fault(c.signature.op, "is nothing that micro-batches do");
  }

  // All ranks' contents of a storage, reduced. Nothing where there is more in it.
  std::optional<ContentNumber> reduced(StorageId id, const Geometry& g, const std::string& how) {
    const auto reduction = tensor::reduction_from_name(how);
    const auto bytes =
        static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
    ContentNumber sum = 0;
    for (ContentRun& run : runs_) {
      const Content& c = run.at(id);
      if (!reduction || c.bytes != bytes || g.offset != 0) return std::nullopt;
      sum = sum == 0 ? c.number : numbers_.reduced(*reduction, sum, c.number);
    }
    return sum;
  }
  Status all_reduce(const LoweredCall& c, std::span<const StorageId> ids) {
    const auto items = ops::tensor_operands(c.signature);
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto sum = reduced(ids[i], items[i]->geometry, c.signature.args[1].text);
      if (!sum) return fault("a sum in time", "it is not all of s" + std::to_string(ids[i]));
      for (ContentRun& run : runs_) run.at(ids[i]).number = *sum;
    }
    return ok_status();
  }
  Status all_gather(size_t i, std::span<const StorageId> ids) {
    ContentWhole w;
    const auto& first = decoded_.at(ranks_[0].nodes[i].signature).signature;
    const Geometry& whole = first.results[0].geometry;
    w.outer = whole.sizes[0];
    w.n = whole.sizes[1];
    w.inner = whole.sizes[2];
    int64_t begin = 0;
    for (size_t k = 0; k < ranks_.size(); ++k) {
      const Geometry& part = decoded_.at(ranks_[k].nodes[i].signature).signature.args[0].geometry;
      w.parts.push_back({begin * w.inner, part.sizes[1], runs_[k].at(ids[0]).number, part.offset});
      begin += part.sizes[1];
    }
    const ContentNumber number = numbers_.whole(w);
    for (ContentRun& run : runs_) {
      run.put(ids[1], {number, static_cast<uint64_t>(tensor::storage_bytes(whole))});
    }
    return ok_status();
  }
  Status reduce_scatter(size_t i, std::span<const StorageId> ids) {
    const auto& s = decoded_.at(ranks_[0].nodes[i].signature).signature;
    const Geometry& whole = s.args[0].geometry;
    const auto sum = reduced(ids[0], whole, s.args[3].text);
    if (!sum) return fault("a sum in time", "it is not all of s" + std::to_string(ids[0]));
    int64_t begin = 0;
    for (size_t k = 0; k < ranks_.size(); ++k) {
      Geometry part = whole;
      part.sizes[1] = s.args[2].ints[k];
      part.offset += begin * part.sizes[2];
      begin += part.sizes[1];
      const auto bytes =
          static_cast<uint64_t>(tensor::element_count(part)) * tensor::dtype_size(part.dtype);
      runs_[k].put(ids[1], {numbers_.copied(*sum, part), bytes});
    }
    return ok_status();
  }

  // ---- the one window

  Status node(size_t i) {
    const graph::Node& n = in_time_.nodes[i];
    if (n.kind == NodeKind::kFree && known_.contains(in_time_.storages_of(n)[0])) {
      freed_.insert(in_time_.storages_of(n)[0]);
    }
    if (n.kind == NodeKind::kCall && take_part(n)) return ok_status();
    std::string what = step(&one_, in_time_, n, -1);
    return what.empty() ? ok_status() : wrong(i, what);
  }

  // A copy of a micro-batch's part of what was given.
  bool take_part(const graph::Node& n) {
    const ops::CallSignature& s = decoded_.at(n.signature).signature;
    const auto ids = in_time_.storages_of(n);
    if (s.op != "aten::clone" || ids.size() != 2 || !given_.contains(ids[0])) return false;
    meet(&one_, -1, ids.first(1));
    if (one_.at(ids[0]).number != numbers_.initial(ids[0])) return false;
    const Geometry& result = s.results[0].geometry;
    if (!tensor::is_contiguous(result) || result.offset != 0) return false;
    for (int k = 0; k < microbatches(); ++k) {
      if (s.args[0].geometry != part(given_.at(ids[0]), k) ||
          result.sizes != s.args[0].geometry.sizes) {
        continue;
      }
      const auto bytes = static_cast<uint64_t>(tensor::storage_bytes(result));
      one_.put(ids[1], {numbers_.initial_part(ids[0], k), bytes});
      return true;
    }
    return false;
  }
  // Of a register that the axis splits, in the whole storage.
  Geometry part(RegisterId r, int k) const {
    const RankPart of(in_, r, k);
    const uint32_t place = in_.program->registers[r].placement[0].place;
    const RankPart::Share& share = of.share(place);
    const int64_t inner = of.inner(place);
    return {.dtype = segment(r).dtype,
            .sizes = {of.outer(place), share.size, inner},
            .strides = {share.whole * inner, inner, 1},
            .offset = segment(r).begin + share.begin * inner};
  }

  // ---- what is left

  Status compare() {
    std::set<StorageId> left;
    for (const auto& [id, content] : one_.storages()) {
      if (!known_.contains(id)) return fault("s" + std::to_string(id), "it is never released");
      left.insert(id);
    }
    for (const auto& [id, content] : runs_[0].storages()) {
      if (!left.erase(id)) return fault("s" + std::to_string(id), "it is not left in time");
      const Content& got = one_.at(id);
      const ContentNumber wanted = this->wanted(id);
      if (wanted == 0 || got.number != wanted) {
        return fault("s" + std::to_string(id), "it holds something else in time");
      }
    }
    // What a virtual rank never met is as it was.
    for (const StorageId id : left) {
      if (one_.at(id).number != numbers_.initial(id)) {
        return fault("s" + std::to_string(id), "it is only there in time");
      }
    }
    return check_released();
  }
  ContentNumber wanted(StorageId id) {
    const auto r = split_.find(id);
    const ContentNumber first = runs_[0].at(id).number;
    if (r == split_.end()) {
      const bool same = std::ranges::all_of(
          runs_, [&](ContentRun& run) { return run.has(id) && run.at(id).number == first; });
      return same ? first : 0;
    }
    ContentWhole w;
    bool untouched = true;
    for (int k = 0; k < microbatches(); ++k) {
      const ContentNumber number = runs_[size_t(k)].at(id).number;
      untouched &= number == numbers_.initial_part(id, k);
      const Geometry g = part(r->second, k);
      w.outer = g.sizes[0];
      w.n = g.strides[0] / g.sizes[2];
      w.inner = g.sizes[2];
      w.parts.push_back({g.offset, g.sizes[1], number, 0});
    }
    if (untouched) return numbers_.initial(id);
    const Segment& s = segment(r->second);
    const bool all =
        one_.at(id).bytes == static_cast<uint64_t>(s.count) * tensor::dtype_size(s.dtype);
    const bool older = one_.at(id).bytes == 0;
    if (!all) w.base = older ? numbers_.initial(id) : numbers_.undefined();
    return numbers_.whole(std::move(w));
  }
  // Of what was there before, both release the same.
  Status check_released() const {
    for (const StorageId id : known_) {
      const bool is = one_.has(id), was = !made_.contains(id) && !released_.contains(id);
      const bool right = released_.contains(id) ? !is && (made_.contains(id) || freed_.contains(id))
                                                : !freed_.contains(id) && (is || was);
      if (!right) return fault("s" + std::to_string(id), "it is released otherwise in time");
    }
    return ok_status();
  }

  const Lowering& in_;
  const std::span<const graph::Window> ranks_;
  const graph::Window& in_time_;
  LoweredCalls decoded_;
  ContentNumbers numbers_;
  std::vector<ContentRun> runs_;  // by virtual rank
  ContentRun one_;
  std::unordered_map<StorageId, RegisterId> split_, given_;
  std::set<StorageId> known_, made_, released_;  // of the window
  std::set<StorageId> freed_;                    // in time
};

}  // namespace

Status verify_in_time(const Lowering& in, std::span<const graph::Window> ranks,
                      const graph::Window& in_time, const graph::SignatureTable& signatures) {
  const Status status = graph::verify(in_time, signatures);
  if (!status.ok()) return fault("the window in time", status.message());
  return TimeCheck(in, ranks, in_time, signatures).run();
}

}  // namespace moai::compiler

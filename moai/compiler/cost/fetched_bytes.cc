#include "moai/compiler/cost/fetched_bytes.h"

#include <algorithm>
#include <cmath>

#include "moai/compiler/cost/call_work.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler::cost {
namespace {

// What a call touches of its storages, from its signature alone.
struct Touch {
  double bytes = 0;
  double times = 1;
};

class Walk {
 public:
  Walk(const graph::Window& program, const graph::SignatureTable& signatures, const Caches& caches)
      : program_(program),
        signatures_(signatures),
        caches_(caches),
        fetched_(program.nodes.size()) {}

  void step(const StorageBytes& begin) {
    StorageReplay storages(&signatures_, begin);
    for (uint32_t at = 0; at < program_.nodes.size(); ++at) {
      const graph::Node& n = program_.nodes[at];
      if (n.kind == graph::NodeKind::kFree) {
        free(program_.storages_of(n)[0], storages.live());
      } else if (n.kind == graph::NodeKind::kCall && storages.reuses(program_, at)) {
        free(program_.storages_of(n)[0], storages.live());
        last_[program_.storages_of(n)[0]] = now_;  // it is read all the same
      }
      storages.run_reusing(program_, at);
      if (n.kind == graph::NodeKind::kCall) fetched_[at] = call(n, storages.live());
    }
  }

  std::vector<FetchedBytes> take() { return std::move(fetched_); }

 private:
  FetchedBytes call(const graph::Node& n, const LiveStorages& live) {
    const std::vector<Touch>& touched = touches(n.signature);
    const auto ids = program_.storages_of(n);
    double all = 0;
    for (const Touch& t : touched) all += t.bytes;
    FetchedBytes out;
    for (size_t i = 0; i < touched.size(); ++i) {
      const double since = now_ - last_touched(ids[i], live);
      const double bytes = touched[i].bytes * touched[i].times;
      const auto beyond = [&](double cache) {
        // What a call over more than the cache holds finds nowhere is in its time anyway.
        return bytes * std::max(0.0, lost_part(since, cache) - lost_part(all, cache));
      };
      out.beyond_own += beyond(caches_.own);
      out.beyond_shared += beyond(caches_.shared);
    }
    now_ += all;
    for (size_t i = 0; i < touched.size(); ++i) last_[ids[i]] = now_;
    return out;
  }

  double last_touched(graph::StorageId id, const LiveStorages& live) {
    const auto [found, is_new] = last_.try_emplace(id, -INFINITY);
    if (!is_new) return found->second;
    std::vector<double>& freed = freed_[live.bytes_of(id)];
    if (!freed.empty()) {
      found->second = freed.back();
      freed.pop_back();
    }
    return found->second;
  }

  void free(graph::StorageId id, const LiveStorages& live) {
    const auto found = last_.find(id);
    if (found == last_.end()) return;
    freed_[live.bytes_of(id)].push_back(found->second);
    last_.erase(found);
  }

  const std::vector<Touch>& touches(graph::SignatureId id) {
    const auto [found, is_new] = touches_.try_emplace(id);
    if (!is_new) return found->second;
    const ops::CallSignature s = signatures_.at(id).signature();
    const auto bytes = [](const tensor::Geometry& g) {
      return static_cast<double>(touched_bytes(g));
    };
    for (const ops::Arg* a : ops::tensor_operands(s)) {
      found->second.push_back({bytes(a->geometry), a->written ? 2.0 : 1.0});
    }
    for (const ops::Result* r : ops::fresh_results(s))
      found->second.push_back({bytes(r->geometry)});
    return found->second;
  }

  const graph::Window& program_;
  const graph::SignatureTable& signatures_;
  const Caches& caches_;
  double now_ = 0;                                           // bytes touched so far
  std::unordered_map<graph::StorageId, double> last_;        // when it was touched
  std::unordered_map<uint64_t, std::vector<double>> freed_;  // by bytes, likewise
  std::unordered_map<graph::SignatureId, std::vector<Touch>> touches_;
  std::vector<FetchedBytes> fetched_;
};

}  // namespace

double lost_part(double bytes_since, double cache_bytes) {
  if (cache_bytes <= 0) return 0;
  return std::clamp(bytes_since / cache_bytes - 0.5, 0.0, 1.0);
}

std::vector<FetchedBytes> fetched_bytes(const graph::Window& program,
                                        const graph::SignatureTable& signatures,
                                        const StorageBytes& begin, const Caches& caches) {
  Walk walk(program, signatures, caches);
  walk.step(begin);
  walk.step(begin);  // what the step before left in the caches
  return walk.take();
}

}  // namespace moai::compiler::cost

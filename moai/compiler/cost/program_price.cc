#include "moai/compiler/cost/program_price.h"

#include <algorithm>
#include <unordered_map>

#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/cost/collective_cost.h"
#include "moai/compiler/cost/fetched_bytes.h"
#include "moai/compiler/cost/operator_times.h"
#include "moai/compiler/cost/timeline.h"
#include "moai/compiler/cost/workspace.h"
#include "moai/ops/started_call.h"

namespace moai::compiler::cost {
namespace {

// What is known of a call from its signature, for all nodes that have it.
struct CallPrice {
  std::optional<CollectiveCall> collective{};
  bool starts = false, waits = false;  // a collective
  double seconds = 0, flops = 0;
  uint64_t workspace = 0;
  double own_byte_s = 0, far_byte_s = 0;  // more for data beyond caches
  bool product = false;
};

class Pricing {
 public:
  Pricing(const graph::Window& program, const graph::SignatureTable& signatures, StorageBytes begin,
          const Machine& machine, std::vector<FetchedBytes> fetched = {})
      : program_(program),
        signatures_(signatures),
        machine_(machine),
        storages_(&signatures, std::move(begin)),
        slowdown_(machine.cluster->device.fitted.overlap_slowdown),
        timeline_(slowdown_),
        fetched_(std::move(fetched)) {
    price_.axes.resize(machine.axes.size());
    price_.nodes.resize(program.nodes.size());
    price_.begin_bytes = storages_.live().bytes();
    fill(0, 0);
  }

  ProgramPrice run() {
    if (machine_.overlap.tensor == TensorOverlap::kChunks) find_chunked();
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      const graph::Node& n = program_.nodes[i];
      machine_.reuses_operands ? storages_.run_reusing(program_, i) : storages_.run(program_, n);
      n.kind == graph::NodeKind::kCall ? call(i, n) : fill(i + 1, 0);
    }
    price_.step_s = timeline_.end_s();
    return std::move(price_);
  }

 private:
  void call(uint32_t at, const graph::Node& n) {
    const CallPrice& c = priced(n.signature);
    const auto ids = program_.storages_of(n);
    fill(at + 1, c.workspace);
    started_ |= c.starts;
    const double before = now_s();
    const double seconds = c.seconds + fetch_seconds(at, c);
    if (!c.collective) timeline_.call(ids, seconds);
    if (c.collective) collective(at, ids, c, seconds);
    price_.nodes[at] = {seconds, now_s() - before, c.flops};
    if (!c.waits) count(c, seconds);
  }
  // Of a program that starts exchanges itself the end of its calls: it waits for what it needs.
  double now_s() const { return started_ ? timeline_.calls_end_s() : timeline_.end_s(); }

  double fetch_seconds(uint32_t at, const CallPrice& c) const {
    if (fetched_.empty()) return 0;
    return c.own_byte_s * fetched_[at].beyond_own + c.far_byte_s * fetched_[at].beyond_shared;
  }

  bool is_tensor(const CallPrice& c) const {
    return machine_.tensor_axis && c.collective->axis == *machine_.tensor_axis;
  }
  void collective(uint32_t at, std::span<const graph::StorageId> ids, const CallPrice& c,
                  double seconds) {
    if (machine_.apart && (*machine_.apart)[at]) return;
    if (started_ && !c.starts) timeline_.run_dry();
    if (c.starts) return timeline_.start(ids, seconds);
    const TensorOverlap tensor = machine_.overlap.tensor;
    const bool beside =
        is_tensor(c) ? tensor == TensorOverlap::kWeightGradients : machine_.overlap.data;
    timeline_.collective(ids, chunked_.contains(at) ? chunked_.at(at) : seconds, beside);
  }

  // Of each collective along the axis of tensors a chunk shows, one of as many as there are ranks.
  // The others run beside the products that make what it sums, or use what it gathers.
  void find_chunked() {
    std::vector<uint32_t> products, collectives;
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      if (program_.nodes[i].kind != graph::NodeKind::kCall) continue;
      const CallPrice& c = priced(program_.nodes[i].signature);
      if (c.product) products.push_back(i);
      if (c.collective && is_tensor(c)) collectives.push_back(i);
    }
    std::unordered_map<uint32_t, double> left;  // of products, seconds with nothing beside them
    for (const uint32_t i : products) left[i] = priced(program_.nodes[i].signature).seconds;
    for (const uint32_t i : collectives) {
      const CallPrice& c = priced(program_.nodes[i].signature);
      const double shown = c.seconds / machine_.axes[*machine_.tensor_axis].ranks();
      const double rest = c.seconds - shown;
      const auto next = std::ranges::lower_bound(products, i) - products.begin();
      const bool gathers = c.collective->kind == cluster::Collective::kAllGather;
      double beside = 0;
      for (const ptrdiff_t p : {gathers ? next : next - 1, gathers ? next + 1 : next}) {
        if (p < 0 || p >= std::ssize(products)) continue;
        double& free = left[products[static_cast<size_t>(p)]];
        const double more = std::min(rest - beside, free * slowdown_);
        free -= more / slowdown_;
        beside += more;
      }
      chunked_[i] = shown + rest - beside / slowdown_;
    }
  }

  void count(const CallPrice& c, double seconds) {
    if (!c.collective) {
      ++price_.calls;
      price_.compute_s += seconds;
      price_.flops += c.flops;
      return;
    }
    ++price_.collectives;
    price_.collective_s += seconds;
    price_.received_bytes += c.collective->received_bytes;
    AxisTraffic& axis = price_.axes[c.collective->axis];
    ++axis.collectives;
    axis.received_bytes += c.collective->received_bytes;
    axis.seconds += seconds;
  }

  void fill(uint32_t after, uint64_t workspace) {
    const uint64_t bytes = storages_.live().bytes();
    price_.storage_bytes_max = std::max(price_.storage_bytes_max, bytes);
    if (bytes + workspace <= price_.memory_bytes_max) return;
    price_.memory_bytes_max = bytes + workspace;
    price_.fullest_after = after;
  }

  const CallPrice& priced(graph::SignatureId id) {
    const auto [found, is_new] = priced_.try_emplace(id);
    if (is_new) found->second = price(signatures_.at(id).signature());
    return found->second;
  }
  CallPrice price(const ops::CallSignature& s) const {
    CallPrice c{
        .collective = collective_call(s), .starts = ops::is_start(s), .waits = ops::is_wait(s)};
    if (c.waits) return c;
    if (c.collective) {
      c.seconds = collective_seconds(*machine_.cluster, c.collective->kind,
                                     static_cast<double>(c.collective->bytes),
                                     machine_.axes[c.collective->axis]);
      c.far_byte_s = collective_far_byte_s(*machine_.cluster, c.collective->kind,
                                           machine_.axes[c.collective->axis]);
      return c;
    }
    const CallWork work = call_work(s);
    // Ranks wait for each other, so that the slowest device is what counts.
    c.seconds = call_seconds(machine_.cluster->device, s, work, machine_.kernels) /
                machine_.cluster->slowest();
    c.flops = work.flops;
    c.product = work.kind == WorkKind::kProduct;
    c.workspace = workspace_bytes(s);
    if (fetched_.empty() || work.kind == WorkKind::kNothing) return c;
    if (const auto* times = operator_times(machine_.cluster->device, s)) {
      c.own_byte_s = times->cold_byte_s / machine_.cluster->slowest();
      c.far_byte_s = times->far_byte_s / machine_.cluster->slowest();
    }
    return c;
  }

  const graph::Window& program_;
  const graph::SignatureTable& signatures_;
  const Machine& machine_;
  StorageReplay storages_;
  const double slowdown_;
  Timeline timeline_;
  bool started_ = false;
  std::unordered_map<uint32_t, double> chunked_;  // by node, what of a collective shows
  const std::vector<FetchedBytes> fetched_;       // by node; nothing where all is in caches
  ProgramPrice price_;
  std::unordered_map<graph::SignatureId, CallPrice> priced_;
};

}  // namespace

std::vector<cluster::GroupShape> axis_shapes(const cluster::Cluster& cluster, const Mesh& mesh) {
  std::vector<cluster::GroupShape> shapes(mesh.axes.size());
  int stride = 1;
  for (size_t a = mesh.axes.size(); a-- > 0; stride *= mesh.axes[a].size) {
    shapes[a] = axis_shape(cluster, stride, mesh.axes[a].size);
  }
  return shapes;
}

ProgramPrice price_program(const graph::Window& program, const graph::SignatureTable& signatures,
                           StorageBytes begin, const Machine& machine) {
  const cluster::DeviceKind& device = machine.cluster->device;
  const auto cache = static_cast<uint64_t>(device.cache_bytes);
  if (cache == 0) return Pricing(program, signatures, std::move(begin), machine).run();
  ProgramPrice warm = Pricing(program, signatures, begin, machine).run();
  if (warm.memory_bytes_max <= cache) return warm;
  Machine cold = machine;
  cold.kernels.cold = true;
  auto fetched = fetched_bytes(program, signatures, begin,
                               {.own = static_cast<double>(device.cache_bytes),
                                .shared = static_cast<double>(device.shared_cache_bytes)});
  return Pricing(program, signatures, std::move(begin), cold, std::move(fetched)).run();
}

}  // namespace moai::compiler::cost

#include "moai/compiler/search/place_costs.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/cost/collective_cost.h"
#include "moai/compiler/cost/rank_memory.h"
#include "moai/compiler/cost/workspace.h"
#include "moai/compiler/lower/local_call.h"
#include "moai/ops/call_build.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

enum class Phase : uint8_t { kForward, kInput, kWeight, kOnce };

class Counting {
 public:
  Counting(const ModelLine& line, const PlannedWindow& planned, const cluster::Cluster& cluster,
           const PriceOptions& options)
      : line_(line), planned_(planned), cluster_(cluster), options_(options) {
    const Analysed& a = *planned.analysed;
    const Lowering in{&a.window, &a.graph, &a.factors, &planned.program};
    axes_ = cost::axis_shapes(cluster, planned.program.mesh);
    // Ranks that there are no devices for exchange nothing: no link is between them.
    const Mesh& mesh = planned.program.mesh;
    const auto dp = mesh.axis("dp");
    if (dp && mesh.ranks() > cluster.devices()) axes_[*dp] = {};
    program_ = lower_rank(in, 0, planned.next_temporary, &line.signatures(), &sources_);
    begin_ = cost::rank_begin(in, 0, line.older());
    out_.places.resize(line.places());
  }

  PlaceCosts run() {
    find_phases();
    price();
    find_counted();
    there_ = {begin_.begin(), begin_.end()};
    cost::StorageReplay replay(&line_.signatures(), begin_);
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      const graph::Node& n = program_.nodes[i];
      replay.run(program_, n);
      if (n.kind == graph::NodeKind::kCall) {
        parts_[i].phase == Phase::kOnce ? count_once(i, n, replay.live().storages())
                                        : count_each(i, n);
      }
      see_memory(i, n, replay.live());
    }
    count_whole();
    return std::move(out_);
  }

 private:
  struct Known {
    std::optional<cost::CollectiveCall> collective{};  // a start as well
    bool starts = false, waits = false;
    double latency_s = 0;  // of it, were there no bytes
    uint64_t workspace = 0;
  };
  const Known& known(graph::SignatureId id) {
    const auto [at, is_new] = known_.try_emplace(id);
    if (!is_new) return at->second;
    const ops::CallSignature s = line_.signatures().at(id).signature();
    at->second.collective = cost::collective_call(s);
    at->second.starts = ops::is_start(s);
    at->second.waits = ops::is_wait(s);
    if (at->second.collective) {
      const auto& c = *at->second.collective;
      at->second.latency_s = cost::collective_seconds(cluster_, c.kind, 0, axes_[c.axis]);
    } else {
      at->second.workspace = cost::workspace_bytes(s);
    }
    return at->second;
  }

  // ---- what each node belongs to

  struct Part {
    Phase phase = Phase::kOnce;
    uint32_t place = kNone;
  };
  Part part_of(uint32_t i) const {
    const graph::Node& source = planned_.analysed->window.nodes[sources_[i]];
    if (source.kind != graph::NodeKind::kCall) return {};
    const ModelLine::Mark mark = ModelLine::mark_of(source.line);
    if (mark.node == kNone) return {Phase::kForward, kNone};
    const ModelLine::Call& c = line_.call(mark.node);
    if (c.slice == Slice::kOptimizer) return {Phase::kOnce, kNone};
    if (c.slice == Slice::kForward) {
      return {mark.again ? Phase::kInput : Phase::kForward, c.place};
    }
    return {c.weight_gradient ? Phase::kWeight : Phase::kInput, c.place};
  }
  void find_phases() {
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      parts_.push_back(part_of(i));
      if (program_.nodes[i].kind != graph::NodeKind::kCall) continue;
      find_start(i);
      if (parts_[i].phase != Phase::kOnce && parts_[i].place != kNone) passes_end_ = i;
      const bool backward = parts_[i].phase == Phase::kInput || parts_[i].phase == Phase::kWeight;
      if (backward && backward_begin_ == kNone) backward_begin_ = i;
      if (backward) {
        optimizer_begin_ = kNone;
      } else if (parts_[i].phase == Phase::kOnce && optimizer_begin_ == kNone) {
        optimizer_begin_ = i;
      }
    }
  }

  // A wait belongs where its start does.
  void find_start(uint32_t i) {
    const graph::Node& n = program_.nodes[i];
    const Known& k = known(n.signature);
    const auto ids = program_.storages_of(n);
    if (k.waits) {
      starts_[i] = made_by_.at(ids[0]);
      parts_[i] = parts_[starts_[i]];
    } else if (k.starts) {
      const size_t operands = line_.signatures().at(n.signature).arity.operands;
      for (const StorageId id : ids.size() > operands ? ids.subspan(operands) : ids) {
        made_by_[id] = i;
      }
    }
  }
  // Of an exchange, or of the wait for one; null for other calls.
  const Known* exchange(uint32_t i) {
    const auto start = starts_.find(i);
    const uint32_t at = start == starts_.end() ? i : start->second;
    const Known& k = known(program_.nodes[at].signature);
    return k.collective ? &k : nullptr;
  }

  // Where exchanges overlap, those that run once a step beside passes are not in line here: in
  // another stack those of dp, in ours what is started before the passes end.
  void price() {
    apart_.resize(program_.nodes.size());
    std::vector<bool> data = apart_;  // and what dp exchanges for each micro-batch
    bool has_data = false;
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      if (program_.nodes[i].kind != graph::NodeKind::kCall) continue;
      const Known& k = known(program_.nodes[i].signature);
      if (!k.collective) continue;
      const bool once = parts_[i].phase == Phase::kOnce, tensor = is_tensor(*k.collective);
      const bool in_passes = k.starts && i < passes_end_;
      apart_[i] = once && (in_passes || (options_.overlap.data && !tensor));
      data[i] = apart_[i] || (k.starts && !once && !tensor);
      has_data = has_data || data[i] != apart_[i];
    }
    price_ = priced_without(apart_);
    if (has_data) without_data_ = priced_without(data).nodes;
  }
  cost::ProgramPrice priced_without(const std::vector<bool>& apart) const {
    return cost::price_program(program_, line_.signatures(), begin_,
                               {.cluster = &cluster_,
                                .axes = axes_,
                                .kernels = options_.kernels,
                                .overlap = options_.overlap,
                                .tensor_axis = planned_.program.mesh.axis("tp"),
                                .apart = &apart});
  }

  PlaceCost& at(uint32_t place) { return place == kNone ? out_.common : out_.places[place]; }

  // ---- seconds

  void count_each(uint32_t i, const graph::Node& n) {
    const Part& part = parts_[i];
    const cost::NodePrice& price = price_.nodes[i];
    PlaceCost& c = at(part.place);
    const bool forward = part.phase == Phase::kForward;
    const Known* exchange = this->exchange(i);
    const bool tensor = exchange && is_tensor(*exchange->collective);
    double own = without_data_.empty() ? price.exposed_s : without_data_[i].exposed_s;
    double data = price.exposed_s - own;
    if (exchange && !tensor) data += std::exchange(own, 0);
    (forward ? c.forward_data_s : c.backward_data_s) += data;
    (forward ? c.forward_exchange_s : c.backward_exchange_s) += exchange ? own + data : data;
    if (exchange) {
      if (tensor) {
        out_.tensor_bandwidth_s +=
            line_.times(part.place) * std::max(0.0, own - exchange->latency_s);
      }
      if (known(n.signature).waits) return;
      if (!forward) c.backward_links_s += price.seconds;
      if (!tensor) c.data_links_s += price.seconds;
      count_traffic(*exchange->collective, price.seconds, line_.times(part.place),
                    &(out_.*PlaceCosts::along(axis_of(*exchange->collective))).each);
      return;
    }
    (forward ? c.forward_s : part.phase == Phase::kInput ? c.input_s : c.weight_s) += own;
    c.flops += price.flops;
    ++c.calls;
  }

  // By bytes among the places of the storages that it touches; what a call takes at least is paid
  // once where there are several.
  void count_once(uint32_t i, const graph::Node& n, const cost::StorageBytes& live) {
    const cost::NodePrice& price = price_.nodes[i];
    const Known* exchange = this->exchange(i);
    std::unordered_map<uint32_t, double> shares;
    double all = 0;
    for (const StorageId id : program_.storages_of(n)) {
      const uint32_t place = place_of(id);
      if (place == kNone) continue;
      const auto found = live.find(id);
      const double bytes = found == live.end() ? 0 : static_cast<double>(found->second);
      shares[place] += bytes;
      all += bytes;
    }
    const bool several = shares.size() != 1 || all == 0;
    const double taken = apart_[i] ? price.seconds : price.exposed_s;
    const double least = several ? std::min(taken, exchange ? exchange->latency_s : launch_s()) : 0;
    const auto add = [&](PlaceCost& c, double seconds) {
      (apart_[i] ? c.once_beside_s : exchange ? c.once_exchange_s : c.once_s) += seconds;
    };
    double times = 0;
    for (const auto& [place, bytes] : shares) {
      if (all > 0) add(at(place), (taken - least) * bytes / all);
      if (all > 0) times += line_.times(place) * bytes / all;
    }
    add(at(kNone), all > 0 ? least : taken);
    PlaceCost& counted = shares.size() == 1 && all > 0 ? at(shares.begin()->first) : out_.common;
    if (!exchange) {
      ++counted.once_calls;
      return;
    }
    if (known(n.signature).waits) return;
    count_traffic(*exchange->collective, price.seconds, all > 0 ? times : 1,
                  &(out_.*PlaceCosts::along(axis_of(*exchange->collective))).once);
  }
  const std::string& axis_of(const cost::CollectiveCall& c) const {
    return planned_.program.mesh.axes[c.axis].name;
  }
  // Whether it moves rows of a micro-batch: along tp and cp.
  bool is_tensor(const cost::CollectiveCall& c) const { return axis_of(c) != "dp"; }
  double launch_s() const { return cluster_.device.fitted.launch_s / cluster_.slowest(); }
  static void count_traffic(const cost::CollectiveCall& c, double seconds, double times,
                            PlaceCosts::Traffic* traffic) {
    traffic->collectives += times;
    traffic->received_bytes += times * static_cast<double>(c.received_bytes);
    traffic->seconds += times * seconds;
  }

  // Of a storage, or of what it was made from or by.
  uint32_t place_of(StorageId id) const {
    const uint32_t place = line_.place_of(id);
    if (place != kNone) return place;
    if (const auto made = made_at_.find(id); made != made_at_.end()) return made->second;
    const auto made = made_in_.find(id);
    return made == made_in_.end() ? kNone : made->second.place;
  }

  // ---- bytes

  // What there is at the border of two parts of the step is of the places that made it: first a
  // round to find it, then one to see what is there beside it.
  void find_counted() {
    cost::StorageReplay replay(&line_.signatures(), begin_);
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      const auto& live = replay.live().storages();
      if (i == backward_begin_) count_border(live, false);
      if (i == optimizer_begin_) count_border(live, true);
      note_made(i);
      replay.run(program_, program_.nodes[i]);
    }
    for (const auto& [id, bytes] : begin_) {
      counted_[id] = bytes;
      counted_bytes_ += static_cast<double>(bytes);
      count_begin(id, static_cast<double>(bytes));
    }
  }
  void note_made(uint32_t i) {
    const graph::Node& n = program_.nodes[i];
    const auto ids = program_.storages_of(n);
    if (n.kind == graph::NodeKind::kAlloc) made_in_[ids[0]] = parts_[i];
    if (n.kind != graph::NodeKind::kCall) return;
    for (size_t k = line_.signatures().at(n.signature).arity.operands; k < ids.size(); ++k) {
      made_in_[ids[k]] = parts_[i];
      if (parts_[i].phase != Phase::kOnce) continue;
      // What the optimizer makes of what belongs to a place belongs there too; of lists item by
      // item.
      const size_t item = k - line_.signatures().at(n.signature).arity.operands;
      const StorageId from = ids[item < k ? item : 0];
      const uint32_t place = from == ids[k] ? kNone : place_of(from);
      if (place != kNone) made_at_[ids[k]] = place;
    }
  }
  void count_border(const cost::StorageBytes& live, bool gradients) {
    for (const auto& [id, bytes] : live) {
      const auto made = made_in_.find(id);
      if (begin_.contains(id) || made == made_in_.end()) continue;
      const auto b = static_cast<double>(bytes);
      if (!counted_.try_emplace(id, bytes).second) continue;
      if (!gradients && made->second.phase == Phase::kForward) {
        at(made->second.place).kept += b;
        continue;
      }
      const uint32_t place = line_.place_of(id);
      PlaceCost& c = at(place != kNone ? place : made->second.place);
      const Phase phase = made->second.phase;
      c.gradients += b;
      if (place == kNone && (phase == Phase::kForward || phase == Phase::kInput)) {
        c.left += b;
      } else if (gradients) {
        c.adding_s += adding_s(bytes);
      }
    }
  }
  void count_begin(StorageId id, double bytes) {
    PlaceCost& c = at(line_.place_of(id));
    const Role role = line_.role_of(id);
    (role == Role::kState                                ? c.state
     : role == Role::kParameter || role == Role::kBuffer ? c.parameters
     : role == Role::kGradient                           ? c.gradients
                                                         : c.data) += bytes;
    if (role == Role::kParameter) ++c.weights;
  }

  void see_memory(uint32_t i, const graph::Node& n, const cost::LiveStorages& live) {
    const auto ids = program_.storages_of(n);
    if (n.kind == graph::NodeKind::kFree) {
      const auto gone = there_.find(ids[0]);
      if (gone != there_.end()) {
        counted_bytes_ -= static_cast<double>(gone->second);
        there_.erase(gone);
      }
      return;
    }
    for (const StorageId id : ids) {
      const auto counts = counted_.find(id);
      if (counts == counted_.end() || begin_.contains(id)) continue;
      if (there_.insert(*counts).second) counted_bytes_ += static_cast<double>(counts->second);
    }
    if (n.kind != graph::NodeKind::kCall) return;
    const auto workspace = static_cast<double>(known(n.signature).workspace);
    const double beside = static_cast<double>(live.bytes()) + workspace - counted_bytes_;
    const bool once = parts_[i].phase == Phase::kOnce;
    if (once && i >= optimizer_begin_) return see_once(beside, workspace, live);
    // What goes out in the midst of the backward part has a layer's calls beside it.
    PlaceCost& c = at(once ? first_place(ids) : parts_[i].place);
    if (beside <= c.beside) return;
    c.beside = beside;
    c.workspace = workspace;
  }
  uint32_t first_place(std::span<const StorageId> ids) const {
    for (const StorageId id : ids) {
      if (const uint32_t place = place_of(id); place != kNone) return place;
    }
    return kNone;
  }
  // Lists of gathered weights grow with the model.
  void see_once(double beside, double workspace, const cost::LiveStorages& live) {
    if (beside <= once_beside_) return;
    once_beside_ = beside;
    for (PlaceCost& c : out_.places) c.once_beside = 0;
    out_.common.once_beside = workspace;
    for (const auto& [id, bytes] : live.storages()) {
      if (!there_.contains(id)) at(place_of(id)).once_beside += static_cast<double>(bytes);
    }
  }

  // ---- what the program does not have

  // Each micro-batch but the first adds its gradients to those before.
  double adding_s(uint64_t bytes) const {
    const tensor::DType dtype = tensor::DType::kFloat32;
    const auto count = static_cast<int64_t>(bytes / tensor::dtype_size(dtype));
    const tensor::Geometry g = dense_geometry(dtype, {std::max<int64_t>(count, 1)});
    ops::CallSignature s{.op = "aten::add_", .overload = "Tensor"};
    s.args = {ops::of_tensor(g, true), ops::of_tensor(g), ops::of_int(1)};
    s.results = {{.kind = ops::ResultKind::kIgnored}};
    return cost::call_seconds(cluster_.device, s, cost::call_work(s), options_.kernels) /
           cluster_.slowest();
  }

  void count_whole() {
    const Analysed& a = *planned_.analysed;
    std::unordered_map<uint32_t, size_t> unknown;  // by node of the window
    for (const NodeId n : a.factors.unknown()) {
      const ValueNode& node = a.graph.nodes[n];
      const std::string op = node.signature.op + (node.signature.overload.empty() ? "" : ".") +
                             node.signature.overload;
      const auto same = std::ranges::find_if(
          out_.whole, [&](const WholeCalls& w) { return w.op == op && w.line == node.line; });
      unknown[node.source] = static_cast<size_t>(same - out_.whole.begin());
      if (same == out_.whole.end()) out_.whole.push_back({.op = op, .line = node.line});
    }
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      const auto found = unknown.find(sources_[i]);
      if (found == unknown.end() || program_.nodes[i].kind != graph::NodeKind::kCall) continue;
      WholeCalls& w = out_.whole[found->second];
      const double times = line_.times(parts_[i].place);
      const bool exchange = this->exchange(i) != nullptr;
      (exchange ? w.exchange_s : w.seconds) += times * price_.nodes[i].exposed_s;
      if (!exchange) w.calls += static_cast<uint64_t>(times);
    }
  }

  const ModelLine& line_;
  const PlannedWindow& planned_;
  const cluster::Cluster& cluster_;
  const PriceOptions& options_;
  std::vector<cluster::GroupShape> axes_;
  std::vector<uint32_t> sources_;
  graph::Window program_;
  cost::StorageBytes begin_;
  cost::ProgramPrice price_;
  std::vector<Part> parts_;                          // by node
  std::vector<bool> apart_;                          // by node
  std::vector<cost::NodePrice> without_data_;        // by node, where that makes a difference
  std::unordered_map<uint32_t, uint32_t> starts_;    // of waits, by node
  std::unordered_map<StorageId, uint32_t> made_by_;  // of starts
  uint32_t backward_begin_ = kNone, optimizer_begin_ = kNone;
  uint32_t passes_end_ = 0;
  std::unordered_map<graph::SignatureId, Known> known_;
  std::unordered_map<StorageId, Part> made_in_;
  std::unordered_map<StorageId, uint32_t> made_at_;
  // What lies there from the beginning, is kept for the backward part or is a gradient.
  std::unordered_map<StorageId, uint64_t> counted_;
  std::unordered_map<StorageId, uint64_t> there_;  // of these, by now
  double counted_bytes_ = 0;                       // of them
  double once_beside_ = 0;
  PlaceCosts out_;
};

}  // namespace

PlaceCost& PlaceCost::operator+=(const PlaceCost& o) {
  for (double PlaceCost::* field : {&PlaceCost::forward_s,
                                    &PlaceCost::input_s,
                                    &PlaceCost::weight_s,
                                    &PlaceCost::once_s,
                                    &PlaceCost::forward_exchange_s,
                                    &PlaceCost::backward_exchange_s,
                                    &PlaceCost::once_exchange_s,
                                    &PlaceCost::once_beside_s,
                                    &PlaceCost::forward_data_s,
                                    &PlaceCost::backward_data_s,
                                    &PlaceCost::backward_links_s,
                                    &PlaceCost::data_links_s,
                                    &PlaceCost::adding_s,
                                    &PlaceCost::flops,
                                    &PlaceCost::calls,
                                    &PlaceCost::once_calls,
                                    &PlaceCost::parameters,
                                    &PlaceCost::state,
                                    &PlaceCost::data,
                                    &PlaceCost::gradients,
                                    &PlaceCost::left,
                                    &PlaceCost::kept,
                                    &PlaceCost::once_beside,
                                    &PlaceCost::weights}) {
    this->*field += o.*field;
  }
  if (o.beside > beside) {
    beside = o.beside;
    workspace = o.workspace;
  }
  return *this;
}

PlaceCosts combine(PlaceCosts each, const PlaceCosts& once) {
  const auto take = [](PlaceCost* to, const PlaceCost& from) {
    const double gradients = from.gradients - from.left + to->left;
    for (double PlaceCost::* field :
         {&PlaceCost::once_s, &PlaceCost::once_exchange_s, &PlaceCost::once_beside_s,
          &PlaceCost::adding_s, &PlaceCost::once_calls, &PlaceCost::parameters, &PlaceCost::state,
          &PlaceCost::data, &PlaceCost::once_beside, &PlaceCost::weights}) {
      to->*field = from.*field;
    }
    to->gradients = gradients;
    // What dp exchanges is of as many ranks, whatever the rows.
    to->forward_exchange_s += from.forward_data_s - to->forward_data_s;
    to->backward_exchange_s += from.backward_data_s - to->backward_data_s;
    to->forward_data_s = from.forward_data_s;
    to->backward_data_s = from.backward_data_s;
    to->data_links_s = from.data_links_s;
  };
  for (size_t i = 0; i < each.places.size(); ++i) take(&each.places[i], once.places[i]);
  take(&each.common, once.common);
  each.data = once.data;
  each.tensor.once = once.tensor.once;
  each.context.once = once.context.once;
  return each;
}

PlaceCosts place_costs(const ModelLine& line, const PlannedWindow& planned,
                       const cluster::Cluster& cluster, const PriceOptions& options) {
  return Counting(line, planned, cluster, options).run();
}

}  // namespace moai::compiler

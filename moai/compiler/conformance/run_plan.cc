#include "moai/compiler/conformance/run_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "moai/compiler/cost/rank_memory.h"
#include "moai/compiler/lower/local_layout.h"
#include "moai/compiler/lower/lower_rank.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/verify/verify.h"

namespace moai::compiler {
namespace {

constexpr graph::StorageId kFirstTemporary = 1000000;
// Gradients that are nothing but rounding are not compared by their own size: of the bias of keys,
// which softmax does not see.
constexpr double kMagnitudeMin = 1e-6;

double number_at(const std::string& bytes, tensor::DType dtype, size_t at) {
  const auto as = [&]<class T>(T x) {
    std::memcpy(&x, bytes.data() + at * sizeof(T), sizeof(T));
    return static_cast<double>(x);
  };
  switch (dtype) {
    case tensor::DType::kFloat64:
      return as(double{});
    case tensor::DType::kFloat32:
      return as(float{});
    case tensor::DType::kInt64:
      return as(int64_t{});
    case tensor::DType::kInt32:
      return as(int32_t{});
    default:
      return as(uint8_t{});
  }
}

// Of what has no influence on counts.
const cluster::Cluster& some_cluster() {
  static const cluster::Cluster kCluster{
      .devices_per_node = 8,
      .device = {.memory_bytes_per_s = 1e12, .peak = {1e12, 1e12, 1e12, 1e12, 1e12}},
      .node_link = {.latency_s = 1e-6, .bytes_per_s = 1e11}};
  return kCluster;
}

bool is_elsewhere(const Placement& p, const Mesh& mesh, int rank) {
  return !p.empty() && p[0].at() && static_cast<int>(p[0].place) != mesh.stage(rank);
}

bool is_split(const Placement& p) {
  for (const AxisPlacement& a : p) {
    if (a.split()) return true;
  }
  return false;
}

}  // namespace

std::string part_of(const std::string& whole, const LocalLayout& layout, size_t element) {
  std::string part(static_cast<size_t>(layout.count()) * element, '\0');
  for (const LocalLayout::Piece& p : layout.pieces()) {
    std::memcpy(part.data() + static_cast<size_t>(p.begin) * element,
                whole.data() + static_cast<size_t>(p.whole_begin) * element,
                static_cast<size_t>(p.count) * element);
  }
  return part;
}

void expect_priced(const PlanRun& run, const std::string& what) {
  uint64_t received = 0;
  for (const PlanRun::Rank& rank : run.ranks) {
    received += rank.price.received_bytes;
    EXPECT_EQ(rank.price.collectives, rank.collectives) << what;
    EXPECT_EQ(rank.price.storage_bytes_max, rank.memory.storage_bytes_max) << what;
    EXPECT_GE(rank.price.memory_bytes_max, rank.memory.bytes_max) << what;
    // A stage may have next to nothing.
    const double little = run.has_stages ? 256 : 0;
    EXPECT_LE(static_cast<double>(rank.price.memory_bytes_max),
              1.05 * static_cast<double>(rank.memory.bytes_max) + little)
        << what;
    if (run.has_stages) continue;
    EXPECT_LE(rank.price.memory_bytes_max, run.ranks[0].price.memory_bytes_max) << what;
    EXPECT_LE(rank.price.step_s, run.ranks[0].price.step_s * (1 + 1e-12)) << what;
  }
  EXPECT_EQ(received, run.moved_bytes) << what;
}

Reference::Reference(device::Device* device, GoldenWindow* golden)
    : device_(device), golden_(golden) {
  VirtualRanks one(device, &golden->signatures, {{{"one", 1}}});
  for (const auto& [id, bytes] : golden->inputs) EXPECT_EQ(one.put(0, id, bytes), ok_status());
  const Status status = one.run({golden->recorded->window});
  EXPECT_TRUE(status.ok()) << status.to_string();
  const ValueGraph& g = golden->recorded->graph;
  for (const ValueId v : g.outputs) {
    const Segment& s = g.segments[g.values[v].segment];
    auto bytes = one.get(0, s.storage);
    EXPECT_TRUE(bytes.ok());
    const size_t element = tensor::dtype_size(s.dtype);
    wanted_[{s.storage, s.begin}] = bytes->substr(static_cast<size_t>(s.begin) * element,
                                                  static_cast<size_t>(s.count) * element);
  }
}

Result<PlanRun> Reference::run(const Analysed& window, const LayoutPlan& plan,
                               std::optional<uint64_t> left_out) {
  const LaidOut laid = lay_out(window, plan);
  MOAI_RETURN_IF_ERROR(verify(laid.lowering(window), laid.ranks, golden_->signatures));
  return run(window, laid, left_out);
}

LaidOut Reference::lay_out(const Analysed& window, const LayoutPlan& plan) {
  LaidOut laid{.program = partition(window.graph, window.factors, plan)};
  for (int rank = 0; rank < plan.mesh.ranks(); ++rank) {
    laid.ranks.push_back(
        lower_rank(laid.lowering(window), rank, kFirstTemporary, &golden_->signatures));
  }
  return laid;
}

// Registers of what is there when the window begins: what it reads, and what it overwrites.
std::vector<RegisterId> Reference::older(const Analysed& window, const SpmdProgram& program) const {
  const auto storage = [&](RegisterId r) {
    return window.graph.segments[window.graph.values[program.registers[r].value].segment].storage;
  };
  std::vector<RegisterId> found = program.inputs;
  for (const RegisterId r : program.outputs) {
    const bool is_read = std::ranges::any_of(
        program.inputs, [&](RegisterId input) { return storage(input) == storage(r); });
    if (!is_read && golden_->inputs.contains(storage(r))) found.push_back(r);
  }
  return found;
}

Status Reference::put_inputs(const Analysed& window, const SpmdProgram& program,
                             VirtualRanks* ranks) const {
  const ValueGraph& g = window.graph;
  for (int rank = 0; rank < program.mesh.ranks(); ++rank) {
    for (const RegisterId r : older(window, program)) {
      const SegmentId segment = g.values[program.registers[r].value].segment;
      const Segment& s = g.segments[segment];
      const Placement& p = program.registers[r].placement;
      if (is_elsewhere(p, program.mesh, rank)) continue;
      const auto given = golden_->inputs.find(s.storage);
      if (given == golden_->inputs.end()) continue;  // the window allocates it
      const std::string& whole = given->second;
      const LocalLayout layout(g, window.factors, program.mesh, segment, p, rank);
      MOAI_RETURN_IF_ERROR(
          ranks->put(rank, s.storage,
                     is_split(p) ? part_of(whole, layout, tensor::dtype_size(s.dtype)) : whole));
    }
  }
  return ok_status();
}

Result<PlanRun> Reference::run(const Analysed& window, const LaidOut& laid,
                               std::optional<uint64_t> left_out) {
  const ValueGraph& g = window.graph;
  const Factors& factors = window.factors;
  const SpmdProgram& program = laid.program;
  const Lowering lowering = laid.lowering(window);
  VirtualRanks ranks(device_, &golden_->signatures, program.mesh);
  if (left_out) ranks.leave_out_sum(*left_out);
  MOAI_RETURN_IF_ERROR(put_inputs(window, program, &ranks));
  cost::StorageBytes whole;
  for (const auto& [id, bytes] : golden_->inputs) whole[id] = bytes.size();
  // Virtual ranks give every result memory of its own.
  const cost::Machine machine{.cluster = &some_cluster(),
                              .axes = cost::axis_shapes(some_cluster(), program.mesh),
                              .reuses_operands = false};
  MOAI_RETURN_IF_ERROR(ranks.run(laid.ranks));
  PlanRun out{.moved_bytes = ranks.moved_bytes(),
              .sums = ranks.sums(),
              .has_stages = program.mesh.stages() > 1};
  for (int rank = 0; rank < program.mesh.ranks(); ++rank) {
    out.ranks.push_back(
        {cost::price_program(laid.ranks[static_cast<size_t>(rank)], golden_->signatures,
                             cost::rank_begin(lowering, rank, whole), machine),
         ranks.memory(rank), ranks.collectives(rank)});
  }
  for (size_t i = 0; i < g.outputs.size(); ++i) {
    const SegmentId segment = g.values[g.outputs[i]].segment;
    const Segment& s = g.segments[segment];
    const Placement& p = program.registers[program.outputs[i]].placement;
    const auto found = wanted_.find({s.storage, s.begin});
    if (found == wanted_.end()) return internal_error("s" + std::to_string(s.storage) + " is new");
    double magnitude = kMagnitudeMin;
    for (int64_t e = 0; e < s.count; ++e) {
      const double w = std::abs(number_at(found->second, s.dtype, static_cast<size_t>(e)));
      if (std::isfinite(w)) magnitude = std::max(magnitude, w);
    }
    for (int rank = 0; rank < program.mesh.ranks(); ++rank) {
      if (is_elsewhere(p, program.mesh, rank)) continue;
      auto bytes = ranks.get(rank, s.storage);
      if (!bytes.ok()) return bytes.status();
      const LocalLayout layout(g, factors, program.mesh, segment, p, rank);
      const size_t element = tensor::dtype_size(s.dtype);
      const size_t begin = is_split(p) ? 0 : static_cast<size_t>(s.begin) * element;
      const std::string wanted = part_of(found->second, layout, element);
      if (bytes->size() < begin + wanted.size()) return internal_error("a part is too small");
      double error = 0;
      for (int64_t e = 0; e < layout.count(); ++e) {
        const double w = number_at(wanted, s.dtype, static_cast<size_t>(e));
        const double got = number_at(*bytes, s.dtype, begin / element + static_cast<size_t>(e));
        error = std::max(error, std::isnan(w) && std::isnan(got) ? 0 : std::abs(w - got));
        if (std::isnan(w) != std::isnan(got)) error = 1e300;
      }
      if (error / magnitude > out.error_max) {
        out.error_max = error / magnitude;
        out.worst = "s" + std::to_string(s.storage) + " on rank " + std::to_string(rank) + ", " +
                    to_string(p);
      }
    }
  }
  return out;
}

}  // namespace moai::compiler

// ProgramPrice: what one rank's program costs, counted from the calls that are emitted.
//
// Counts are exact: they are those of the calls that the rank executes. Seconds are the kernel
// model's and the collective model's. Memory is replayed storage by storage, with what a kernel
// takes beside its results while it runs (workspace.h, an estimate) on top.
//
// A collective runs where it stands with nothing beside it, as in our Workers, one that the program
// starts (ops/started_call.h) beside the calls up to its wait; unless told otherwise.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "moai/cluster/topology.h"
#include "moai/compiler/cost/collective_call.h"
#include "moai/compiler/cost/kernel_cost.h"
#include "moai/compiler/cost/live_storages.h"
#include "moai/compiler/cost/overlap.h"
#include "moai/compiler/sharding/placement.h"

namespace moai::compiler::cost {

// The groups of each axis on the cluster's devices, rank r on device r: the last axis lies inside
// the node, the first crosses most links.
std::vector<cluster::GroupShape> axis_shapes(const cluster::Cluster& cluster, const Mesh& mesh);

struct Machine {
  const cluster::Cluster* cluster = nullptr;  // outlives the call
  std::vector<cluster::GroupShape> axes{};    // by mesh axis
  KernelOptions kernels{};
  // A collective that overlaps starts when its operands are there, beside calls that do not need
  // it; those are slower meanwhile by the device's overlap_slowdown.
  Overlap overlap{};
  std::optional<uint32_t> tensor_axis{};  // of the mesh, for overlap.tensor
  // By node, collectives that take no time here: who asks says what of them shows.
  const std::vector<bool>* apart = nullptr;
  // A result takes the memory of an operand that dies, as in our Workers.
  bool reuses_operands = true;
};

struct AxisTraffic {
  uint64_t collectives = 0;
  uint64_t received_bytes = 0;
  double seconds = 0;
};

struct NodePrice {
  double seconds = 0;    // of the call by itself
  double exposed_s = 0;  // by how much the program is longer for it; of a start its wait has that
  double flops = 0;
};

struct ProgramPrice {
  double step_s = 0;
  double compute_s = 0;     // of all calls but collectives, by themselves
  double collective_s = 0;  // of all collectives, by themselves
  double flops = 0;
  uint64_t calls = 0;  // collectives and waits apart
  uint64_t collectives = 0;
  uint64_t received_bytes = 0;      // from collectives
  std::vector<AxisTraffic> axes{};  // of them, by mesh axis

  uint64_t begin_bytes = 0;        // of storages older than the program
  uint64_t storage_bytes_max = 0;  // of storages, at most
  uint64_t memory_bytes_max = 0;   // with workspace
  uint32_t fullest_after = 0;      // of so many nodes
  std::vector<NodePrice> nodes{};  // by node of the program
};

// `begin`: bytes of the storages that the rank has when the program begins.
ProgramPrice price_program(const graph::Window& program, const graph::SignatureTable& signatures,
                           StorageBytes begin, const Machine& machine);

}  // namespace moai::compiler::cost

// Seconds of a collective: α-β with rings over the links of a cluster.
//
// A measured row for the group's shape comes first; between two rows of one node the line between
// them; else the formula:
//   ring         steps (α + chunk ÷ B), chunk = bytes ÷ ranks; n - 1 steps, 2 (n - 1) for
//   all-reduce.
//                B is the node's link, or between nodes what its ranks there have together; a
//                chunk of Link::half_peak_bytes reaches half of B.
//   all-reduce   over nodes: the bandwidth of one ring through all ranks, with the latency of going
//                by level (in the node, between nodes, in the node) where that is less, as trees
//                do.
//   all-to-all   the slower of what leaves the node and what stays in it.
// Every rank of the cluster is taken to talk at the same time, in groups of the same shape.
#pragma once

#include "moai/cluster/topology.h"

namespace moai::compiler::cost {

// `bytes` are those of the whole tensor: of what all-gather returns, of what reduce-scatter and
// all-reduce take from one rank, of what one rank gives to all-to-all, of a sent message.
double collective_seconds(const cluster::Cluster& cluster, cluster::Collective kind, double bytes,
                          const cluster::GroupShape& shape);

// What a rank needs more for each byte that it touches and that lies beyond all caches; 0 where it
// was not measured.
double collective_far_byte_s(const cluster::Cluster& cluster, cluster::Collective kind,
                             const cluster::GroupShape& shape);

// Time of a computation and a communication that run beside each other: the computation is slower
// by `slowdown` as long as both do.
double overlapped_seconds(double computation_s, double communication_s, double slowdown);

}  // namespace moai::compiler::cost

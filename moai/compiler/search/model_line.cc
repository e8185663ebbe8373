#include "moai/compiler/search/model_line.h"

#include <algorithm>
#include <numeric>

#include "moai/compiler/planner/stage_cut.h"
#include "moai/compiler/planner/stage_line.h"
#include "moai/compiler/search/fold_layers.h"
#include "moai/compiler/sharding/skipped_region.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

constexpr size_t kLayersKept = 3;  // two ends and what stands for the rest

// A value's place on the line: of the weight that it is, or is the gradient or state of.
uint32_t place_of_value(const ValueGraph& g, const StageLine& line, ValueId v) {
  if (v == kNone) return kNone;
  const SegmentId s = g.values[v].segment;
  if (line.weight_at[s] != kNone) return line.weight_at[s];
  return line.gradient_of[v] == kNone ? kNone : line.weight_at[line.gradient_of[v]];
}

uint32_t count_places(const graph::Window& w, const std::vector<StorageId>& uploaded,
                      const graph::SignatureTable& signatures) {
  const Analysed a(w, signatures);
  const Dataflow flow(a.graph);
  return StageLine(flow, find_roles(a.graph, a.factors, uploaded)).places;
}

}  // namespace

ModelLine::ModelLine(const RecordedStep& step, graph::SignatureTable* signatures, bool overlaps)
    : step_(step),
      signatures_(*signatures),
      overlaps_(overlaps),
      few_(step.window),
      older_(step.older) {
  fold();
  if (build()) return;
  // Layers that are no places of their own stay.
  layers_ = kept_ = 1;
  few_ = step.window;
  older_ = step.older;
  build();
}

bool ModelLine::build() {
  lines_.clear();
  for (uint32_t i = 0; i < few_.nodes.size(); ++i) {
    graph::Node& n = few_.nodes[i];
    lines_.push_back(n.line);
    if (n.kind == graph::NodeKind::kCall) n.line = mark(i, false);
  }
  planner_ = std::make_unique<WindowPlanner>(
      few_, PlannerInput{.uploaded = step_.uploaded, .first_temporary = 1, .overlaps = overlaps_},
      &signatures_);
  const Analysed& a = planner_->recorded();
  const Dataflow flow(a.graph);
  const StageLine line(flow, planner_->roles());
  if (folded() && line.places <= fewer_places_) return false;
  const StageParts parts =
      find_parts(a.graph, planner_->roles(),
                 {.factors = &a.factors, .homes = [](SegmentId) { return StageHome{}; }});
  find_places(flow, line);
  mark_calls(parts.weight_gradients);
  find_order(line.places);
  for (const uint32_t place : order_) {
    seconds_.push_back(line.seconds[place]);
    crossing_.push_back(line.crossing_bytes[place]);
  }
  find_batch();
  return true;
}

void ModelLine::find_places(const Dataflow& flow, const StageLine& line) {
  const ValueGraph& g = flow.graph;
  node_places_.clear();
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    uint32_t place = line.node_at[n];
    if (planner_->roles().nodes[n] == Slice::kOptimizer) {
      place = kNone;
      for (const std::vector<ValueId>* values : {&flow.made[n], &flow.read[n]}) {
        for (const ValueId v : *values) {
          if (place == kNone) place = place_of_value(g, line, v);
        }
      }
    }
    node_places_.push_back(place);
  }
  storages_.clear();
  for (ValueId v = 0; v < g.values.size(); ++v) {
    const SegmentId s = g.values[v].segment;
    const uint32_t place = place_of_value(g, line, v);
    const Role role = planner_->roles().segments[s];
    const auto [at, is_new] = storages_.try_emplace(g.segments[s].storage, std::pair{place, role});
    if (!is_new && at->second.first == kNone) at->second.first = place;
  }
}

void ModelLine::fold() {
  const LayerFolder folder(step_.window, &signatures_);
  layers_ = kept_ = folder.layers();
  auto few = folder.keep(kLayersKept), fewer = folder.keep(kLayersKept - 1);
  if (!few || !fewer) return;
  fewer_places_ = count_places(fewer->window, step_.uploaded, signatures_);
  kept_ = few->layers;
  few_ = std::move(few->window);
  std::erase_if(older_, [&](const auto& entry) { return few->absent.contains(entry.first); });
}

void ModelLine::mark_calls(const std::vector<bool>& weight_gradients) {
  calls_.resize(few_.nodes.size());
  const ValueGraph& g = planner_->recorded().graph;
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    calls_[g.nodes[n].source] = {node_places_[n], planner_->roles().nodes[n], weight_gradients[n]};
  }
}

// The layer in the middle: as many places as one layer more has, beside their like.
void ModelLine::find_order(uint32_t places) {
  times_.assign(places, 1);
  const uint32_t period = folded() ? places - fewer_places_ : 0;
  const uint32_t ends = places - std::min<uint32_t>(places, period * kLayersKept);
  // Any stretch of a period well inside the layers is one.
  const uint32_t begin = ends / 2 + period;
  for (uint32_t place = 0; place < places; ++place) {
    order_.push_back(place);
    if (period == 0 || place + 1 != begin + period) continue;
    for (size_t layer = kept_; layer < layers_; ++layer) {
      for (uint32_t p = begin; p < begin + period; ++p) {
        order_.push_back(p);
        ++times_[p];
      }
    }
  }
}

void ModelLine::find_batch() {
  const Analysed& a = planner_->recorded();
  for (const FactorId f : planner_->roles().batch) batch_ = std::gcd(batch_, a.factors.size(f));
  const std::vector<Slice>& slices = planner_->roles().nodes;
  const bool trains = std::ranges::find(slices, Slice::kBackward) != slices.end();
  divides_ = trains && !cuts_region(few_, signatures_);
}

uint32_t ModelLine::place_of(StorageId id) const {
  const auto found = storages_.find(id);
  return found == storages_.end() ? kNone : found->second.first;
}

Role ModelLine::role_of(StorageId id) const {
  const auto found = storages_.find(id);
  return found == storages_.end() ? Role::kTemporary : found->second.second;
}

const std::vector<uint32_t>& ModelLine::cut(uint32_t parts) {
  const auto [at, is_new] = cuts_.try_emplace(parts);
  if (!is_new) return at->second;
  std::vector<double> crossing = crossing_;
  for (double& c : crossing) c *= kFlopsPerCrossingByte;
  at->second = best_cut(seconds_, crossing, parts);
  return at->second;
}

}  // namespace moai::compiler

#include "moai/compiler/search/pipeline_price.h"

#include <algorithm>
#include <cmath>

#include "moai/compiler/cost/collective_cost.h"
#include "moai/compiler/schedule/generators.h"
#include "moai/compiler/schedule/zero_bubble.h"

namespace moai::compiler {
namespace {

using Kind = PipelineSchedule::Kind;

class Pipeline {
 public:
  Pipeline(ModelLine* line, const PlaceCosts& costs, const Degrees& d,
           const cluster::Cluster& cluster)
      : line_(*line),
        costs_(costs),
        degrees_(d),
        cluster_(cluster),
        stages_(static_cast<uint32_t>(d.pp)),
        parts_count_(stages_ * static_cast<uint32_t>(d.schedule.chunks)),
        m_(d.microbatches) {}

  std::optional<PipelinePrice> run() {
    if (line_.order().size() < parts_count_) return std::nullopt;
    cut();
    if (stages_ > 1 && !simulate()) return std::nullopt;
    StepPrice& step = out_.step;
    step.degrees = degrees_;
    for (uint32_t s = 0; s < stages_; ++s) add(s);
    add_counts();
    return std::move(out_);
  }

 private:
  struct Part {
    PlaceCost cost{};
    size_t begin = 0, end = 0;  // of the line's order
    double send_s = 0;          // to the part behind, for a micro-batch
  };

  void cut() {
    const std::vector<uint32_t>& part_of = line_.cut(parts_count_);
    parts_.resize(parts_count_);
    for (size_t i = 0; i < part_of.size(); ++i) {
      Part& p = parts_[part_of[i]];
      if (p.end == 0) p.begin = i;
      p.end = i + 1;
      p.cost += costs_.places[line_.order()[i]];
    }
    for (uint32_t s = 0; s < stages_; ++s) parts_[s].cost += costs_.common;
    if (stages_ == 1) return;
    const Mesh mesh = mesh_of(degrees_);
    const cluster::GroupShape shape = cost::axis_shapes(cluster_, mesh)[0];
    const double share = 0.5 / m_ / degrees_.replicas() / (degrees_.sp ? degrees_.tp : 1);
    for (uint32_t p = 0; p + 1 < parts_count_; ++p) {
      const double bytes = line_.crossing()[parts_[p].end] * share;
      parts_[p].send_s =
          cost::collective_seconds(cluster_, cluster::Collective::kSend, bytes, shape);
    }
  }

  bool counts_in_flight() const { return degrees_.schedule.kind == Kind::kZeroBubble; }
  bool simulate() {
    schedule::Costs costs{.stages = {}, .transfer = schedule::Transfer::kSender};
    const double adding = static_cast<double>(m_ - 1) / m_;
    for (uint32_t p = 0; p < parts_count_; ++p) {
      const PlaceCost& c = parts_[p].cost;
      const int64_t held =
          counts_in_flight() ? 1 : static_cast<int64_t>(std::ceil(parts_[p].cost.kept));
      costs.stages.push_back({.forward_s = c.forward_s + c.forward_exchange_s,
                              .input_gradient_s = c.input_s + c.backward_exchange_s,
                              .weight_gradient_s = c.weight_s + adding * c.adding_s,
                              .send_activation_s = parts_[p].send_s,
                              .send_gradient_s = p > 0 ? parts_[p - 1].send_s : 0,
                              .held_bytes = held,
                              .kept_bytes = held});
    }
    const auto m = static_cast<uint32_t>(m_);
    if (counts_in_flight()) {
      std::vector<int64_t> limits;  // those of 1F1B
      for (uint32_t d = 0; d < stages_; ++d) limits.push_back(stages_ - d);
      auto found = schedule::zero_bubble(m, costs, limits, schedule::StepEnd::kTogether);
      if (!found.ok()) return false;
      out_.schedule = std::move(found->schedule);
      out_.simulation = std::move(found->simulation);
      return true;
    }
    const auto chunks = static_cast<uint32_t>(degrees_.schedule.chunks);
    out_.schedule = chunks > 1 ? schedule::interleaved(stages_, chunks, m)
                               : schedule::one_forward_one_backward(stages_, m);
    auto found = schedule::simulate(out_.schedule, costs);
    if (!found.ok()) return false;
    out_.simulation = std::move(*found);
    return true;
  }

  // With what shows of the exchanges that run beside passes: that of the last layer, and what the
  // passes of a micro-batch are too short for; of several, where parts end one after the other.
  double once_exchange_s(uint32_t stage, const PlaceCost& c) const {
    if (c.once_beside_s == 0) return c.once_exchange_s;
    if (line_.overlaps()) return c.once_exchange_s + shown_s(stage, c.once_beside_s);
    const double layers = static_cast<double>(line_.layers()) / stages_;
    const double last = c.once_beside_s / std::max(layers, 1.0);
    const double passes = degrees_.schedule.chunks > 1 ? std::min<int>(m_, degrees_.pp) : 1;
    const double window =
        passes * (c.forward_s + c.forward_exchange_s + c.backward_s() + c.backward_exchange_s);
    const double slowdown = cluster_.device.fitted.overlap_slowdown;
    return c.once_exchange_s + last - window +
           cost::overlapped_seconds(window, c.once_beside_s - last, slowdown);
  }

  // Of exchanges that are started as the last micro-batch's backward pass makes their operands:
  // what is left when it has ended, and by how much calls beside them are slower.
  double shown_s(uint32_t stage, double all_s) const {
    const double slowdown = cluster_.device.fitted.overlap_slowdown;
    double of_places = 0, waits = 0, shown = 0;
    const auto pass = [&](const PlaceCost& c, double times) {
      const double calls = c.backward_s() + c.backward_exchange_s - c.backward_links_s;
      const double done = std::min(waits, std::max(0.0, times * calls) * slowdown);
      waits -= done;
      shown += done * (1 - 1 / slowdown);
    };
    for (uint32_t p = stage; p < parts_count_; p += stages_) {
      for (size_t i = parts_[p].begin; i < parts_[p].end; ++i) of_places += place(i).once_beside_s;
    }
    if (of_places == 0) return all_s;
    // Of bundles whose places are several no place has the latency.
    const double scale = all_s / of_places;
    const int others = degrees_.schedule.chunks > 1 ? std::min<int>(m_, degrees_.pp) - 1 : 0;
    for (uint32_t chunk = parts_count_ / stages_; chunk-- > 0;) {
      const Part& part = parts_[chunk * stages_ + stage];
      pass(part.cost, others);
      for (size_t i = part.end; i-- > part.begin;) {
        pass(place(i), 1);
        waits += scale * place(i).once_beside_s;
      }
    }
    return shown + waits;
  }
  const PlaceCost& place(size_t i) const { return costs_.places[line_.order()[i]]; }

  // What of all of a stage's parts adds up.
  PlaceCost cost_of(uint32_t stage) const {
    PlaceCost sum;
    for (uint32_t p = stage; p < parts_count_; p += stages_) sum += parts_[p].cost;
    return sum;
  }
  void add(uint32_t s) {
    const PlaceCost c = cost_of(s);
    StagePrice stage{.weights = static_cast<size_t>(c.weights)};
    const double m = m_;
    stage.slices = {
        .forward_s = m * c.forward_s,
        .backward_s = m * c.backward_s() + (m - 1) * c.adding_s,
        .optimizer_s = c.once_s,
        .exchange_s = m * (c.forward_exchange_s + c.backward_exchange_s) + once_exchange_s(s, c)};
    for (uint32_t p = s; p < parts_count_; p += stages_) {
      const double to_next = p + 1 < parts_count_ ? parts_[p].send_s : 0;
      const double to_last = p > 0 ? parts_[p - 1].send_s : 0;
      if (stages_ > 1) stage.slices.exchange_s += m * (to_next + to_last);
    }
    const double busy = stage.busy_s() + stage.slices.exchange_s;
    const double end =
        stages_ == 1 ? busy : out_.simulation.devices[s].end_s + c.once_s + once_exchange_s(s, c);
    stage.slices.idle_s = std::max(0.0, end - busy);
    set_memory(s, c, &stage);
    StepPrice& step = out_.step;
    step.stages.push_back(stage);
    if (s == 0 || end > step.program.step_s) {
      step.program.step_s = end;
      step.slices = stage.slices;
    }
    if (s == 0 || stage.memory_bytes > step.program.memory_bytes_max) {
      step.program.memory_bytes_max = stage.memory_bytes;
      step.fullest = stage.fullest;
    }
    step.program.flops = std::max(step.program.flops, m * c.flops);
    step.program.calls =
        std::max(step.program.calls, static_cast<uint64_t>(m * c.calls + c.once_calls));
    step.program.compute_s = std::max(step.program.compute_s, stage.busy_s());
    step.program.collective_s = std::max(step.program.collective_s, stage.slices.exchange_s);
  }

  // Micro-batches whose activations are held at once.
  double in_flight(uint32_t s) const {
    if (stages_ == 1) return 1;
    const auto& device = out_.simulation.devices[s];
    return counts_in_flight() ? static_cast<double>(device.bytes_max) : device.in_flight_max;
  }
  double activations(uint32_t s, const PlaceCost& c) const {
    if (stages_ == 1 || counts_in_flight()) return in_flight(s) * c.kept;
    return static_cast<double>(out_.simulation.devices[s].bytes_max);
  }
  void set_memory(uint32_t s, const PlaceCost& c, StagePrice* stage) const {
    double gradients = c.gradients, activations = this->activations(s, c), beside = c.beside;
    // With no more micro-batches than are in flight, gradients come as the first activations go.
    if (in_flight(s) >= m_ && parts_count_ == stages_) {
      double gone = 0, made = 0, most = 0;
      for (size_t i = parts_[s].end; i-- > parts_[s].begin;) {
        const PlaceCost& p = costs_.places[line_.order()[i]];
        made += p.gradients;
        const double now = made - gone + p.beside;
        if (i + 1 == parts_[s].end || now > most) {
          most = now;
          gradients = made;
          activations = this->activations(s, c) - gone;
          beside = p.beside;
        }
        gone += p.kept;
      }
      if (made - gone > most) {
        gradients = made;
        activations = this->activations(s, c) - gone;
        beside = 0;
      }
    }
    // Behind the last task nothing is in flight.
    if (c.gradients + c.once_beside > gradients + activations + beside) {
      gradients = c.gradients;
      activations = 0;
      beside = c.once_beside;
    }
    const auto bytes = [](double b) { return static_cast<uint64_t>(std::llround(b)); };
    stage->fullest = {.parameters = bytes(c.parameters),
                      .state = bytes(c.state),
                      .gradients = bytes(gradients),
                      .data = bytes(c.data),
                      .others = bytes(activations + std::max(0.0, beside - c.workspace)),
                      .workspace = bytes(std::min(beside, c.workspace))};
    stage->memory_bytes = bytes(c.resident() + gradients + activations + beside);
  }

  void add_counts() {
    cost::ProgramPrice& p = out_.step.program;
    for (const MeshAxis& axis : mesh_of(degrees_).axes) {
      if (axis.name == kStageAxis) {
        p.axes.push_back(messages());
        continue;
      }
      const auto& [each, once] = costs_.*PlaceCosts::along(axis.name);
      const auto count = [&](double PlaceCosts::Traffic::* field) {
        return (m_ * (each.*field) + once.*field) / stages_;
      };
      p.axes.push_back({static_cast<uint64_t>(count(&PlaceCosts::Traffic::collectives)),
                        static_cast<uint64_t>(count(&PlaceCosts::Traffic::received_bytes)),
                        count(&PlaceCosts::Traffic::seconds)});
    }
    for (const cost::AxisTraffic& t : p.axes) {
      p.collectives += t.collectives;
      p.received_bytes += t.received_bytes;
    }
    out_.step.whole = costs_.whole;
    for (WholeCalls& w : out_.step.whole) {
      w.calls *= static_cast<uint64_t>(m_);
      w.seconds *= m_;
      w.exchange_s *= m_;
    }
  }
  // Of the stage that receives most.
  cost::AxisTraffic messages() const {
    cost::AxisTraffic most;
    const double share = 0.5 / m_ / degrees_.replicas() / (degrees_.sp ? degrees_.tp : 1);
    for (uint32_t s = 0; s < stages_; ++s) {
      cost::AxisTraffic t;
      for (uint32_t p = s; p < parts_count_; p += stages_) {
        for (const bool back : {false, true}) {
          if (back ? p + 1 == parts_count_ : p == 0) continue;
          const Part& from = parts_[back ? p : p - 1];
          t.collectives += static_cast<uint64_t>(m_);
          t.received_bytes += static_cast<uint64_t>(m_ * line_.crossing()[from.end] * share);
          t.seconds += m_ * from.send_s;
        }
      }
      if (t.received_bytes > most.received_bytes) most = t;
    }
    return most;
  }

  ModelLine& line_;
  const PlaceCosts& costs_;
  const Degrees degrees_;
  const cluster::Cluster& cluster_;
  const uint32_t stages_, parts_count_;
  const int m_;
  std::vector<Part> parts_;
  PipelinePrice out_;
};

}  // namespace

std::optional<PipelinePrice> pipeline_price(ModelLine* line, const PlaceCosts& costs,
                                            const Degrees& degrees,
                                            const cluster::Cluster& cluster) {
  return Pipeline(line, costs, degrees, cluster).run();
}

}  // namespace moai::compiler

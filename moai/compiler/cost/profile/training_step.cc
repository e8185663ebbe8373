#include "moai/compiler/cost/profile/training_step.h"

#include <algorithm>
#include <string>

#include "moai/compiler/cost/collective_cost.h"
#include "moai/compiler/cost/kernel_cost.h"
#include "moai/compiler/cost/profile/layer_time.h"

namespace moai::compiler::cost {
namespace {

using cluster::Collective;

constexpr double kElement = 2;

Status refusal(const std::string& what) { return invalid_argument("[compiler.profile] " + what); }

Status check(const cluster::Cluster& c, const TrainingRun& r) {
  const auto divides = [](int64_t part, int64_t whole) { return part > 0 && whole % part == 0; };
  if (r.hidden < 1 || r.layers < 1 || r.sequence < 1 || r.vocabulary < 1 || r.batch < 1) {
    return refusal("a run has hidden units, layers, a sequence, a vocabulary and a batch");
  }
  if (!divides(r.heads, r.hidden)) return refusal("heads do not divide the hidden units");
  if (!divides(r.tensor, r.heads)) return refusal("the tensor degree does not divide the heads");
  if (!divides(r.pipeline, r.layers)) return refusal("stages do not divide the layers");
  if (!divides(int64_t{r.pipeline} * r.virtual_stages, r.layers)) {
    return refusal("virtual stages do not divide the layers");
  }
  if (!divides(r.micro_batch * r.data, r.batch)) {
    return refusal("micro-batch times data degree does not divide the batch");
  }
  if (r.devices() > c.devices()) {
    return refusal("the run takes " + std::to_string(r.devices()) + " devices; " + c.name +
                   " has " + std::to_string(c.devices()));
  }
  return ok_status();
}

// The profile's constants in place of the device's.
cluster::DeviceKind device_under(const SoftwareProfile& profile, cluster::DeviceKind device) {
  device.fitted.gemm_efficiency = profile.gemm_efficiency;
  device.fitted.elementwise_traffic = profile.traffic;
  device.gemm_times.clear();
  return device;
}

struct Times {
  LayerTime layer;
  double stage = 0;  // forward and backward of its layers for one micro-batch
  double head = 0;
  double embedding = 0;
};

double collective_over_data(const LayerSetting& s, Collective kind, double bytes) {
  const auto shape = axis_shape(s.cluster, s.run.tensor, s.run.data);
  return collective_seconds(s.cluster, kind, bytes, shape);
}

// Layers gather their parameters before each pass and scatter their gradients, beside the layer
// before; the first gather of each pass is not hidden.
double fully_sharded_seconds(const LayerSetting& s, const Times& t) {
  const TrainingRun& r = s.run;
  const double bytes = kElement * parameters(r) / static_cast<double>(r.layers);
  const double gather = collective_over_data(s, Collective::kAllGather, bytes);
  const double scatter = collective_over_data(s, Collective::kReduceScatter,
                                              bytes * s.profile.gradient_bytes / kElement);
  const double slowdown = s.device.fitted.overlap_slowdown;
  const double forward = overlapped_seconds(t.layer.forward, gather, slowdown);
  const double backward = overlapped_seconds(t.layer.backward, gather + scatter, slowdown);
  const auto micro_batches = static_cast<double>(r.micro_batches());
  return micro_batches *
             (static_cast<double>(r.layers) * (forward + backward) + t.head + t.embedding) +
         2 * gather;
}

// Gradients of a rank, and parameters where each rank updates its part.
double gradient_seconds(const LayerSetting& s, double rank_parameters) {
  const double bytes = s.profile.gradient_bytes * rank_parameters;
  if (s.profile.data_parallel == DataParallel::kAllReduce) {
    return collective_over_data(s, Collective::kAllReduce, bytes);
  }
  return collective_over_data(s, Collective::kReduceScatter, bytes) +
         collective_over_data(s, Collective::kAllGather, kElement * rank_parameters);
}

// What is left to see of `seconds` of communication: the last layer's part, and what the passes it
// runs beside do not hide.
double shown_gradients(const LayerSetting& s, const Times& t, double seconds) {
  if (!s.profile.data_overlap) return seconds;
  const TrainingRun& r = s.run;
  const double last = seconds * r.pipeline / static_cast<double>(r.layers);
  // With virtual stages each part of the model ends before the last micro-batches of the others.
  const int64_t passes =
      r.virtual_stages > 1 ? std::min<int64_t>(r.micro_batches(), r.pipeline) : 1;
  const double window = t.stage * static_cast<double>(passes);
  return last + overlapped_seconds(window, seconds - last, s.device.fitted.overlap_slowdown) -
         window;
}

// Transfers between stages that 1F1B shows; virtual stages run them beside the computation.
double transfer_seconds(const LayerSetting& s) {
  const TrainingRun& r = s.run;
  if (r.pipeline == 1 || r.virtual_stages > 1) return 0;
  const double bytes =
      kElement * static_cast<double>(r.micro_batch * r.sequence * r.hidden) / r.tensor;
  auto shape = axis_shape(s.cluster, r.tensor * r.data, 2);
  const double one = collective_seconds(s.cluster, Collective::kSend, bytes, shape);
  const double p = r.pipeline;
  return (2 * static_cast<double>(r.micro_batches()) * (p - 1) / p + 2 * (p - 2)) * one;
}

double pipelined_seconds(const TrainingRun& r, const Times& t) {
  const double slowest = t.stage + t.head + (r.pipeline == 1 ? t.embedding : 0);
  const double all = t.stage * r.pipeline + t.head + t.embedding;
  return static_cast<double>(r.micro_batches()) * slowest + (all - slowest) / r.virtual_stages;
}

}  // namespace

Result<StepParts> training_step(const SoftwareProfile& profile, const cluster::Cluster& cluster,
                                const TrainingRun& run) {
  MOAI_RETURN_IF_ERROR(check(cluster, run));
  const cluster::DeviceKind device = device_under(profile, cluster.device);
  const LayerSetting setting{.profile = profile, .cluster = cluster, .device = device, .run = run};
  Times t{.layer = layer_time(setting),
          .head = head_seconds(setting),
          .embedding = embedding_seconds(setting)};
  t.stage = (t.layer.forward + t.layer.backward) * static_cast<double>(run.layers) / run.pipeline;
  StepParts parts{.layer_forward = t.layer.forward,
                  .layer_backward = t.layer.backward,
                  .head = t.head,
                  .embedding = t.embedding};
  const double rank_parameters = parameters(run) / (run.tensor * run.pipeline);
  const bool shares_state = profile.data_parallel != DataParallel::kAllReduce;
  parts.optimizer = memory_seconds(
      device, profile.optimizer_bytes * rank_parameters / (shares_state ? run.data : 1));
  if (profile.data_parallel == DataParallel::kFullySharded) {
    if (run.tensor * run.pipeline > 1) {
      return refusal(profile.name + " has data parallelism alone");
    }
    parts.step = fully_sharded_seconds(setting, t) + parts.optimizer;
    return parts;
  }
  parts.gradients = shown_gradients(setting, t, gradient_seconds(setting, rank_parameters));
  parts.transfers = transfer_seconds(setting);
  parts.step = pipelined_seconds(run, t) + parts.transfers + parts.gradients + parts.optimizer;
  return parts;
}

}  // namespace moai::compiler::cost

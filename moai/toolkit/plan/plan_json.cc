#include "moai/toolkit/plan/plan_json.h"

namespace moai::toolkit {
namespace {

using compiler::StepPrice;

// What no plan varies yet is 1.
Json degrees_json(const compiler::Degrees& d) {
  return {{"dp", d.dp},
          {"tp", d.tp},
          {"pp", d.pp},
          {"cp", 1},
          {"ep", 1},
          {"zero", d.zero},
          {"sp", d.sp},
          {"microbatches", d.microbatches},
          {"recompute", std::string(compiler::name(d.recompute))},
          {"schedule", d.pp > 1 ? to_string(d.schedule) : "none"}};
}

Json stages(const StepPrice& p) {
  Json all = Json::array();
  for (const compiler::StagePrice& stage : p.stages) {
    all.push_back({{"devices", p.degrees.dp * p.degrees.tp},
                   {"weights", stage.weights},
                   {"step_s", stage.busy_s() + stage.slices.exchange_s + stage.slices.idle_s},
                   {"forward_s", stage.slices.forward_s},
                   {"backward_s", stage.slices.backward_s},
                   {"optimizer_s", stage.slices.optimizer_s},
                   {"collectives_s", stage.slices.exchange_s},
                   {"waiting_s", stage.slices.idle_s},
                   {"memory_bytes", stage.memory_bytes}});
  }
  return all;
}

Json plan_of(const StepPrice& p) {
  Json plan = degrees_json(p.degrees);
  plan["stages"] = stages(p);
  plan["text"] = to_string(p.degrees);
  plan["fix"] = to_string(compiler::pins_of(p.degrees));
  return plan;
}

Json alternatives(const PlanReport& r) {
  Json all = Json::array();
  for (const compiler::FoundPlan& p : r.found.alternatives) {
    all.push_back({{"plan", degrees_json(p.degrees)},
                   {"step_s", p.price.step_s},
                   {"memory_bytes_max", static_cast<uint64_t>(p.price.memory_bytes)},
                   {"fits", p.fits},
                   {"why_not", p.why_not}});
  }
  return all;
}

Json traffic(const PlanReport& r) {
  Json all = Json::array();
  const auto axes = compiler::mesh_of(r.best().degrees).axes;
  for (size_t a = 0; a < axes.size(); ++a) {
    const compiler::cost::AxisTraffic& t = r.best().program.axes[a];
    all.push_back({{"axis", axes[a].name},
                   {"devices", axes[a].size},
                   {"collectives", t.collectives},
                   {"received_bytes", t.received_bytes},
                   {"seconds", t.seconds}});
  }
  return all;
}

Json unsupported(const PlanReport& r) {
  Json all = Json::array();
  for (const compiler::WholeCalls& w : r.best().whole) {
    all.push_back({{"operator", w.op},
                   {"line", line_text(r, w.line)},
                   {"calls", w.calls},
                   {"seconds", w.seconds},
                   {"collective_s", w.exchange_s}});
  }
  return all;
}

Json layouts(const PlanReport& r) {
  Json all = Json::array();
  for (const compiler::WeightLayout& w : r.found.weights) {
    all.push_back({{"dtype", tensor::dtype_name(w.dtype)},
                   {"whole", w.whole},
                   {"part", w.part},
                   {"line", line_text(r, w.line)}});
  }
  return all;
}

Json per_second(int64_t count, double step_s) {
  return count > 0 && step_s > 0 ? Json(static_cast<double>(count) / step_s) : Json(nullptr);
}

}  // namespace

Json plan_json(const PlanReport& r) {
  const StepPrice& best = r.best();
  Json falls = Json::object(), memory = Json::object();
  for (const Part& part : waterfall(best)) falls[part.name + "_s"] = part.seconds;
  for (const MemoryPart& part : memory_parts(best.fullest)) memory[part.key] = part.bytes;
  return {{"step_s", best.program.step_s},
          {"memory_bytes_max", best.program.memory_bytes_max},
          {"mfu", utilization(r)},
          {"plan", plan_of(best)},
          {"search_s", r.found.search_s},
          {"capture_s", r.capture_s},
          {"candidates", r.found.candidates},
          {"lower_bound_s", r.found.lower_bound_s},
          {"alternatives", alternatives(r)},
          {"waterfall", std::move(falls)},
          {"unsupported", unsupported(r)},
          {"priced", r.found.priced},
          {"confirm_s", r.found.confirm_s},
          {"cached", r.cached},
          {"begun_with", r.found.begun_with ? Json(to_string(*r.found.begun_with)) : Json(nullptr)},
          {"layers", r.found.layers},
          {"layers_priced", r.found.layers_priced},
          {"priced_as_all_programs", r.found.best.whole},
          {"memory_limit_bytes", r.cluster.device.memory_bytes},
          {"memory", std::move(memory)},
          {"binding_constraint", binding_constraint(r)},
          {"samples_per_s", per_second(r.samples, best.program.step_s)},
          {"tokens_per_s", per_second(r.tokens, best.program.step_s)},
          {"one_device_step_s", r.found.one_device.program.step_s},
          {"flops_per_device", best.program.flops},
          {"traffic", traffic(r)},
          {"weights", layouts(r)},
          {"cluster", r.cluster.name},
          {"devices", r.cluster.devices()},
          {"profile", r.profile},
          {"mode", "exact"},
          {"notes", notes(r)}};
}

}  // namespace moai::toolkit

#include "moai/driver/mesh/plan_words.h"

#include <cmath>
#include <cstdio>

namespace moai::driver {
namespace {

using compiler::CachedPlan;

std::string milliseconds(double seconds) {
  char text[40];
  std::snprintf(text, sizeof text, "%.3g ms", seconds * 1e3);
  return text;
}

std::string percent(double part) {
  char text[40];
  std::snprintf(text, sizeof text, "%.0f %%", part * 100);
  return text;
}

std::string rounded_ms(double seconds) { return std::to_string(std::llround(seconds * 1e3)); }

const char* flag(bool value) { return value ? "true" : "false"; }

}  // namespace

std::string faster_text(const CachedPlan& best, const CachedPlan& now) {
  const std::string than = to_string(now.degrees);
  if (!now.fits) return "predicted to fit, which " + than + " is not";
  return "predicted " + milliseconds(best.step_s) + " a step, " + than + " " +
         milliseconds(now.step_s);
}

std::string slower_text(const CachedPlan& best, const CachedPlan& now, double margin) {
  return "the best other plan, " + to_string(best.degrees) + ", is predicted " +
         milliseconds(best.step_s) + " a step in place of " + milliseconds(now.step_s) +
         ", which is not faster by " + percent(margin);
}

std::vector<std::string> search_lines(const Finding& f) {
  return {
      "The number of candidates is " + std::to_string(f.search.candidates) + ".",
      "Parallel Graph Compile start...",
      "Elapsed Time to compile all candidates = " + rounded_ms(f.search_s) + " [ms]",
      "Parallel Graph Compile finished.",
      "The number of possible candidates is " + std::to_string(f.fitting) + ".",
      "SelectBestGraphFromCandidates start...",
      "Elapsed Time to compute cost for survived candidates = " + rounded_ms(f.confirm_s) + " [ms]",
      "SelectBestGraphFromCandidates finished.",
      "Configuration for parallelism is selected.",
      selection_line(f.search.plans.front().degrees),
      "train: true"};
}

std::string selection_line(const compiler::Degrees& d) {
  std::string text = "No PP, ";
  if (d.pp > 1) text = "num_stages : " + std::to_string(d.pp) + ", ";
  if (d.pp > 1 || d.microbatches > 1) {
    text += "num_micro_batches : " + std::to_string(d.microbatches) + ", ";
  }
  text += d.tp > 1 ? "TP : " + std::to_string(d.tp) + ", " : "No TP, ";
  if (d.cp > 1) text += "CP : " + std::to_string(d.cp) + ", ";
  const char* recomputation = d.recompute == compiler::Recompute::kFull        ? "full(2)"
                              : d.recompute == compiler::Recompute::kSelective ? "default(1)"
                                                                               : "0";
  return text + "recomputation : " + recomputation + ", distribute_param : " + flag(d.zero == 3) +
         ", distribute_low_prec_param : false";
}

}  // namespace moai::driver

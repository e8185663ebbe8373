#include "moai/compiler/cost/profile/fit.h"

#include <algorithm>
#include <cmath>

namespace moai::compiler::cost {
namespace {

constexpr double kRowError = 0.02;
constexpr double kEfficiencyPrior = 0.7;
constexpr double kEfficiencyWidth = 0.3;
constexpr double kTrafficPrior = 1;
constexpr double kTrafficWidth = 1;

double squared(double x) { return x * x; }

Result<double> misfit(const SoftwareProfile& p, const cluster::Cluster& cluster,
                      std::span<const AnchorRow> rows) {
  double sum = squared(std::log(p.gemm_efficiency / kEfficiencyPrior) / kEfficiencyWidth) +
               squared(std::log(p.traffic / kTrafficPrior) / kTrafficWidth);
  for (const AnchorRow& row : rows) {
    MOAI_ASSIGN_OR_RETURN(const StepParts parts, training_step(p, cluster, row.run));
    sum += squared(std::log(predicted_seconds(row, parts) / measured_seconds(row)) / kRowError);
  }
  return sum;
}

SoftwareProfile moved(SoftwareProfile p, double efficiency_step, double traffic_step) {
  p.gemm_efficiency = std::clamp(p.gemm_efficiency * std::exp(efficiency_step), 0.01, 1.0);
  p.traffic *= std::exp(traffic_step);
  return p;
}

}  // namespace

Result<SoftwareProfile> fit_profile(const SoftwareProfile& profile, const cluster::Cluster& cluster,
                                    std::span<const AnchorRow> rows) {
  SoftwareProfile best = profile;
  best.gemm_efficiency = kEfficiencyPrior;
  best.traffic = kTrafficPrior;
  MOAI_ASSIGN_OR_RETURN(double least, misfit(best, cluster, rows));
  // The valley lies across both axes: look around, nearer when nothing is better.
  constexpr double kFirstStep = 0.2;
  constexpr double kLastStep = 1e-5;
  for (double step = kFirstStep; step > kLastStep;) {
    SoftwareProfile next = best;
    for (const double e : {-0.2, -0.1, 0.0, 0.1, 0.2}) {
      for (const double t : {-1.0, -0.5, 0.0, 0.5, 1.0}) {
        const SoftwareProfile candidate = moved(best, e * step, t * step);
        MOAI_ASSIGN_OR_RETURN(const double value, misfit(candidate, cluster, rows));
        if (value >= least) continue;
        least = value;
        next = candidate;
      }
    }
    if (next == best) step /= 2;
    best = next;
  }
  return best;
}

}  // namespace moai::compiler::cost

// The two constants of a profile from measured rows.
#pragma once

#include <span>

#include "moai/base/status.h"
#include "moai/compiler/cost/profile/anchor_rows.h"

namespace moai::compiler::cost {

// Least squares of the logarithms of predicted ÷ measured, with weak priors (efficiency 0.7 within
// a third, traffic 1 within a factor of e): a row is trusted to 2 %. Returns the profile with its
// constants replaced.
Result<SoftwareProfile> fit_profile(const SoftwareProfile& profile, const cluster::Cluster& cluster,
                                    std::span<const AnchorRow> rows);

}  // namespace moai::compiler::cost

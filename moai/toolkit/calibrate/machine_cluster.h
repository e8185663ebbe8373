// This machine as a cluster of its CPU Workers.
#pragma once

#include "moai/toolkit/calibrate/measure.h"

namespace moai::toolkit {

// Where `moai calibrate` leaves it, and `moai plan` finds it.
std::string machine_file();

cluster::Cluster machine_cluster(const MeasureOptions& options, const Measured& measured,
                                 uint64_t memory_bytes);

}  // namespace moai::toolkit

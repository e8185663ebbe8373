// Measuring this machine: what moai-measure, the program beside this one, says of it.
#pragma once

#include <string>
#include <vector>

#include "moai/cluster/topology.h"
#include "moai/compiler/cost/calibration/fit_operators.h"
#include "moai/toolkit/terminal.h"

namespace moai::toolkit {

// Of the largest cache that a processor of this machine has for itself; 1 MiB where it does not
// say.
int64_t processor_cache_bytes();
// Of the largest that processors of this machine share; 0 where there is none.
int64_t shared_cache_bytes();

struct MeasureOptions {
  std::string calls_file{};  // calls to begin with; their variants are measured
  int devices = 2;           // Workers that make calls together
  int threads = 1;           // of a Worker
  int rounds = 5;
  bool least = false;  // of the rounds of calls, in place of the middle one
  int64_t cache_bytes = processor_cache_bytes(), shared_cache_bytes = toolkit::shared_cache_bytes();
  // Of a Worker. One that is no processor is measured alone, with calls of its size.
  std::string device_kind = "cpu";
  std::string times_file{};  // where the microseconds of each call are left; empty: nowhere
  // Calls that are measured in turns with those, and of which Measured tells nothing; the file of
  // times is of these alone.
  std::string beside_file{};

  bool is_cpu() const { return device_kind == "cpu"; }
};

struct Measured {
  std::vector<compiler::cost::MeasuredCall> calls{};
  size_t refused = 0;  // variants that operators do not take
  std::vector<cluster::MeasuredCollective> collectives{};
};

// Tells how long it will still take. Ends what it started at an interrupt.
Result<Measured> measure_machine(const MeasureOptions& options, Terminal& terminal);

}  // namespace moai::toolkit

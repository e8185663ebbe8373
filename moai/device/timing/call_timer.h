// Seconds of operator calls on a device, each with its code and data in the caches and, where that
// is asked for, as it is after much else ran on its processor, and after so much that no cache has
// them.
//
// In each round every call runs a few times in a row, of which the middle time counts, and so of
// the rounds, which lie apart: what a step takes is the sum of usual times, not of the quickest.
// Moments in which others use the machine do not show as long as they are fewer. The release of a
// call's results is in its time.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moai/device/device.h"

namespace moai::device {

struct CallToTime {
  ops::CallSignature signature{};
  std::vector<uint64_t> words{};
};

struct CallTimerOptions {
  int rounds = 5, runs = 5;  // each call counts their product
  // Calls of a run, in a row, after which the device is waited for: one, where calls are done when
  // they return; several of a device that computes while the next is called, as in a step. What
  // they write is then written anew before each round alone.
  int calls_in_a_row = 1;
  // Of rounds the least counts, in place of the middle one: where neighbours of a machine slow its
  // processors for moments, two tables differ less.
  bool least = false;
  // What a call takes depends on where its operands lie, and on what ran before: up to a quarter
  // less behind its like. Then each round has its calls in another order, the same in all processes
  // (else they run as they come), and their operands elsewhere.
  bool any_order = false;
  // Calls run on the thread that asks, alone: what it waits for a processor is not of their time.
  bool on_this_thread = false;
  // Bytes of this process's memory that are written before each run of a cold call, to take the
  // caches of its processor from it; 0: no call is timed cold.
  uint64_t cold_bytes = 0;
  // Likewise, to take all caches from it; then a few calls of each operator, over the more data the
  // likelier, are timed far.
  uint64_t far_bytes = 0;
  // Comes back when all who time the same calls beside this process have called it as often: then
  // calls over much data are timed at the same time, as ranks make them.
  std::function<Status()> together{};
  double long_s = 4e-3;                           // a call that takes longer runs fewer times
  uint64_t held_bytes_max = uint64_t{512} << 20;  // of operands that wait for other calls
  // How many calls of all runs are done; may be slow.
  std::function<void(size_t done, size_t all)> progress{};
  // Why a call was refused or failed. `lost`: with it the device, which does nothing any more; what
  // was timed before stays, what comes after is not timed.
  std::function<void(size_t call, const Status& why, bool lost)> failed{};
};

struct CallSeconds {
  double warm = 0;
  double cold = 0;  // 0 where it was not measured
  double far = 0;   // likewise
};

// By call. Nothing for what the device refuses. Operands are numbers between a half and one,
// zeros where they count or point; what a call writes is written anew before each run.
std::vector<std::optional<CallSeconds>> time_calls(Device* device,
                                                   std::span<const CallToTime> calls,
                                                   const CallTimerOptions& options = {});

}  // namespace moai::device

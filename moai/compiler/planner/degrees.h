// Degrees: how many devices, and parts in time, a plan shares a step among.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "moai/compiler/sharding/placement.h"

namespace moai::compiler {

// What of a forward pass is computed again in the backward pass in place of being kept.
enum class Recompute : uint8_t {
  kNone,
  kSelective,  // what takes much memory and little time
  kFull,       // all of a layer but what it reads
};

// The order of micro-batches on pipeline stages (compiler/schedule).
struct PipelineSchedule {
  enum class Kind : uint8_t { kOneForwardOneBackward, kInterleaved, kZeroBubble };
  Kind kind = Kind::kOneForwardOneBackward;
  int chunks = 1;  // stages a device, above 1 where interleaved

  bool operator==(const PipelineSchedule&) const = default;
};

struct Degrees {
  int dp = 1, tp = 1;
  // Shares along dp and cp: 1 of the optimizer's state, 2 of gradients, 3 of parameters as well.
  int zero = 0;
  bool sp = false;  // what tensor parallel sums goes to shares of the sequence
  int pp = 1;       // groups of devices that have consecutive parts of the model
  int cp = 1;       // shares of each sequence (docs/design/024)
  int microbatches = 1;
  Recompute recompute = Recompute::kNone;
  PipelineSchedule schedule{};  // of more than one stage

  bool operator==(const Degrees&) const = default;
  int ranks() const { return pp * dp * cp * tp; }
  // That have the same weights, and may share what belongs to them.
  int replicas() const { return dp * cp; }
};

// "dp4 tp2 zero1 sp", then what is not 1 or none: "cp2 pp2 m8 recompute=full 1f1b".
std::string to_string(const Degrees& d);
// Reads it back; nothing where it is none.
std::optional<Degrees> degrees_from_string(std::string_view text);

// "none", "selective", "full".
std::string_view name(Recompute r);
std::optional<Recompute> recompute_from_string(std::string_view text);
// "1f1b", "interleaved:2", "zb".
std::string to_string(const PipelineSchedule& s);
std::optional<PipelineSchedule> schedule_from_string(std::string_view text);

// The axes that these degrees have: "pp", "dp", "cp" and "tp", in this order, those of one rank
// left out.
Mesh mesh_of(const Degrees& d);

}  // namespace moai::compiler

// PlanCache: what searches found, kept in a folder between runs (docs/formats/plan_cache.md).
//
// A file that is damaged, of another version or of another key is as none. Any thread may call, and
// any number of processes: files are replaced whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moai/cluster/topology.h"
#include "moai/compiler/planner/pins.h"

namespace moai::compiler {

// A plan that was priced.
struct CachedPlan {
  Degrees degrees{};
  double step_s = 0, exchange_s = 0, memory_bytes = 0, lower_bound_s = 0;
  bool fits = true;
  double idle_s = 0;  // of the step, as exchange_s is

  bool operator==(const CachedPlan&) const = default;
};

struct CachedSearch {
  std::vector<CachedPlan> plans{};  // best first, at least one
  double lower_bound_s = 0;         // of all plans
  uint64_t candidates = 0, priced = 0;
  int64_t rows = 0;  // of the batch; 0: there is none
  // A key that does not depend on sizes, and how many elements the window makes.
  std::string family{};
  double elements = 0;

  bool operator==(const CachedSearch&) const = default;
};

// What a search depends on, on one line: the form of the window (graph::window_hash; of a family
// the structure, window_shape.h), every figure of the cluster, the pins, and `more`: what else the
// caller varies.
std::string plan_key(uint64_t form, const cluster::Cluster& cluster, const Pins& pins,
                     std::string_view more);

class PlanCache {
 public:
  static constexpr size_t kPlansMax = 256;

  // The folder is made when something is kept.
  explicit PlanCache(std::string folder) : folder_(std::move(folder)) {}

  std::optional<CachedSearch> find(const std::string& key) const;
  // Of what is kept of the family that whose window is nearest in size.
  std::optional<CachedSearch> nearest(const std::string& family, double elements) const;
  // Of more than kPlansMax the oldest go.
  Status keep(const std::string& key, const CachedSearch& search) const;

 private:
  std::string path(const std::string& key) const;
  // Each with the time it was written.
  std::vector<std::pair<std::filesystem::file_time_type, std::string>> files() const;
  void drop_oldest() const;

  const std::string folder_;
};

}  // namespace moai::compiler

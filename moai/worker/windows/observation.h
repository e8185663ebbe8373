// Observation: what the runs of a template have in common, until it is worth compiling.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/graph/signature_table.h"
#include "moai/program/program.h"
#include "moai/worker/windows/package.h"

namespace moai::worker {

// One run of a whole template.
struct Instance {
  std::vector<uint64_t> words{};        // of all instructions
  std::vector<bool> released{};         // by slot: freed within the window
  std::vector<uint64_t> input_bytes{};  // by slot; 0 for slots that it makes
};

class Observation {
 public:
  // `signatures` outlives it.
  Observation(const program::Program& program, const graph::SignatureTable& signatures);

  void add(const Instance& run);
  uint32_t runs() const { return runs_; }
  uint32_t calls() const { return calls_; }
  // By slot: made by the window, not there before.
  const std::vector<bool>& made() const { return made_; }

  // The text that asks for a package; FAILED_PRECONDITION says why there is no use in asking.
  Result<std::string> request(const program::Program& program, const std::string& torch_version,
                              const std::string& processor, int threads) const;
  // Whether a package that was made for what was seen computes this run, too.
  bool fits(const Instance& run, const PackageLayout& layout) const;

 private:
  const graph::SignatureTable& signatures_;
  std::vector<bool> made_, live_;
  std::vector<uint64_t> input_bytes_;  // of the last run
  std::vector<uint64_t> words_;        // of the first run
  std::vector<bool> changes_;          // by word
  uint32_t runs_ = 0, calls_ = 0;
  bool makes_anew_ = false;  // a storage that it has used before
};

}  // namespace moai::worker

// TemplateBook: the windows that were seen before, and those of them kept as templates.
//
// A window is kept when it ends for the second time. Nodes of a window are compared by kind,
// signature and slots, so that equal hashes of different windows do no harm. The book is bounded:
// the template used longest ago leaves when a new one needs its place. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "moai/dispatch/messages.h"
#include "moai/program/program.h"

namespace moai::driver {

// A read that the script did at this place of the last run: `position` nodes were recorded, and the
// storage was that of `slot`.
struct ReadPoint {
  size_t position = 0;
  uint32_t slot = 0;
  uint64_t offset = 0, size = 0;
  bool confirmed = true;  // the script did read it since it was last fetched ahead
};

struct Template {
  dispatch::TemplateId id = 0;
  program::Program program;
  std::vector<uint64_t> prefix;  // prefix[k]: hash of the first k + 1 nodes
  std::vector<ReadPoint> reads{};
  bool defined = false;  // the Worker has it
  uint64_t used = 0;     // when it was last followed

  size_t size() const { return program.instructions.size(); }
};

// A node of the current window in slots.
struct SlotNode {
  graph::NodeKind kind = graph::NodeKind::kCall;
  graph::SignatureId signature = 0;
  std::span<const uint32_t> slots;
};
uint64_t next_prefix(uint64_t prefix, const SlotNode& node);
inline constexpr uint64_t kEmptyPrefix = 0x9e3779b97f4a7c15ull;

// Whether node `position` of the template is this one.
bool matches(const Template& t, size_t position, const SlotNode& node);

class TemplateBook {
 public:
  struct Options {
    size_t templates_max = 64;
    size_t nodes_min = 8;    // shorter windows are not worth a template
    size_t seen_max = 4096;  // windows remembered that were seen once
  };
  explicit TemplateBook(Options options) : options_(options) {}

  // A window with this hash ended. True when it is to be kept as a template now.
  bool saw(uint64_t hash, size_t nodes);
  // Keeps it. Returns the template that had to leave, if any.
  std::unique_ptr<Template> keep(program::Program program, std::vector<uint64_t> prefix,
                                 const Template* in_use);
  // The template to try for a window that begins with `first` after a window of hash `last`; null
  // when none begins so.
  Template* begin(uint64_t last, const SlotNode& first);
  // Another template whose first `position` nodes are those of `t` and whose next one is `node`.
  Template* alternative(const Template& t, size_t position, const SlotNode& node);
  // Remembers what came after a window of hash `last`.
  void follows(uint64_t last, Template* t);

  size_t size() const { return templates_.size(); }
  const std::vector<std::unique_ptr<Template>>& all() const { return templates_; }

 private:
  Options options_;
  std::vector<std::unique_ptr<Template>> templates_;
  std::unordered_map<uint64_t, uint32_t> seen_;              // hash → times
  std::unordered_map<uint64_t, dispatch::TemplateId> next_;  // hash of a window → what came after
  dispatch::TemplateId next_id_ = 1;
  uint64_t clock_ = 0;
};

}  // namespace moai::driver

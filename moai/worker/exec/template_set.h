// TemplateSet: the templates that a front has defined, and the instance it is running.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "moai/base/status.h"
#include "moai/dispatch/messages.h"
#include "moai/program/program.h"
#include "moai/worker/exec/unread.h"

namespace moai::worker {

struct Template {
  program::Program program;
  // Per instruction, and once more for the end: slots first used and words taken before it.
  std::vector<uint32_t> slots_before, words_before;
  std::vector<UnreadCall> unread;
};

class TemplateSet {
 public:
  // `program` was verified. Replaces a template of the same id.
  void define(dispatch::TemplateId id, program::Program program,
              std::vector<UnreadCall> unread = {});
  // NOT_FOUND when there is none.
  Status drop(dispatch::TemplateId id);

  // Binds the slots that the run uses first and returns the template; it stays valid until the
  // next call. A status says what of the run does not fit the template or the bindings so far.
  Result<const Template*> begin(const dispatch::RunTemplate& run);
  // The storages of an instruction's places in the current instance; valid until the next call.
  std::span<const graph::StorageId> resolve(std::span<const program::Place> slots);
  // The storages of the current instance so far, by slot.
  std::span<const graph::StorageId> bound() const { return bound_; }

 private:
  std::map<dispatch::TemplateId, Template> templates_;
  std::vector<graph::StorageId> bound_;  // by slot
  std::vector<graph::StorageId> resolved_;
};

}  // namespace moai::worker

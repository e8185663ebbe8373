// WindowRunner: runs templates compiled where that was asked for and proved good, else as told.
//
// The parts of a run that is to be compiled are held back until the last has come. Whatever else
// comes meanwhile and may depend on them lets them be interpreted first, so nobody can tell but by
// the time. While nothing was asked for nothing is held, counted or copied.
//
// One thread. A Status that is returned means that the front broke the protocol.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "moai/worker/exec/stream.h"
#include "moai/worker/exec/template_set.h"
#include "moai/worker/windows/compiled_window.h"

namespace moai::worker {

class WindowRunner {
 public:
  // Executes one part by its instructions.
  using Interpret = std::function<Status(const Template&, const dispatch::RunTemplate&)>;

  // All outlive it. Without a site nothing is ever compiled.
  WindowRunner(const CompileSite* site, Stream* stream, TemplateSet* templates, Replies* replies,
               Interpret interpret)
      : site_(site),
        stream_(*stream),
        templates_(*templates),
        replies_(*replies),
        interpret_(std::move(interpret)) {}

  // From now on the front wants windows compiled.
  void ask();
  bool asked() const { return asked_; }

  // A part that TemplateSet::begin() has taken.
  Status run(const Template& t, dispatch::RunTemplate part);
  // To be called before any other message is executed, and before begin().
  Status before(const dispatch::Message& next);
  Status before_upload(StorageId storage);
  void forget(dispatch::TemplateId id);

 private:
  struct Known {
    CompiledWindow window;
    // Slots of the storages that its last run released, in order: the next one does likewise.
    std::vector<int32_t> released{};
  };
  struct Freed {
    StorageId storage = 0;
    int32_t slot = kUnused;
  };
  static constexpr int32_t kUnused = -1;  // by the run
  // The run at hand.
  struct Current {
    dispatch::TemplateId id = 0;
    const Template* t = nullptr;
    Known* known = nullptr;
    CompiledWindow* window = nullptr;  // of `known`
    uint32_t end = 0;                  // of the parts that came
    bool holds = false;
    Instance seen{};
    std::vector<Freed> freed{};
    uint64_t begun_ns = 0, executed_ns = 0;
    uint64_t first_sequence = 0;
    std::vector<dispatch::RunTemplate> held{};
  };

  void start(const Template& t, const dispatch::RunTemplate& part);
  void note(const dispatch::RunTemplate& part);
  int32_t slot_of(StorageId storage, size_t nth) const;
  uint32_t first_use(int32_t slot) const;
  Status interpret_held();
  Status finish_held();
  Status finish_interpreted();
  Status compare();
  Status run_compiled();
  bool fits();
  std::optional<Status> compute(bool on_copies);
  Status store();
  Status release(bool used);
  void forget_released();
  Status agreement();
  uint64_t last_sequence() const;

  const CompileSite* site_;
  Stream& stream_;
  TemplateSet& templates_;
  Replies& replies_;
  const Interpret interpret_;
  bool asked_ = false;
  std::map<dispatch::TemplateId, std::unique_ptr<Known>> windows_;
  std::optional<Current> current_;
  // The run before, if it was of a window under trial.
  CompiledWindow* before_ = nullptr;
  bool before_compiled_ = false;
  uint64_t before_begun_ns_ = 0;
  std::vector<device::Buffer*> inputs_;
  std::vector<device::BufferPtr> outputs_;
};

}  // namespace moai::worker

// Executor: executes the frames of one front, in order, and replies.
//
// One thread. It holds the front's storages; they end with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/device.h"
#include "moai/dispatch/messages.h"
#include "moai/worker/collective/mesh.h"
#include "moai/worker/counts/counted_device.h"
#include "moai/worker/exec/replies.h"
#include "moai/worker/exec/stream.h"
#include "moai/worker/exec/template_set.h"
#include "moai/worker/exec/window_runner.h"

namespace moai::worker {

// Any thread.
dispatch::Memory memory_of(const device::Device& device);

class Executor {
 public:
  // All outlive the executor. Without `compiles` no window is ever compiled, without `mesh` there
  // is no JoinMesh. Whatever a Marker that resets the peak ends is counted, and told in
  // `counts_file` where there is one (docs/formats/worker.md).
  Executor(device::Device* device, Replies* replies, const CompileSite* compiles = nullptr,
           Mesh* mesh = nullptr, std::string counts_file = {});

  // Executes one frame. A status means that the front broke the protocol: the connection ends.
  // Failing calls are no such thing; they are replied as Faults.
  Status execute(std::string_view frame);

  // The front said Goodbye.
  bool finished() const { return finished_; }
  uint64_t busy_ns() const { return busy_ns_; }
  size_t storage_count() { return stream_.storages().size(); }

 private:
  Status handle(std::string_view frame);
  Status run(const dispatch::DefineSignatures& m);
  Status run(const dispatch::Run& m);
  Status run(dispatch::DefineTemplate& m);
  Status run(const dispatch::DropTemplate& m);
  Status run(dispatch::RunTemplate& m);
  Status run(const dispatch::Read& m);
  Status run(const dispatch::Ask& m);
  Status run(const dispatch::Marker& m);
  Status run(const dispatch::Goodbye&);
  Status run(const dispatch::Ping&) { return ok_status(); }
  Status run(const dispatch::CompileWindows&);
  Status run(const dispatch::JoinMesh& m);
  template <class Other>
  Status run(const Other&);

  Status interpret(const Template& t, const dispatch::RunTemplate& m);
  // `first_dies`: as of Stream::call().
  Status instruction(const program::Instruction& i, std::span<const StorageId> places,
                     std::span<const uint64_t> words, uint64_t* sequence, bool first_dies);
  // What is wrong with a range to read; nothing when it can be read.
  CausePtr unreadable(const dispatch::ReadRange& range);
  void fault(dispatch::RequestId request, const Cause& cause);
  Result<dispatch::Value> store(device::DynamicValue value, const dispatch::Ask& ask,
                                uint32_t* used);

  // Where several ranks work together, what stands before the device.
  device::Device& met_device() const;
  device::Device* calls_device();
  void tell_counts();

  device::Device& device_;
  Replies& replies_;
  Mesh* const mesh_;
  const std::string counts_file_;
  std::optional<CountedDevice> counted_;
  uint64_t received_before_ = 0;  // when counts were told last
  Stream stream_;
  TemplateSet templates_;
  WindowRunner windows_;
  std::string read_;  // bytes of a Read
  std::vector<uint32_t> left_out_;
  bool finished_ = false;
  uint64_t busy_ns_ = 0;
  uint64_t began_ns_ = 0;  // of the frame at hand
};

}  // namespace moai::worker

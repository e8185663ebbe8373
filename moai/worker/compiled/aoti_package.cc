#include "moai/worker/compiled/aoti_package.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Version.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "moai/base/profile.h"
#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/tensors.h"
#include "moai/device/aten/call/threads.h"
#include "moai/device/aten/errors.h"
#include "moai/worker/compiled/agreement.h"

namespace moai::worker {
namespace {

using device::AtenBuffer;

constexpr int kMoves = 2;
constexpr uint64_t kMoveSeed = 1;
constexpr int kTimedRuns = 5;
constexpr uint64_t kSmallNs = 10'000'000;

at::Tensor over(const device::Buffer& buffer, const tensor::Geometry& geometry) {
  return device::make_tensor(geometry, AtenBuffer::of(buffer).storage(), at::kCPU);
}

class AotiPackage final : public Package {
 public:
  AotiPackage(const std::string& folder)
      : loader_(folder, "model", /*run_single_threaded=*/true, /*num_runners=*/1) {}

  Status read_layout() {
    const auto metadata = loader_.get_metadata();
    const auto found = metadata.find("moai");
    if (found == metadata.end()) return data_loss("[worker.package] a package without a layout");
    MOAI_ASSIGN_OR_RETURN(layout_, layout_from_string(found->second));
    for (const PackageLayout::Item& parameter : layout_.parameters) {
      numbers_.push_back(at::empty({}, static_cast<at::ScalarType>(parameter.geometry.dtype)));
    }
    return ok_status();
  }

  const PackageLayout& layout() const override { return layout_; }

  Status run(std::span<device::Buffer* const> inputs, std::span<const uint64_t> words,
             bool on_copies, std::span<device::BufferPtr> outputs) override {
    return device::without_exceptions([&]() -> Status {
      device::use_threads(threads_);
      std::vector<at::Tensor> given;
      MOAI_RETURN_IF_ERROR(gather(inputs, words, on_copies, &given));
      if (on_copies) {
        keep(inputs);
        run_moved(given);
        choose_threads(given);
      }
      std::unordered_set<const void*> taken;
      for (const at::Tensor& t : given) taken.insert(t.data_ptr());
      std::vector<at::Tensor> made = loader_.boxed_run(std::move(given));
      return take(made, &taken, outputs);
    });
  }

  Status agrees(std::span<device::Buffer* const> interpreted,
                std::span<const device::BufferPtr> compiled) override {
    return device::without_exceptions([&]() -> Status {
      const auto before = std::exchange(before_, {});
      const auto runs = std::exchange(moved_, {});
      Changes changes;
      for (size_t i = 0; i < compiled.size(); ++i) {
        const PackageLayout::Item& item = layout_.outputs[i];
        if (!interpreted[i]) continue;
        if (interpreted[i]->size_bytes() != compiled[i]->size_bytes()) {
          return aborted("slot " + std::to_string(item.at) + " has another size");
        }
        const at::Tensor expected = over(*interpreted[i], item.geometry);
        const at::Tensor found = over(*compiled[i], item.geometry);
        const auto was = before.find(item.at);
        const at::Tensor held = was == before.end() ? at::Tensor() : was->second;
        const Noise noise = noise_in(runs, i, item.at, held, found);
        const Status status = agreement(expected, found, noise);
        if (!status.ok()) {
          return {status.code(), "slot " + std::to_string(item.at) + ": " + status.message()};
        }
        changes.add(held, expected, found, noise);
      }
      return changes.agreement();
    });
  }

 private:
  struct MovedRun {
    std::unordered_map<uint32_t, at::Tensor> before;  // of written storages, by slot
    std::vector<at::Tensor> outputs;
  };

  // What written storages hold before they are.
  void keep(std::span<device::Buffer* const> inputs) {
    std::unordered_set<uint32_t> written;
    for (const PackageLayout::Item& output : layout_.outputs) written.insert(output.at);
    before_.clear();
    for (size_t i = 0; i < inputs.size(); ++i) {
      const PackageLayout::Item& item = layout_.inputs[i];
      if (written.count(item.at)) before_[item.at] = over(*inputs[i], item.geometry).clone();
    }
  }

  // What comes out of inputs that are moved.
  void run_moved(const std::vector<at::Tensor>& given) {
    at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(kMoveSeed);
    moved_.clear();
    for (int i = 0; i < kMoves; ++i) {
      MovedRun run;
      std::vector<at::Tensor> inputs;
      for (const at::Tensor& t : given) {
        const size_t at = inputs.size();
        inputs.push_back(t.dim() == 0 ? t.clone() : moved(t, generator));
        if (at >= layout_.inputs.size() || !before_.count(layout_.inputs[at].at)) continue;
        run.before[layout_.inputs[at].at] = inputs.back().clone();
      }
      run.outputs = loader_.boxed_run(std::move(inputs));
      for (at::Tensor& t : run.outputs) t = t.flatten().clone();
      moved_.push_back(std::move(run));
    }
  }

  // A small window on several threads waits longer for them than it computes. Generated loops that
  // are worth it take theirs anyway.
  void choose_threads(const std::vector<at::Tensor>& given) {
    if (threads_ == 1) return;
    std::vector<uint64_t> all, one;
    for (int i = 0; i < kTimedRuns; ++i) {
      all.push_back(timed_run(given, threads_));
      if (all.front() > kSmallNs) return;  // nobody waits for more of these
      one.push_back(timed_run(given, 1));
    }
    std::ranges::sort(all);
    std::ranges::sort(one);
    if (one[kTimedRuns / 2] < all[kTimedRuns / 2]) threads_ = 1;
    device::use_threads(threads_);
  }

  uint64_t timed_run(const std::vector<at::Tensor>& given, int threads) {
    std::vector<at::Tensor> inputs;
    for (const at::Tensor& t : given) inputs.push_back(t.clone());
    device::use_threads(threads);
    const uint64_t began = profile::now_ns();
    loader_.boxed_run(std::move(inputs));
    return profile::now_ns() - began;
  }

  // Of an output: of its change where it was there before, since that it moved with its own input
  // says nothing of how it is computed.
  static Noise noise_in(const std::vector<MovedRun>& runs, size_t output, uint32_t slot,
                        const at::Tensor& before, const at::Tensor& found) {
    Noise noise;
    for (const MovedRun& run : runs) {
      const at::Tensor& other = run.outputs[output];
      noise = noise | (before.defined() && found.is_floating_point()
                           ? noise_of(found.to(at::kDouble).sub(before),
                                      other.to(at::kDouble).sub(run.before.at(slot)))
                           : noise_of(found, other));
    }
    return noise;
  }

  Status gather(std::span<device::Buffer* const> inputs, std::span<const uint64_t> words,
                bool on_copies, std::vector<at::Tensor>* given) {
    given->reserve(inputs.size() + numbers_.size());
    for (size_t i = 0; i < inputs.size(); ++i) {
      const at::Tensor input = over(*inputs[i], layout_.inputs[i].geometry);
      given->push_back(on_copies ? input.clone() : input);
    }
    for (size_t i = 0; i < numbers_.size(); ++i) {
      const uint32_t at = layout_.parameters[i].at;
      const size_t bytes = numbers_[i].nbytes();
      if ((words.size() - std::min<size_t>(at, words.size())) * sizeof(uint64_t) < bytes) {
        return data_loss("[worker.package] no word " + std::to_string(at));
      }
      std::memcpy(numbers_[i].mutable_data_ptr(), &words[at], bytes);  // as the front sent it
      given->push_back(numbers_[i]);
    }
    return ok_status();
  }

  // Outputs become storages of their own: a package may give back an input, or one result twice.
  Status take(std::vector<at::Tensor>& made, std::unordered_set<const void*>* taken,
              std::span<device::BufferPtr> outputs) const {
    if (made.size() != outputs.size()) {
      return data_loss("[worker.package] " + std::to_string(made.size()) + " outputs instead of " +
                       std::to_string(outputs.size()));
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      const tensor::Geometry& wanted = layout_.outputs[i].geometry;
      const auto bytes = static_cast<size_t>(tensor::storage_bytes(wanted));
      at::Tensor result = std::exchange(made[i], {});
      if (static_cast<tensor::DType>(result.scalar_type()) != wanted.dtype ||
          result.nbytes() != bytes) {
        return data_loss("[worker.package] output " + std::to_string(i) + " has " +
                         std::to_string(result.nbytes()) + " bytes instead of " +
                         std::to_string(bytes));
      }
      const bool its_own = device::lies_like(result, wanted) && device::owns_storage(result) &&
                           result.storage().nbytes() == bytes;
      if (!its_own || !taken->insert(result.data_ptr()).second) result = result.clone();
      outputs[i] = std::make_unique<AtenBuffer>(result.storage());
    }
    return ok_status();
  }

  torch::inductor::AOTIModelPackageLoader loader_;
  int threads_ = device::device_threads();
  PackageLayout layout_;
  std::vector<at::Tensor> numbers_;  // of the parameters
  // From a run on copies to agrees().
  std::unordered_map<uint32_t, at::Tensor> before_;  // by slot
  std::vector<MovedRun> moved_;
};

class AotiLoader final : public PackageLoader {
 public:
  Result<std::unique_ptr<Package>> load(const std::string& folder) override {
    return device::without_exceptions([&]() -> Result<std::unique_ptr<Package>> {
      auto package = std::make_unique<AotiPackage>(folder);
      MOAI_RETURN_IF_ERROR(package->read_layout());
      return std::unique_ptr<Package>(std::move(package));
    });
  }
};

}  // namespace

std::unique_ptr<PackageLoader> make_aoti_loader() { return std::make_unique<AotiLoader>(); }

std::string processor_name() {
  std::string name = at::get_cpu_capability();
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    return name + " " + line.substr(std::min(line.find(':') + 2, line.size()));
  }
  return name;
}

}  // namespace moai::worker

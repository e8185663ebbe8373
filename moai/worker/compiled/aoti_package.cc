#include "moai/worker/compiled/aoti_package.h"

#include <ATen/ops/empty.h>
#include <ATen/Version.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <cstring>
#include <fstream>
#include <unordered_set>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/tensors.h"
#include "moai/device/aten/call/threads.h"
#include "moai/device/aten/errors.h"
#include "moai/worker/compiled/agreement.h"

namespace moai::worker {
namespace {

using device::AtenBuffer;

at::Tensor over(const device::Buffer& buffer, const tensor::Geometry& geometry) {
  return device::make_tensor(geometry, AtenBuffer::of(buffer).storage(), at::kCPU);
}

// A number by the bits that the front sent.
at::Tensor number(const tensor::Geometry& geometry, const uint64_t* bits) {
  at::Tensor made = at::empty({}, static_cast<at::ScalarType>(geometry.dtype));
  std::memcpy(made.mutable_data_ptr(), bits, made.nbytes());
  return made;
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
    return ok_status();
  }

  const PackageLayout& layout() const override { return layout_; }

  Status run(std::span<device::Buffer* const> inputs, std::span<const uint64_t> words,
             bool on_copies, std::span<device::BufferPtr> outputs) override {
    return device::without_exceptions([&]() -> Status {
      device::use_threads(device::device_threads());
      std::vector<at::Tensor> given;
      MOAI_RETURN_IF_ERROR(gather(inputs, words, on_copies, &given));
      std::unordered_set<const void*> taken;
      for (const at::Tensor& t : given) taken.insert(t.data_ptr());
      std::vector<at::Tensor> made = loader_.boxed_run(std::move(given));
      return take(made, &taken, outputs);
    });
  }

  Status agrees(size_t output, const device::Buffer& interpreted,
                const device::Buffer& compiled) const override {
    return device::without_exceptions([&]() -> Status {
      const PackageLayout::Item& item = layout_.outputs[output];
      const auto bytes = static_cast<uint64_t>(tensor::storage_bytes(item.geometry));
      if (interpreted.size_bytes() != bytes || compiled.size_bytes() != bytes) {
        return aborted("slot " + std::to_string(item.at) + " has " +
                       std::to_string(interpreted.size_bytes()) + " bytes, compiled " +
                       std::to_string(compiled.size_bytes()));
      }
      const Status status =
          agreement(over(interpreted, item.geometry), over(compiled, item.geometry));
      if (status.ok()) return status;
      return {status.code(), "slot " + std::to_string(item.at) + ": " + status.message()};
    });
  }

 private:
  Status gather(std::span<device::Buffer* const> inputs, std::span<const uint64_t> words,
                bool on_copies, std::vector<at::Tensor>* given) const {
    for (size_t i = 0; i < inputs.size(); ++i) {
      const at::Tensor input = over(*inputs[i], layout_.inputs[i].geometry);
      given->push_back(on_copies ? input.clone() : input);
    }
    for (const PackageLayout::Item& parameter : layout_.parameters) {
      const size_t count = parameter.geometry.dtype == tensor::DType::kComplex128 ? 2 : 1;
      if (parameter.at + count > words.size()) {
        return data_loss("[worker.package] no word " + std::to_string(parameter.at));
      }
      given->push_back(number(parameter.geometry, &words[parameter.at]));
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
  PackageLayout layout_;
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

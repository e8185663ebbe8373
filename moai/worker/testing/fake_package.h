// A compiled window for tests: doubles in, doubles out, by a function.
#pragma once

#include <bit>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "moai/device/device.h"
#include "moai/worker/windows/package.h"

namespace moai::worker {

using Doubles = std::vector<double>;

// Shared by the loader, its packages and the test.
struct FakeCompiled {
  device::Device* device = nullptr;
  PackageLayout layout;
  // Outputs from inputs and parameters.
  std::function<std::vector<Doubles>(const std::vector<Doubles>&, const Doubles&)> compute;
  Status failure;
  int runs = 0, runs_on_copies = 0;
};

class FakePackage final : public Package {
 public:
  explicit FakePackage(FakeCompiled* compiled) : compiled_(*compiled) {}
  const PackageLayout& layout() const override { return compiled_.layout; }

  Status run(std::span<device::Buffer* const> inputs, std::span<const uint64_t> words,
             bool on_copies, std::span<device::BufferPtr> outputs) override {
    ++(on_copies ? compiled_.runs_on_copies : compiled_.runs);
    MOAI_RETURN_IF_ERROR(compiled_.failure);
    std::vector<Doubles> given;
    for (const device::Buffer* input : inputs) given.push_back(content(*input));
    Doubles parameters;
    for (const auto& p : layout().parameters) {
      parameters.push_back(std::bit_cast<double>(words[p.at]));
    }
    const std::vector<Doubles> made = compiled_.compute(given, parameters);
    for (size_t i = 0; i < outputs.size(); ++i) {
      const size_t bytes = made[i].size() * sizeof(double);
      MOAI_ASSIGN_OR_RETURN(outputs[i], compiled_.device->allocate(bytes));
      MOAI_RETURN_IF_ERROR(compiled_.device->copy_in(
          outputs[i].get(), 0, {reinterpret_cast<const char*>(made[i].data()), bytes}));
    }
    return ok_status();
  }
  Status agrees(std::span<device::Buffer* const> interpreted,
                std::span<const device::BufferPtr> compiled) override {
    for (size_t i = 0; i < compiled.size(); ++i) {
      if (interpreted[i] && content(*interpreted[i]) != content(*compiled[i])) {
        return aborted("output " + std::to_string(i) + " is off");
      }
    }
    return ok_status();
  }

 private:
  Doubles content(const device::Buffer& buffer) const {
    Doubles values(buffer.size_bytes() / sizeof(double));
    const Status status = compiled_.device->copy_out(buffer, 0, buffer.size_bytes(),
                                                     reinterpret_cast<char*>(values.data()));
    return status.ok() ? values : Doubles{};
  }

  FakeCompiled& compiled_;
};

class FakeLoader final : public PackageLoader {
 public:
  explicit FakeLoader(FakeCompiled* compiled) : compiled_(compiled) {}
  Result<std::unique_ptr<Package>> load(const std::string&) override {
    return std::unique_ptr<Package>(std::make_unique<FakePackage>(compiled_));
  }

 private:
  FakeCompiled* compiled_;
};

}  // namespace moai::worker

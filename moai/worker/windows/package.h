// Package: a window that was compiled, as a function of storages. docs/formats/compiled.md.
//
// One thread. What executes packages stands apart (worker/compiled): it links more of libtorch.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/device.h"
#include "moai/tensor/geometry.h"

namespace moai::worker {

// How a package is called.
struct PackageLayout {
  struct Item {
    uint32_t at = 0;            // a slot of the template, or the position of a word
    tensor::Geometry geometry;  // one dimension at most, dense
  };
  std::vector<Item> inputs, parameters, outputs;
};
// DATA_LOSS for text that is none of a layout.
Result<PackageLayout> layout_from_string(std::string_view text);

class Package {
 public:
  virtual ~Package() = default;
  virtual const PackageLayout& layout() const = 0;
  // Fills `outputs`, one for each of the layout. `inputs` are those of the layout, null where they
  // have no bytes; `words` are all of the template's. Inputs stay as they are; with `on_copies`
  // even those of a package that is wrong.
  virtual Status run(std::span<device::Buffer* const> inputs, std::span<const uint64_t> words,
                     bool on_copies, std::span<device::BufferPtr> outputs) = 0;
  // After a run on copies: OK when its outputs are what was interpreted since, within the
  // tolerance; else says how far they are off. Null: nothing to compare with.
  virtual Status agrees(std::span<device::Buffer* const> interpreted,
                        std::span<const device::BufferPtr> compiled) = 0;
};

class PackageLoader {
 public:
  virtual ~PackageLoader() = default;
  virtual Result<std::unique_ptr<Package>> load(const std::string& folder) = 0;
};

}  // namespace moai::worker

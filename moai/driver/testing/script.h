// A small script over an Engine: doubles on the fake device.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "moai/driver/testing/platform.h"

namespace moai::driver {

using Doubles = std::vector<double>;

class Script {
 public:
  explicit Script(Platform* platform, const DriverOptions& options = {})
      : engine(std::make_unique<Engine>(options, platform->connector())) {}

  SignatureId signature(const std::string& text) {
    return engine->signatures().intern(ops::call_signature_from_string(text).value());
  }
  StorageId upload(const Doubles& values) {
    const StorageId id = engine->next_storage(1);
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * 8);
    EXPECT_EQ(engine->upload(id, bytes.size(), 0, bytes, true), ok_status());
    return id;
  }
  // a + factor * b, of two doubles each.
  StorageId add(StorageId a, StorageId b, double factor = 1, LineId line = 0) {
    const StorageId result = engine->next_storage(1);
    call(add_, {a, b, result}, {std::bit_cast<uint64_t>(factor)}, line);
    return result;
  }
  void add_to(StorageId a, StorageId b) {
    call(add_to_, {a, b}, {std::bit_cast<uint64_t>(1.0)}, 0);
  }
  void fill(StorageId a, double value) { call(fill_, {a}, {std::bit_cast<uint64_t>(value)}, 0); }
  // Writes half of `a`, then fails.
  void fail(StorageId a, Code code, LineId line) {
    call(fail_, {a}, {static_cast<uint64_t>(code)}, line);
  }
  // Takes as long as the platform's gate is shut.
  void sleep() { call(sleep_, {}, {1}, 0); }
  void call(SignatureId signature, const std::vector<StorageId>& storages,
            const std::vector<uint64_t>& words, LineId line) {
    engine->append(signature, storages, words, line).ignore("the next wait tells");
  }

  // Two doubles.
  Result<Doubles> read(StorageId id, const Interrupt& interrupt = {}) {
    Doubles values(2);
    const Driver::ReadInto range{id, 0, 16, reinterpret_cast<char*>(values.data())};
    MOAI_RETURN_IF_ERROR(engine->read({&range, 1}, interrupt));
    return values;
  }
  Doubles value(StorageId id) {
    auto values = read(id);
    EXPECT_TRUE(values.ok()) << values.status().to_string();
    return values.ok() ? *values : Doubles{};
  }
  Result<std::vector<dispatch::Value>> ask(const std::string& text, StorageId operand,
                                           const Interrupt& interrupt = {}) {
    const StorageId first = engine->next_storage(1);
    return engine->ask(signature(text), {&operand, 1}, {}, first, 1, 0, interrupt);
  }

  std::unique_ptr<Engine> engine;

 private:
  const SignatureId add_ = signature("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]");
  const SignatureId add_to_ = signature("aten::add_.Tensor(f64[2]!, f64[2], word) -> _");
  const SignatureId fill_ = signature("aten::fill_.Scalar(f64[2]!, word) -> _");
  const SignatureId fail_ = signature("fake::fail(f64[2]!, intword) -> _");
  const SignatureId sleep_ = signature("fake::sleep(intword) -> _");
};

}  // namespace moai::driver

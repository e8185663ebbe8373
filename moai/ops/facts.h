// OpFacts: what an operator does beyond what its schema says.
//
// A row names one overload ("aten::index.Tensor") or, with the bare name ("aten::arange"), every
// overload that has no row of its own, out variants included. Operators without a row do what their
// schema says. Rows name arguments and results as torch's schema does.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace moai::ops {

enum class DataDependence : uint8_t {
  kNone = 0,
  kShape = 1,      // shapes of results depend on values
  kValue = 2,      // returns a Python value read from a tensor
  kCheck = 3,      // returns nothing and raises by values
  kBoolIndex = 4,  // kShape where an item of `indices` is bool or uint8, else kNone
};

// Up to three names; unused ones are empty.
using Names = std::array<std::string_view, 3>;

struct OpFacts {
  std::string_view op;

  // Arguments that the call writes although the schema has no alias annotation for them; with
  // `writes_if` only where that bool argument is true.
  Names writes{};
  std::string_view writes_if{};

  // Bit i: result i may have another shape on another device kind, and only a call of the same
  // device reads it again.
  uint32_t auxiliary = 0;

  // Every int and float scalar of it counts by value: one of them decides a shape, or what the
  // operator is.
  bool words_by_value = false;

  DataDependence data = DataDependence::kNone;

  // Draws random numbers. `generator` is its argument; empty: always the default generator.
  // `draws_if` is the argument that must be true (None counts as true) or not zero, empty: always.
  bool draws = false;
  std::string_view generator{};
  std::string_view draws_if{};
  // The numbers that it draws do not belong one by one to the elements of its first result.
  bool draws_whole = false;

  // Arguments that the operator reads in host memory, and bits of the results it leaves there.
  Names host{};
  uint32_t host_results = 0;
};

// The row of an operator, nullptr without one. O(1). `op` is "aten::add", `overload` may be empty.
const OpFacts* op_facts(std::string_view op, std::string_view overload);

// All rows.
std::span<const OpFacts> all_op_facts();

// Whether `names` has `name`.
bool contains(const Names& names, std::string_view name);

}  // namespace moai::ops

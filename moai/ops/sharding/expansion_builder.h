// Building an Expansion step by step.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "moai/ops/call_build.h"
#include "moai/ops/sharding/expansion.h"

namespace moai::ops::sharding {

// A tensor with where it comes from.
struct Value {
  Arg arg;
  Expansion::Source source;
};

// What a step is given: a value, a constant, or an argument of the call as it stands.
struct Argument {
  size_t index = 0;
};
using Input = std::variant<Value, Arg, Argument>;

inline Arg no_value() { return {}; }
class ExpansionBuilder {
 public:
  // Does not own the call.
  explicit ExpansionBuilder(const CallSignature& s);

  // A tensor argument, and the same read as another geometry.
  Value operand(size_t argument) const;
  static Value viewed(Value value, tensor::Geometry geometry);

  // A step with one fresh result for each geometry.
  std::vector<Value> calls(const std::string& op, const std::string& overload,
                           const std::vector<Input>& inputs,
                           const std::vector<tensor::Geometry>& results);
  Value call(const std::string& op, const std::string& overload, const std::vector<Input>& inputs,
             const tensor::Geometry& result);
  // A step that writes its first input, which is an operand of the call.
  void write(const std::string& op, const std::string& overload, std::vector<Input> inputs);

  Expansion finish(const std::vector<Value>& results);

 private:
  void add(const Input& input, Expansion::Step* step) const;

  const CallSignature& s_;
  std::vector<uint32_t> operands_before_, words_before_;
  Expansion out_;
  uint32_t made_ = 0;
};

// Of the families; nothing where there is no need to expand.
std::optional<Expansion> expand_mean(const CallSignature& s);
std::optional<Expansion> expand_loss(const CallSignature& s);
std::optional<Expansion> expand_sum_of_product(const CallSignature& s);
std::optional<Expansion> expand_softmax(const CallSignature& s);
std::optional<Expansion> expand_batch_norm(const CallSignature& s);
std::optional<Expansion> expand_lookup(const CallSignature& s);

bool is_tensor(const CallSignature& s, size_t i);
// An int or bool argument; -1 of another.
int64_t int_at(const CallSignature& s, size_t i);
bool is_half(tensor::DType dtype);
tensor::Geometry contiguous(const tensor::Geometry& g);

}  // namespace moai::ops::sharding

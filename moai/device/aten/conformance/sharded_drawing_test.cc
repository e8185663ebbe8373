// Parts of what every drawing operator draws, for every type: put together they are the whole.
#include <ATen/ATen.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "moai/device/aten/call/calls_testing.h"
#include "moai/device/aten/random/kernel_table.h"
#include "moai/ops/sharding/rule.h"
#include "moai/ops/share.h"

namespace moai::device {
namespace {

using at::Tensor;
using Sizes = std::vector<int64_t>;

// "@" is a tensor of the type and shape drawn, "~" the shape alone, "%" the type's number.
struct Case {
  std::string text;
  bool draws_rows = false;  // the last dimension is drawn whole
};

// Of operators that make what they draw into.
std::vector<Case> factory_cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& text) { all.push_back({text}); };
  const std::string made = "%, none, device, none", like = "none, none, device, none, none";
  for (const std::string name : {"rand", "randn"}) {
    add(name + "(~, " + made + ", generator) -> @");
    add(name + ".generator(~, generator, " + made + ") -> @");
    add(name + ".out(~, @!, generator) -> _");
    add(name + ".generator_out(~, generator, @!) -> _");
    add(name + "_like(@, " + like + ", generator) -> @");
    add(name + "_like.generator(@, generator, " + like + ") -> @");
  }
  add("normal.float_float(0.5, 2.0, ~, generator, " + made + ") -> @");
  add("normal.float_float_out(0.5, 2.0, ~, generator, @!) -> _");
  for (const std::string low : {"", "low"}) {
    const std::string bounds = low.empty() ? "9, " : "2, 9, ", dot = low.empty() ? "" : ".low";
    const std::string under = low.empty() ? "." : ".low_";
    add("randint" + dot + "(" + bounds + "~, " + made + ", generator) -> @");
    add("randint" + under + "generator(" + bounds + "~, generator, " + made + ") -> @");
    add("randint" + under + "out(" + bounds + "~, @!, generator) -> _");
    add("randint" + under + "generator_out(" + bounds + "~, generator, @!) -> _");
    const std::string like_low = low.empty() ? "" : ".low_dtype";
    const std::string like_generator = low.empty() ? ".generator" : ".low_generator_dtype";
    add("randint_like" + like_low + "(@, " + bounds + like + ", generator) -> @");
    add("randint_like" + like_generator + "(@, " + bounds + "generator, " + like + ") -> @");
  }
  return all;
}

std::vector<Case> cases() {
  std::vector<Case> all = {
      {"normal.Tensor_float(@, 2.0, generator) -> @"},
      {"normal.float_Tensor(0.5, @, generator) -> @"},
      {"normal.Tensor_Tensor(@, @, generator) -> @"},
      {"normal.Tensor_float_out(@, 2.0, generator, @!) -> _"},
      {"normal.float_Tensor_out(0.5, @, generator, @!) -> _"},
      {"normal.Tensor_Tensor_out(@, @, generator, @!) -> _"},
      {"bernoulli(@, generator) -> @"},
      {"bernoulli.p(@, 0.3, generator) -> @"},
      {"bernoulli.out(@, generator, @!) -> _"},
      {"bernoulli_.float(@!, 0.3, generator) -> _"},
      {"bernoulli_.Tensor(@!, @, generator) -> _"},
      {"bernoulli.Tensor(@, @, generator) -> @"},
      {"bernoulli.float_out(@, 0.3, generator, @!) -> _"},
      {"bernoulli.Tensor_out(@, @, generator, @!) -> _"},
      {"_sample_dirichlet(@, generator) -> @", true},
      {"_sample_dirichlet.out(@, generator, @!) -> _", true},
      {"native_dropout(@, 0.3, true, generator) -> @, bool~"},
      {"_fused_dropout(@, 0.7, generator) -> @, u8~"},
      {"rrelu_with_noise(@, @!, 0.1, 0.3, true, generator) -> @"},
      {"rrelu_with_noise_(@!, @!, 0.1, 0.3, true, generator) -> _"},
      {"rrelu_with_noise.out(@, @!, 0.1, 0.3, true, generator, @!) -> _"},
      {"rrelu_with_noise_functional(@, @, 0.1, 0.3, true, generator) -> @, @"},
  };
  const auto add = [&](const std::string& text) { all.push_back({text}); };
  // In place, functional, and with `out`.
  for (const auto& [name, functional, more] :
       std::vector<std::tuple<std::string, std::string, std::string>>{
           {"uniform", "uniform", "0.25, 1.5, "},
           {"exponential", "exponential", "1.5, "},
           {"cauchy", "cauchy", "0.5, 2.0, "},
           {"log_normal", "log_normal", "0.5, 0.7, "},
           {"geometric", "geometric", "0.3, "},
           {"normal", "normal_functional", "0.5, 2.0, "},
           {"random", "random", ""}}) {
    add(name + "_(@!, " + more + "generator) -> _");
    add(functional + "(@, " + more + "generator) -> @");
    add(name + ".out(@, " + more + "generator, @!) -> _");
  }
  for (const std::string bounds : {"to|9", "from|2, 9"}) {
    const std::string overload = bounds.substr(0, bounds.find('|'));
    const std::string given = bounds.substr(bounds.find('|') + 1);
    add("random_." + overload + "(@!, " + given + ", generator) -> _");
    add("random." + overload + "(@, " + given + ", generator) -> @");
    add("random." + overload + "_out(@, " + given + ", generator, @!) -> _");
  }
  for (const std::string sampler : {"poisson|@", "binomial|@, @", "_standard_gamma|@"}) {
    const std::string name = sampler.substr(0, sampler.find('|'));
    const std::string given = sampler.substr(sampler.find('|') + 1);
    add(name + "(" + given + ", generator) -> @");
    add(name + ".out(" + given + ", generator, @!) -> _");
  }
  const std::vector<Case> factories = factory_cases();
  all.insert(all.end(), factories.begin(), factories.end());
  return all;
}

std::string name_of(const Case& c) { return "aten::" + c.text.substr(0, c.text.find('(')); }

std::string shape_text(const Sizes& sizes) {
  std::string text;
  for (const int64_t n : sizes) text += (text.empty() ? "" : ",") + std::to_string(n);
  return "[" + text + "]";
}

// Each digit of each dimension, and where a part of it is.
using Digits = std::vector<std::vector<ops::ShareDigit>>;

Sizes spread(const Digits& digits, bool whole) {
  Sizes sizes;
  for (const auto& dim : digits) {
    for (const ops::ShareDigit& d : dim) sizes.push_back(whole ? d.whole : d.size);
  }
  return sizes;
}
Sizes shape(const Digits& digits, bool whole) {
  Sizes sizes;
  for (const auto& dim : digits) {
    sizes.push_back(1);
    for (const ops::ShareDigit& d : dim) sizes.back() *= whole ? d.whole : d.size;
  }
  return sizes;
}

class ShardedDrawing : public CallTest {
 protected:
  int64_t below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }

  // Operands and fresh results of one run.
  struct Ran {
    Status status;
    std::vector<Tensor> tensors;
  };
  Ran run_case(const Case& c, at::ScalarType type, const Sizes& sizes,
               const std::vector<Tensor>& operands, const std::string& share) {
    std::string text = "aten::";
    size_t next = 0;
    const std::string plain = std::string(tensor::dtype_name(static_cast<tensor::DType>(type)));
    for (const char ch : c.text.substr(0, c.text.find(" -> "))) {
      if (ch == '@') {
        text += text_of(operands[next++]);
      } else if (ch == '~') {
        text += shape_text(sizes);
      } else if (ch == '%') {
        text += std::to_string(static_cast<int>(type));
      } else {
        text += ch;
      }
    }
    if (!share.empty()) text.insert(text.size() - 1, ", " + share);
    for (const char ch : c.text.substr(c.text.find(" -> "))) {
      text += ch == '@'   ? plain + shape_text(sizes)
              : ch == '~' ? shape_text(sizes)
                          : std::string(1, ch);
    }
    Ran ran{.status = {}, .tensors = operands};
    auto call = prepare(text);
    if (!call.ok()) return {.status = call.status(), .tensors = {}};
    if (share.empty()) check_rule(c, parse(text));
    const std::vector<Tensor> fresh = run(text, operands, {77, 5});
    ran.status = status_;
    ran.tensors.insert(ran.tensors.end(), fresh.begin(), fresh.end());
    return ran;
  }

  Digits any_digits() {
    Digits digits;
    for (int64_t dims = 1 + below(3); dims > 0; --dims) {
      auto& dim = digits.emplace_back();
      for (int64_t n = 1 + below(2); n > 0; --n) {
        const int64_t size = 1 + below(6);
        dim.push_back({size, 0, size});
      }
    }
    return digits;
  }
  // The parts when up to two digits are split over two or three ranks.
  std::vector<Digits> parts_of(const Digits& whole, bool draws_rows) {
    std::vector<Digits> parts{whole};
    for (int split = 0; split < 2; ++split) {
      const auto dims = static_cast<int64_t>(whole.size()) - (draws_rows ? 1 : 0);
      if (dims == 0) break;
      const auto dim = static_cast<size_t>(below(dims));
      const auto at = static_cast<size_t>(below(static_cast<int64_t>(whole[dim].size())));
      const int64_t n = whole[dim][at].whole, ranks = 2 + below(2);
      if (n < ranks || parts[0][dim][at].size != n) continue;
      std::vector<Digits> finer;
      for (const Digits& part : parts) {
        int64_t begin = 0;
        for (int64_t r = 0; r < ranks; ++r) {
          const int64_t end = r + 1 == ranks ? n : begin + 1 + below(n - begin - (ranks - r - 1));
          Digits one = part;
          one[dim][at] = {n, begin, end - begin};
          finer.push_back(std::move(one));
          begin = end;
        }
      }
      parts = std::move(finer);
    }
    return parts;
  }
  static Tensor cut(const Tensor& whole, const Digits& part) {
    Tensor t = whole.reshape(spread(part, true));
    int64_t at = 0;
    for (const auto& dim : part) {
      for (const ops::ShareDigit& d : dim) t = t.narrow(at++, d.begin, d.size);
    }
    return t.reshape(shape(part, false)).clone(at::MemoryFormat::Contiguous);
  }
  static std::string share_text(const Digits& part) {
    std::vector<ops::ShareDigit> all;
    for (const auto& dim : part) all.insert(all.end(), dim.begin(), dim.end());
    ops::CallSignature s{.op = "aten::x", .overload = "", .args = {ops::of_share(all)}};
    const std::string text = to_string(s);
    return text.substr(text.find('(') + 1, text.rfind(')') - text.find('(') - 1);
  }
  static Tensor operand(at::ScalarType type, const Sizes& sizes) {
    return at::rand(sizes, at::kDouble).mul(at::isIntegralType(type, false) ? 3 : 1).to(type);
  }
  // The same elements, the first dimension innermost.
  static Tensor turned(const Tensor& t) {
    Sizes order(static_cast<size_t>(t.dim()));
    for (size_t d = 0; d < order.size(); ++d) order[d] = static_cast<int64_t>(order.size() - 1 - d);
    return t.permute(order).contiguous().permute(order);
  }
  static bool same_bits(const Tensor& a, const Tensor& b) {
    const auto bytes = [](const Tensor& t) { return t.contiguous().view(-1).view(at::kByte); };
    return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
           at::equal(bytes(a), bytes(b));
  }

  // Every dimension that the operator draws element by element may be split.
  static void check_rule(const Case& c, const ops::CallSignature& s) {
    const auto rule = ops::sharding_rule(s);
    ASSERT_TRUE(rule) << c.text;
    const auto frozen =
        std::ranges::count(rule->factors, ops::FactorKind::kFrozen, &ops::RuleFactor::kind);
    EXPECT_LE(frozen, c.draws_rows ? 1 : 0) << c.text;
  }

  // Draws whole and in parts; whether the operator draws the type.
  bool check(const Case& c, at::ScalarType type) {
    const Digits digits = any_digits();
    const Sizes sizes = shape(digits, true);
    const bool is_turned = c.text.ends_with("-> _") && below(2);
    std::vector<Tensor> given;
    for (const char ch : c.text.substr(0, c.text.find(" -> "))) {
      if (ch == '@') given.push_back(operand(type, sizes));
      if (ch == '@' && is_turned) given.back() = turned(given.back());
    }
    std::vector<Tensor> operands;
    for (const Tensor& t : given) operands.push_back(t.clone());
    const Ran whole = run_case(c, type, sizes, operands, "");
    if (!whole.status.ok()) return false;
    for (const Digits& part : parts_of(digits, c.draws_rows)) {
      std::vector<Tensor> local;
      for (const Tensor& t : given) {
        local.push_back(is_turned ? turned(cut(t, part)) : cut(t, part));
      }
      const std::string share = share_text(part);
      const Ran drawn = run_case(c, type, shape(part, false), local, share);
      EXPECT_EQ(drawn.status, ok_status()) << c.text << " " << at::toString(type) << share;
      if (!drawn.status.ok()) return true;
      for (size_t i = 0; i < whole.tensors.size(); ++i) {
        EXPECT_TRUE(same_bits(drawn.tensors[i], cut(whole.tensors[i], part)))
            << c.text << " " << at::toString(type) << share << " of " << sizes << ", tensor " << i;
      }
    }
    return true;
  }

  std::mt19937 random_{11};
};

constexpr at::ScalarType kTypes[] = {
    at::kDouble,        at::kFloat,        at::kHalf,        at::kBFloat16,
    at::kComplexDouble, at::kComplexFloat, at::kComplexHalf, at::kLong,
    at::kInt,           at::kShort,        at::kChar,        at::kByte,
    at::kBool,          at::kUInt16,       at::kUInt32,      at::kUInt64};

TEST_F(ShardedDrawing, PartsAreThoseOfTheWhole) {
  std::set<std::string> drawn;
  for (const Case& c : cases()) {
    for (const at::ScalarType type : kTypes) {
      for (int round = 0; round < 6; ++round) {
        if (!check(c, type)) break;
        drawn.insert(name_of(c));
      }
    }
  }
  for (const auto rows : {operator_kernels(), factory_kernels(), derived_kernels()}) {
    for (const KernelRow& row : rows) {
      const bool is_whole =
          row.name.starts_with("aten::randperm") || row.name.starts_with("aten::multinomial");
      EXPECT_EQ(drawn.contains(std::string(row.name)), !is_whole) << row.name;
    }
  }
}

TEST_F(ShardedDrawing, WhatIsDrawnWholeTakesNoShare) {
  for (const char* text :
       {"aten::randperm(4, 4, none, device, false, generator, (\"share\", [8], [0], [4])) -> "
        "i64[4]",
        "aten::multinomial(f32[3,9], 2, true, generator, (\"share\", [6,2], [0,0], [3,2])) -> "
        "i64[3,2]",
        "aten::uniform_(f32[4]!, 0.0, 1.0, generator, (\"share\", [8], [6], [4])) -> _",
        "aten::add.Tensor(f32[4], f32[4], 1, (\"share\", [8], [0], [4])) -> f32[4]"}) {
    EXPECT_EQ(prepare(text).status().code(), Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace moai::device

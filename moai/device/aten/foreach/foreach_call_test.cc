#include "moai/device/aten/foreach/foreach_call.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <limits>

#include "moai/device/aten/call/aten_call.h"
#include "moai/device/aten/call/calls_testing.h"
#include "moai/device/aten/foreach/loops.h"

namespace moai::device {
namespace {

using at::Tensor;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Case {
  const char* op;
  const char* overload;
  int lists;
  enum { kNone, kAll, kEach, kTensor } scalar;
  std::vector<double> scalars = {-0.00123, 0.1, 0.9, 1, 3e-9};
};

const Case kCases[] = {
    {"add", "Scalar", 1, Case::kAll},
    {"add", "ScalarList", 1, Case::kEach},
    {"add", "List", 2, Case::kAll},
    {"sub", "Scalar", 1, Case::kAll},
    {"sub", "ScalarList", 1, Case::kEach},
    {"sub", "List", 2, Case::kAll},
    {"mul", "Scalar", 1, Case::kAll},
    {"mul", "ScalarList", 1, Case::kEach},
    {"mul", "List", 2, Case::kNone},
    {"mul", "Tensor", 1, Case::kTensor},
    {"div", "Scalar", 1, Case::kAll},
    {"div", "ScalarList", 1, Case::kEach},
    {"div", "List", 2, Case::kNone},
    {"div", "Tensor", 1, Case::kTensor},
    {"lerp", "Scalar", 2, Case::kAll, {0, 0.1, 0.4999999, 0.5, 0.999, 1, -2}},
    {"addcmul", "Scalar", 3, Case::kAll},
    {"addcmul", "ScalarList", 3, Case::kEach},
    {"addcdiv", "Scalar", 3, Case::kAll},
    {"addcdiv", "ScalarList", 3, Case::kEach},
};

// Values of all magnitudes, with every special one.
Tensor drawn(at::IntArrayRef sizes, at::ScalarType type) {
  Tensor t = at::randn(sizes, type) * at::pow(10, at::randint(-6, 6, sizes, type));
  const double special[] = {0.0, -0.0, kInfinity, -kInfinity, std::nan(""), 1e-42, -3e-310};
  Tensor flat = t.view(-1);
  if (flat.numel() < 60) return t;
  for (int i = 0; i < 7; ++i) flat[i * 8 + i] = special[i];
  return t;
}

class ForeachTest : public CallTest {
 protected:
  void SetUp() override {
    MOAI_FOR_CPU_ALONE("loops of the CPU");
    if (!loops::loops_fit_machine()) GTEST_SKIP() << "the library has no fused multiply-adds here";
  }

  static std::string list_of(const std::vector<Tensor>& all, const std::string& mark) {
    std::string text;
    for (const Tensor& t : all) text += (text.empty() ? "" : ", ") + text_of(t) + mark;
    return "(" + text + ")";
  }

  // Text, operands and words of a call; `in_place` or with fresh results.
  void compose(const Case& c, std::vector<Tensor> first, double scalar, bool in_place) {
    operands_ = first;
    words_.clear();
    text_ = std::string("aten::_foreach_") + c.op + (in_place ? "_" : "");
    if (*c.overload) text_ += std::string(".") + c.overload;
    text_ += "(" + list_of(first, in_place ? "!" : "");
    for (int l = 1; l < c.lists; ++l) {
      std::vector<Tensor> list;
      for (const Tensor& t : first) {
        list.push_back(at::empty_like(t).copy_(drawn(t.sizes(), t.scalar_type())));
      }
      text_ += ", " + list_of(list, "");
      operands_.insert(operands_.end(), list.begin(), list.end());
    }
    add_scalar(c, first, scalar);
    text_ += ")";
    if (!in_place) text_ += " -> " + list_of(first, "");
  }

  void add_scalar(const Case& c, const std::vector<Tensor>& first, double scalar) {
    if (c.scalar == Case::kAll) {
      text_ += ", word";
      words_ = {word(scalar)};
    } else if (c.scalar == Case::kEach) {
      for (size_t i = 0; i < first.size(); ++i) {
        text_ += i ? ", " : ", (";
        text_ += i % 2 ? "intword" : "word";
        words_.push_back(i % 2 ? i : word(scalar + static_cast<double>(i) / 7));
      }
      text_ += ")";
    } else if (c.scalar == Case::kTensor) {
      operands_.push_back(at::full({}, scalar, first[0].options()));
      text_ += ", " + text_of(operands_.back());
    }
  }

  struct Outcome {
    Status status;
    std::vector<Tensor> tensors;  // operands, then results
  };
  Outcome outcome(Call& call, const ops::CallSignature& signature) {
    Outcome out;
    std::vector<std::unique_ptr<AtenBuffer>> owned;
    std::vector<Buffer*> buffers;
    for (const Tensor& t : operands_) {
      const Tensor bytes = at::empty({0}, t.options()).set_(t.storage()).clone();
      owned.push_back(std::make_unique<AtenBuffer>(bytes.storage()));
      buffers.push_back(owned.back().get());
      out.tensors.push_back(bytes);
    }
    std::vector<BufferPtr> fresh(ops::arity(signature).fresh);
    out.status = call.run(buffers, words_, fresh);
    for (const BufferPtr& made : fresh) {
      if (!made) continue;
      out.tensors.push_back(
          at::empty({0}, operands_[0].options()).set_(AtenBuffer::of(*made).storage()));
    }
    return out;
  }

  // Runs the call by the loops and by the library.
  void expect_same_bits() {
    const ops::CallSignature signature = parse(text_);
    auto loops = make_foreach_call(signature, at::kCPU);
    ASSERT_NE(loops, nullptr) << text_;
    auto library = AtenCall::make(signature, at::kCPU);
    ASSERT_TRUE(library.ok()) << library.status().to_string();
    const Outcome got = outcome(*loops, signature), wanted = outcome(**library, signature);
    ASSERT_EQ(got.status, wanted.status) << text_;
    ASSERT_EQ(got.tensors.size(), wanted.tensors.size());
    for (size_t i = 0; i < got.tensors.size(); ++i) expect_bits(got.tensors[i], wanted.tensors[i]);
  }

  void expect_bits(const Tensor& got, const Tensor& wanted) {
    const auto whole = got.scalar_type() == at::kFloat ? at::kInt : at::kLong;
    const Tensor different = got.view(whole) != wanted.view(whole);
    const Tensor nan = got.isnan() & wanted.isnan();  // whose sign and payload are nobody's
    ASSERT_FALSE((different & ~nan).any().item<bool>())
        << text_ << " first at " << (different & ~nan).nonzero()[0].item<int64_t>();
  }

  std::string text_;
  std::vector<Tensor> operands_;
  std::vector<uint64_t> words_;
};

TEST_F(ForeachTest, EveryRowGivesTheBitsOfTheLibraryAtEverySize) {
  at::manual_seed(1);
  for (const Case& c : kCases) {
    for (const auto type : {at::kFloat, at::kDouble}) {
      for (const double scalar : c.scalars) {
        std::vector<Tensor> first;
        for (int64_t n = 0; n < 70; ++n) first.push_back(drawn({n}, type));
        for (const int64_t n : {127, 1003, 40001}) first.push_back(drawn({n}, type));
        for (const bool in_place : {false, true}) {
          compose(c, first, scalar, in_place);
          expect_same_bits();
        }
      }
    }
  }
}

TEST_F(ForeachTest, DenseTensorsMayLieInAnyOrderAndPlace) {
  const Tensor turned = drawn({9, 30}, at::kFloat).t();
  const Tensor later = drawn({400}, at::kFloat).narrow(0, 33, 300).view({10, 30});
  compose({"addcdiv", "Scalar", 3, Case::kAll}, {turned, later}, -0.01, true);
  expect_same_bits();
}

TEST_F(ForeachTest, OverlappingAndOverflowingCallsEndAsInTheLibrary) {
  for (const double scalar : {1e300, kInfinity, std::nan("")}) {
    for (const Case& c :
         {Case{"mul", "Scalar", 1, Case::kAll}, Case{"addcmul", "Scalar", 3, Case::kAll}}) {
      compose(c, {drawn({20}, at::kFloat)}, scalar, true);
      expect_same_bits();
    }
  }
  const auto call = prepare("aten::_foreach_add_.List((f32[8]!), (f32[8]{1}+4), word)");
  ASSERT_TRUE(call.ok());
  AtenBuffer shared(at::zeros({12}).storage());
  Buffer* twice[] = {&shared, &shared};
  const uint64_t one[] = {word(1)};
  const Status status = (*call)->run(twice, one, {});
  EXPECT_THAT(status.message(), testing::HasSubstr("unsupported operation"));
}

TEST_F(ForeachTest, AnOperandThatIsTooSmallIsRefused) {
  const auto call = prepare("aten::_foreach_mul_.List((f32[8]!), (f32[8]))");
  ASSERT_TRUE(call.ok());
  AtenBuffer small(at::zeros({4}).storage());
  Buffer* operands[] = {&small, &small};
  EXPECT_EQ((*call)->run(operands, {}, {}).code(), Code::kInvalidArgument);
}

TEST_F(ForeachTest, OtherCallsAreLeftToTheLibrary) {
  for (const char* text :
       {"aten::_foreach_add_.List((bf16[4]!), (bf16[4]), word)",
        "aten::_foreach_add_.List((f32[4,2]!), (f32[4,2]{1,4}), word)",
        "aten::_foreach_add_.List((f32[4]!), (f64[4]), word)",
        "aten::_foreach_add_.List((f32[4]{2}!), (f32[4]{2}), word)",
        "aten::_foreach_mul_.Tensor((f32[4]!), f32[1])", "aten::_foreach_sqrt_((f32[4]!))",
        "aten::mul_.Tensor(f32[4]!, f32[4]) -> _"}) {
    EXPECT_EQ(make_foreach_call(parse(text), at::kCPU), nullptr) << text;
  }
}

}  // namespace
}  // namespace moai::device

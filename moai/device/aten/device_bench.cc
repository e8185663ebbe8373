// Nanoseconds a call through a Device beside direct calls of the library on the same tensors:
//   device_bench [threads]
#include <ATen/ATen.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/aten_device.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {
namespace {

using at::Tensor;

uint64_t word(double value) { return std::bit_cast<uint64_t>(value); }

// A call of the step, over numbered places.
struct Instruction {
  std::unique_ptr<Call> call;
  std::vector<size_t> operands, fresh;
  std::vector<uint64_t> words;
};

class Step {
 public:
  explicit Step(Device* device) : device_(*device), places_(64) {}

  void place(size_t at, const Tensor& tensor) {
    places_[at] = std::make_unique<AtenBuffer>(tensor.storage());
  }
  void add(const char* text, std::vector<size_t> operands, std::vector<size_t> fresh,
           std::vector<uint64_t> words = {}) {
    auto call = device_.prepare(*ops::call_signature_from_string(text));
    if (!call.ok()) fail(text, call.status());
    all_.push_back({std::move(*call), std::move(operands), std::move(fresh), std::move(words)});
  }
  void run() {
    for (const Instruction& i : all_) {
      buffers_.clear();
      for (size_t at : i.operands) buffers_.push_back(places_[at].get());
      fresh_.resize(i.fresh.size());
      if (Status s = i.call->run(buffers_, i.words, fresh_); !s.ok()) fail("run", s);
      for (size_t k = 0; k < i.fresh.size(); ++k) places_[i.fresh[k]] = std::move(fresh_[k]);
    }
  }
  size_t size() const { return all_.size(); }

 private:
  [[noreturn]] static void fail(const char* what, const Status& status) {
    std::fprintf(stderr, "%s: %s\n", what, status.to_string().c_str());
    std::exit(1);
  }

  Device& device_;
  std::vector<Instruction> all_;
  std::vector<BufferPtr> places_, fresh_;
  std::vector<Buffer*> buffers_;
};

double ns_once(const std::function<void()>& body, int times) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) body();
  const auto passed = std::chrono::steady_clock::now() - begin;
  return std::chrono::duration<double, std::nano>(passed).count() / times;
}

// Interleaved; the median of nine runs each.
void compare(const char* name, size_t calls, int times, const std::function<void()>& direct,
             const std::function<void()>& device) {
  std::vector<double> a, b;
  ns_once(direct, times / 4);
  ns_once(device, times / 4);
  for (int i = 0; i < 9; ++i) {
    a.push_back(ns_once(direct, times));
    b.push_back(ns_once(device, times));
  }
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::printf("%-24s direct %10.0f ns   device %10.0f ns   ratio %.3f   %+.0f ns a call\n", name,
              a[4], b[4], b[4] / a[4], (b[4] - a[4]) / static_cast<double>(calls));
}

// Three layers of 64, batch 32; forward, backward and an update, as operators below autograd.
struct Mlp {
  Tensor x = at::randn({32, 64}), y = at::randint(0, 64, {32}, at::kLong);
  Tensor w[3], b[3];
  Mlp() {
    for (int i = 0; i < 3; ++i) w[i] = at::randn({64, 64}) * 0.1, b[i] = at::zeros({64});
  }

  void step() {
    const Tensor h0 = at::addmm(b[0], x, w[0].t()), r0 = at::relu(h0);
    const Tensor h1 = at::addmm(b[1], r0, w[1].t()), r1 = at::relu(h1);
    const Tensor h2 = at::addmm(b[2], r1, w[2].t());
    const Tensor p = at::_log_softmax(h2, 1, false);
    const auto [loss, total] = at::nll_loss_forward(p, y, {}, 1, -100);
    const Tensor one = at::ones_like(loss);
    const Tensor gp = at::nll_loss_backward(one, p, y, {}, 1, -100, total);
    Tensor g = at::_log_softmax_backward_data(gp, p, 1, at::kFloat);
    const Tensor* inputs[] = {&x, &r0, &r1};
    Tensor gw[3], gb[3];
    for (int i = 2; i >= 0; --i) {
      gw[i] = at::mm(g.t(), *inputs[i]);
      gb[i] = at::sum(g, {0}, true);
      if (i == 0) break;
      g = at::threshold_backward(at::mm(g, w[i]), i == 2 ? r1 : r0, 0);
    }
    for (int i = 0; i < 3; ++i) {
      w[i].add_(gw[i], -0.01);
      b[i].add_(gb[i].view({64}), -0.01);
    }
  }

  void record(Step* s) {
    // Places: 0 x, 1 y, 2-4 w, 5-7 b, 10- values.
    s->place(0, x);
    s->place(1, y);
    for (size_t i = 0; i < 3; ++i) s->place(2 + i, w[i]), s->place(5 + i, b[i]);
    const char* addmm =
        "aten::addmm(f32[64], f32[32,64], f32[64,64]{1,64}, intword, intword) -> f32[32,64]";
    const char* relu = "aten::relu(f32[32,64]) -> f32[32,64]";
    s->add(addmm, {5, 0, 2}, {10}, {1, 1});
    s->add(relu, {10}, {11});
    s->add(addmm, {6, 11, 3}, {12}, {1, 1});
    s->add(relu, {12}, {13});
    s->add(addmm, {7, 13, 4}, {14}, {1, 1});
    s->add("aten::_log_softmax(f32[32,64], 1, false) -> f32[32,64]", {14}, {15});
    s->add("aten::nll_loss_forward(f32[32,64], i64[32], none, 1, -100) -> f32[], f32[]", {15, 1},
           {16, 17});
    s->add("aten::ones_like(f32[], none, none, none, none, none) -> f32[]", {16}, {18});
    s->add(
        "aten::nll_loss_backward(f32[], f32[32,64], i64[32], none, 1, -100, f32[]) -> f32[32,64]",
        {18, 15, 1, 17}, {19});
    s->add("aten::_log_softmax_backward_data(f32[32,64], f32[32,64], 1, 6) -> f32[32,64]", {19, 15},
           {20});
    const size_t input[] = {0, 11, 13};
    for (size_t i = 3; i-- > 0;) {
      s->add("aten::mm(f32[64,32]{1,64}, f32[32,64]) -> f32[64,64]", {20, input[i]}, {30 + i});
      s->add("aten::sum.dim_IntList(f32[32,64], [0], true, none) -> f32[1,64]", {20}, {40 + i});
      if (i == 0) break;
      s->add("aten::mm(f32[32,64], f32[64,64]) -> f32[32,64]", {20, 2 + i}, {21});
      s->add("aten::threshold_backward(f32[32,64], f32[32,64], intword) -> f32[32,64]",
             {21, i == 2 ? size_t{13} : size_t{11}}, {20}, {0});
    }
    for (size_t i = 0; i < 3; ++i) {
      s->add("aten::add_.Tensor(f32[64,64]!, f32[64,64], word) -> _", {2 + i, 30 + i}, {},
             {word(-0.01)});
      s->add("aten::add_.Tensor(f32[64]!, f32[64], word) -> _", {5 + i, 40 + i}, {}, {word(-0.01)});
    }
  }
};

// Clipping and AdamW over lists, for the parameters of an MLP 64-128-128-10.
struct Update {
  std::vector<Tensor> p, g, m, v;
  Tensor clip = at::ones({});
  Update() {
    const std::vector<std::vector<int64_t>> shapes = {{128, 64}, {128},     {128, 128},
                                                      {128},     {10, 128}, {10}};
    for (const auto& shape : shapes) {
      p.push_back(at::randn(shape));
      g.push_back(at::randn(shape));
      m.push_back(at::zeros(shape));
      v.push_back(at::ones(shape));
    }
  }
  void step() {
    const std::vector<at::Scalar> roots(p.size(), 0.9), rates(p.size(), -1e-4);
    at::_foreach_mul_(g, clip);
    at::_foreach_mul_(p, 0.99999);
    at::_foreach_lerp_(m, g, 0.1);
    at::_foreach_mul_(v, 0.999);
    at::_foreach_addcmul_(v, g, g, 0.001);
    const std::vector<Tensor> root = at::_foreach_sqrt(v);
    at::_foreach_div_(root, roots);
    at::_foreach_add_(root, 1e-8);
    at::_foreach_addcdiv_(p, m, root, rates);
  }

  // Places: 0- p, 10- g, 20- m, 30- v, 40- roots, 50 the clip.
  void record(Step* s) {
    const size_t count = p.size();
    std::string list, written, words;
    for (size_t i = 0; i < count; ++i) {
      s->place(i, p[i]), s->place(10 + i, g[i]), s->place(20 + i, m[i]), s->place(30 + i, v[i]);
      const std::string shape = tensor::to_string(geometry_of(p[i]));
      const char* separator = i ? ", " : "";
      list += separator + shape, written += separator + shape + "!";
      words += std::string(separator) + "word";
    }
    s->place(50, clip);
    list = "(" + list + ")", written = "(" + written + ")", words = "(" + words + ")";
    const auto add = [&](const std::string& op, const std::string& rest, std::vector<size_t> begins,
                         std::vector<uint64_t> scalars) {
      std::vector<size_t> operands;
      for (const size_t begin : begins) {
        for (size_t i = 0; i < (begin == 50 ? 1 : count); ++i) operands.push_back(begin + i);
      }
      s->add(("aten::_foreach_" + op + "(" + written + rest + ")").c_str(), operands, {}, scalars);
    };
    add("mul_.Tensor", ", f32[]", {10, 50}, {});
    add("mul_.Scalar", ", word", {0}, {word(0.99999)});
    add("lerp_.Scalar", ", " + list + ", word", {20, 10}, {word(0.1)});
    add("mul_.Scalar", ", word", {30}, {word(0.999)});
    add("addcmul_.Scalar", ", " + list + ", " + list + ", word", {30, 10, 10}, {word(0.001)});
    s->add(("aten::_foreach_sqrt(" + list + ") -> " + list).c_str(), {30, 31, 32, 33, 34, 35},
           {40, 41, 42, 43, 44, 45});
    add("div_.ScalarList", ", " + words, {40}, std::vector<uint64_t>(count, word(0.9)));
    add("add_.Scalar", ", word", {40}, {word(1e-8)});
    add("addcdiv_.ScalarList", ", " + list + ", " + list + ", " + words, {0, 20, 40},
        std::vector<uint64_t>(count, word(-1e-4)));
  }
};

void bench(int threads) {
  auto device = std::move(*make_aten_device({.threads = threads}));
  at::AutoDispatchBelowADInplaceOrView below;
  c10::AutoGradMode no_grad(false);
  const Tensor a = at::randn({64, 64}), b = at::randn({64, 64}), bias = at::randn({64});
  Step add(device.get()), tiny(device.get()), addmm(device.get()), mlp(device.get());
  for (Step* s : {&add, &addmm}) s->place(0, a), s->place(1, b), s->place(2, bias);
  add.add("aten::add.Tensor(f32[64,64], f32[64,64], intword) -> f32[64,64]", {0, 1}, {3}, {1});
  compare("add 64x64", 1, 20000, [&] { at::add(a, b); }, [&] { add.run(); });
  const Tensor c = at::randn({1}), d = at::randn({1});
  tiny.place(0, c);
  tiny.place(1, d);
  tiny.add("aten::add.Tensor(f32[1], f32[1], intword) -> f32[1]", {0, 1}, {3}, {1});
  compare("add of one element", 1, 20000, [&] { at::add(c, d); }, [&] { tiny.run(); });
  addmm.add("aten::addmm(f32[64], f32[64,64], f32[64,64], intword, intword) -> f32[64,64]",
            {2, 0, 1}, {3}, {1, 1});
  compare("addmm 64x64x64", 1, 5000, [&] { at::addmm(bias, a, b); }, [&] { addmm.run(); });
  Mlp direct, recorded;
  recorded.record(&mlp);
  compare("MLP step", mlp.size(), 500, [&] { direct.step(); }, [&] { mlp.run(); });
  Step update(device.get());
  Update updated, listed;
  listed.record(&update);
  compare("AdamW over lists", update.size(), 2000, [&] { updated.step(); }, [&] { update.run(); });
  std::printf("MLP step: %zu calls, %d threads\n", mlp.size(), threads);
}

}  // namespace
}  // namespace moai::device

int main(int argc, char** argv) { moai::device::bench(argc > 1 ? std::atoi(argv[1]) : 1); }

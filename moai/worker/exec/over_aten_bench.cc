// Nanoseconds a call through the Executor beside direct calls of libtorch, and steps a second with
// large activations:
//   worker_bench [threads]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "moai/device/aten/aten_device.h"
#include "moai/worker/exec/executor.h"

namespace moai::worker {
namespace {

class Silence final : public Replies {
 public:
  void send(const dispatch::Message& message) override {
    if (const auto* fault = std::get_if<dispatch::Fault>(&message)) {
      std::fprintf(stderr, "%s: %s\n", fault->op.c_str(), fault->text.c_str());
      std::exit(1);
    }
  }
  void send_data(dispatch::RequestId, uint32_t, std::string_view) override {}
};

void must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.to_string().c_str());
  std::exit(1);
}

// `layers` times addmm, relu and an update of the bias, over [rows, width].
class Chain {
 public:
  Chain(device::Device* device, int64_t rows, int64_t width, uint32_t layers)
      : layers_(layers), executor_(device, &silence_) {
    const std::string w = std::to_string(width), h = "f32[" + std::to_string(rows) + "," + w + "]";
    dispatch::DefineSignatures define;
    for (const std::string& text :
         {"aten::addmm(f32[" + w + "], " + h + ", f32[" + w + "," + w + "], intword, intword) -> " +
              h,
          "aten::relu(" + h + ") -> " + h,
          "aten::add_.Tensor(f32[" + w + "]!, f32[" + w + "], word) -> _"}) {
      define.signatures.push_back(*ops::call_signature_from_string(text));
    }
    send(define);
    upload(1, rows * width);
    upload(2, width * width);
    upload(3, width);
    send(dispatch::DefineTemplate{.id = 1, .program = program()});
    run_ = {.id = 1, .end = 3 * layers};
  }

  // One run of the template; all storages that it makes are released in it.
  void step() {
    run_.bindings = {3, 1, 2};
    run_.words.clear();
    run_.releases.clear();
    for (uint32_t i = 0; i < layers_; ++i) {
      const StorageId hidden = next_++, active = next_++;
      run_.bindings.insert(run_.bindings.end(), {hidden, active});
      run_.words.insert(run_.words.end(), {1, 1, std::bit_cast<uint64_t>(0.0)});
      run_.releases.push_back({3 * layers_, hidden});
      run_.releases.push_back({3 * layers_, active});
    }
    run_.first_sequence += 3 * layers_;
    send(run_);
  }

 private:
  program::Program program() const {
    program::Program p;
    p.is_template = true;
    p.slot_count = 3 + 2 * layers_;
    uint32_t words = 0, input = 1;
    const auto call = [&](uint32_t signature, std::vector<program::Place> places, uint32_t count) {
      p.instructions.push_back({.signature = signature,
                                .places_begin = static_cast<uint32_t>(p.places.size()),
                                .places_count = static_cast<uint32_t>(places.size()),
                                .words_begin = words,
                                .words_count = count});
      p.places.insert(p.places.end(), places.begin(), places.end());
      words += count;
    };
    for (uint32_t i = 0; i < layers_; ++i) {
      const uint32_t hidden = 3 + 2 * i;
      call(0, {0, input, 2, hidden}, 2);
      call(1, {hidden, hidden + 1}, 0);
      call(2, {0, 0}, 1);
      input = hidden + 1;
    }
    return p;
  }
  void upload(StorageId id, int64_t count) {
    const std::string bytes(static_cast<size_t>(count) * 4, '\0');
    send(dispatch::Upload{.storage = id, .storage_bytes = bytes.size(), .bytes = bytes});
  }
  void send(const dispatch::Message& message) {
    frame_.clear();
    dispatch::encode(message, &frame_);
    must(executor_.execute(frame_));
  }

  const uint32_t layers_;
  Silence silence_;
  Executor executor_;
  dispatch::RunTemplate run_;
  StorageId next_ = 100;
  std::string frame_;
};

// The same, called directly.
struct Direct {
  at::Tensor x, w, b;
  uint32_t layers;
  Direct(int64_t rows, int64_t width, uint32_t n)
      : x(at::zeros({rows, width})),
        w(at::zeros({width, width})),
        b(at::zeros({width})),
        layers(n) {}
  void step() {
    std::vector<at::Tensor> kept = {x};
    for (uint32_t i = 0; i < layers; ++i) {
      kept.push_back(at::addmm(b, kept.back(), w));
      kept.push_back(at::relu(kept.back()));
      b.add_(b, 0.0);
    }
  }
};

double us_once(const std::function<void()>& body, int times) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < times; ++i) body();
  const std::chrono::duration<double, std::micro> passed = std::chrono::steady_clock::now() - begin;
  return passed.count() / times;
}

double median_us(const std::function<void()>& body, int times) {
  us_once(body, times / 4 + 1);
  std::vector<double> all;
  for (int i = 0; i < 9; ++i) all.push_back(us_once(body, times));
  std::sort(all.begin(), all.end());
  return all[4];
}

struct Case {
  const char* name;
  int64_t rows, width;
  uint32_t layers;
  int times;
};

void bench(int threads) {
  constexpr Case kCases[] = {{"small, 30 calls of 32x64", 32, 64, 10, 1000},
                             {"large, 30 calls of 65536x64", 65536, 64, 10, 3}};
  const at::AutoDispatchBelowADInplaceOrView below;
  const c10::AutoGradMode no_grad(false);
  at::set_num_threads(threads);
  std::vector<double> stock;
  for (const Case& c : kCases) {
    Direct direct(c.rows, c.width, c.layers);
    stock.push_back(median_us([&] { direct.step(); }, c.times));
  }
  auto device = std::move(*device::make_aten_device({.threads = threads}));
  for (size_t i = 0; i < stock.size(); ++i) {
    const Case& c = kCases[i];
    Chain chain(device.get(), c.rows, c.width, c.layers);
    const double us = median_us([&] { chain.step(); }, c.times);
    std::printf("%-30s direct %10.1f us   Worker %10.1f us   ratio %.3f   %+.0f ns a call\n",
                c.name, stock[i], us, us / stock[i], (us - stock[i]) * 1000 / (3 * c.layers));
  }
}

}  // namespace
}  // namespace moai::worker

int main(int argc, char** argv) { moai::worker::bench(argc > 1 ? std::atoi(argv[1]) : 1); }

// Operators that choose among elements: permutations and samples of categories.
#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/native/TensorFactories.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>
#include <vector>

#include "moai/device/aten/random/elementary.h"
#include "moai/device/aten/random/fill.h"
#include "moai/device/aten/random/operators.h"

namespace moai::device {
namespace {

using Key = std::pair<uint64_t, int64_t>;  // drawn bits, element

std::vector<Key> draw_keys(PhiloxStream stream, int64_t n) {
  std::vector<Key> keys(static_cast<size_t>(n));
  at::parallel_for(0, n, internal::kGrain, [&](int64_t begin, int64_t end) {
    lanes::Bits bits;
    for (int64_t first = begin; first < end; first += lanes::kMax) {
      const lanes::Range range{stream, first, std::min(lanes::kMax, end - first)};
      lanes::draw(range, bits);
      for (int64_t i = 0; i < range.count; ++i) keys[first + i] = {bits.first[i], first + i};
    }
  });
  return keys;
}

// Sorts by (bits, element). Uniform bits fill buckets of their high bits evenly.
std::vector<Key> sorted(std::vector<Key> keys) {
  const int bucket_bits = std::bit_width(keys.size() / 16);
  if (bucket_bits == 0) {
    std::sort(keys.begin(), keys.end());
    return keys;
  }
  const auto bucket_of = [&](const Key& key) { return key.first >> (64 - bucket_bits); };
  std::vector<size_t> ends((size_t{1} << bucket_bits) + 1);
  for (const Key& key : keys) ++ends[bucket_of(key) + 1];
  for (size_t b = 1; b < ends.size(); ++b) ends[b] += ends[b - 1];
  std::vector<Key> placed(keys.size());
  for (const Key& key : keys) placed[ends[bucket_of(key)]++] = key;
  // `ends[b]` has moved from the start of bucket b to its end.
  const auto buckets = static_cast<int64_t>(ends.size()) - 1;
  at::parallel_for(0, buckets, 1024, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      const size_t start = b == 0 ? 0 : ends[b - 1];
      std::sort(placed.begin() + start, placed.begin() + ends[b]);
    }
  });
  return placed;
}

// The first category whose cumulated weight exceeds a drawn share of the total.
void sample_with_replacement(PhiloxStream stream, int64_t row, const double* weights,
                             int64_t categories, int64_t samples, int64_t* out) {
  std::vector<double> cumulated(weights, weights + categories);
  for (int64_t c = 1; c < categories; ++c) cumulated[c] += cumulated[c - 1];
  const double total = cumulated.back();
  for (int64_t s = 0; s < samples; ++s) {
    const uint64_t draw = philox(stream, static_cast<uint64_t>(row * samples + s)).first();
    const double share = static_cast<double>(draw >> 11) * 0x1p-53 * total;
    auto found = std::upper_bound(cumulated.begin(), cumulated.end(), share);
    // Rounding may give the whole total: then the last category that has weight.
    if (found == cumulated.end()) {
      found = std::lower_bound(cumulated.begin(), cumulated.end(), total);
    }
    out[s] = found - cumulated.begin();
  }
}

// A race of exponential times with the weights as rates: the first to finish, in their order.
void sample_without_replacement(PhiloxStream stream, int64_t row, const double* weights,
                                int64_t categories, int64_t samples, int64_t* out) {
  std::vector<std::pair<double, int64_t>> finish(static_cast<size_t>(categories));
  lanes::Bits bits;
  double times[lanes::kMax];
  for (int64_t first = 0; first < categories; first += lanes::kMax) {
    const int64_t count = std::min(lanes::kMax, categories - first);
    lanes::draw({stream, row * categories + first, count}, bits);
    lanes::exponential(bits, count, times);
    for (int64_t i = 0; i < count; ++i) {
      const double weight = weights[first + i];
      finish[first + i] = {weight > 0 ? times[i] / weight : std::numeric_limits<double>::infinity(),
                           first + i};
    }
  }
  std::partial_sort(finish.begin(), finish.begin() + samples, finish.end());
  for (int64_t s = 0; s < samples; ++s) out[s] = finish[s].second;
}

void check_multinomial(const Tensor& self, int64_t samples, bool replacement, const Tensor& out) {
  TORCH_CHECK(self.dim() > 0 && self.dim() <= 2, "prob_dist must be 1 or 2 dim");
  TORCH_CHECK(
      at::isFloatingType(self.scalar_type()),
      "multinomial only supports floating-point dtypes for input, got: ", self.scalar_type());
  TORCH_CHECK(out.scalar_type() == at::kLong,
              "multinomial expects Long tensor out, got: ", out.scalar_type());
  TORCH_CHECK(samples > 0, "cannot sample n_sample <= 0 samples");
  const int64_t categories = self.size(-1);
  TORCH_CHECK(replacement || samples <= categories,
              "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  TORCH_CHECK(categories <= int64_t{1} << 24, "number of categories cannot exceed 2^24");
}

// The weights as dense doubles, checked.
Tensor dense_weights(const Tensor& self) {
  const auto [least, most] = at::aminmax(self);
  TORCH_CHECK(
      least.item<double>() >= 0 && most.item<double>() < std::numeric_limits<double>::infinity(),
      "probability tensor contains either `inf`, `nan` or element < 0");
  const Tensor weights = self.to(at::kCPU, at::kDouble).contiguous();
  TORCH_CHECK(weights.sum(-1).min().item<double>() > 0,
              "invalid multinomial distribution (sum of probabilities <= 0)");
  return weights;
}

}  // namespace

Tensor randperm_out(PhiloxStream stream, int64_t n, Tensor out) {
  TORCH_CHECK(n >= 0, "n must be non-negative, got", n);
  at::native::check_supported_max_int_with_precision(n, out);
  out.resize_({n});
  AT_DISPATCH_ALL_TYPES_AND2(at::kBFloat16, at::kHalf, out.scalar_type(), "randperm", [&] {
    const std::vector<Key> keys = sorted(draw_keys(stream, n));
    fill<scalar_t>(out, stream, [&](const lanes::Range& range, scalar_t* values) {
      for (int64_t i = 0; i < range.count; ++i) {
        values[i] = static_cast<scalar_t>(keys[range.begin + i].second);
      }
    });
  });
  return out;
}

Tensor randperm_generator_out(PhiloxStream stream, int64_t n, NoGenerator, Tensor out) {
  return randperm_out(stream, n, out);
}

Tensor multinomial_out(PhiloxStream stream, Tensor self, int64_t num_samples, bool replacement,
                       NoGenerator, Tensor out) {
  check_multinomial(self, num_samples, replacement, out);
  if (self.dim() == 1) {
    out.resize_({num_samples});
  } else {
    out.resize_({self.size(0), num_samples});
  }
  if (out.numel() == 0) return out;
  const Tensor weights = dense_weights(self);
  const Tensor chosen = at::empty(out.sizes(), at::kLong);
  const int64_t categories = self.size(-1);
  const auto sample = replacement ? sample_with_replacement : sample_without_replacement;
  at::parallel_for(0, weights.numel() / categories, 1, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      sample(stream, row, weights.const_data_ptr<double>() + row * categories, categories,
             num_samples, chosen.mutable_data_ptr<int64_t>() + row * num_samples);
    }
  });
  return out.copy_(chosen);
}

Tensor multinomial(PhiloxStream stream, Tensor self, int64_t num_samples, bool replacement,
                   NoGenerator) {
  return multinomial_out(stream, self, num_samples, replacement, {},
                         at::empty({0}, self.options().dtype(at::kLong)));
}

}  // namespace moai::device

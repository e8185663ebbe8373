#include "moai/compiler/cost/convolution_workspace.h"

#include <algorithm>
#include <vector>

#include "moai/ops/call_tensors.h"

namespace moai::compiler::cost {
namespace {

using ops::Arg;
using ops::ArgKind;
using ops::CallSignature;
using tensor::DType;
using tensor::Geometry;

constexpr uint64_t kBlock = 16;         // channels that oneDNN lays beside each other
constexpr uint64_t kHalfBlock = 8;      // where there are no more
constexpr uint64_t kPlainChannels = 3;  // as many are read as they lie
constexpr uint64_t kWideKernel = 9;  // from here on gradients of such filters are summed in parts
constexpr uint64_t kScratch = 24 * 1024;
constexpr uint64_t kPlace = 96;  // of a filter, where strides are undone
constexpr uint64_t kThin = 128;  // what small scratch is rounded up by
// libtorch's own kernels take single small images.
constexpr uint64_t kSmallImage = 20480;
constexpr uint64_t kSmallKernel = 3;

uint64_t at(const std::vector<int64_t>& v, size_t i) { return static_cast<uint64_t>(v[i]); }
uint64_t blocked(uint64_t channels) { return (channels + kBlock - 1) / kBlock * kBlock; }

// Kinds of argument lists: numbers of one spatial dimension, the same for all or one each.
uint64_t largest(const Arg& a) {
  int64_t most = 1;
  for (const int64_t n : a.ints) most = std::max(most, n);
  return static_cast<uint64_t>(most);
}

class Convolution {
 public:
  // `stride` is the position of that argument; transposed and groups follow it.
  Convolution(const CallSignature& s, const Geometry* input, const Geometry* filter,
              const Geometry* output, size_t stride)
      : in_(*input), filter_(*filter), out_(*output), element_(tensor::dtype_size(input->dtype)) {
    stride_ = largest(s.args[stride]);
    transposed_ = s.args[stride + 3].ints[0] != 0;
    groups_ = largest(s.args[stride + 5]);
    for (size_t d = 2; d < filter_.sizes.size(); ++d)
      kernel_ = std::max(kernel_, at(filter_.sizes, d));
  }

  uint64_t forward() const {
    if (in_.dtype == DType::kFloat64 || is_small()) return columns();
    if (is_channels_last(in_)) return 3 * filter_in_blocks() + kScratch;
    const uint64_t y = bytes(out_), y_blocks = output_in_blocks();
    const uint64_t into =
        (reads_plain() ? plain_filter() : input_in_blocks() + filter_in_blocks()) + y_blocks +
        of_thin_filter();
    const uint64_t outof = (transposed_ && stride_ > 1 ? 2 : 1) * y_blocks + y;
    const uint64_t with_bias = transposed_ ? y + kThin : 0;
    return or_columns(std::max(into + with_bias, outof) - y) + bias();
  }

  // Two products, that of the input and that of the filter, one after the other.
  uint64_t backward(bool of_input, bool of_filter) const {
    if (in_.dtype == DType::kFloat64) {
      return columns() + (tensor::is_contiguous(out_) ? 0 : bytes(out_));
    }
    if (is_small()) return columns();
    if (is_channels_last(in_)) {
      return 4 * filter_in_blocks() + kScratch + (is_channels_last(out_) ? 0 : bytes(out_));
    }
    const uint64_t x = of_input ? bytes(in_) : 0, w = of_filter ? bytes(filter_) : 0;
    uint64_t most = 0;
    if (of_input) most = of_input_at_most();
    if (of_filter) most = std::max(most, x + of_filter_at_most());
    return or_columns(most - std::min(most, x + w)) + 2 * bias();
  }

 private:
  static uint64_t bytes(const Geometry& g) {
    return static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
  }
  static bool is_channels_last(const Geometry& g) {
    return g.sizes[1] > 1 && g.strides[1] == 1 && !tensor::is_contiguous(g);
  }
  uint64_t channels() const { return at(in_.sizes, 1); }
  uint64_t features() const { return at(out_.sizes, 1); }
  bool is_depthwise() const { return groups_ > 1 && groups_ == channels(); }

  // Unfolded input, as libtorch's own kernels have it.
  uint64_t columns() const {
    uint64_t places = element_ * at(in_.sizes, 0), kernel = 1;
    for (size_t d = 2; d < filter_.sizes.size(); ++d) {
      kernel *= at(filter_.sizes, d);
      places *= at(out_.sizes, d);
    }
    const bool depthwise = filter_.sizes[1] == 1 && in_.sizes[1] > 1;
    if (depthwise) return bytes(out_) + places * kernel;
    return kernel == 1 ? 0 : places * kernel * at(filter_.sizes, 1);
  }
  // Some CPUs have kernels for float16, on others it is unfolded.
  uint64_t or_columns(uint64_t taken) const {
    return in_.dtype == DType::kFloat16 ? std::max(taken, columns()) : taken;
  }
  bool is_small() const {
    return in_.dtype == DType::kFloat32 && groups_ == 1 && kernel_ <= kSmallKernel &&
           in_.sizes[0] == 1 && static_cast<uint64_t>(tensor::element_count(in_)) <= kSmallImage;
  }

  // With channels in whole blocks; those of a group keep together.
  static uint64_t of_blocks(const Geometry& g) {
    return bytes(g) / at(g.sizes, 1) * blocked(at(g.sizes, 1));
  }
  bool pads() const { return groups_ == 1 || is_depthwise(); }
  uint64_t input_in_blocks() const { return pads() ? of_blocks(in_) : bytes(in_); }
  uint64_t output_in_blocks() const { return pads() ? of_blocks(out_) : bytes(out_); }
  uint64_t filter_in_blocks() const {
    const uint64_t a = at(filter_.sizes, 0), b = at(filter_.sizes, 1);
    if (is_depthwise()) return bytes(filter_) / a * blocked(a);
    return groups_ > 1 ? bytes(filter_) : bytes(filter_) / (a * b) * blocked(a) * blocked(b);
  }
  // For channels that are read as they lie.
  uint64_t plain_filter() const {
    return bytes(filter_) / at(filter_.sizes, 0) * blocked(at(filter_.sizes, 0));
  }
  // A filter of one place reads an image without what its strides leave out.
  uint64_t of_thin_filter() const {
    if (kernel_ > 1 || transposed_) return 0;
    const uint64_t turned = in_.dtype == DType::kFloat32 ? 0 : bytes(in_);
    const uint64_t places = bytes(out_) / (at(out_.sizes, 0) * features());
    return kThin + turned + (stride_ > 1 ? channels() * places : 0);
  }
  uint64_t bias() const {
    return features() % kBlock == 0 ? 0 : blocked(features()) * element_ + kThin;
  }
  // Fewer channels than a block are read as they lie.
  bool reads_plain() const { return groups_ == 1 && channels() < kBlock && !transposed_; }

  uint64_t image(const Geometry& g) const { return bytes(g) / at(g.sizes, 0); }

  uint64_t of_input_at_most() const {
    const bool strided = stride_ > 1 && !transposed_;
    const uint64_t here = strided && reads_plain() ? bytes(in_) : input_in_blocks();
    const uint64_t scratch =
        strided ? kScratch + 4 * output_in_blocks() / at(out_.sizes, 0) + kPlace * kernel_ * kernel_
                : 0;
    return std::max(output_in_blocks() + filter_in_blocks() + here + scratch,
                    here + (strided ? 2 : 1) * bytes(in_));
  }
  uint64_t of_filter_at_most() const {
    uint64_t taken = output_in_blocks();
    if (groups_ == 1 && channels() <= kPlainChannels && !transposed_) {
      if (kernel_ >= kWideKernel) taken += 4 * bytes(filter_) + image(in_) + kScratch;
    } else if (reads_plain() && channels() <= kHalfBlock) {
      taken += bytes(in_) / channels() * kHalfBlock;
    } else {
      taken += input_in_blocks();
    }
    const uint64_t filter =
        reads_plain() && channels() <= kHalfBlock
            ? plain_filter() / channels() * (channels() <= kPlainChannels ? channels() : kHalfBlock)
            : filter_in_blocks();
    taken += filter + of_thin_filter();
    const bool half = in_.dtype != DType::kFloat32;  // sums in float32, images turned
    if (half) taken += 2 * filter_in_blocks() + 2 * (image(in_) + image(out_)) + kScratch;
    return std::max(taken, filter + bytes(filter_) + features() * element_);
  }

  const Geometry& in_;
  const Geometry& filter_;
  const Geometry& out_;
  const uint64_t element_;
  uint64_t stride_ = 1, groups_ = 1, kernel_ = 1;
  bool transposed_ = false;
};

bool is_sound(const Geometry& input, const Geometry& filter) {
  return input.sizes.size() >= 3 && filter.sizes.size() == input.sizes.size() &&
         tensor::element_count(input) > 0 && tensor::element_count(filter) > 0;
}

}  // namespace

uint64_t convolution_workspace(const CallSignature& s) {
  const auto operands = ops::tensor_operands(s);
  const auto results = ops::fresh_results(s);
  if (operands.size() < 2 || results.empty() || s.args.size() < 9) return 0;
  const Geometry &input = operands[0]->geometry, &filter = operands[1]->geometry;
  if (!is_sound(input, filter)) return 0;
  return Convolution(s, &input, &filter, &results[0]->geometry, 3).forward();
}

uint64_t convolution_backward_workspace(const CallSignature& s) {
  const auto operands = ops::tensor_operands(s);
  if (operands.size() < 3 || s.args.size() < 11) return 0;
  const Geometry &input = operands[1]->geometry, &filter = operands[2]->geometry;
  if (!is_sound(input, filter)) return 0;
  const std::vector<int64_t>& wanted = s.args[10].ints;
  const bool all = wanted.size() < 3;
  return Convolution(s, &input, &filter, &operands[0]->geometry, 4)
      .backward(all || wanted[0], all || wanted[1] || wanted[2]);
}

}  // namespace moai::compiler::cost

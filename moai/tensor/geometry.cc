#include "moai/tensor/geometry.h"

#include <algorithm>
#include <charconv>

namespace moai::tensor {
namespace {

constexpr size_t kDimensionsMax = 128;
constexpr int64_t kBytesMax = int64_t{1} << 62;

bool multiply(int64_t a, int64_t b, int64_t* out) { return !__builtin_mul_overflow(a, b, out); }
bool add(int64_t a, int64_t b, int64_t* out) { return !__builtin_add_overflow(a, b, out); }

void mix(uint64_t* h, uint64_t v) {
  *h ^= v + 0x9e3779b97f4a7c15ull + (*h << 6) + (*h >> 2);
  *h *= 0xff51afd7ed558ccdull;
  *h ^= *h >> 32;
}

std::string join(const std::vector<int64_t>& values) {
  std::string text;
  for (size_t i = 0; i < values.size(); ++i) text += (i ? "," : "") + std::to_string(values[i]);
  return text;
}

bool in_bounds(const Geometry& g) {
  const auto counts = [](const std::vector<int64_t>& values) {
    return std::all_of(values.begin(), values.end(), [](int64_t v) { return v >= 0; });
  };
  if (g.sizes.size() > kDimensionsMax || g.offset < 0) return false;
  if (!counts(g.sizes) || !counts(g.strides) || element_count(g) < 0) return false;
  const int64_t bytes = storage_bytes(g);
  return bytes >= 0 && bytes <= kBytesMax;
}

// Reads "1,2,3" up to `close`, which is consumed; nothing when malformed.
std::optional<std::vector<int64_t>> take_list(std::string_view* text, char close) {
  std::vector<int64_t> values;
  while (!text->empty() && text->front() != close) {
    int64_t v = 0;
    const auto [at, error] = std::from_chars(text->data(), text->data() + text->size(), v);
    if (error != std::errc()) return std::nullopt;
    text->remove_prefix(static_cast<size_t>(at - text->data()));
    values.push_back(v);
    if (!text->empty() && text->front() == ',') text->remove_prefix(1);
  }
  if (text->empty()) return std::nullopt;
  text->remove_prefix(1);
  return values;
}

}  // namespace

int64_t element_count(const Geometry& g) {
  int64_t n = 1;
  for (int64_t size : g.sizes) {
    if (!multiply(n, size, &n)) return -1;
  }
  return n;
}

int64_t storage_bytes(const Geometry& g) {
  int64_t last = g.offset;
  for (size_t i = 0; i < g.sizes.size(); ++i) {
    if (g.sizes[i] == 0) return 0;
    int64_t reach = 0;
    if (!multiply(g.sizes[i] - 1, g.strides[i], &reach) || !add(last, reach, &last)) return -1;
  }
  int64_t bytes = 0;
  if (!add(last, 1, &last)) return -1;
  return multiply(last, static_cast<int64_t>(dtype_size(g.dtype)), &bytes) ? bytes : -1;
}

std::vector<int64_t> contiguous_strides(const std::vector<int64_t>& sizes) {
  std::vector<int64_t> strides(sizes.size());
  uint64_t step = 1;  // wraps only where a size is 0 and no stride is ever used
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = static_cast<int64_t>(step);
    step *= sizes[i] > 1 ? static_cast<uint64_t>(sizes[i]) : 1;
  }
  return strides;
}

bool is_contiguous(const Geometry& g) {
  if (std::find(g.sizes.begin(), g.sizes.end(), 0) != g.sizes.end()) return true;
  int64_t step = 1;
  for (size_t i = g.sizes.size(); i-- > 0;) {
    if (g.sizes[i] != 1 && g.strides[i] != step) return false;
    step *= g.sizes[i];
  }
  return true;
}

uint64_t hash(const Geometry& g) {
  uint64_t h = static_cast<uint64_t>(g.dtype) << 8 | g.flags;
  mix(&h, g.sizes.size());
  for (int64_t v : g.sizes) mix(&h, static_cast<uint64_t>(v));
  for (int64_t v : g.strides) mix(&h, static_cast<uint64_t>(v));
  mix(&h, static_cast<uint64_t>(g.offset));
  return h;
}

std::string to_string(const Geometry& g) {
  std::string text = std::string(dtype_name(g.dtype)) + "[" + join(g.sizes) + "]";
  if (g.strides != contiguous_strides(g.sizes)) text += "{" + join(g.strides) + "}";
  if (g.offset) text += "+" + std::to_string(g.offset);
  if (g.flags & Geometry::kConj) text += "*";
  if (g.flags & Geometry::kNeg) text += "-";
  if (g.flags & Geometry::kWrappedNumber) text += "w";
  if (g.flags & Geometry::kHost) text += "h";
  return text;
}

std::optional<Geometry> geometry_from_string(std::string_view text) {
  Geometry g;
  const size_t open = text.find('[');
  if (open == std::string_view::npos) return std::nullopt;
  const auto dtype = dtype_from_name(text.substr(0, open));
  if (!dtype) return std::nullopt;
  g.dtype = *dtype;
  text.remove_prefix(open + 1);
  auto sizes = take_list(&text, ']');
  if (!sizes) return std::nullopt;
  g.sizes = *sizes;
  g.strides = contiguous_strides(g.sizes);
  if (!text.empty() && text.front() == '{') {
    text.remove_prefix(1);
    auto strides = take_list(&text, '}');
    if (!strides || strides->size() != g.sizes.size()) return std::nullopt;
    g.strides = *strides;
  }
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), g.offset);
    if (error != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(at - text.data()));
  }
  for (char c : text) {
    switch (c) {
      case '*':
        g.flags |= Geometry::kConj;
        break;
      case '-':
        g.flags |= Geometry::kNeg;
        break;
      case 'w':
        g.flags |= Geometry::kWrappedNumber;
        break;
      case 'h':
        g.flags |= Geometry::kHost;
        break;
      default:
        return std::nullopt;
    }
  }
  if (!in_bounds(g)) return std::nullopt;
  return g;
}

void encode(const Geometry& g, Writer* out) {
  out->u8(static_cast<uint8_t>(g.dtype));
  out->u8(g.flags);
  out->varint(g.sizes.size());
  for (int64_t v : g.sizes) out->varint(static_cast<uint64_t>(v));
  for (int64_t v : g.strides) out->varint(static_cast<uint64_t>(v));
  out->varint(static_cast<uint64_t>(g.offset));
}

Geometry decode_geometry(Reader* in) {
  Geometry g;
  const uint8_t dtype = in->u8();
  g.flags = in->u8();
  const size_t dims = in->count(2);
  if (!is_dtype(dtype) || g.flags > 15 || dims > kDimensionsMax) {
    in->fail();
    return {};
  }
  g.dtype = static_cast<DType>(dtype);
  g.sizes.resize(dims);
  g.strides.resize(dims);
  for (int64_t& v : g.sizes) v = static_cast<int64_t>(in->varint());
  for (int64_t& v : g.strides) v = static_cast<int64_t>(in->varint());
  g.offset = static_cast<int64_t>(in->varint());
  if (!in->ok() || !in_bounds(g)) {
    in->fail();
    return {};
  }
  return g;
}

}  // namespace moai::tensor

#include "moai/comm/collective/reduce.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "moai/comm/collective/half.h"

namespace moai::comm {
namespace {

using tensor::DType;
using tensor::Reduction;
using Parts = std::span<const std::byte* const>;

constexpr size_t kBlock = 512;  // elements; their accumulators stay in the first cache

// An element type: what lies in memory, and how it becomes an accumulator A and back.
template <class T, class A>
struct Plain {
  using Stored = T;
  using Sum = A;
  static A widen(T v) { return static_cast<A>(v); }
  static T narrow(A v) { return static_cast<T>(v); }
};

template <float (*From)(uint16_t), uint16_t (*To)(float), class A>
struct Half {
  using Stored = uint16_t;
  using Sum = A;
  static A widen(uint16_t v) { return static_cast<A>(From(v)); }
  static uint16_t narrow(A v) { return To(static_cast<float>(v)); }
};
template <class A>
using Float16 = Half<from_float16, to_float16, A>;
template <class A>
using BFloat16 = Half<from_bfloat16, to_bfloat16, A>;

template <class T>
struct Pair {
  T re, im;
};
template <class T>
using Complex = Plain<Pair<T>, Pair<T>>;

// A reduction: first() of each part, join() in the order of ranks, last() of the whole.
struct Kept {
  template <class A>
  static A first(A v) {
    return v;
  }
  template <class A>
  static A last(A v) {
    return v;
  }
};

struct Add : Kept {
  template <class A>
  static A join(A a, A b) {
    return a + b;
  }
};

struct Multiply : Kept {
  template <class A>
  static A join(A a, A b) {
    return a * b;
  }
  template <class T>
  static Pair<T> join(Pair<T> a, Pair<T> b) {
    return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
  }
};

struct Greatest : Kept {
  template <class A>
  static A join(A a, A b) {
    return a != a ? a : (b > a || b != b) ? b : a;
  }
};

struct Least : Kept {
  template <class A>
  static A join(A a, A b) {
    return a != a ? a : (b < a || b != b) ? b : a;
  }
};

struct All : Kept {
  template <class A>
  static A first(A v) {
    return v != 0;
  }
  template <class A>
  static A join(A a, A b) {
    return a & b;
  }
};

struct Any : All {
  template <class A>
  static A join(A a, A b) {
    return a | b;
  }
};

struct Norm : Add {
  static double first(double v) { return v * v; }
  static double last(double v) { return std::sqrt(v); }
};

template <class E, class F>
void run(Parts parts, size_t count, std::byte* out) {
  using Stored = typename E::Stored;
  using Sum = typename E::Sum;
  const auto taken = [](const std::byte* part, size_t i) {
    Stored v;
    std::memcpy(&v, part + i * sizeof v, sizeof v);
    return F::first(E::widen(v));
  };
  std::array<Sum, kBlock> sums;
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t n = std::min(kBlock, count - begin);
    const size_t offset = begin * sizeof(Stored);
    const std::byte* first = parts[0] + offset;
    for (size_t i = 0; i < n; ++i) sums[i] = taken(first, i);
    for (const std::byte* whole : parts.subspan(1)) {
      const std::byte* part = whole + offset;
      for (size_t i = 0; i < n; ++i) sums[i] = F::join(sums[i], taken(part, i));
    }
    std::byte* to = out + offset;
    for (size_t i = 0; i < n; ++i) {
      const Stored v = E::narrow(F::last(sums[i]));
      std::memcpy(to + i * sizeof v, &v, sizeof v);
    }
  }
}

using Kernel = void (*)(Parts, size_t, std::byte*);

template <class E>
Kernel ordered(Reduction reduction) {
  switch (reduction) {
    case Reduction::kMax:
      return run<E, Greatest>;
    case Reduction::kMin:
      return run<E, Least>;
    default:
      return nullptr;
  }
}

template <class E>
Kernel arithmetic(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return run<E, Add>;
    case Reduction::kProduct:
      return run<E, Multiply>;
    default:
      return ordered<E>(reduction);
  }
}

// Sums wrap in an unsigned type that no promotion to int can overflow.
template <class T>
Kernel integer(Reduction reduction) {
  using Wide = std::conditional_t<(sizeof(T) > 4), uint64_t, uint32_t>;
  if (reduction == Reduction::kSum) return run<Plain<T, Wide>, Add>;
  if (reduction == Reduction::kProduct) return run<Plain<T, Wide>, Multiply>;
  return ordered<Plain<T, T>>(reduction);
}

Kernel logical(Reduction reduction) {
  if (reduction == Reduction::kAll) return run<Plain<uint8_t, uint8_t>, All>;
  if (reduction == Reduction::kAny) return run<Plain<uint8_t, uint8_t>, Any>;
  return nullptr;
}

template <class E, class Squares>
Kernel real(Reduction reduction) {
  if (reduction == Reduction::kNorm2) return run<Squares, Norm>;
  return arithmetic<E>(reduction);
}

template <class T>
Kernel complex(Reduction reduction) {
  if (reduction == Reduction::kProduct) return run<Complex<T>, Multiply>;
  return nullptr;
}

Kernel boolean(Reduction reduction) {
  if (reduction == Reduction::kMax) return logical(Reduction::kAny);
  if (reduction == Reduction::kMin) return logical(Reduction::kAll);
  return logical(reduction);
}

// Null where there is no sense in it.
Kernel kernel(DType dtype, Reduction reduction) {
  switch (dtype) {
    case DType::kFloat64:
      return real<Plain<double, double>, Plain<double, double>>(reduction);
    case DType::kFloat32:
      return real<Plain<float, float>, Plain<float, double>>(reduction);
    case DType::kBFloat16:
      return real<BFloat16<float>, BFloat16<double>>(reduction);
    case DType::kFloat16:
      return real<Float16<float>, Float16<double>>(reduction);
    case DType::kInt8:
      return integer<int8_t>(reduction);
    case DType::kInt16:
      return integer<int16_t>(reduction);
    case DType::kInt32:
      return integer<int32_t>(reduction);
    case DType::kInt64:
      return integer<int64_t>(reduction);
    case DType::kUInt8: {
      const Kernel found = logical(reduction);
      return found ? found : integer<uint8_t>(reduction);
    }
    case DType::kUInt16:
      return integer<uint16_t>(reduction);
    case DType::kUInt32:
      return integer<uint32_t>(reduction);
    case DType::kUInt64:
      return integer<uint64_t>(reduction);
    case DType::kBool:
      return boolean(reduction);
    case DType::kComplex64:
      return complex<float>(reduction);
    case DType::kComplex128:
      return complex<double>(reduction);
    default:
      return nullptr;
  }
}

// A complex sum is that of twice as many reals.
bool is_complex_sum(DType dtype, Reduction reduction) {
  return reduction == Reduction::kSum &&
         (dtype == DType::kComplex64 || dtype == DType::kComplex128);
}

}  // namespace

Status check_reducible(DType dtype, Reduction reduction) {
  if (tensor::can_reduce(dtype, reduction)) return ok_status();
  std::string has;
  for (uint8_t number = 0; tensor::is_reduction(number); ++number) {
    const auto other = static_cast<Reduction>(number);
    if (!tensor::can_reduce(dtype, other)) continue;
    has += (has.empty() ? "" : ", ") + std::string(tensor::reduction_name(other));
  }
  return invalid_argument("[comm.collective] no reduction '" +
                          std::string(tensor::reduction_name(reduction)) + "' over elements of " +
                          std::string(tensor::dtype_name(dtype)) + "; it has " +
                          (has.empty() ? "none: convert before" : has));
}

void reduce(Parts parts, size_t count, DType dtype, Reduction reduction, std::byte* out) {
  if (is_complex_sum(dtype, reduction)) {
    const DType real_type = dtype == DType::kComplex64 ? DType::kFloat32 : DType::kFloat64;
    return reduce(parts, 2 * count, real_type, reduction, out);
  }
  kernel(dtype, reduction)(parts, count, out);
}

}  // namespace moai::comm

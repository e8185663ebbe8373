#include "moai/front/capture/scan.h"

#include <bit>
#include <memory>

#include "moai/front/device/device_type.h"
#include "moai/front/device/generator.h"
#include "moai/front/device/memory.h"

namespace moai::front {
namespace {

// First word of each item of a key; values that follow are counted by it, so keys never run
// together.
enum KeyMark : uint64_t {
  kMarkUndefined = 1,
  kMarkNone = 2,
  kMarkInt = 3,
  kMarkIntWord = 4,
  kMarkDouble = 5,
  kMarkDoubleWord = 6,
  kMarkFalse = 7,
  kMarkTrue = 8,
  kMarkComplex = 9,
  kMarkDevice = 10,
  kMarkGenerator = 11,
  kMarkString = 12,
  kMarkTensor = 13,
  kMarkHostScalar = 14,
  kMarkList = 15,
};

constexpr uint64_t mark(KeyMark m, uint64_t detail) { return m | detail << 8; }

class Scanner {
 public:
  Scanner(const Operator& op, Scan* out) : op_(op), out_(*out) {}

  void value(const c10::IValue& v, const Operator::Argument& a) {
    if (v.isTensor()) return tensor(v.toTensor());
    if (a.is_generator) return generator(v);
    if (v.isNone()) return key(kMarkNone);
    if (v.isInt()) return integer(v.toInt(), a.is_number);
    if (v.isBool()) return key(v.toBool() ? kMarkTrue : kMarkFalse);
    if (v.isDouble()) return real(v.toDouble(), a.is_float);
    if (v.isList()) return list(v.toListRef(), a);
    if (v.isString()) return text(v.toStringRef());
    if (v.isDevice()) return key(kMarkDevice);
    if (v.isComplexDouble()) return complex(v.toComplexDouble());
    TORCH_CHECK_NOT_IMPLEMENTED(false, op_.name, ": an argument of type ", v.tagKind(),
                                " cannot be sent to the device");
  }

  // A drawing operator whose schema has no generator takes the default one, after its arguments.
  void implicit_generator() { draw_from(default_generator()); }

 private:
  void key(uint64_t word) { out_.key.push_back(word); }

  void integer(int64_t v, bool parameter) {
    if (parameter) {
      key(kMarkIntWord);
      out_.words.push_back(static_cast<uint64_t>(v));
    } else {
      key(kMarkInt);
      key(static_cast<uint64_t>(v));
    }
  }

  void real(double v, bool parameter) {
    const auto bits = std::bit_cast<uint64_t>(v);
    key(parameter ? kMarkDoubleWord : kMarkDouble);
    if (parameter) {
      out_.words.push_back(bits);
    } else {
      key(bits);
    }
  }

  void complex(c10::complex<double> v) {
    key(kMarkComplex);
    key(std::bit_cast<uint64_t>(v.real()));
    key(std::bit_cast<uint64_t>(v.imag()));
  }

  void text(const std::string& v) {
    key(mark(kMarkString, v.size()));
    for (size_t i = 0; i < v.size(); i += 8) {
      uint64_t word = 0;
      std::memcpy(&word, v.data() + i, std::min<size_t>(8, v.size() - i));
      key(word);
    }
  }

  void list(c10::ArrayRef<c10::IValue> items, const Operator::Argument& a) {
    key(mark(kMarkList, items.size()));
    for (const c10::IValue& item : items) value(item, a);
  }

  void generator(const c10::IValue& v) {
    if (v.isNone()) return draw_from(default_generator());
    const at::Generator& given = v.toGenerator();
    if (!given.defined()) return draw_from(default_generator());
    TORCH_CHECK(given.device().type() == device_type(), "Expected a '", device_type(),
                "' device type for generator but found '", given.device().type(), "'");
    draw_from(given);
  }

  void draw_from(const at::Generator& g) {
    key(kMarkGenerator);
    out_.generators.push_back({out_.words.size(), g});
    out_.words.insert(out_.words.end(), {0, 0});
  }

  void tensor(const at::Tensor& t) {
    if (!t.defined()) return key(kMarkUndefined);
    const c10::TensorImpl& impl = *t.unsafeGetTensorImpl();
    const auto device = impl.device_type();
    if (device == device_type()) {
      geometry(t, impl, false);
      const Place place = place_of(t);
      key(static_cast<uint64_t>(place.offset));
      out_.storages.push_back(place.storage);
      return;
    }
    TORCH_CHECK(device == at::kCPU && impl.layout() == at::kStrided,
                "Expected all tensors to be on the same device, but found at least two devices, ",
                device_type(), ":0 and ", impl.device(), "! (when checking arguments of ", op_.name,
                ")");
    if (impl.dim() == 0) return host_scalar(t, impl);
    geometry(t, impl, true);
    out_.host_operands.push_back({out_.storages.size(), t});
    out_.storages.push_back(0);
  }

  void geometry(const at::Tensor& t, const c10::TensorImpl& impl, bool host) {
    key(mark(kMarkTensor, static_cast<uint64_t>(t.scalar_type()) |
                              static_cast<uint64_t>(impl.is_wrapped_number()) << 8 |
                              static_cast<uint64_t>(host) << 9 |
                              static_cast<uint64_t>(t.is_conj()) << 10 |
                              static_cast<uint64_t>(t.is_neg()) << 11 |
                              static_cast<uint64_t>(impl.dim()) << 12));
    for (const int64_t size : impl.sizes()) key(static_cast<uint64_t>(size));
    for (const int64_t stride : impl.strides()) key(static_cast<uint64_t>(stride));
  }

  void host_scalar(const at::Tensor& t, const c10::TensorImpl& impl) {
    key(mark(kMarkHostScalar, static_cast<uint64_t>(t.scalar_type()) |
                                  static_cast<uint64_t>(impl.is_wrapped_number()) << 8));
    uint64_t words[2] = {0, 0};
    const at::Tensor plain = t.is_conj() || t.is_neg() ? t.resolve_conj().resolve_neg() : t;
    std::memcpy(words, plain.const_data_ptr(), std::min<size_t>(plain.itemsize(), sizeof words));
    out_.words.insert(out_.words.end(), {words[0], words[1]});
  }

  const Operator& op_;
  Scan& out_;
};

thread_local std::vector<std::unique_ptr<Scan>> t_stock;
thread_local size_t t_used = 0;

}  // namespace

void Scan::clear() {
  key.clear();
  storages.clear();
  words.clear();
  host_operands.clear();
  generators.clear();
}

void scan(const Operator& op, Arguments arguments, Scan* out) {
  out->key.push_back(reinterpret_cast<uint64_t>(&op));
  Scanner scanner(op, out);
  for (size_t i = 0; i < arguments.size(); ++i) scanner.value(arguments[i], op.arguments[i]);
  if (!op.has_generator_argument && draws(op, arguments)) scanner.implicit_generator();
}

ScanLease::ScanLease() {
  if (t_used == t_stock.size()) t_stock.push_back(std::make_unique<Scan>());
  scan_ = t_stock[t_used++].get();
}

ScanLease::~ScanLease() {
  scan_->clear();
  --t_used;
}

}  // namespace moai::front

#include "moai/ops/call.h"

#include <cstring>

namespace moai::ops {
namespace {

constexpr size_t kItemsMax = size_t{1} << 16;
constexpr int kNestingMax = 4;
constexpr size_t kNameBytesMax = 256;
constexpr uint8_t kMark = 0x80;  // written, auxiliary

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

void count(const Arg& a, Arity* n) {
  switch (a.kind) {
    case ArgKind::kTensor:
      ++n->operands;
      break;
    case ArgKind::kHostScalar:
    case ArgKind::kGenerator:
      n->words += 2;
      break;
    case ArgKind::kDoubleWord:
    case ArgKind::kIntWord:
      ++n->words;
      break;
    case ArgKind::kList:
      for (const Arg& item : a.items) count(item, n);
      break;
    default:
      break;
  }
}

void count(const Result& r, Arity* n) {
  if (r.kind == ResultKind::kFresh) ++n->fresh;
  if (r.kind != ResultKind::kList) return;
  for (const Result& item : r.items) count(item, n);
}

void collect_written(const Arg& a, std::vector<bool>* out) {
  if (a.kind == ArgKind::kTensor) out->push_back(a.written);
  if (a.kind != ArgKind::kList) return;
  for (const Arg& item : a.items) collect_written(item, out);
}

// ---- bytes

void encode_arg(const Arg& a, Writer* out) {
  const bool marked = a.kind == ArgKind::kTensor && a.written;
  out->u8(static_cast<uint8_t>(static_cast<uint8_t>(a.kind) | (marked ? kMark : 0)));
  switch (a.kind) {
    case ArgKind::kTensor:
    case ArgKind::kHostScalar:
      tensor::encode(a.geometry, out);
      break;
    case ArgKind::kBool:
    case ArgKind::kInt:
      out->zigzag(a.ints.empty() ? 0 : a.ints[0]);
      break;
    case ArgKind::kDouble:
      out->f64(a.doubles.empty() ? 0 : a.doubles[0]);
      break;
    case ArgKind::kComplex:
      out->f64(a.doubles.empty() ? 0 : a.doubles[0]);
      out->f64(a.doubles.size() < 2 ? 0 : a.doubles[1]);
      break;
    case ArgKind::kString:
      out->bytes(a.text);
      break;
    case ArgKind::kIntList:
    case ArgKind::kBoolList:
      out->zigzags(a.ints);
      break;
    case ArgKind::kDoubleList:
      out->varint(a.doubles.size());
      for (double v : a.doubles) out->f64(v);
      break;
    case ArgKind::kList:
      out->varint(a.items.size());
      for (const Arg& item : a.items) encode_arg(item, out);
      break;
    default:
      break;
  }
}

void encode_result(const Result& r, Writer* out) {
  out->u8(static_cast<uint8_t>(static_cast<uint8_t>(r.kind) | (r.auxiliary ? kMark : 0)));
  if (r.kind == ResultKind::kFresh) tensor::encode(r.geometry, out);
  if (r.kind != ResultKind::kList) return;
  out->varint(r.items.size());
  for (const Result& item : r.items) encode_result(item, out);
}

class Decoder {
 public:
  explicit Decoder(Reader* in) : in_(in) {}

  Arg arg(int depth) {
    Arg a;
    const uint8_t head = in_->u8();
    const uint8_t kind = head & (kMark - 1);
    a.kind = static_cast<ArgKind>(kind);
    a.written = (head & kMark) != 0;
    if (kind > static_cast<uint8_t>(ArgKind::kDoubleList)) in_->fail();
    if (a.written && a.kind != ArgKind::kTensor) in_->fail();
    if (in_->ok()) payload(&a, depth);
    return a;
  }

  Result result(int depth) {
    Result r;
    const uint8_t head = in_->u8();
    const uint8_t kind = head & (kMark - 1);
    r.kind = static_cast<ResultKind>(kind);
    r.auxiliary = (head & kMark) != 0;
    if (kind > static_cast<uint8_t>(ResultKind::kList)) in_->fail();
    if (!in_->ok()) return r;
    if (r.kind == ResultKind::kFresh) r.geometry = tensor::decode_geometry(in_);
    if (r.kind == ResultKind::kList) {
      r.items = list<Result>(depth + 1, [this](int d) { return result(d); });
    }
    return r;
  }

  template <class T, class F>
  std::vector<T> list(int depth, F item) {
    std::vector<T> items;
    const size_t n = in_->count();
    items_ += n;
    if (depth > kNestingMax || items_ > kItemsMax) in_->fail();
    if (!in_->ok()) return items;
    items.reserve(n);
    for (size_t i = 0; i < n && in_->ok(); ++i) items.push_back(item(depth));
    return items;
  }

 private:
  void payload(Arg* a, int depth) {
    switch (a->kind) {
      case ArgKind::kTensor:
      case ArgKind::kHostScalar:
        a->geometry = tensor::decode_geometry(in_);
        break;
      case ArgKind::kBool:
      case ArgKind::kInt:
        a->ints = {in_->zigzag()};
        break;
      case ArgKind::kDouble:
        a->doubles = {in_->f64()};
        break;
      case ArgKind::kComplex:
        a->doubles = {in_->f64(), in_->f64()};
        break;
      case ArgKind::kString:
        a->text = in_->bytes();
        break;
      case ArgKind::kIntList:
      case ArgKind::kBoolList:
        a->ints = in_->zigzags();
        break;
      case ArgKind::kDoubleList:
        a->doubles.resize(in_->count(sizeof(double)));
        for (double& v : a->doubles) v = in_->f64();
        break;
      case ArgKind::kList:
        a->items = list<Arg>(depth + 1, [this](int d) { return arg(d); });
        break;
      default:
        break;
    }
    require_bools(*a);
  }

  void require_bools(const Arg& a) {
    if (a.kind != ArgKind::kBool && a.kind != ArgKind::kBoolList) return;
    for (int64_t v : a.ints) {
      if (v != 0 && v != 1) in_->fail();
    }
  }

  Reader* in_;  // not owned
  size_t items_ = 0;
};

bool is_name(std::string_view text, bool colons) {
  if (text.size() > kNameBytesMax) return false;
  for (char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '_' || (colons && c == ':');
    if (!good) return false;
  }
  return true;
}

}  // namespace

bool Arg::operator==(const Arg& other) const {
  return kind == other.kind && written == other.written && geometry == other.geometry &&
         ints == other.ints && same_bits(doubles, other.doubles) && text == other.text &&
         items == other.items;
}

Arity arity(const CallSignature& s) {
  Arity n;
  for (const Arg& a : s.args) count(a, &n);
  for (const Result& r : s.results) count(r, &n);
  return n;
}

Arity arity(const Arg& a) {
  Arity n;
  count(a, &n);
  return n;
}

std::vector<bool> written_operands(const CallSignature& s) {
  std::vector<bool> written;
  for (const Arg& a : s.args) collect_written(a, &written);
  return written;
}

uint64_t hash(const CallSignature& s) {
  std::string bytes;
  Writer out(&bytes);
  encode(s, &out);
  uint64_t h = 0x9e3779b97f4a7c15ull ^ bytes.size();
  bytes.resize((bytes.size() + 7) / 8 * 8);
  for (size_t i = 0; i < bytes.size(); i += 8) {
    uint64_t v;
    std::memcpy(&v, bytes.data() + i, sizeof v);
    h = (h ^ v) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  return h;
}

void encode(const CallSignature& s, Writer* out) {
  out->bytes(s.op);
  out->bytes(s.overload);
  out->varint(s.args.size());
  for (const Arg& a : s.args) encode_arg(a, out);
  out->varint(s.results.size());
  for (const Result& r : s.results) encode_result(r, out);
}

CallSignature decode_call_signature(Reader* in) {
  CallSignature s;
  s.op = in->bytes();
  s.overload = in->bytes();
  if (s.op.empty() || !is_name(s.op, true) || !is_name(s.overload, false)) in->fail();
  Decoder decoder(in);
  s.args = decoder.list<Arg>(0, [&](int depth) { return decoder.arg(depth); });
  s.results = decoder.list<Result>(0, [&](int depth) { return decoder.result(depth); });
  if (!in->ok()) return {};
  return s;
}

bool is_encodable(const CallSignature& s) {
  std::string bytes;
  Writer out(&bytes);
  encode(s, &out);
  Reader in(bytes);
  return decode_call_signature(&in) == s && in.done();
}

}  // namespace moai::ops

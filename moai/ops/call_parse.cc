#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

#include "moai/ops/call_text.h"

namespace moai::ops {
namespace {

constexpr int kNestingMax = 4;

// Recursive descent over docs/formats/call.md. After the first mismatch ok() is false and nothing
// more is consumed, so callers check once.
class Parser {
 public:
  Parser(std::string_view text, bool bound) : text_(text), bound_(bound) {}

  std::optional<BoundCall> call() {
    std::vector<uint64_t> fresh;
    if (bound_ && text_.starts_with('s') && text_.find(" = ") < text_.find('(')) {
      do fresh.push_back(storage_id());
      while (take(", "));
      expect(" = ");
    }
    out_.signature.op = name(true);
    if (take(".")) out_.signature.overload = name(false);
    out_.signature.args = list<Arg>(0, [this](int depth) { return arg(depth); });
    if (take(" -> ")) {
      do out_.signature.results.push_back(result(0));
      while (ok_ && take(", "));
    }
    if (!ok_ || !text_.empty() || !is_encodable(out_.signature)) return std::nullopt;
    out_.storages.insert(out_.storages.end(), fresh.begin(), fresh.end());
    if (bound_ && !counts_fit()) return std::nullopt;
    return std::move(out_);
  }

 private:
  bool counts_fit() const {
    const Arity n = arity(out_.signature);
    return out_.storages.size() == n.operands + n.fresh && out_.words.size() == n.words;
  }

  Arg arg(int depth) {
    Arg a;
    if (text_.starts_with('(')) {
      a.kind = ArgKind::kList;
      a.items = list<Arg>(depth + 1, [this](int d) { return arg(d); });
    } else if (text_.starts_with('[')) {
      a.kind = ArgKind::kIntList;
      a.ints = values<int64_t>("[", [this] { return integer<int64_t>(); });
    } else if (text_.starts_with('"')) {
      a.kind = ArgKind::kString;
      a.text = quoted();
    } else if (!word_arg(&a) && !number_arg(&a)) {
      a.kind = ArgKind::kTensor;
      a.geometry = geometry();
      a.written = take("!");
      if (bound_) expect(" "), out_.storages.push_back(storage_id());
    }
    return a;
  }

  // Arguments that begin with a word of their own. Longer words first where one starts another.
  bool word_arg(Arg* a) {
    if (take("none")) return set(a, ArgKind::kNone);
    if (take("undefined")) return set(a, ArgKind::kUndefined);
    if (take("device")) return set(a, ArgKind::kDevice);
    if (take("true")) return set(a, ArgKind::kBool, 1);
    if (take("false")) return set(a, ArgKind::kBool, 0);
    if (text_.starts_with("bools[")) {
      a->ints = values<int64_t>("bools[", [this] { return boolean(); });
      return set(a, ArgKind::kBoolList);
    }
    if (text_.starts_with("doubles[")) {
      a->doubles = values<double>("doubles[", [this] { return real(); });
      return set(a, ArgKind::kDoubleList);
    }
    if (take("complex(")) {
      a->doubles.push_back(real());
      expect(",");
      a->doubles.push_back(real());
      expect(")");
      return set(a, ArgKind::kComplex);
    }
    return changing_arg(a);
  }

  bool changing_arg(Arg* a) {
    if (take("host ")) {
      a->geometry = geometry();
      if (bound_) word_pair(16);
      return set(a, ArgKind::kHostScalar);
    }
    if (take("generator")) {
      if (bound_) word_pair(10);
      return set(a, ArgKind::kGenerator);
    }
    if (take("intword")) {
      if (bound_) expect(" "), out_.words.push_back(static_cast<uint64_t>(integer<int64_t>()));
      return set(a, ArgKind::kIntWord);
    }
    if (take("word")) {
      if (bound_) expect(" "), push_double_word();
      return set(a, ArgKind::kDoubleWord);
    }
    return false;
  }

  bool number_arg(Arg* a) {
    const bool special = text_.starts_with("inf") || text_.starts_with("nan(");
    const bool digit = !text_.empty() && (text_[0] == '-' || (text_[0] >= '0' && text_[0] <= '9'));
    if (!special && !digit) return false;
    const std::string_view token = text_.substr(0, text_.find_first_of(",)]"));
    if (special || token.find_first_of(".en") != std::string_view::npos) {
      a->doubles = {real()};
      return set(a, ArgKind::kDouble);
    }
    a->ints = {integer<int64_t>()};
    return set(a, ArgKind::kInt);
  }

  Result result(int depth) {
    Result r;
    if (text_.starts_with('(')) {
      r.kind = ResultKind::kList;
      r.items = list<Result>(depth + 1, [this](int d) { return result(d); });
    } else if (take("undefined")) {
      r.kind = ResultKind::kUndefined;
    } else if (take("_")) {
      r.kind = ResultKind::kIgnored;
    } else {
      r.kind = ResultKind::kFresh;
      r.geometry = geometry();
    }
    r.auxiliary = take("?");
    return r;
  }

  template <class T, class F>
  std::vector<T> list(int depth, F item) {
    std::vector<T> items;
    if (depth > kNestingMax) ok_ = false;
    expect("(");
    if (!ok_ || take(")")) return items;
    do items.push_back(item(depth));
    while (ok_ && take(", "));
    expect(")");
    return items;
  }

  template <class T, class F>
  std::vector<T> values(std::string_view open, F value) {
    std::vector<T> items;
    expect(open);
    if (take("]")) return items;
    do items.push_back(value());
    while (ok_ && take(","));
    expect("]");
    return items;
  }

  // A geometry ends where something follows that is no part of it.
  tensor::Geometry geometry() {
    size_t end = text_.find(']');
    if (end != std::string_view::npos && text_.substr(end + 1).starts_with('{')) {
      end = text_.find('}', end);
    }
    if (end == std::string_view::npos) return fail<tensor::Geometry>();
    end = std::min(text_.find_first_of(",)!? ", end + 1), text_.size());
    auto parsed = tensor::geometry_from_string(text_.substr(0, end));
    if (!parsed) return fail<tensor::Geometry>();
    text_.remove_prefix(end);
    return *parsed;
  }

  std::string name(bool colons) {
    size_t n = 0;
    while (n < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[n])) ||
                                text_[n] == '_' || (colons && text_[n] == ':'))) {
      ++n;
    }
    std::string out(text_.substr(0, n));
    text_.remove_prefix(n);
    return out;
  }

  std::string quoted() {
    std::string out;
    expect("\"");
    while (ok_ && !text_.empty() && text_[0] != '"') {
      char c = text_[0];
      text_.remove_prefix(1);
      if (c == '\\' && take("x")) {
        c = static_cast<char>(integer<uint8_t>(16, 2));
      } else if (c == '\\' && !text_.empty()) {
        c = text_[0];
        text_.remove_prefix(1);
      }
      out += c;
    }
    expect("\"");
    return out;
  }

  template <class T>
  T integer(int base = 10, size_t digits_max = std::string_view::npos) {
    T v = 0;
    const std::string_view digits = text_.substr(0, digits_max);
    const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), v, base);
    if (error != std::errc()) return fail<T>();
    text_.remove_prefix(static_cast<size_t>(at - digits.data()));
    return v;
  }

  double real() {
    double v = 0;
    if (take("nan(0x")) {
      const uint64_t bits = integer<uint64_t>(16);
      expect(")");
      std::memcpy(&v, &bits, sizeof v);
      return v;
    }
    const auto [at, error] = std::from_chars(text_.data(), text_.data() + text_.size(), v);
    if (error != std::errc()) return fail<double>();
    text_.remove_prefix(static_cast<size_t>(at - text_.data()));
    return v;
  }

  int64_t boolean() {
    if (take("true")) return 1;
    expect("false");
    return 0;
  }

  uint64_t storage_id() {
    expect("s");
    return integer<uint64_t>();
  }

  void push_double_word() {
    const double v = real();
    uint64_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    out_.words.push_back(bits);
  }

  void word_pair(int base) {
    for (const char* before : {" ", ":"}) {
      expect(before);
      if (base == 16) expect("0x");
      out_.words.push_back(integer<uint64_t>(base));
    }
  }

  static bool set(Arg* a, ArgKind kind) {
    a->kind = kind;
    return true;
  }
  static bool set(Arg* a, ArgKind kind, int64_t value) {
    a->ints = {value};
    return set(a, kind);
  }

  bool take(std::string_view token) {
    if (!ok_ || !text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  void expect(std::string_view token) {
    if (!take(token)) ok_ = false;
  }
  template <class T>
  T fail() {
    ok_ = false;
    return {};
  }

  std::string_view text_;
  bool bound_;
  bool ok_ = true;
  BoundCall out_;
};

}  // namespace

std::optional<CallSignature> call_signature_from_string(std::string_view text) {
  auto parsed = Parser(text, false).call();
  if (!parsed) return std::nullopt;
  return std::move(parsed->signature);
}

std::optional<BoundCall> bound_call_from_string(std::string_view text) {
  return Parser(text, true).call();
}

}  // namespace moai::ops

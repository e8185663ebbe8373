#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "moai/ops/call_text.h"

namespace moai::ops {
namespace {

uint64_t bits_of(double v) {
  uint64_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  return bits;
}

double double_of(uint64_t bits) {
  double v;
  std::memcpy(&v, &bits, sizeof v);
  return v;
}

std::string hex(uint64_t v) {
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(v));
  return text.data();
}

// The shortest text that reads back to the same bits; always tells a double from an integer.
std::string double_text(double v) {
  if (std::isnan(v)) return "nan(" + hex(bits_of(v)) + ")";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  std::array<char, 40> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v);
  std::string text(buffer.data(), error == std::errc() ? end : buffer.data());
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c < 0x20 || c == 0x7f) {  // also bytes past 0x7f where char is signed
      std::array<char, 8> escape;
      std::snprintf(escape.data(), escape.size(), "\\x%02x", static_cast<unsigned char>(c));
      out += escape.data();
    } else {
      out += c;
    }
  }
  return out + '"';
}

template <class Items, class F>
std::string joined(const Items& items, const char* separator, F text) {
  std::string out;
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += separator;
    first = false;
    out += text(item);
  }
  return out;
}

class Printer {
 public:
  explicit Printer(const CallValues& values) : values_(values) {}

  std::string arg(const Arg& a) {
    switch (a.kind) {
      case ArgKind::kNone:
        return "none";
      case ArgKind::kUndefined:
        return "undefined";
      case ArgKind::kTensor:
        return tensor::to_string(a.geometry) + (a.written ? "!" : "") + storage();
      case ArgKind::kHostScalar:
        return "host " + tensor::to_string(a.geometry) + word_pair(true);
      case ArgKind::kDevice:
        return "device";
      case ArgKind::kGenerator:
        return "generator" + word_pair(false);
      case ArgKind::kDoubleWord:
        return "word" + word([](uint64_t v) { return double_text(double_of(v)); });
      case ArgKind::kIntWord:
        return "intword" + word([](uint64_t v) { return std::to_string(static_cast<int64_t>(v)); });
      case ArgKind::kList:
        return "(" + joined(a.items, ", ", [this](const Arg& item) { return arg(item); }) + ")";
      default:
        return constant(a);
    }
  }

  std::string result(const Result& r) {
    std::string text;
    switch (r.kind) {
      case ResultKind::kIgnored:
        text = "_";
        break;
      case ResultKind::kFresh:
        text = tensor::to_string(r.geometry);
        break;
      case ResultKind::kUndefined:
        text = "undefined";
        break;
      case ResultKind::kList:
        text =
            "(" + joined(r.items, ", ", [this](const Result& item) { return result(item); }) + ")";
        break;
    }
    return text + (r.auxiliary ? "?" : "");
  }

  std::string fresh_storages(size_t operands) const {
    if (values_.storages.size() <= operands) return "";
    return joined(values_.storages.subspan(operands), ", ",
                  [this](uint64_t id) { return values_.sigil + std::to_string(id); }) +
           " = ";
  }

 private:
  static std::string constant(const Arg& a) {
    const auto boolean = [](int64_t v) { return std::string(v ? "true" : "false"); };
    switch (a.kind) {
      case ArgKind::kBool:
        return boolean(a.ints.empty() ? 0 : a.ints[0]);
      case ArgKind::kInt:
        return std::to_string(a.ints.empty() ? 0 : a.ints[0]);
      case ArgKind::kDouble:
        return double_text(a.doubles.empty() ? 0 : a.doubles[0]);
      case ArgKind::kComplex:
        return "complex(" + joined(a.doubles, ",", double_text) + ")";
      case ArgKind::kString:
        return quoted(a.text);
      case ArgKind::kIntList:
        return "[" + joined(a.ints, ",", [](int64_t v) { return std::to_string(v); }) + "]";
      case ArgKind::kBoolList:
        return "bools[" + joined(a.ints, ",", boolean) + "]";
      case ArgKind::kDoubleList:
        return "doubles[" + joined(a.doubles, ",", double_text) + "]";
      default:
        return "?";
    }
  }

  std::string storage() {
    if (next_storage_ >= values_.storages.size()) return "";
    return std::string(" ") + values_.sigil + std::to_string(values_.storages[next_storage_++]);
  }

  template <class F>
  std::string word(F text) {
    if (next_word_ >= values_.words.size()) return "";
    return " " + text(values_.words[next_word_++]);
  }

  std::string word_pair(bool as_hex) {
    if (values_.words.size() - next_word_ < 2) return "";
    const auto text = [&](uint64_t v) { return as_hex ? hex(v) : std::to_string(v); };
    const std::string first = word(text);
    return first + ":" + word(text).substr(1);
  }

  CallValues values_;
  size_t next_storage_ = 0;
  size_t next_word_ = 0;
};

}  // namespace

std::string to_string(const CallSignature& s) { return to_string(s, CallValues{}); }

std::string to_string(const CallSignature& s, const CallValues& values) {
  Printer printer(values);
  std::string text = printer.fresh_storages(arity(s).operands) + s.op;
  if (!s.overload.empty()) text += "." + s.overload;
  text += "(" + joined(s.args, ", ", [&](const Arg& a) { return printer.arg(a); }) + ")";
  if (!s.results.empty()) {
    text += " -> " + joined(s.results, ", ", [&](const Result& r) { return printer.result(r); });
  }
  return text;
}

}  // namespace moai::ops

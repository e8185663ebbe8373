// Writer and Reader: the flat little-endian encoding that everything of ours uses on a wire.
//
// Integers are LEB128 varints (signed ones zigzag first), raw words are 8 bytes, byte strings are a
// varint length and the bytes. A Reader never reads past its end: after the first bad read ok() is
// false and every further read returns zero, so decoders check once at the end and wherever a count
// decides an allocation.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace moai {

class Writer {
 public:
  explicit Writer(std::string* out) : out_(out) {}

  void u8(uint8_t v) { out_->push_back(static_cast<char>(v)); }
  void varint(uint64_t v) {
    while (v >= 0x80) {
      out_->push_back(static_cast<char>(v | 0x80));
      v >>= 7;
    }
    out_->push_back(static_cast<char>(v));
  }
  void zigzag(int64_t v) {
    varint((static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63));
  }
  void word(uint64_t v) { out_->append(reinterpret_cast<const char*>(&v), sizeof v); }
  void f64(double v) {
    uint64_t bits;
    std::memcpy(&bits, &v, sizeof bits);
    word(bits);
  }
  void bytes(std::string_view v) {
    varint(v.size());
    out_->append(v);
  }
  void zigzags(std::span<const int64_t> values) {
    varint(values.size());
    for (int64_t v : values) zigzag(v);
  }
  size_t size() const { return out_->size(); }

 private:
  std::string* out_;  // not owned
};

class Reader {
 public:
  explicit Reader(std::string_view data) : at_(data.data()), end_(data.data() + data.size()) {}

  bool ok() const { return ok_; }
  // True when everything was read and nothing was bad.
  bool done() const { return ok_ && at_ == end_; }
  size_t remaining() const { return static_cast<size_t>(end_ - at_); }
  void fail() {
    ok_ = false;
    at_ = end_;
  }

  uint8_t u8() { return take(1) ? static_cast<uint8_t>(at_[-1]) : 0; }
  uint64_t varint();
  int64_t zigzag() {
    const uint64_t v = varint();
    return static_cast<int64_t>(v >> 1) ^ -static_cast<int64_t>(v & 1);
  }
  uint64_t word() {
    uint64_t v = 0;
    if (take(sizeof v)) std::memcpy(&v, at_ - sizeof v, sizeof v);
    return v;
  }
  double f64() {
    const uint64_t bits = word();
    double v;
    std::memcpy(&v, &bits, sizeof v);
    return v;
  }
  std::string_view bytes() { return raw(varint()); }
  std::string_view raw(uint64_t n) {
    if (!take(n)) return {};
    return {at_ - n, static_cast<size_t>(n)};
  }
  // A count of items that each take at least `min_item_bytes`: fails when the rest is too short for
  // it, so that hostile counts never allocate.
  size_t count(size_t min_item_bytes = 1) {
    const uint64_t n = varint();
    if (n > remaining() / (min_item_bytes ? min_item_bytes : 1)) {
      fail();
      return 0;
    }
    return static_cast<size_t>(n);
  }
  std::vector<int64_t> zigzags() {
    std::vector<int64_t> values(count());
    for (int64_t& v : values) v = zigzag();
    return values;
  }

 private:
  bool take(uint64_t n) {
    if (n > remaining()) {
      fail();
      return false;
    }
    at_ += n;
    return true;
  }

  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace moai

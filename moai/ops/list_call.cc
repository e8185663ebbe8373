#include "moai/ops/list_call.h"

#include <algorithm>
#include <string_view>

namespace moai::ops {
namespace {

constexpr std::string_view kPrefixes[] = {"aten::_foreach_", "aten::_fused_adagrad",
                                          "aten::_fused_adam", "aten::_fused_sgd",
                                          "aten::_amp_foreach_"};

bool is_list(const Arg& a) { return a.kind == ArgKind::kList && !a.items.empty(); }

// Whether an argument that is no list may be a tensor of a number for each item.
bool has_tensor_of_scalars(const CallSignature& s) {
  const std::string_view op = s.op;
  return s.overload.starts_with("Tensor") &&
         (op.starts_with("aten::_foreach_addcmul") || op.starts_with("aten::_foreach_addcdiv"));
}

bool is_scalars(const Arg& a, size_t length) {
  return a.kind == ArgKind::kTensor && !a.written &&
         a.geometry.sizes == std::vector{static_cast<int64_t>(length)};
}

void append_range(uint32_t from, uint32_t count, std::vector<uint32_t>* out) {
  for (uint32_t i = 0; i < count; ++i) out->push_back(from + i);
}

// Of the lists of a call; 0 where there are none or they differ.
size_t common_length(const CallSignature& s) {
  size_t length = 0;
  for (const Arg& a : s.args) {
    if (!is_list(a)) continue;
    if (length != 0 && a.items.size() != length) return 0;
    length = a.items.size();
  }
  for (const Result& r : s.results) {
    if (r.kind == ResultKind::kList && r.items.size() != length) return 0;
  }
  return length;
}

class Splitter {
 public:
  explicit Splitter(const CallSignature& s) : s_(s), length_(common_length(s)) {}

  std::optional<std::vector<ListCallPart>> split() {
    if (length_ == 0) return std::nullopt;
    parts_.resize(length_);
    for (ListCallPart& part : parts_) {
      part.signature.op = s_.op;
      part.signature.overload = s_.overload;
    }
    for (const Arg& a : s_.args) add_arg(a);
    uint32_t fresh = 0;
    for (const Result& r : s_.results) {
      for (size_t i = 0; i < length_; ++i) fresh = add_result(r, i, fresh);
    }
    return std::move(parts_);
  }

 private:
  void add_arg(const Arg& a) {
    const bool by_item = is_list(a);
    const bool by_element = has_tensor_of_scalars(s_) && is_scalars(a, length_);
    Arity here = before_;
    // Without the items of all: copying them for each would take the square of their number.
    Arg one{.kind = a.kind};
    if (!by_item) one = a;
    for (size_t i = 0; i < length_; ++i) {
      Arg taken = one;
      if (by_item) taken.items = {a.items[i]};
      if (by_element) {
        taken.geometry.sizes = {1};
        taken.geometry.offset += static_cast<int64_t>(i) * a.geometry.strides[0];
      }
      const Arity n = arity(taken);
      append_range(here.operands, n.operands, &parts_[i].operands);
      append_range(here.words, n.words, &parts_[i].words);
      if (by_item) here.operands += n.operands, here.words += n.words;
      parts_[i].signature.args.push_back(std::move(taken));
    }
    const Arity whole = arity(a);
    before_.operands += whole.operands;
    before_.words += whole.words;
  }

  uint32_t add_result(const Result& r, size_t i, uint32_t fresh) {
    Result taken{.kind = r.kind};
    if (r.kind != ResultKind::kList) {
      taken = r;
    } else {
      taken.items = {r.items[i]};
    }
    const bool is_fresh = r.kind == ResultKind::kList && taken.items[0].kind == ResultKind::kFresh;
    if (is_fresh) parts_[i].fresh.push_back(fresh++);
    parts_[i].signature.results.push_back(std::move(taken));
    return fresh;
  }

  const CallSignature& s_;
  size_t length_;
  Arity before_;
  std::vector<ListCallPart> parts_;
};

class Joiner {
 public:
  explicit Joiner(std::span<const CallSignature> parts) : parts_(parts), before_(parts.size()) {}

  std::optional<JoinedCall> join() {
    if (parts_.empty() || !is_list_call(parts_[0])) return std::nullopt;
    for (const CallSignature& part : parts_) {
      if (part.op != parts_[0].op || part.overload != parts_[0].overload ||
          part.args.size() != parts_[0].args.size() ||
          part.results.size() != parts_[0].results.size() || common_length(part) != 1) {
        return std::nullopt;
      }
    }
    out_.signature.op = parts_[0].op;
    out_.signature.overload = parts_[0].overload;
    for (size_t a = 0; a < parts_[0].args.size(); ++a) {
      if (!add_arg(a)) return std::nullopt;
    }
    for (size_t r = 0; r < parts_[0].results.size(); ++r) {
      if (!add_result(r)) return std::nullopt;
    }
    return std::move(out_);
  }

 private:
  bool add_arg(size_t index) {
    Arg whole = parts_[0].args[index];
    const bool by_item = is_list(whole);
    bool by_element = false;
    for (size_t p = 1; p < parts_.size(); ++p) {
      const Arg& a = parts_[p].args[index];
      if (by_item) {
        if (!is_list(a)) return false;
        whole.items.push_back(a.items[0]);
      } else if (a != parts_[0].args[index]) {
        by_element = is_next_scalar(parts_[0].args[index], a, p);
        if (!by_element) return false;
      }
    }
    if (by_element) whole.geometry.sizes = {static_cast<int64_t>(parts_.size())};
    by_item ? place_items(index) : place_shared(whole);
    out_.signature.args.push_back(std::move(whole));
    return true;
  }

  bool is_next_scalar(const Arg& first, const Arg& a, size_t place) const {
    if (!has_tensor_of_scalars(parts_[0]) || !is_scalars(first, 1)) return false;
    Arg expected = first;
    expected.geometry.offset += static_cast<int64_t>(place) * first.geometry.strides[0];
    return a == expected;
  }

  void place_items(size_t index) {
    for (uint32_t p = 0; p < parts_.size(); ++p) {
      const Arity n = arity(parts_[p].args[index]);
      for (uint32_t i = 0; i < n.operands; ++i) {
        out_.operands.push_back({{p, before_[p].operands++}});
      }
      for (uint32_t i = 0; i < n.words; ++i) out_.words.push_back({{p, before_[p].words++}});
    }
  }

  void place_shared(const Arg& whole) {
    const Arity n = arity(whole);
    for (uint32_t i = 0; i < n.operands; ++i) {
      auto& places = out_.operands.emplace_back();
      for (uint32_t p = 0; p < parts_.size(); ++p) places.push_back({p, before_[p].operands++});
    }
    for (uint32_t i = 0; i < n.words; ++i) {
      auto& places = out_.words.emplace_back();
      for (uint32_t p = 0; p < parts_.size(); ++p) places.push_back({p, before_[p].words++});
    }
  }

  bool add_result(size_t index) {
    Result whole = parts_[0].results[index];
    for (uint32_t p = 0; p < parts_.size(); ++p) {
      const Result& r = parts_[p].results[index];
      if (r.kind != whole.kind) return false;
      if (r.kind != ResultKind::kList) continue;
      if (p > 0) whole.items.push_back(r.items[0]);
      if (r.items[0].kind == ResultKind::kFresh) out_.fresh.push_back({p, next_fresh(p)});
    }
    out_.signature.results.push_back(std::move(whole));
    return true;
  }
  uint32_t next_fresh(uint32_t part) { return before_[part].fresh++; }

  std::span<const CallSignature> parts_;
  std::vector<Arity> before_;
  JoinedCall out_;
};

}  // namespace

bool is_list_call(const CallSignature& s) {
  return std::ranges::any_of(kPrefixes,
                             [&](std::string_view prefix) { return s.op.starts_with(prefix); });
}

std::optional<std::vector<ListCallPart>> split_list_call(const CallSignature& s) {
  if (!is_list_call(s)) return std::nullopt;
  return Splitter(s).split();
}

std::optional<JoinedCall> join_list_calls(std::span<const CallSignature> parts) {
  return Joiner(parts).join();
}

}  // namespace moai::ops

#include "moai/compiler/verify/content_numbers.h"

#include <algorithm>

#include "moai/base/bytes.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/overwrites.h"

namespace moai::compiler {

using graph::StorageId;
using tensor::Geometry;
using tensor::Reduction;

namespace {

// "a = a reduced with b", as the compiler makes it up.
std::optional<Reduction> reduction_of(const ops::CallSignature& s) {
  const auto tensors = ops::tensor_operands(s);
  const bool in_place = tensors.size() == 2 && tensors[0]->written && !tensors[1]->written;
  if (s.overload == "Tensor" && in_place) {
    const bool once = s.args.size() == 3 && s.args[2] == ops::of_int(1);
    if (s.op == "aten::add_" && once) return Reduction::kSum;
    if (s.op == "aten::mul_" && s.args.size() == 2) return Reduction::kProduct;
  }
  if (s.overload.empty() && in_place && s.args.size() == 2) {
    if (s.op == "aten::logical_and_") return Reduction::kAll;
    if (s.op == "aten::logical_or_") return Reduction::kAny;
    if (s.op == "aten::hypot_") return Reduction::kNorm2;
  }
  const bool out = s.overload == "out" && tensors.size() == 3 && s.args.size() == 3 &&
                   tensors[2]->written && tensors[2]->geometry == tensors[0]->geometry;
  if (out && s.op == "aten::maximum") return Reduction::kMax;
  if (out && s.op == "aten::minimum") return Reduction::kMin;
  return std::nullopt;
}

}  // namespace

ContentNumber ContentNumbers::number(std::vector<uint64_t> key) {
  const auto [found, is_new] = numbers_.try_emplace(std::move(key), numbers_.size() + 1);
  if (is_new) keys_.push_back(&found->first);
  return found->second;
}

ContentNumber ContentNumbers::reduced(Reduction how, ContentNumber a, ContentNumber b) {
  const auto kind = static_cast<uint64_t>(how);
  std::vector<uint64_t> items;
  for (const ContentNumber c : {a, b}) {
    const std::vector<uint64_t>& key = *keys_[c - 1];
    if (key.size() > 2 && key[0] == kReduced && key[1] == kind) {
      items.insert(items.end(), key.begin() + 2, key.end());
    } else {
      items.push_back(c);
    }
  }
  std::ranges::sort(items);
  items.insert(items.begin(), {kReduced, kind});
  return number(std::move(items));
}

ContentNumber ContentNumbers::copied(ContentNumber from, const Geometry& g) {
  std::vector<uint64_t> key{kCopied, from, static_cast<uint64_t>(g.dtype),
                            static_cast<uint64_t>(g.offset)};
  for (size_t d = 0; d < g.sizes.size(); ++d) {
    if (g.sizes[d] == 1) continue;
    key.push_back(static_cast<uint64_t>(g.sizes[d]));
    key.push_back(static_cast<uint64_t>(g.strides[d]));
  }
  return number(std::move(key));
}

ContentNumber ContentNumbers::whole(ContentWhole w) {
  std::ranges::sort(w.parts);
  std::vector<uint64_t> key{kWhole, static_cast<uint64_t>(w.outer), static_cast<uint64_t>(w.n),
                            static_cast<uint64_t>(w.inner), w.base};
  for (const ContentPart& p : w.parts) {
    key.insert(key.end(), {static_cast<uint64_t>(p.offset), static_cast<uint64_t>(p.size),
                           p.content, static_cast<uint64_t>(p.from)});
  }
  return number(std::move(key));
}

std::optional<ContentWhole> ContentNumbers::parts_of(ContentNumber content) const {
  const std::vector<uint64_t>& key = *keys_[content - 1];
  if (key[0] != kWhole) return std::nullopt;
  ContentWhole w{.outer = static_cast<int64_t>(key[1]),
                 .n = static_cast<int64_t>(key[2]),
                 .inner = static_cast<int64_t>(key[3]),
                 .base = key[4]};
  for (size_t i = 5; i < key.size(); i += 4) {
    w.parts.push_back({static_cast<int64_t>(key[i]), static_cast<int64_t>(key[i + 1]), key[i + 2],
                       static_cast<int64_t>(key[i + 3])});
  }
  return w;
}

ContentNumber ContentNumbers::call(const ops::CallSignature& s, const std::vector<uint64_t>& words,
                                   const std::vector<ContentNumber>& operands) {
  const auto [known, is_new] = known_calls_.try_emplace(&s);
  if (is_new) {
    std::string encoded;
    Writer out(&encoded);
    ops::encode(s, &out);
    known->second = calls_.try_emplace(std::move(encoded), calls_.size()).first->second;
  }
  std::vector<uint64_t> key{kCall, known->second};
  key.insert(key.end(), words.begin(), words.end());
  key.insert(key.end(), operands.begin(), operands.end());
  return number(std::move(key));
}

size_t ContentNumbers::Hash::operator()(const std::vector<uint64_t>& key) const {
  uint64_t h = key.size();
  for (const uint64_t v : key) {
    h = (h ^ v) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  return h;
}

void ContentRun::end_region() {
  for (auto& [id, content] : storages_) {
    const auto was = before_.find(id);
    const ContentNumber skipped = was == before_.end() ? 0 : was->second.number;
    if (content.number == skipped) continue;
    content.number = numbers_.skippable(region_, content.number, skipped);
  }
  region_ = 0;
  before_.clear();
}

std::string ContentRun::call(const LoweredCall& c, std::span<const StorageId> ids,
                             std::span<const uint64_t> words) {
  if (c.signature.op == "moai::skip_if") {
    if (region_) return "a region that may be skipped begins in another one";
    region_ = numbers_.call(c.signature, {}, {storages_.at(ids[0]).number});
    before_ = storages_;
    return {};
  }
  if (c.signature.op == "moai::skip_end") {
    if (region_) end_region();
    return {};
  }
  if (!c.parts) return one(c.signature, {ids.begin(), ids.end()}, {words.begin(), words.end()});
  for (const ops::ListCallPart& part : *c.parts) {
    std::vector<StorageId> of_part;
    std::vector<uint64_t> of_words;
    for (const uint32_t i : part.operands) of_part.push_back(ids[i]);
    for (const uint32_t i : part.fresh) of_part.push_back(ids[c.operands + i]);
    for (const uint32_t i : part.words) of_words.push_back(words[i]);
    if (std::string what = one(part.signature, of_part, of_words); !what.empty()) return what;
  }
  return {};
}

bool ContentRun::covers(StorageId id, const Geometry& g) const {
  const uint64_t bytes = storages_.at(id).bytes;
  return bytes != 0 && g.offset == 0 && tensor::is_contiguous(g) &&
         static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype) == bytes;
}

std::string ContentRun::one(const ops::CallSignature& s, const std::vector<StorageId>& ids,
                            const std::vector<uint64_t>& words) {
  const auto tensors = ops::tensor_operands(s);
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (ids[i] == 0) continue;
    const uint64_t bytes = storages_.at(ids[i]).bytes;
    const auto needed = static_cast<uint64_t>(tensor::storage_bytes(tensors[i]->geometry));
    if (bytes != 0 && needed > bytes) return "s" + std::to_string(ids[i]) + " is too small";
  }
  if (words.empty() && (reduce(s, ids) || copy(s, ids))) return {};
  const std::vector<bool> filled = ops::filled_operands(s);
  std::vector<ContentNumber> read;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const bool overwritten = ids[i] != 0 && filled[i] && covers(ids[i], tensors[i]->geometry);
    read.push_back(ids[i] == 0 || overwritten ? 0 : storages_.at(ids[i]).number);
  }
  const ContentNumber call = numbers_.call(s, words, read);
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (ids[i] != 0 && tensors[i]->written) {
      storages_.at(ids[i]).number = numbers_.written(call, i);
    }
  }
  size_t at = tensors.size(), number = 0;
  for (const ops::Result* r : ops::fresh_results(s)) {
    const auto bytes = static_cast<uint64_t>(tensor::storage_bytes(r->geometry));
    if (ids[at] != 0) storages_[ids[at]] = {numbers_.result(call, number), bytes};
    ++at;
    ++number;
  }
  return {};
}

bool ContentRun::reduce(const ops::CallSignature& s, const std::vector<StorageId>& ids) {
  const auto how = reduction_of(s);
  if (!how) return false;
  const auto tensors = ops::tensor_operands(s);
  if (ids[0] == ids[1] || ids.back() != (ids.size() == 3 ? ids[0] : ids[1])) return false;
  if (tensors[0]->geometry != tensors[1]->geometry) return false;
  if (!covers(ids[0], tensors[0]->geometry) || !covers(ids[1], tensors[1]->geometry)) return false;
  Content& sum = storages_.at(ids[0]);
  sum.number = numbers_.reduced(*how, sum.number, storages_.at(ids[1]).number);
  return true;
}

bool ContentRun::copy(const ops::CallSignature& s, const std::vector<StorageId>& ids) {
  const bool clones = s.op == "aten::clone" && s.overload.empty() && s.args.size() == 2 &&
                      s.args[1].kind == ops::ArgKind::kNone && !s.results.empty() &&
                      s.results[0].kind == ops::ResultKind::kFresh;
  const bool copies = s.op == "aten::copy_" && s.overload.empty() && s.args.size() == 3 &&
                      s.args[1].kind == ops::ArgKind::kTensor && s.args[2] == ops::of_bool(false);
  if ((!clones && !copies) || ids.size() != 2 || ids[0] == 0 || ids[1] == 0) return false;
  const Geometry& from = s.args[clones ? 0 : 1].geometry;
  const Geometry& to = clones ? s.results[0].geometry : s.args[0].geometry;
  const StorageId from_id = ids[clones ? 0 : 1], to_id = ids[clones ? 1 : 0];
  if (from.dtype != to.dtype || from.sizes != to.sizes || from_id == to_id) return false;
  if (clones) {
    if (to.offset != 0 || !tensor::is_contiguous(to)) return false;
    put(to_id, {0, static_cast<uint64_t>(tensor::storage_bytes(to))});
  }
  const ContentNumber source = storages_.at(from_id).number;
  if (covers(to_id, to)) {
    at(to_id).number = covers(from_id, from) ? source : numbers_.copied(source, from);
    return true;
  }
  // A part of a whole, [outer, size, inner] in [outer, n, inner].
  if (to.sizes.size() != 3 || !tensor::is_contiguous(from)) return false;
  const int64_t outer = to.sizes[0], size = to.sizes[1], inner = to.sizes[2];
  if (inner < 1 || to.strides[2] != 1 || to.strides[1] != inner) return false;
  if (to.strides[0] % inner != 0 || to.strides[0] / inner < size) return false;
  const int64_t n = to.strides[0] / inner;
  ContentWhole w{.outer = outer, .n = n, .inner = inner, .base = at(to_id).number};
  if (const auto before = numbers_.parts_of(w.base)) {
    if (before->outer == outer && before->n == n && before->inner == inner) w = *before;
  }
  w.parts.push_back({to.offset, size, source, from.offset});
  std::ranges::sort(w.parts);
  int64_t all = 0;
  for (size_t i = 0; i < w.parts.size(); ++i) {
    all += w.parts[i].size;
    const bool overlaps =
        i > 0 && w.parts[i - 1].offset + w.parts[i - 1].size * inner > w.parts[i].offset;
    if (overlaps) return false;
  }
  const auto bytes = static_cast<uint64_t>(outer * n * inner) * tensor::dtype_size(to.dtype);
  if (all == n && bytes == at(to_id).bytes) w.base = 0;
  at(to_id).number = numbers_.whole(std::move(w));
  return true;
}

}  // namespace moai::compiler

#include "moai/compiler/cost/call_work.h"

#include <algorithm>
#include <limits>
#include <string_view>

#include "moai/compiler/cost/product_work.h"
#include "moai/ops/facts.h"

namespace moai::compiler::cost {
namespace {

using ops::Arg;
using ops::ArgKind;
using ops::CallSignature;
using ops::Result;
using ops::ResultKind;

constexpr std::string_view kMakesStorageOnly[] = {
    "empty",     "empty_like",        "empty_permuted", "empty_strided",
    "new_empty", "new_empty_strided", "resize",         "set",
};

// What they write in place was not read before.
constexpr std::string_view kOverwrite[] = {
    "bernoulli",  "cauchy", "copy",   "exponential", "fill", "geometric",
    "log_normal", "normal", "random", "uniform",     "zero",
};

// Read only where the result comes from: argument 0.
constexpr std::string_view kLookups[] = {
    "_unsafe_index", "embedding", "gather", "index", "index_select", "take", "take_along_dim",
};

// Written in place only where argument `source` goes.
struct Update {
  std::string_view base;
  size_t source;
};
constexpr Update kUpdates[] = {
    {"_index_put_impl", 2}, {"index_add", 3},    {"index_copy", 3},
    {"index_put", 2},       {"index_reduce", 3}, {"put", 2},
    {"scatter", 3},         {"scatter_add", 3},  {"scatter_reduce", 3},
};

static_assert(std::ranges::is_sorted(kMakesStorageOnly) && std::ranges::is_sorted(kOverwrite) &&
              std::ranges::is_sorted(kLookups) &&
              std::ranges::is_sorted(kUpdates, {}, &Update::base));

struct Bytes {
  int64_t read = 0;
  int64_t written = 0;
};

void add_argument(const Arg& arg, bool is_read, Bytes* bytes) {
  for (const Arg& item : arg.items) add_argument(item, is_read, bytes);
  if (arg.kind != ArgKind::kTensor) return;
  const int64_t touched = touched_bytes(arg.geometry);
  if (!arg.written || is_read) bytes->read += touched;
  if (arg.written) bytes->written += touched;
}

int64_t fresh_bytes(const Result& result) {
  int64_t bytes = result.kind == ResultKind::kFresh ? touched_bytes(result.geometry) : 0;
  for (const Result& item : result.items) bytes += fresh_bytes(item);
  return bytes;
}

// Results that the call writes into arguments count where the arguments do.
int64_t result_bytes(const CallSignature& s) {
  int64_t bytes = 0;
  for (const Result& result : s.results) bytes += fresh_bytes(result);
  return bytes;
}

// Whether what the call writes was read before: not by out variants.
bool reads_what_it_writes(const CallSignature& s, std::string_view base) {
  if (s.op.ends_with('_')) return !std::ranges::binary_search(kOverwrite, base);
  const ops::OpFacts* facts = ops::op_facts(s.op, s.overload);
  return facts && !facts->writes[0].empty();
}

int64_t argument_bytes(const CallSignature& s, size_t i) {
  if (i >= s.args.size()) return 0;
  Bytes bytes;
  add_argument(s.args[i], true, &bytes);
  return bytes.read;
}

// Of a table that is indexed, no more than the elements that take part.
void count_indexed(const CallSignature& s, std::string_view base, Bytes* bytes) {
  if (s.args.empty()) return;
  const int64_t whole = argument_bytes(s, 0);
  if (std::ranges::binary_search(kLookups, base)) {
    const int64_t results = bytes->written;
    if (!s.args[0].written) bytes->read += std::min(results, whole) - whole;
    return;
  }
  const auto* row = std::ranges::lower_bound(kUpdates, base, {}, &Update::base);
  const bool updates = row != std::end(kUpdates) && row->base == base && s.args[0].written;
  if (!updates) return;
  const int64_t source = argument_bytes(s, row->source);
  // A scalar source says nothing about how much it fills.
  if (source == 0) return;
  const int64_t part = std::min(source, whole) - whole;
  bytes->read += part;
  bytes->written += part;
}

std::string_view base_name(std::string_view op) {
  const size_t colons = op.rfind("::");
  if (colons != std::string_view::npos) op.remove_prefix(colons + 2);
  if (op.ends_with('_')) op.remove_suffix(1);
  return op;
}

}  // namespace

int64_t touched_bytes(const tensor::Geometry& g) {
  if (g.flags & tensor::Geometry::kHost) return 0;
  int64_t distinct = 1;
  int64_t extent = 1;  // of overlapping windows
  for (size_t d = 0; d < g.sizes.size(); ++d) {
    if (g.sizes[d] == 0) return 0;
    if (g.strides[d] == 0) continue;
    // Windows that overlap may have more elements than there are numbers.
    if (__builtin_mul_overflow(distinct, g.sizes[d], &distinct)) {
      distinct = std::numeric_limits<int64_t>::max();
    }
    extent += (g.sizes[d] - 1) * g.strides[d];
  }
  return std::min(distinct, extent) * static_cast<int64_t>(tensor::dtype_size(g.dtype));
}

CallWork call_work(const CallSignature& s) {
  CallWork work;
  const std::string_view base = base_name(s.op);
  if (std::ranges::binary_search(kMakesStorageOnly, base)) {
    work.kind = WorkKind::kNothing;
    return work;
  }
  Bytes bytes;
  const bool is_read = reads_what_it_writes(s, base);
  for (const Arg& arg : s.args) add_argument(arg, is_read, &bytes);
  bytes.written += result_bytes(s);
  count_indexed(s, base, &bytes);
  work.bytes_read = bytes.read;
  work.bytes_written = bytes.written;
  count_products(base, s, &work);
  return work;
}

}  // namespace moai::compiler::cost

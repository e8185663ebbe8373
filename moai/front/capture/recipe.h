// Recipe: how to answer a call of a known key: its signature and the shapes of its results.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "moai/front/torch_headers.h"
#include "moai/graph/window.h"

namespace moai::front {

// A tensor as predicted.
struct TensorShape {
  bool defined = false;
  caffe2::TypeMeta dtype;
  std::vector<int64_t> sizes, strides;
  int64_t offset = 0;
  bool conj = false, neg = false;

  static TensorShape of(const at::Tensor& tensor);
  uint64_t storage_bytes() const;
};

struct Recipe {
  enum class Kind : uint8_t { kFresh, kFreshList, kArgument, kView, kViewList, kValue };
  struct Output {
    Kind kind = Kind::kFresh;
    size_t argument = 0;              // kArgument, kView, kViewList
    bool resized = false;             // kArgument: its tensor takes shapes[0] first
    std::vector<TensorShape> shapes;  // kFresh: one
    c10::IValue value;                // kValue
  };
  bool recorded = true;  // false: metadata only, nothing to run
  bool resizes = false;  // some output is resized
  graph::SignatureId signature = 0;
  std::vector<Output> outputs;
};

// Keeps the recipes used most recently. Thread-safe.
class RecipeCache {
 public:
  using Key = std::vector<uint64_t>;
  explicit RecipeCache(size_t capacity) : capacity_(capacity) {}

  // shared_ptr: a recipe may be evicted by another thread while it is followed.
  std::shared_ptr<const Recipe> find(const Key& key);
  void insert(const Key& key, std::shared_ptr<const Recipe> recipe);
  void clear();

  struct Counters {
    uint64_t hits = 0, misses = 0, size = 0;
  };
  Counters counters() const;

 private:
  struct Hash {
    size_t operator()(const Key& key) const;
  };
  using Generation = std::unordered_map<Key, std::shared_ptr<const Recipe>, Hash>;
  void add(const Key& key, std::shared_ptr<const Recipe> recipe);

  const size_t capacity_;
  mutable std::mutex mutex_;
  // What was used since the last turn, and before it; an entry dies when it was in no use for a
  // whole generation.
  Generation young_, old_;  // guarded by mutex_
  Counters counters_;       // guarded by mutex_
};

}  // namespace moai::front

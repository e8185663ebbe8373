// ContentNumbers: what storages hold, as numbers that are equal where the contents must be.
//
// A number stands for how a content came about: by which call of which contents. The few calls that
// stand for a collective are numbered by what they do, not by how: a sum by its items in any order,
// a whole by its parts. What is made where it may be skipped has another number than elsewhere.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "moai/compiler/verify/lowered_calls.h"
#include "moai/tensor/reduction.h"

namespace moai::compiler {

using ContentNumber = uint64_t;

// One part of a whole [outer, n, inner], from `offset` elements on.
struct ContentPart {
  int64_t offset = 0, size = 0;
  ContentNumber content = 0;
  int64_t from = 0;  // the element at which it begins in its own storage

  auto operator<=>(const ContentPart&) const = default;
};
struct ContentWhole {
  int64_t outer = 1, n = 1, inner = 1;
  ContentNumber base = 0;  // what is around the parts; 0 where nothing is
  std::vector<ContentPart> parts{};
};

class ContentNumbers {
 public:
  ContentNumber initial(graph::StorageId id) { return number({kInitial, id}); }
  // Of what was there, a micro-batch's part.
  ContentNumber initial_part(graph::StorageId id, int k) {
    return number({kPart, id, static_cast<uint64_t>(k)});
  }
  ContentNumber undefined() { return number({kUndefined}); }
  // Of two contents alike, or of sums of such.
  ContentNumber reduced(tensor::Reduction how, ContentNumber a, ContentNumber b);
  // Of a content from which these elements were copied to the beginning of a storage of their own.
  ContentNumber copied(ContentNumber from, const tensor::Geometry& elements);
  ContentNumber whole(ContentWhole w);
  // What a part was added to; nothing where the content is no such whole.
  std::optional<ContentWhole> parts_of(ContentNumber content) const;
  // The signature stays where it is.
  ContentNumber call(const ops::CallSignature& s, const std::vector<uint64_t>& words,
                     const std::vector<ContentNumber>& operands);
  ContentNumber result(ContentNumber call, size_t i) { return number({kResult, call, i}); }
  ContentNumber written(ContentNumber call, size_t i) { return number({kWritten, call, i}); }
  // The first, or the second where what `region` says is not zero.
  ContentNumber skippable(ContentNumber region, ContentNumber ran, ContentNumber skipped) {
    return number({kSkippable, region, ran, skipped});
  }

 private:
  enum Kind : uint64_t {
    kInitial = 1,
    kPart,
    kUndefined,
    kReduced,
    kCopied,
    kWhole,
    kCall,
    kResult,
    kWritten,
    kSkippable,
  };
  ContentNumber number(std::vector<uint64_t> key);

  struct Hash {
    size_t operator()(const std::vector<uint64_t>& key) const;
  };
  std::unordered_map<std::vector<uint64_t>, ContentNumber, Hash> numbers_;
  std::vector<const std::vector<uint64_t>*> keys_;  // by number - 1
  std::unordered_map<std::string, uint64_t> calls_;
  std::unordered_map<const ops::CallSignature*, uint64_t> known_calls_;
};

// The storages of one run, with what they hold.
class ContentRun {
 public:
  struct Content {
    ContentNumber number = 0;
    uint64_t bytes = 0;  // 0: not known
  };
  explicit ContentRun(ContentNumbers* numbers) : numbers_(*numbers) {}

  bool has(graph::StorageId id) const { return storages_.contains(id); }
  Content& at(graph::StorageId id) { return storages_.at(id); }
  void put(graph::StorageId id, Content c) { storages_[id] = c; }
  // What was there from the beginning, and is used now.
  void meet(graph::StorageId id, ContentNumber initial) {
    put(id, {initial, 0});
    if (region_) before_[id] = {initial, 0};
  }
  void free(graph::StorageId id) { storages_.erase(id); }
  const std::unordered_map<graph::StorageId, Content>& storages() const { return storages_; }

  // Runs the call; what is wrong with it, empty where nothing is. Its operands exist.
  std::string call(const LoweredCall& c, std::span<const graph::StorageId> ids,
                   std::span<const uint64_t> words);

 private:
  // What the calls of a region make is kept beside what there is without them.
  void end_region();
  std::string one(const ops::CallSignature& s, const std::vector<graph::StorageId>& ids,
                  const std::vector<uint64_t>& words);
  bool reduce(const ops::CallSignature& s, const std::vector<graph::StorageId>& ids);
  bool copy(const ops::CallSignature& s, const std::vector<graph::StorageId>& ids);
  bool covers(graph::StorageId id, const tensor::Geometry& g) const;

  ContentNumbers& numbers_;
  std::unordered_map<graph::StorageId, Content> storages_;
  std::unordered_map<graph::StorageId, Content> before_;  // the region, where there is one
  ContentNumber region_ = 0;
};

}  // namespace moai::compiler

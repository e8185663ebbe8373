// Parts: how shares of several tensors lie while they travel: rank by rank, in each rank's part all
// tensors one after the other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "moai/tensor/along.h"

namespace moai::worker {

class Parts {
 public:
  // Cut along the dimension that `whole` is about; a share for each rank, the same number of them
  // for every tensor.
  struct Tensor {
    tensor::Along whole{};
    std::vector<int64_t> shares{};
  };
  explicit Parts(std::vector<Tensor> tensors);

  // Of each rank's part, of all of them, and of all before one.
  std::span<const size_t> bytes() const { return bytes_; }
  size_t total() const { return begins_.back(); }
  size_t begin(size_t rank) const { return begins_[rank]; }
  // Where the share of a tensor lies in all parts, and how many bytes it has.
  size_t begin(size_t rank, size_t tensor) const;
  size_t share_bytes(size_t rank, size_t tensor) const;

  size_t whole_bytes(size_t tensor) const {
    return static_cast<size_t>(tensors_[tensor].whole.bytes());
  }
  // Whether each share is one run of bytes of the whole, in the order of ranks.
  bool in_runs(size_t tensor) const { return tensors_[tensor].whole.outer == 1; }
  // The largest of those that are not; 0 where all are.
  size_t strided_bytes_max() const;
  // From a whole tensor to where its shares lie, and back.
  void pack(size_t tensor, const char* whole, char* parts) const;
  void unpack(size_t tensor, const char* parts, char* whole) const;

 private:
  std::vector<Tensor> tensors_;
  std::vector<size_t> bytes_;   // by rank
  std::vector<size_t> begins_;  // by rank, then the end
};

}  // namespace moai::worker

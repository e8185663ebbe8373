#include "moai/worker/collective/parts.h"

#include <algorithm>
#include <utility>

namespace moai::worker {

Parts::Parts(std::vector<Tensor> tensors)
    : tensors_(std::move(tensors)), bytes_(tensors_.at(0).shares.size()), begins_(1) {
  for (size_t rank = 0; rank < bytes_.size(); ++rank) {
    for (size_t i = 0; i < tensors_.size(); ++i) bytes_[rank] += share_bytes(rank, i);
    begins_.push_back(begins_.back() + bytes_[rank]);
  }
}

size_t Parts::share_bytes(size_t rank, size_t tensor) const {
  const Tensor& t = tensors_[tensor];
  return static_cast<size_t>(t.whole.with_size(t.shares[rank]).bytes());
}

size_t Parts::begin(size_t rank, size_t tensor) const {
  size_t at = begins_[rank];
  for (size_t i = 0; i < tensor; ++i) at += share_bytes(rank, i);
  return at;
}

size_t Parts::strided_bytes_max() const {
  size_t most = 0;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    if (!in_runs(i)) most = std::max(most, whole_bytes(i));
  }
  return most;
}

void Parts::pack(size_t tensor, const char* whole, char* parts) const {
  const auto& [along, shares] = tensors_[tensor];
  int64_t at = 0;
  for (size_t rank = 0; rank < shares.size(); at += shares[rank++]) {
    tensor::copy_along(whole, along, at, shares[rank], parts + begin(rank, tensor),
                       along.with_size(shares[rank]), 0);
  }
}

void Parts::unpack(size_t tensor, const char* parts, char* whole) const {
  const auto& [along, shares] = tensors_[tensor];
  int64_t at = 0;
  for (size_t rank = 0; rank < shares.size(); at += shares[rank++]) {
    tensor::copy_along(parts + begin(rank, tensor), along.with_size(shares[rank]), 0, shares[rank],
                       whole, along, at);
  }
}

}  // namespace moai::worker

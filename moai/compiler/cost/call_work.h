// CallWork: what an operator call computes and moves, counted from its signature alone.
//
// FLOPs are the multiplications and additions of products, convolutions and attention; everything
// else counts none and is priced by its bytes, operators without a row too. Bytes are those of the
// elements that the call touches: an expanded operand counts once, a table that is indexed counts
// the rows that are looked up, what is only overwritten is not read.
#pragma once

#include <cstdint>

#include "moai/ops/call.h"

namespace moai::compiler::cost {

enum class WorkKind : uint8_t {
  kNothing = 0,  // makes storage without touching it
  kMemory = 1,
  kProduct = 2,  // a product of matrices, or a convolution seen as one
  kAttention = 3,
};

// `batch` times [m,k]·[k,n].
struct Product {
  int64_t batch = 1;
  int64_t m = 1;
  int64_t n = 1;
  int64_t k = 1;

  bool operator==(const Product&) const = default;
};

struct CallWork {
  WorkKind kind = WorkKind::kMemory;
  tensor::DType dtype = tensor::DType::kFloat32;  // of what is multiplied
  double flops = 0;
  int64_t bytes_read = 0;
  int64_t bytes_written = 0;
  Product product{};  // with kProduct; `flops` are those of `products` of them
  int products = 1;
};

CallWork call_work(const ops::CallSignature& s);

// Bytes of the elements that a geometry names, each once.
int64_t touched_bytes(const tensor::Geometry& g);

}  // namespace moai::compiler::cost

// Outputs: the tensors that a call returns, before anything was computed.
#pragma once

#include "moai/front/capture/recipe.h"
#include "moai/front/capture/scan.h"
#include "moai/graph/window.h"

namespace moai::front {

// A tensor with a storage of its own, not yet known to the driver; undefined if the shape is.
at::Tensor make_tensor(const TensorShape& shape);
// The same over a storage that the Worker made.
at::Tensor adopt_tensor(const TensorShape& shape, graph::StorageId id, uint64_t storage_bytes);
at::Tensor make_view(const at::Tensor& base, const TensorShape& shape);
// Gives `tensor` another shape in its own storage, which grows as needed.
void reshape_in_place(const at::Tensor& tensor, const TensorShape& shape);

// Appends the storages of the fresh tensors in `outputs`, from now on known to the driver.
void append_fresh(const Recipe& recipe, Arguments outputs, std::vector<graph::StorageId>* storages);

}  // namespace moai::front

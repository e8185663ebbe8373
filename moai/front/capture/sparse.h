// Sparse tensors of the device: index and value tensors of the device, arranged by torch's own code
// or, where that reads memory by pointer, by compositions of recorded operators.
//
// Creation, conversion, arithmetic by values, sums and products with dense matrices work in COO and
// CSR; everything else of these layouts raises NotImplementedError.
#pragma once

namespace moai::front {

// Once, with the other kernels of the device.
void register_sparse();

}  // namespace moai::front

#include "moai/front/capture/sparse.h"

#include "moai/front/device/device_type.h"
#include "moai/front/torch_headers.h"

namespace moai::front {
namespace {

using at::Tensor;
using c10::DispatchKey;

// Runs torch's kernel for the layout on the CPU, which for these operators only calls operators on
// the parts.
template <DispatchKey kFrom>
void run_generic(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  op.callBoxedForDispatchKey(kFrom, *stack);
}

constexpr const char* kGenericCoo[] = {"_sparse_coo_tensor_with_dims_and_tensors",
                                       "_sparse_coo_tensor_with_dims",
                                       "empty.memory_format",
                                       "empty_like",
                                       "zeros.out",
                                       "sparse_dim",
                                       "dense_dim",
                                       "_dimI",
                                       "_dimV",
                                       "_nnz",
                                       "is_coalesced",
                                       "_indices",
                                       "_values",
                                       "indices",
                                       "values",
                                       "_coalesced_",
                                       "sparse_resize_",
                                       "sparse_resize_and_clear_",
                                       "resize_as_sparse_",
                                       "copy_",
                                       "copy_sparse_to_sparse_",
                                       "clone",
                                       "_to_dense",
                                       "_to_sparse",
                                       "_to_sparse.sparse_dim",
                                       "_to_sparse_csr",
                                       "permute",
                                       "unsqueeze",
                                       "narrow_copy",
                                       "cat",
                                       "add.Tensor",
                                       "add_.Tensor",
                                       "sub.Tensor",
                                       "sub_.Tensor",
                                       "sub.out",
                                       "mul.Tensor",
                                       "mul_.Tensor",
                                       "div.Tensor",
                                       "div_.Tensor",
                                       "div.out",
                                       "neg",
                                       "neg.out",
                                       "neg_",
                                       "sum",
                                       "sum.dim_IntList",
                                       "native_norm",
                                       "native_norm.ScalarOpt_dim_dtype",
                                       "norm.ScalarOpt_dim",
                                       "norm.ScalarOpt_dim_dtype",
                                       "any",
                                       "isnan",
                                       "zero_",
                                       "mm",
                                       "mm.out",

                                       "pow.Tensor_Scalar",
                                       "pow.Tensor_Scalar_out",
                                       "is_pinned",
                                       "mv",
                                       "view_as_real",
                                       "view_as_complex"};
constexpr const char* kGenericCsr[] = {"crow_indices",
                                       "col_indices",
                                       "ccol_indices",
                                       "row_indices",
                                       "values",
                                       "_nnz",
                                       "sparse_dim",
                                       "dense_dim",
                                       "clone",
                                       "copy_",
                                       "empty_like",
                                       "empty.memory_format",
                                       "resize_as_sparse_",
                                       "_to_sparse",
                                       "_to_sparse.sparse_dim",
                                       "_to_sparse_csr",
                                       "mul.Scalar",
                                       "mul_.Scalar",
                                       "isnan",
                                       "zero_",
                                       "is_pinned"};
// In place, functional and out= where torch has them, for both layouts: they change values only.
constexpr const char* kUnary[] = {
    "abs",    "asin",          "asinh", "atan",     "atanh",    "ceil",   "deg2rad", "erf",
    "erfinv", "expm1",         "floor", "frac",     "log1p",    "neg",    "rad2deg", "relu",
    "round",  "sgn",           "sign",  "sin",      "sinh",     "sqrt",   "tan",     "tanh",
    "trunc",  "conj_physical", "isinf", "isneginf", "isposinf", "signbit"};
// Of dense tensors: they make sparse ones.
constexpr const char* kGenericDense[] = {"_to_sparse", "_to_sparse.sparse_dim", "_to_sparse_csr",
                                         "_embedding_bag_backward"};

Tensor make_coo(const Tensor& like, const Tensor& indices, const Tensor& values) {
  return at::_sparse_coo_tensor_with_dims_and_tensors(like.sparse_dim(), like.dense_dim(),
                                                      like.sizes(), indices, values,
                                                      values.options().layout(at::kSparse));
}

// Positions of the entries in the flattened sparse dimensions.
Tensor flatten_indices(const Tensor& sparse) {
  const Tensor indices = sparse._indices();
  if (sparse.sparse_dim() == 1) return indices[0];
  Tensor flat = at::zeros({sparse._nnz()}, indices.options());
  for (int64_t d = 0; d < sparse.sparse_dim(); ++d) {
    flat = flat.mul(sparse.size(d)).add(indices[d]);
  }
  return flat;
}

// Rows of the index matrix from positions in the flattened sparse dimensions.
Tensor unflatten_indices(Tensor flat, at::IntArrayRef sizes) {
  std::vector<Tensor> rows(sizes.size());
  for (size_t d = sizes.size(); d-- > 0;) {
    rows[d] = d == 0 ? flat : flat.remainder(sizes[d]);
    if (d != 0) flat = flat.div(sizes[d], "floor");
  }
  if (rows.empty()) return at::zeros({0, flat.size(0)}, flat.options());
  return at::stack(rows);
}

Tensor coalesce(const Tensor& self) {
  if (self._nnz() < 2) {
    Tensor result = make_coo(self, self._indices(), self._values());
    return result._coalesced_(true);
  }
  const at::IntArrayRef sizes = self.sizes().slice(0, self.sparse_dim());
  const auto [unique, inverse, counts] = at::_unique2(flatten_indices(self), true, true, false);
  const Tensor values = self._values();
  std::vector<int64_t> shape = values.sizes().vec();
  shape[0] = unique.size(0);
  const Tensor sums = at::zeros(shape, values.options()).index_add_(0, inverse, values);
  return make_coo(self, unflatten_indices(unique, sizes), sums)._coalesced_(true);
}

c10::List<std::optional<Tensor>> rows_of(const Tensor& sparse) {
  c10::List<std::optional<Tensor>> rows;
  for (const Tensor& row : sparse._indices().unbind(0)) rows.push_back(row);
  return rows;
}

// dense[indices]; one tensor without dimensions has no index.
Tensor entries_of(const Tensor& dense, const Tensor& sparse) {
  if (sparse.sparse_dim() == 0) return dense.expand(sparse._values().sizes()).clone();
  return dense.index(rows_of(sparse));
}

// dense[indices] += alpha * values, in place.
void add_to_dense(const Tensor& dense, const Tensor& sparse, const at::Scalar& alpha) {
  if (sparse._nnz() == 0) return;
  const Tensor values = sparse._values().to(dense.scalar_type()).mul(alpha);
  if (sparse.sparse_dim() == 0) {
    dense.add_(values.sum(0));
  } else {
    dense.index_put_(rows_of(sparse), values, true);
  }
}

Tensor& add_out(const Tensor& self, const Tensor& other, const at::Scalar& alpha, Tensor& out) {
  if (!self.is_sparse()) {
    TORCH_CHECK(self.sizes() == other.sizes(),
                "add: expected 'self' and 'other' to have same size,"
                " but self has size ",
                self.sizes(), " while other has size ", other.sizes(),
                " (FYI: dense-sparse addition does not currently support broadcasting)");
    if (!out.is_same(self)) out.resize_(self.sizes()).copy_(self);
    add_to_dense(out, other, alpha);
    return out;
  }
  TORCH_CHECK(other.is_sparse(),
              "add(sparse, dense) is not supported. Use add(dense, sparse) "
              "instead.");
  TORCH_CHECK(self.sizes() == other.sizes(), "add: expected sizes of 'self' and 'other' to match, ",
              "but ", self.sizes(), " != ", other.sizes());
  const auto type = at::result_type(self, other);
  const Tensor values = at::cat({self._values().to(type), other._values().to(type).mul(alpha)});
  const Tensor sum = make_coo(self, at::cat({self._indices(), other._indices()}, 1), values);
  return out.copy_(self.is_coalesced() && other.is_coalesced() ? sum.coalesce() : sum);
}

// Values of `sparse`, which is coalesced, where `mask` has some; zero where `sparse` has none.
Tensor values_at(const Tensor& sparse, const Tensor& mask) {
  const Tensor have = flatten_indices(sparse);
  const Tensor want = flatten_indices(mask);
  const Tensor place = at::searchsorted(have, want).clamp_max(have.numel() - 1);
  Tensor found = have.index_select(0, place).eq(want);
  const Tensor values = sparse._values().index_select(0, place);
  while (found.dim() < values.dim()) found = found.unsqueeze(-1);
  return at::where(found, values, at::zeros({}, values.options()));
}

Tensor sparse_mask(const Tensor& self, const Tensor& mask) {
  TORCH_CHECK(self.sizes() == mask.sizes(), "sparse_mask(): operands have incompatible sizes; ",
              "self has size ", self.sizes(), " but mask has size ", mask.sizes());
  Tensor values = at::zeros_like(mask._values(), self.options().layout(at::kStrided));
  if (mask._nnz() != 0 && !self.is_sparse()) values = entries_of(self, mask);
  if (mask._nnz() != 0 && self.is_sparse() && self._nnz() != 0) {
    values = values_at(self.coalesce(), mask);
  }
  return make_coo(mask, mask._indices(), values)._coalesced_(mask.is_coalesced());
}

Tensor& mul_out(const Tensor& a, const Tensor& b, Tensor& out) {
  const auto type = at::result_type(a, b);
  if (a.is_sparse() && b.is_sparse()) {
    TORCH_CHECK(a.sizes() == b.sizes(),
                "mul: expected 'self' and 'other' to have same sizes when "
                "both are sparse, but ",
                a.sizes(), " != ", b.sizes());
    const Tensor x = a.coalesce(), y = b.coalesce();
    if (x._nnz() == 0 || y._nnz() == 0) return out.zero_();
    const Tensor values = x._values().to(type).mul(values_at(y, x).to(type));
    return out.copy_(make_coo(x, x._indices(), values)._coalesced_(true));
  }
  const Tensor& sparse = a.is_sparse() ? a : b;
  const Tensor& dense = a.is_sparse() ? b : a;
  TORCH_CHECK_NOT_IMPLEMENTED(dense.dim() == 0 || dense.sizes() == sparse.sizes(),
                              "mul(sparse, dense): broadcasting is not supported on the device");
  const Tensor x = sparse.coalesce();
  const Tensor factor = dense.dim() == 0 ? dense : dense.sparse_mask(x)._values();
  const Tensor values = x._values().to(type).mul(factor.to(type));
  return out.copy_(make_coo(x, x._indices(), values)._coalesced_(true));
}

// beta * self + alpha * A @ dense, A by its entries.
Tensor product(const Tensor& self, const Tensor& rows, const Tensor& columns, const Tensor& values,
               int64_t height, const Tensor& dense, const at::Scalar& beta,
               const at::Scalar& alpha) {
  Tensor result = self.expand({height, dense.size(1)});
  result = beta.toComplexDouble() == 0. ? at::zeros(result.sizes(), dense.options())
                                        : result.mul(beta).contiguous();
  const Tensor terms = dense.index_select(0, columns).mul(values.unsqueeze(1)).mul(alpha);
  return result.index_add_(0, rows, terms);
}

void check_product(const Tensor& sparse, const Tensor& dense) {
  TORCH_CHECK(sparse.dim() == 2 && dense.dim() == 2, "addmm: matrices expected, got ", sparse.dim(),
              "D and ", dense.dim(), "D tensors");
  TORCH_CHECK(sparse.size(1) == dense.size(0), "mat1 and mat2 shapes cannot be multiplied (",
              sparse.size(0), "x", sparse.size(1), " and ", dense.size(0), "x", dense.size(1), ")");
}

Tensor addmm_coo(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const at::Scalar& beta,
                 const at::Scalar& alpha) {
  TORCH_CHECK_NOT_IMPLEMENTED(
      mat1.is_sparse() && mat2.layout() == at::kStrided && mat1.dense_dim() == 0,
      "addmm: only sparse by dense is supported on the device");
  check_product(mat1, mat2);
  const Tensor indices = mat1._indices();
  return product(self, indices[0], indices[1], mat1._values(), mat1.size(0), mat2, beta, alpha);
}

Tensor addmm_csr(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const at::Scalar& beta,
                 const at::Scalar& alpha) {
  TORCH_CHECK_NOT_IMPLEMENTED(mat1.layout() == at::kSparseCsr && mat2.layout() == at::kStrided,
                              "addmm: only CSR by dense is supported on the device");
  check_product(mat1, mat2);
  const Tensor columns = mat1.col_indices();
  const Tensor rows = at::_convert_indices_from_csr_to_coo(mat1.crow_indices(), columns)[0];
  return product(self, rows, columns, mat1.values(), mat1.size(0), mat2, beta, alpha);
}

template <auto kProduct>
Tensor& addmm_out(const Tensor& self, const Tensor& mat1, const Tensor& mat2,
                  const at::Scalar& beta, const at::Scalar& alpha, Tensor& out) {
  const Tensor result = kProduct(self, mat1, mat2, beta, alpha);
  return out.resize_(result.sizes()).copy_(result);
}

Tensor mm_csr(const Tensor& self, const Tensor& mat2) {
  return addmm_csr(at::zeros({}, mat2.options()), self, mat2, 0, 1);
}

Tensor csr_to_dense(const Tensor& self, std::optional<at::ScalarType> dtype, std::optional<bool>) {
  TORCH_CHECK_NOT_IMPLEMENTED(self.layout() == at::kSparseCsr && self.dim() == 2,
                              "to_dense: only CSR matrices are supported on the device");
  const Tensor columns = self.col_indices(), values = self.values();
  const Tensor rows = at::_convert_indices_from_csr_to_coo(self.crow_indices(), columns)[0];
  Tensor dense = at::zeros(self.sizes(), values.options());
  dense.index_put_({rows, columns}, values);
  return dtype ? dense.to(*dtype) : dense;
}

template <DispatchKey kFrom>
void register_generic(torch::Library& aten, const std::string& name) {
  const auto op = c10::Dispatcher::singleton().findSchema(
      {"aten::" + name.substr(0, name.find('.')),
       name.find('.') == name.npos ? "" : name.substr(name.find('.') + 1)});
  if (!op || !op->hasKernelForDispatchKey(kFrom)) return;
  aten.impl(name.c_str(), torch::CppFunction::makeFromBoxedFunction<&run_generic<kFrom>>());
}

template <DispatchKey kFrom>
void register_unary(torch::Library& aten) {
  for (const std::string name : kUnary) {
    for (const std::string& form : {name, name + "_", name + ".out"}) {
      if (form.starts_with("neg") && kFrom == DispatchKey::SparseCPU) continue;  // listed already
      register_generic<kFrom>(aten, form);
    }
  }
}

torch::Library& library(DispatchKey key) {
  return *new torch::Library(torch::Library::IMPL, "aten", key, __FILE__, __LINE__);
}

}  // namespace

void register_sparse() {
  torch::Library& coo = library(device_kind().sparse);
  for (const char* name : kGenericCoo) register_generic<DispatchKey::SparseCPU>(coo, name);
  register_unary<DispatchKey::SparseCPU>(coo);
  coo.impl("_coalesce", &coalesce);
  coo.impl("sparse_mask", &sparse_mask);
  coo.impl("add.out", &add_out);
  coo.impl("mul.out", &mul_out);
  coo.impl("addmm", &addmm_coo);
  coo.impl("addmm.out", &addmm_out<&addmm_coo>);
  torch::Library& csr = library(device_kind().sparse_csr);
  for (const char* name : kGenericCsr) register_generic<DispatchKey::SparseCsrCPU>(csr, name);
  register_unary<DispatchKey::SparseCsrCPU>(csr);
  csr.impl("_to_dense", &csr_to_dense);
  csr.impl("mm", &mm_csr);
  csr.impl("addmm", &addmm_csr);
  csr.impl("addmm.out", &addmm_out<&addmm_csr>);
  torch::Library& dense = library(device_kind().dense);
  for (const char* name : kGenericDense) register_generic<DispatchKey::CPU>(dense, name);
}

}  // namespace moai::front

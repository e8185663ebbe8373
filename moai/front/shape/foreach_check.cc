#include "moai/front/shape/foreach_check.h"

#include "moai/front/shape/meta_tensor.h"

namespace moai::front::shape {
namespace {

using c10::IValue;

bool is_scalar_list(const IValue& v) {
  return v.isDoubleList() || v.isIntList() || (v.isList() && !v.isTensorList());
}

void check_tensors(c10::ArrayRef<IValue> written, c10::ArrayRef<IValue> others) {
  TORCH_CHECK(written.size() == others.size(),
              "Tensor lists must have the same number of tensors, got ", written.size(), " and ",
              others.size());
  for (size_t i = 0; i < written.size(); ++i) {
    check_fits(written[i].toTensor(), others[i].toTensor());
  }
}

}  // namespace

bool writes_lists(std::string_view name) {
  const std::string_view base = name.substr(0, name.find('.'));
  return base.ends_with('_') &&
         (base.starts_with("aten::_foreach_") || base.starts_with("aten::_fused_") ||
          base.starts_with("aten::_amp_foreach_"));
}

void check_lists(std::string_view name, c10::ArrayRef<IValue> arguments) {
  if (!name.starts_with("aten::_foreach_") || !arguments[0].isTensorList()) return;
  const c10::ArrayRef<IValue> written = arguments[0].toListRef();
  TORCH_CHECK(!written.empty(), "Tensor list must have at least one tensor.");
  for (const IValue& v : arguments.slice(1)) {
    if (v.isTensorList()) {
      check_tensors(written, v.toListRef());
    } else if (is_scalar_list(v)) {
      TORCH_CHECK(written.size() == v.toListRef().size(),
                  "Tensor list must have same number of elements as scalar list.");
    }
  }
}

}  // namespace moai::front::shape

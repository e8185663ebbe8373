#include "moai/front/shape/conformance/calls.h"

#include <ATen/ScalarOps.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "moai/front/shape/inference.h"
#include "moai/front/shape/meta_tensor.h"

namespace moai::front::shape {
namespace {

using c10::IValue;

std::set<std::string> g_dispatched, g_compared;
bool g_inferring = false;

std::unique_ptr<at::ObserverContext> note(const at::RecordFunction& call) {
  if (g_inferring) g_dispatched.insert(call.name());
  return nullptr;
}

// What torch's shape functions may ask of the dispatcher: all of it stays C++ where Python is
// loaded.
const std::set<std::string> kAllowed = {
    "aten::_to_copy",      "aten::as_strided", "aten::as_strided_", "aten::copy_",
    "aten::empty_strided", "aten::expand",     "aten::narrow",      "aten::permute",
    "aten::reshape",       "aten::resize_",    "aten::result_type", "aten::select",
    "aten::slice",         "aten::to",         "aten::view"};

// Speaks when every comparison of the program has been made.
class Totals : public testing::Environment {
 public:
  void TearDown() override {
    std::printf("shape functions of %zu operators compared with CPU kernels\n", g_compared.size());
    for (const std::string& name : g_dispatched) {
      EXPECT_TRUE(kAllowed.contains(name)) << "through the dispatcher: " << name;
    }
  }
};
[[maybe_unused]] testing::Environment* const g_totals =
    testing::AddGlobalTestEnvironment(new Totals);

struct Outcome {
  std::vector<IValue> results;
  std::string error;
};

void erase(const std::string& part, std::string* text) {
  for (size_t at; (at = text->find(part)) != text->npos;) text->erase(at, part.size());
}

// Types are named with their device, and an error that a CPU back end adds to.
void drop_device(std::string* error) {
  error->resize(std::min(error->find("\nException raised"), error->size()));
  for (const char* part :
       {"CPU", "Meta", " or input should be a MKLDNN tensor and weight is a dense tensor",
        " or input should be a MKLDNN tensor and bias is a dense tensor"}) {
    erase(part, error);
  }
}

template <class F>
Outcome outcome_of(const F& run) {
  Outcome outcome;
  try {
    outcome.results = run();
  } catch (const c10::Error& e) {
    outcome.error = e.what_without_backtrace();
    drop_device(&outcome.error);
    if (dynamic_cast<const c10::IndexError*>(&e)) outcome.error += " (IndexError)";
    if (dynamic_cast<const c10::ValueError*>(&e)) outcome.error += " (ValueError)";
  }
  return outcome;
}

// A device tensor of the same geometry; numbers from Python stay on the host.
at::Tensor on_device(const at::Tensor& t) {
  if (!t.defined() || t.unsafeGetTensorImpl()->is_wrapped_number()) return t;
  return fresh(t.sizes(), t.strides(), t.scalar_type());
}

IValue on_device(const IValue& v) {
  if (v.isTensor()) return on_device(v.toTensor());
  if (v.isTensorList()) {
    std::vector<at::Tensor> tensors;
    for (const IValue& item : v.toListRef()) tensors.push_back(on_device(item.toTensor()));
    return tensors;
  }
  if (!v.isList() || v.isIntList() || v.isDoubleList() || v.isBoolList()) return v;
  c10::impl::GenericList items(v.toList().elementType());
  for (const IValue& item : v.toListRef()) items.push_back(on_device(item));
  return items;
}

void fill_defaults(const c10::FunctionSchema& schema, Values* arguments) {
  for (size_t i = arguments->size(); i < schema.arguments().size(); ++i) {
    const auto& value = schema.arguments()[i].default_value();
    TORCH_CHECK(value, schema.name(), " wants an argument ", schema.arguments()[i].name());
    arguments->push_back(*value);
  }
}

std::string describe(const at::Tensor& t) {
  if (!t.defined()) return "undefined";
  return c10::str(t.scalar_type(), t.sizes(), " strides ", t.strides());
}

std::string describe(const IValue& v) {
  if (v.isTensor()) return describe(v.toTensor());
  if (v.isInt()) return std::to_string(v.toInt());
  std::string text;
  if (!v.isTensorList()) return v.tagKind();
  for (const IValue& item : v.toListRef()) text += describe(item.toTensor()) + "; ";
  return text;
}

std::string describe(const Outcome& outcome) {
  if (!outcome.error.empty()) return "raises " + outcome.error;
  std::string text;
  for (const IValue& v : outcome.results) text += describe(v) + " | ";
  return text;
}

// A type that only the device lacks is its own late error.
bool late(const std::string& error) {
  return error.find("not implemented for") != std::string::npos;
}

}  // namespace

std::string difference(const std::string& name, Values arguments) {
  [[maybe_unused]] static const auto observer =
      at::addGlobalCallback(at::RecordFunctionCallback(&note).scopes({at::RecordScope::FUNCTION}));
  g_compared.insert(name);
  const size_t dot = name.find('.');
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(
      name.substr(0, dot).c_str(), dot == name.npos ? "" : name.substr(dot + 1).c_str());
  fill_defaults(op.schema(), &arguments);
  Values given;
  for (const IValue& v : arguments) given.push_back(on_device(v));
  bool keeps = false;
  g_inferring = true;
  const Outcome inferred = outcome_of([&]() -> Values {
    const auto inference = infer(name, op, given);
    TORCH_CHECK(inference, "no shape function");
    keeps = inference->keeps;
    return inference->results;
  });
  g_inferring = false;
  const Values before = keeps ? Values(given.begin(), given.begin() + 1) : Values();
  const Outcome expected = outcome_of([&] {
    torch::jit::Stack stack(arguments.begin(), arguments.end());
    op.callBoxed(&stack);
    return stack;
  });
  if (keeps && expected.results.empty() && expected.error.empty()) return {};
  const std::string made = keeps ? describe(Outcome{before, {}}) : describe(inferred);
  const std::string wanted = describe(expected);
  if (made == wanted || late(expected.error)) return {};
  std::string text = name + "(";
  for (const IValue& v : given) text += describe(v) + ", ";
  return text + ")\n  infers " + made + "\n  kernel " + wanted;
}

at::Tensor plain(at::IntArrayRef sizes, c10::ScalarType type) {
  if (!c10::isFloatingType(type)) return at::ones(sizes, at::TensorOptions().dtype(type));
  return at::rand(sizes, at::kFloat).mul_(0.9).add_(0.05).to(type);
}

at::Tensor transposed(at::IntArrayRef sizes, c10::ScalarType type) {
  std::vector<int64_t> backwards(sizes.rbegin(), sizes.rend()), dims;
  for (size_t d = sizes.size(); d-- > 0;) dims.push_back(static_cast<int64_t>(d));
  return plain(backwards, type).permute(dims);
}

at::Tensor channels_last(at::IntArrayRef sizes, c10::ScalarType type) {
  return plain(sizes, type)
      .contiguous(sizes.size() == 5 ? at::MemoryFormat::ChannelsLast3d
                                    : at::MemoryFormat::ChannelsLast);
}

at::Tensor sliced(at::IntArrayRef sizes, c10::ScalarType type) {
  std::vector<int64_t> wide = sizes.vec();
  wide.back() *= 2;
  return plain(wide, type).slice(-1, 0, wide.back(), 2);
}

at::Tensor expanded(at::IntArrayRef sizes, c10::ScalarType type) {
  return plain(sizes.slice(1), type).unsqueeze(0).expand(sizes);
}

at::Tensor indices(at::IntArrayRef sizes) { return at::zeros(sizes, at::kLong); }

at::Tensor number(double value) {
  at::Tensor t = c10::scalar_to_tensor(value);
  t.unsafeGetTensorImpl()->set_wrapped_number(true);
  return t;
}

}  // namespace moai::front::shape

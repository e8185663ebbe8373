#include "moai/front/capture/capture.h"

#include <ATen/MemoryOverlap.h>

#include "moai/base/profile.h"
#include "moai/front/capture/outputs.h"
#include "moai/front/capture/prediction.h"
#include "moai/front/capture/signature.h"
#include "moai/front/device/captured_graph.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/generator.h"
#include "moai/front/device/script.h"

namespace moai::front {
namespace {

using c10::IValue;
using torch::jit::Stack;

constexpr size_t kRecipesMax = 1 << 15;

Arguments arguments_of(const Operator& op, const Stack& stack) {
  const size_t count = op.arguments.size();
  return Arguments(stack.data() + (stack.size() - count), count);
}

IValue output_value(const Recipe::Output& output, Arguments arguments) {
  switch (output.kind) {
    case Recipe::Kind::kFresh:
      return make_tensor(output.shapes[0]);
    case Recipe::Kind::kArgument:
      return arguments[output.argument];
    case Recipe::Kind::kView:
      return make_view(arguments[output.argument].toTensor(), output.shapes[0]);
    case Recipe::Kind::kValue:
      return output.value;
    default:
      break;
  }
  std::vector<at::Tensor> items;
  for (const TensorShape& shape : output.shapes) {
    items.push_back(output.kind == Recipe::Kind::kViewList
                        ? make_view(arguments[output.argument].toTensor(), shape)
                        : make_tensor(shape));
  }
  return items;
}

void resize_arguments(const Operator& op, const Recipe& recipe, Arguments arguments, Scan* scan) {
  for (const Recipe::Output& output : recipe.outputs) {
    if (!output.resized) continue;
    reshape_in_place(arguments[output.argument].toTensor(), output.shapes[0]);
  }
  const std::vector<uint64_t> key = scan->key;
  scan->clear();
  moai::front::scan(op, arguments, scan);  // storages may have appeared
  scan->key = key;
}

// Few kernels write elements that share memory.
bool writes_overlap(const Operator& op, Arguments arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!op.arguments[i].written || !arguments[i].isTensor()) continue;
    const at::Tensor& t = arguments[i].toTensor();
    if (t.defined() && at::has_internal_overlap(t) == at::MemOverlap::Yes) return true;
  }
  return false;
}

// Makes the recipe of a new key. Null when the Worker must be asked. Arguments are resized already.
std::shared_ptr<const Recipe> prepare(const Operator& op, Arguments arguments, Scan* scan) {
  auto [recipe, refused] = predict(op, arguments);
  if (refused || writes_overlap(op, arguments)) try_out(op, arguments);
  if (!recipe) return nullptr;
  if (recipe->resizes) resize_arguments(op, *recipe, arguments, scan);
  if (recipe->recorded) {
    ops::CallSignature signature = make_signature(op, arguments, recipe.get());
    const ops::Arity arity = ops::arity(signature);
    TORCH_INTERNAL_ASSERT(
        arity.operands == scan->storages.size() && arity.words == scan->words.size(),
        "[front.capture] scan and signature disagree: ", ops::to_string(signature));
    check_sendable(signature);
    recipe->signature = engine().signatures().intern(std::move(signature));
  }
  std::shared_ptr<const Recipe> shared = std::move(recipe);
  recipes().insert(scan->key, shared);
  return shared;
}

void follow(const Operator& op, const Recipe& recipe, Scan* scan, Stack* stack) {
  const Arguments arguments = arguments_of(op, *stack);
  c10::SmallVector<IValue, 4> outputs;
  for (const Recipe::Output& output : recipe.outputs) {
    outputs.push_back(output_value(output, arguments));
  }
  if (recipe.recorded) {
    driver::Driver& driver = engine();
    make_room();
    const std::vector<graph::StorageId> temporaries = complete(scan);
    append_fresh(recipe, outputs, &scan->storages);
    raise_if_error(driver.append(recipe.signature, scan->storages, scan->words, current_line()));
    for (const graph::StorageId id : temporaries) driver.free(id);
  }
  torch::jit::drop(*stack, op.arguments.size());
  for (IValue& output : outputs) stack->push_back(std::move(output));
}

// A captured graph draws at each replay and leaves the generators alone until then.
void draw_at_replay(std::vector<Scan::GeneratorWords>* generators) {
  std::vector<DrawnWords> draws;
  for (Scan::GeneratorWords& g : *generators) draws.push_back({g.position, std::move(g.generator)});
  note_draws(std::move(draws));
  generators->clear();
}

}  // namespace

RecipeCache& recipes() {
  static auto* cache = new RecipeCache(kRecipesMax);
  return *cache;
}

std::vector<graph::StorageId> complete(Scan* scan) {
  if (!scan->generators.empty() && capturing()) draw_at_replay(&scan->generators);
  for (Scan::GeneratorWords& g : scan->generators) {
    const auto draw = static_cast<DeviceGenerator*>(g.generator.unsafeGetGeneratorImpl())->draw();
    scan->words[g.position] = draw.seed;
    scan->words[g.position + 1] = draw.counter;
  }
  std::vector<graph::StorageId> temporaries;
  for (const Scan::HostOperand& host : scan->host_operands) {
    const at::Tensor bytes = host.tensor.resolve_conj().resolve_neg().contiguous();
    if (bytes.nbytes() == 0) continue;
    const graph::StorageId id = engine().next_storage();
    raise_if_error(
        engine().upload(id, bytes.nbytes(), 0,
                        {static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()}, true));
    scan->storages[host.position] = id;
    temporaries.push_back(id);
  }
  return temporaries;
}

void capture(const c10::OperatorHandle& handle, Stack* stack) {
  const Operator& op = resolve(handle);
  const Span span(SpanKind::kCapture, op.name.c_str());
  if (op.asks) return ask(op, stack);
  ScanLease scanned;
  const Arguments arguments = arguments_of(op, *stack);
  scan(op, arguments, &*scanned);
  std::shared_ptr<const Recipe> recipe = recipes().find(scanned->key);
  if (!recipe) {
    recipe = prepare(op, arguments, &*scanned);
    if (!recipe) return ask(op, stack);
  } else if (recipe->resizes) {
    resize_arguments(op, *recipe, arguments, &*scanned);
  }
  follow(op, *recipe, &*scanned, stack);
}

}  // namespace moai::front

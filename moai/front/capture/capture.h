// Capture: the kernel behind every operator of the device. It records the call and returns tensors
// whose contents will be computed elsewhere.
#pragma once

#include "moai/front/capture/recipe.h"
#include "moai/front/capture/scan.h"

namespace moai::front {

void capture(const c10::OperatorHandle& handle, torch::jit::Stack* stack);

// Runs the call at the Worker now, since only it knows what comes out; waits for the answer.
void ask(const Operator& op, torch::jit::Stack* stack);

// The same on copies of the arguments that it writes, and nothing where it writes none: raises what
// the Worker has against the call, which is not to leave its mark on the user's tensors.
void try_out(const Operator& op, Arguments arguments);

// Uploads host operands and draws random numbers: afterwards the storages and words of `scan` are
// complete. Returns the temporary storages, to be released after the call.
std::vector<graph::StorageId> complete(Scan* scan);

RecipeCache& recipes();

}  // namespace moai::front

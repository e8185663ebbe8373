// Prediction: the results of a call from the shapes of its arguments alone.
#pragma once

#include <memory>

#include "moai/front/capture/recipe.h"
#include "moai/front/capture/scan.h"

namespace moai::front {

// A recipe without its signature; null when only the Worker can tell. Raises what torch raises for
// arguments that do not fit together.
std::unique_ptr<Recipe> predict(const Operator& op, Arguments arguments);

}  // namespace moai::front

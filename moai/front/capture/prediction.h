// Prediction: the results of a call from the shapes of its arguments alone.
#pragma once

#include <memory>

#include "moai/front/capture/recipe.h"
#include "moai/front/capture/scan.h"

namespace moai::front {

struct Prediction {
  std::unique_ptr<Recipe> recipe;  // without its signature; null when only the Worker can tell
  // A shape function in Python refused the arguments, with another class or text than a kernel
  // would: the Worker says what is wrong with them.
  bool refused = false;
};

// Raises what torch raises for arguments that do not fit together.
Prediction predict(const Operator& op, Arguments arguments);

}  // namespace moai::front

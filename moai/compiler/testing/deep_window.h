// A training step of a model of many equal layers, as text.
#pragma once

#include <string>

namespace moai::compiler {

struct DeepWindow {
  int layers = 4;
  bool lists = false;  // the optimizer's calls are over lists, and gradients are clipped
  int batch = 6, width = 8, hidden = 12, classes = 5;
};

// h = h + relu(h w1) w2 in each layer; a product and a squared error at the end; momentum.
std::string deep_window(const DeepWindow& d);

}  // namespace moai::compiler

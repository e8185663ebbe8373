// Every recorded window, laid out by the compiler's door for every kind of layout, verifies.
#include <gtest/gtest.h>

#include <algorithm>

#include "moai/compiler/conformance/golden_window.h"
#include "moai/compiler/distribute.h"

namespace moai::compiler {
namespace {

class Verified : public testing::TestWithParam<const char*> {
 protected:
  Verified() { load(GetParam(), &golden_); }

  Distributed distribute(const Degrees& degrees) {
    DistributeInput in{.window = &golden_.recorded->window,
                       .degrees = degrees,
                       .storages = {},
                       .first_temporary = 1000000};
    for (const auto& [id, bytes] : golden_.inputs) {
      const bool uploaded = std::ranges::find(golden_.data, id) != golden_.data.end();
      in.storages[id] = {.bytes = bytes.size(), .layout = {}, .free = uploaded};
    }
    return compiler::distribute(in, &golden_.signatures);
  }

  GoldenWindow golden_;
};

TEST_P(Verified, UnderAllDegrees) {
  for (const Degrees& d :
       {Degrees{.dp = 1}, Degrees{.dp = 2}, Degrees{.dp = 3}, Degrees{.dp = 4, .zero = 1},
        Degrees{.dp = 3, .zero = 2}, Degrees{.dp = 2, .zero = 3}, Degrees{.tp = 2},
        Degrees{.tp = 3}, Degrees{.tp = 4, .sp = true}, Degrees{.dp = 2, .tp = 2},
        Degrees{.dp = 2, .tp = 3, .zero = 1, .sp = true}, Degrees{.dp = 3, .tp = 2, .zero = 3},
        Degrees{.pp = 2}, Degrees{.pp = 4}, Degrees{.dp = 2, .zero = 3, .pp = 2},
        Degrees{.dp = 2, .tp = 2, .zero = 1, .pp = 3}, Degrees{.cp = 2}, Degrees{.cp = 4},
        Degrees{.dp = 2, .tp = 2, .zero = 3, .cp = 3}}) {
    EXPECT_EQ(distribute(d).verified.message(), "") << to_string(d);
  }
}

INSTANTIATE_TEST_SUITE_P(Windows, Verified,
                         testing::Values("mlp", "cnn", "gpt", "gpt5", "llama", "bert", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "dropout",
                                         "noisy", "attention"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace moai::compiler

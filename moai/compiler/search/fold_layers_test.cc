#include "moai/compiler/search/fold_layers.h"

#include <gtest/gtest.h>

#include "moai/base/file.h"
#include "moai/compiler/testing/deep_window.h"
#include "moai/graph/recording.h"

namespace moai::compiler {
namespace {

uint64_t hash(const graph::Window& w, const graph::SignatureTable& signatures) {
  return window_hash(w, signatures);
}

class FoldLayers : public testing::Test {
 protected:
  graph::Window parse(const std::string& text) {
    const auto window = graph::parse(text, &signatures_);
    EXPECT_TRUE(window.ok()) << window.status().to_string();
    return window.ok() ? *window : graph::Window{};
  }

  graph::SignatureTable signatures_;
};

TEST_F(FoldLayers, AFoldedWindowIsThatOfAModelWithFewerLayers) {
  for (const bool lists : {false, true}) {
    const graph::Window deep = parse(deep_window({.layers = 9, .lists = lists}));
    const LayerFolder folder(deep, &signatures_);
    for (const int layers : {2, 3, 5}) {
      const auto folded = folder.keep(static_cast<size_t>(layers));
      ASSERT_TRUE(folded) << layers;
      const graph::Window wanted = parse(deep_window({.layers = layers, .lists = lists}));
      EXPECT_EQ(hash(folded->window, signatures_), hash(wanted, signatures_))
          << print(folded->window, signatures_) << "\nwanted:\n"
          << print(wanted, signatures_);
    }
  }
}

TEST_F(FoldLayers, ARecordedModelOfFiveLayersBecomesTheRecordedOneOfTwo) {
  const auto recorded = [&](const std::string& name) {
    const auto text = read_file(MOAI_SOURCE "/tests/golden/windows/" + name + ".txt");
    const auto recording = graph::parse_recording(text.ok() ? *text : "?", &signatures_);
    EXPECT_TRUE(recording.ok()) << recording.status().to_string();
    return recording.ok() ? recording->windows.back().window : graph::Window{};
  };
  const graph::Window deep = recorded("gpt5");
  const LayerFolder folder(deep, &signatures_);
  EXPECT_EQ(folder.layers(), 5u);
  const auto folded = folder.keep(2);
  ASSERT_TRUE(folded);
  EXPECT_EQ(hash(folded->window, signatures_), hash(recorded("gpt"), signatures_));
}

TEST_F(FoldLayers, NothingRepeatsInAShallowModel) {
  const graph::Window shallow = parse(deep_window({.layers = 2}));
  const LayerFolder folder(shallow, &signatures_);
  EXPECT_EQ(folder.layers(), 1u);
  EXPECT_FALSE(folder.keep(2));
}

}  // namespace
}  // namespace moai::compiler

// Tests of windows that are written as text and shared by two ranks.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <vector>

#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/sharding/policy.h"

namespace moai::compiler {

class SplitWindow : public testing::Test {
 protected:
  void import(std::string_view text) {
    const auto window = graph::parse(text, &signatures_);
    ASSERT_TRUE(window.ok()) << window.status().to_string();
    graph_ = import_window(*window, signatures_);
    factors_ = std::make_unique<Factors>(graph_);
    plan_ = {.mesh = {{{"x", 2}}}, .policies = std::vector<AxisPolicy>(1)};
  }
  // The storage lies in shares of the factor at this place.
  void home(graph::StorageId storage, uint32_t place) {
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (graph_.segments[s].storage == storage) plan_.home[s] = {split_at(place)};
    }
  }

  graph::SignatureTable signatures_;
  ValueGraph graph_;
  std::unique_ptr<Factors> factors_;
  LayoutPlan plan_;
};

}  // namespace moai::compiler

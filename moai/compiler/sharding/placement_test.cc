#include "moai/compiler/sharding/placement.h"

#include <gmock/gmock.h>

namespace moai::compiler {
namespace {

using testing::ElementsAre;

TEST(Placement, SharesCoverEverythingOnce) {
  for (const int64_t n : {1, 5, 7, 12}) {
    for (const int k : {1, 2, 3, 5}) {
      int64_t begin = 0;
      for (int i = 0; i < k; ++i) {
        EXPECT_EQ(share_begin(n, k, i), begin);
        begin += share_size(n, k, i);
      }
      EXPECT_EQ(begin, n);
    }
  }
}

TEST(Placement, TheLastAxisOfAMeshRunsFastest) {
  const Mesh mesh{{{"dp", 2}, {"tp", 3}}};
  EXPECT_EQ(mesh.ranks(), 6);
  EXPECT_EQ(mesh.coordinate(4, 0), 1);
  EXPECT_EQ(mesh.coordinate(4, 1), 1);
  EXPECT_THAT(mesh.group(4, 0), ElementsAre(1, 4));
  EXPECT_THAT(mesh.group(4, 1), ElementsAre(3, 4, 5));
}

TEST(Placement, PrintsEveryAxis) {
  EXPECT_EQ(to_string({replicated(), split_at(2), partial(ops::Reduction::kNorm2)}),
            "R*S2*P(norm2)");
}

}  // namespace
}  // namespace moai::compiler

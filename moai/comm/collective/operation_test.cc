#include "moai/comm/collective/operation.h"

#include <gtest/gtest.h>

namespace moai::comm {
namespace {

using tensor::DType;
using tensor::Reduction;

const Operation kReduce = {.kind = OperationKind::kAllReduce,
                           .dtype = DType::kBFloat16,
                           .reduction = Reduction::kNorm2,
                           .call = 300,
                           .sizes = {1024}};
const Operation kExchange = {
    .kind = OperationKind::kAllToAll, .call = 2, .sizes = {1, 0, 70000, 4, 5, 6}};

TEST(Operation, HasATextForMessages) {
  EXPECT_EQ(to_string(kReduce), "all_reduce of 1024 bf16 (norm2), call 300");
  EXPECT_EQ(to_string(kExchange), "all_to_all of [1, 0, 70000, 4, 5, 6] bytes, call 2");
  EXPECT_EQ(to_string(Operation{.call = 1}), "barrier, call 1");
  const Operation broadcast = {
      .kind = OperationKind::kBroadcast, .root = 3, .call = 9, .sizes = {8}};
  EXPECT_EQ(to_string(broadcast), "broadcast of 8 bytes from rank 3, call 9");
  const Operation wide = {
      .kind = OperationKind::kAllGather, .call = 1, .sizes{std::vector<uint64_t>(9, 5)}};
  EXPECT_EQ(to_string(wide), "all_gather of [5, 5, 5, 5, 5, 5, 5, 5, …] bytes, call 1");
}

TEST(Operation, EncodesToWhatDecodesEqual) {
  for (const Operation& operation : {kReduce, kExchange, Operation()}) {
    EXPECT_EQ(decode_operation(encode(operation)), operation);
  }
  const std::string bytes = encode(kExchange);
  for (size_t cut = 0; cut < bytes.size(); ++cut)
    EXPECT_FALSE(decode_operation(bytes.substr(0, cut)));
  EXPECT_FALSE(decode_operation(bytes + "x"));
  for (size_t at : {0, 1, 2}) {
    std::string wrong = bytes;
    wrong[at] = 77;
    EXPECT_FALSE(decode_operation(wrong)) << at;
  }
}

TEST(Operation, AgreesWithItselfAndExchangesAgreeWhateverTheirSizes) {
  EXPECT_TRUE(agree(kReduce, kReduce));
  Operation other = kReduce;
  other.sizes = {1023};
  EXPECT_FALSE(agree(kReduce, other));
  EXPECT_FALSE(agree(kReduce, kExchange));
  other = kExchange;
  other.sizes = {5, 5, 5, 5, 5, 5};
  EXPECT_TRUE(agree(kExchange, other));
  other.call = 3;
  EXPECT_FALSE(agree(kExchange, other));
}

}  // namespace
}  // namespace moai::comm

// An engine over several Workers with the fake device, each in threads of this process.
#include "moai/driver/mesh/mesh_stream.h"

#include <gmock/gmock.h>

#include "moai/driver/engine.h"
#include "moai/worker/testing/lease.h"

namespace moai::driver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using Doubles = std::vector<double>;
constexpr uint32_t kRanks = 3;

class LeaseOfThree final : public Connector {
 public:
  LeaseOfThree(worker::Lease* lease, std::vector<size_t>* lost) : lease_(*lease), lost_(*lost) {}

  Result<Connected> connect(const std::function<bool()>&) override {
    Connected connected;
    for (const identity::Peer& peer : lease_.peers()) {
      ConnectedWorker w;
      MOAI_ASSIGN_OR_RETURN(w.link, comm::connect(peer.address, std::chrono::steady_clock::now() +
                                                                    std::chrono::seconds(5)));
      w.hello = {.secret = std::string(dispatch::kSecretBytes, 's'),
                 .epoch = 7,
                 .client = "a test",
                 .torch_version = "2.13.0"};
      w.name = "rank " + std::to_string(connected.workers.size());
      connected.workers.push_back(std::move(w));
    }
    connected.memory_bytes = kRanks << 20;
    return connected;
  }
  Status lost(size_t rank, const Status& how) override {
    lost_.push_back(rank);
    return how;
  }
  void give_back() override {}
  void close_copy() override {}

 private:
  worker::Lease& lease_;
  std::vector<size_t>& lost_;
};

class MeshStreamTest : public testing::Test {
 protected:
  MeshStreamTest() {
    lease_.make(kRanks);
    lease_.introduce();
    start("");
  }
  void start(const std::string& plan) {
    DriverOptions options;
    options.plan = plan;
    engine_ = std::make_unique<Engine>(
        options, [&](const Ended&) { return std::make_unique<LeaseOfThree>(&lease_, &lost_); });
  }
  StorageId upload(const Doubles& values) {
    const StorageId id = engine_->next_storage(1);
    const std::string_view bytes(reinterpret_cast<const char*>(values.data()), values.size() * 8);
    EXPECT_EQ(engine_->upload(id, bytes.size(), 0, bytes, true), ok_status());
    return id;
  }
  void call(const std::string& text, const std::vector<StorageId>& storages,
            const std::vector<uint64_t>& words, LineId line = 0) {
    const auto signature = ops::call_signature_from_string(text);
    ASSERT_TRUE(signature.has_value()) << text;
    engine_->append(engine_->signatures().intern(*signature), storages, words, line)
        .ignore("the next wait tells");
  }
  StorageId add(StorageId a, StorageId b, double factor) {
    const StorageId made = engine_->next_storage(1);
    call("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]", {a, b, made},
         {worker::word_of(factor)});
    return made;
  }
  Result<Doubles> read(StorageId id) {
    Doubles values(2);
    const Driver::ReadInto range{id, 0, 16, reinterpret_cast<char*>(values.data())};
    MOAI_RETURN_IF_ERROR(engine_->read({&range, 1}, {}));
    return values;
  }
  Doubles value(StorageId id) {
    auto values = read(id);
    EXPECT_TRUE(values.ok()) << values.status().to_string();
    return values.ok() ? *values : Doubles{};
  }

  worker::Lease lease_;
  std::vector<size_t> lost_;
  std::unique_ptr<Engine> engine_;
};

TEST_F(MeshStreamTest, ComputesAndReads) {
  const StorageId a = upload({1, 2}), b = upload({10, 20});
  const StorageId c = add(a, b, 0.5);
  EXPECT_THAT(value(c), ElementsAre(6, 12));
  EXPECT_THAT(value(a), ElementsAre(1, 2)) << "what no window used is there as well";
  EXPECT_EQ(engine_->memory_bytes(), kRanks << 20);
}

// From the second time on the ranks have templates; words and storages differ each time.
TEST_F(MeshStreamTest, AWindowThatComesAgainRunsOnOtherStorages) {
  StorageId x = upload({1, 1});
  for (int step = 0; step < 8; ++step) {
    const StorageId one = upload({1, 10});
    const StorageId next = add(x, one, step);
    engine_->free(x);
    engine_->free(one);
    x = next;
    engine_->step_end();
  }
  EXPECT_THAT(value(x), ElementsAre(29, 281));
}

TEST_F(MeshStreamTest, WhatNoCallOfTheWindowChangesIsReadBeforeIt) {
  const StorageId a = upload({1, 2}), c = add(a, a, 1);
  EXPECT_THAT(value(c), ElementsAre(2, 4));
  const StorageId d = add(c, c, 1);
  EXPECT_THAT(value(c), ElementsAre(2, 4));
  call("aten::add_.Tensor(f64[2]!, f64[2], word) -> _", {c, a}, {worker::word_of(10)});
  EXPECT_THAT(value(c), ElementsAre(12, 24));
  EXPECT_THAT(value(d), ElementsAre(4, 8));
}

TEST_F(MeshStreamTest, WindowsWaitForTheirEnd) {
  const StorageId a = upload({1, 2});
  const uint64_t marker = engine_->marker({});
  const StorageId b = add(a, a, 1);
  EXPECT_TRUE(engine_->reached(marker, true, {}).value().reached);
  EXPECT_THAT(value(b), ElementsAre(2, 4));
  EXPECT_EQ(engine_->synchronize({}), ok_status());
}

TEST_F(MeshStreamTest, AsksEveryRankAndTakesTheAnswerOfTheFirst) {
  const StorageId a = upload({0, 5});
  const auto signature = ops::call_signature_from_string("aten::nonzero(f64[2]) -> _");
  const StorageId first = engine_->next_storage(1);
  const auto values =
      engine_->ask(engine_->signatures().intern(*signature), {&a, 1}, {}, first, 1, 0, {});
  ASSERT_TRUE(values.ok()) << values.status().to_string();
  int64_t index = 0;
  const Driver::ReadInto range{values->at(0).storage, 0, 8, reinterpret_cast<char*>(&index)};
  EXPECT_EQ(engine_->read({&range, 1}, {}), ok_status());
  EXPECT_EQ(index, 1);
}

TEST_F(MeshStreamTest, UploadsIntoWhatIsThere) {
  const StorageId a = upload({1, 2});
  const StorageId b = add(a, a, 1);
  const double nine = 9;
  const std::string_view bytes(reinterpret_cast<const char*>(&nine), 8);
  EXPECT_EQ(engine_->upload(a, 16, 8, bytes, false), ok_status());
  EXPECT_EQ(engine_->upload(b, 16, 0, bytes, false), ok_status());
  EXPECT_THAT(value(a), ElementsAre(1, 9));
  EXPECT_THAT(value(b), ElementsAre(9, 4)) << "and what ran before it has run";
}

TEST_F(MeshStreamTest, AllocatesResizesAndFreesOnEveryRank) {
  const StorageId a = engine_->next_storage(1);
  engine_->alloc(a, 16);
  call("aten::fill_.Scalar(f64[2]!, word) -> _", {a}, {worker::word_of(3)});
  EXPECT_THAT(value(a), ElementsAre(3, 3));
  engine_->resize(a, 64);
  EXPECT_EQ(engine_->synchronize({}), ok_status());
  EXPECT_EQ(engine_->worker_memory().allocated_bytes, kRanks * 64);
  engine_->free(a);
  EXPECT_EQ(engine_->synchronize({}), ok_status());
  EXPECT_EQ(engine_->worker_memory().allocated_bytes, 0u);
}

TEST_F(MeshStreamTest, WhatIsFreedUnusedNeverLeaves) {
  engine_->free(upload({1, 2}));
  const StorageId kept = upload({3, 4});
  EXPECT_THAT(value(kept), ElementsAre(3, 4));
  EXPECT_EQ(engine_->synchronize({}), ok_status());
  EXPECT_EQ(engine_->worker_memory().allocated_bytes, kRanks * 16);
}

TEST_F(MeshStreamTest, AnErrorIsRaisedOnceAtItsLineAndTheScriptGoesOn) {
  const StorageId a = upload({1, 2}), b = upload({5, 6});
  add(b, b, 1);
  call("fake::fail(f64[2]!, intword) -> _", {a}, {static_cast<uint64_t>(Code::kOutOfRange)}, 33);
  EXPECT_EQ(engine_->synchronize({}).code(), Code::kOutOfRange);
  EXPECT_EQ(engine_->last_error().line, 33u);
  EXPECT_EQ(engine_->last_error().op, "fake::fail");
  EXPECT_EQ(engine_->synchronize({}), ok_status());
  EXPECT_THAT(value(add(b, b, 1)), ElementsAre(10, 12));
  EXPECT_EQ(read(a).status().code(), Code::kOutOfRange) << "what it wrote stays poisoned";
}

// What all have is read from one; that the others failed as well is no news later.
TEST_F(MeshStreamTest, AnErrorOfAllRanksIsRaisedOnce) {
  const StorageId a = upload({1, 2}), b = upload({5, 6});
  call("fake::fail(f64[2]!, intword) -> _", {a}, {static_cast<uint64_t>(Code::kOutOfRange)}, 33);
  EXPECT_EQ(read(a).status().code(), Code::kOutOfRange);
  for (int i = 0; i < 3; ++i) EXPECT_THAT(value(add(b, b, 1)), ElementsAre(10, 12));
  EXPECT_EQ(engine_->synchronize({}), ok_status());
}

TEST_F(MeshStreamTest, AWorkerThatIsLostIsNamed) {
  EXPECT_THAT(value(upload({1, 2})), ElementsAre(1, 2));
  lease_.stop(1, "its node went down");
  const Status status = engine_->synchronize({});
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("rank 1"));
  EXPECT_THAT(lost_, ElementsAre(1));
}

// Reads in the midst of calls that are skipped, or not: of what these use, and of what stood
// before.
TEST_F(MeshStreamTest, ReadsAmongCallsThatMayBeSkipped) {
  const StorageId a = upload({1, 2}), b = upload({10, 20});
  for (const float skipped : {1.0f, 0.0f}) {
    const StorageId c = add(a, b, 1), flag = engine_->next_storage(1);
    const std::string_view bytes(reinterpret_cast<const char*>(&skipped), sizeof skipped);
    EXPECT_EQ(engine_->upload(flag, bytes.size(), 0, bytes, true), ok_status());
    const Doubles before = value(a);
    const StorageId d = add(c, b, 1);
    call("moai::skip_if(f32[]) -> _", {flag}, {});
    EXPECT_THAT(value(d), ElementsAre(20 + before[0], 40 + before[1]));
    call("aten::fill_.Scalar(f64[2]!, word) -> _", {a}, {worker::word_of(5)});
    EXPECT_EQ(value(a), skipped ? before : (Doubles{5, 5}));
    call("aten::fill_.Scalar(f64[2]!, word) -> _", {a}, {worker::word_of(7)});
    call("moai::skip_end() -> _", {}, {});
    engine_->step_end();
    EXPECT_EQ(value(a), skipped ? before : (Doubles{7, 7}));
    EXPECT_THAT(value(add(a, b, 1)), ElementsAre(10 + value(a)[0], 20 + value(a)[1]));
  }
  EXPECT_EQ(engine_->synchronize({}), ok_status());
}

// Storages, templates and groups go on under other degrees.
TEST_F(MeshStreamTest, PlansChangeInTheMidstOfAJob) {
  start("dp=3;3:tp=3;6:dp=3,zero=1");
  StorageId x = upload({1, 1});
  for (int step = 0; step < 9; ++step) {
    const StorageId one = upload({1, 10});
    const StorageId next = add(x, one, step);
    engine_->free(x);
    engine_->free(one);
    x = next;
    engine_->step_end();
    EXPECT_EQ(engine_->synchronize({}), ok_status());
  }
  EXPECT_THAT(value(x), ElementsAre(37, 361));
}

// What a rank was filled to under the plan before counts until the script resets it.
TEST_F(MeshStreamTest, ThePeakOfMemoryOutlivesAChangeOfPlan) {
  start("dp=3;1:tp=3");
  const StorageId large = engine_->next_storage(1);
  engine_->alloc(large, 4096);
  const StorageId a = upload({1, 2});
  call("aten::fill_.Scalar(f64[2]!, word) -> _", {large}, {worker::word_of(3)});
  add(a, a, 1);
  engine_->free(large);
  engine_->step_end();
  EXPECT_EQ(engine_->synchronize({}), ok_status());
  add(a, a, 2);
  EXPECT_EQ(engine_->synchronize({}), ok_status());
  EXPECT_GE(engine_->worker_memory().peak_bytes, kRanks * 4096u);
  EXPECT_TRUE(engine_->reached(engine_->marker({.resets_peak = true}), true, {}).value().reached);
  EXPECT_LT(engine_->worker_memory().peak_bytes, kRanks * 4096u);
}

TEST_F(MeshStreamTest, APlanThatDoesNotFitTheDevicesIsTheEndInItsWords) {
  start("tp=2");
  const Status status = engine_->synchronize({});
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("is not the number of devices, 3"));
}

}  // namespace
}  // namespace moai::driver

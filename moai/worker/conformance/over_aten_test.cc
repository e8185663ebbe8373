// The whole Worker over libtorch and a Unix socket.
#include <gmock/gmock.h>

#include <filesystem>
#include <thread>

#include "moai/base/environment.h"
#include "moai/base/log.h"
#include "moai/device/aten/aten_device.h"
#include "moai/worker/serve/worker.h"
#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// "cpu", or what MOAI_TEST_DEVICE names.
std::string test_kind() { return environment("MOAI_TEST_DEVICE").value_or("cpu"); }

const std::string kSecret(dispatch::kSecretBytes, 's');

std::vector<float> floats_of(const std::string& bytes) {
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), values.size() * 4);
  return values;
}

class OverAten : public testing::Test {
 protected:
  OverAten() {
    set_log_level(LogLevel::kOff);
    char pattern[] = "/tmp/moai-worker-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    auto device =
        device::make_aten_device({.kind = test_kind(), .memory_bytes = uint64_t{1} << 28});
    EXPECT_TRUE(device.ok()) << device.status().to_string();
    device_ = std::move(*device);
    auto listener = comm::listen("unix:" + directory_ + "/s");
    EXPECT_TRUE(listener.ok()) << listener.status().to_string();
    WorkerOptions options;
    options.identity = {.epoch = 7,
                        .secret = kSecret,
                        .device_kind = test_kind(),
                        .torch_version = device_->library_version().substr(6)};
    worker_ = std::make_unique<Worker>(options, std::move(*listener), device_.get());
    thread_ = std::thread([this] { worker_->run(); });
    connect(options.identity.torch_version);
  }
  ~OverAten() override {
    worker_->stop("the test is over");
    thread_.join();
    worker_.reset();
    std::filesystem::remove_all(directory_);
    set_log_level(LogLevel::kInfo);
  }

  void connect(const std::string& torch_version) {
    auto link = comm::connect(worker_->address(),
                              std::chrono::steady_clock::now() + std::chrono::seconds(5));
    ASSERT_TRUE(link.ok()) << link.status().to_string();
    front_ = std::make_unique<Front>(std::move(*link));
    send(dispatch::Hello{
        .secret = kSecret, .epoch = 7, .client = "test", .torch_version = torch_version});
    front_->await<dispatch::Welcome>();
  }
  void send(const dispatch::Message& message) { ASSERT_EQ(front_->send(message), ok_status()); }
  // Defines signatures with ids from 0.
  void define(const std::vector<std::string>& texts) {
    dispatch::DefineSignatures m;
    for (const std::string& text : texts) m.signatures.push_back(signature_of(text));
    send(m);
  }
  void upload(StorageId id, const std::vector<double>& values) {
    send(dispatch::Upload{
        .storage = id, .storage_bytes = values.size() * 8, .bytes = bytes_of(values)});
  }
  void run(const ProgramBuilder& program, uint64_t sequence = 1) {
    send(dispatch::Run{.first_sequence = sequence, .program = program.get()});
  }
  std::string read(StorageId id, uint64_t bytes) {
    send(dispatch::Read{.request = 1, .ranges = {{id, 0, bytes}}});
    return front_->await<dispatch::Data>().bytes;
  }

  std::string directory_;
  std::unique_ptr<device::Device> device_;
  std::unique_ptr<Worker> worker_;
  std::thread thread_;
  std::unique_ptr<Front> front_;
};

TEST_F(OverAten, RunsAStreamedProgram) {
  define({"aten::mm(f64[2,2], f64[2,2]) -> f64[2,2]", "aten::relu(f64[2,2]) -> f64[2,2]",
          "aten::add_.Tensor(f64[2,2]!, f64[2,2]{1,2}, word) -> _"});
  upload(1, {1, 2, 3, 4});
  upload(2, {1, 0, 0, -1});
  run(ProgramBuilder().call(0, {1, 2, 3}).call(1, {3, 4}).call(2, {4, 1}, {word_of(10)}).free(3));
  EXPECT_THAT(doubles_of(read(4, 32)), ElementsAre(11, 30, 23, 40));
}

TEST_F(OverAten, ATemplateGivesTheSameAsTheStream) {
  define({"aten::mul.Tensor(f64[2], f64[2]) -> f64[2]",
          "aten::add.Tensor(f64[2], f64[2], word) -> f64[2]"});
  send(dispatch::DefineTemplate{
      .id = 1, .program = ProgramBuilder(true).call(0, {0, 0, 1}).call(1, {1, 0, 2}, {0}).get()});
  upload(1, {3, 4});
  run(ProgramBuilder().call(0, {1, 1, 2}).call(1, {2, 1, 3}, {word_of(0.5)}));
  send(dispatch::RunTemplate{.id = 1,
                             .first_sequence = 3,
                             .end = 2,
                             .bindings = {1, 4, 5},
                             .words = {word_of(0.5)},
                             .releases = {{2, 4}}});
  EXPECT_EQ(read(3, 16), read(5, 16));
  EXPECT_THAT(doubles_of(read(5, 16)), ElementsAre(10.5, 18));
}

TEST_F(OverAten, AsksForShapesAndValues) {
  define({"aten::nonzero(f64[3]) -> _", "aten::_local_scalar_dense(f64[]+2) -> _"});
  upload(1, {0, 2, 5});
  send(dispatch::Ask{.request = 1,
                     .sequence = 1,
                     .signature = 0,
                     .operands = {1},
                     .first_result = 50,
                     .results_max = 8});
  const auto found = front_->await<dispatch::Answer>();
  ASSERT_THAT(found.results, SizeIs(1));
  EXPECT_THAT(found.results[0].geometry.sizes, ElementsAre(2, 1));
  EXPECT_EQ(found.results[0].storage, 50u);
  send(dispatch::Ask{.request = 2, .sequence = 2, .signature = 1, .operands = {1}});
  EXPECT_EQ(front_->await<dispatch::Answer>().results[0].real, 5);
}

TEST_F(OverAten, AnOutputThatAnAskHasGrownCanBeReadWhole) {
  define({"aten::nonzero.out(f64[3], i64[0]!) -> _"});
  upload(1, {0, 2, 5});
  run(ProgramBuilder().alloc(2, 0).resize(2, 8));
  send(dispatch::Ask{.request = 1, .sequence = 1, .signature = 0, .operands = {1, 2}});
  const auto answer = front_->await<dispatch::Answer>();
  EXPECT_TRUE(answer.results[0].written_argument);
  EXPECT_THAT(answer.results[0].geometry.sizes, ElementsAre(2, 1));
  const std::string bytes = read(2, 16);
  EXPECT_EQ(bytes[0], 1);
  EXPECT_EQ(bytes[8], 2);
}

TEST_F(OverAten, DrawsTheSameNumbersForTheSameSeed) {
  define({"aten::uniform_(f32[4]!, word, word, generator) -> _"});
  const std::vector<uint64_t> words = {word_of(0), word_of(1), 17, 3};
  run(ProgramBuilder().alloc(1, 16).alloc(2, 16).call(0, {1}, words).call(0, {2}, words));
  const std::string first = read(1, 16);
  EXPECT_EQ(first, read(2, 16));
  for (float v : floats_of(first)) EXPECT_TRUE(v >= 0 && v < 1) << v;
}

TEST_F(OverAten, AnErrorOfTorchArrivesAsItsClassAndPoisons) {
  if (test_kind() != "cpu") GTEST_SKIP() << "an index outside ends the context of an accelerator";
  define({"aten::index_select(f64[3], 0, i64[1]) -> f64[1]", "aten::relu(f64[1]) -> f64[1]"});
  upload(1, {1, 2, 3});
  send(dispatch::Upload{
      .storage = 2, .storage_bytes = 8, .bytes = std::string("\x09\0\0\0\0\0\0\0", 8)});
  run(ProgramBuilder().call(0, {1, 2, 3}).call(1, {3, 4}), 5);
  const auto fault = front_->await<dispatch::Fault>();
  EXPECT_EQ(fault.op, "aten::index_select");
  EXPECT_EQ(fault.sequence, 5u);
  EXPECT_THAT(fault.text, HasSubstr("index out of range"));
  EXPECT_THAT(fault.text, Not(HasSubstr("frame #")));
  send(dispatch::Read{.request = 9, .ranges = {{4, 0, 8}}});
  EXPECT_EQ(front_->await<dispatch::Fault>().request, 9u);
}

TEST_F(OverAten, MemoryPastTheLimitIsRefusedAndTheWorkerGoesOn) {
  define({"aten::fill_.Scalar(f64[1]!, word) -> _"});
  run(ProgramBuilder().alloc(1, uint64_t{1} << 29).alloc(2, 8).call(0, {2}, {word_of(4)}));
  const auto fault = front_->await<dispatch::Fault>();
  EXPECT_EQ(fault.code, Code::kResourceExhausted);
  EXPECT_THAT(fault.text, HasSubstr("Tried to allocate 512.00 MiB"));
  EXPECT_THAT(doubles_of(read(2, 8)), ElementsAre(4));
}

TEST_F(OverAten, SignaturesThatFitNoSchemaFailTheCallOnly) {
  define({"aten::relu(f64[1], f64[1]) -> f64[1]", "aten::relu(\"text\") -> f64[1]",
          "aten::sum(f64[1], [0]) -> f64[1]", "aten::relu(f64[1]) -> f64[1]"});
  upload(1, {-1});
  for (uint32_t bad = 0; bad < 3; ++bad) {
    const std::vector<uint64_t> places = bad == 0   ? std::vector<uint64_t>{1, 1, 10}
                                         : bad == 1 ? std::vector<uint64_t>{11}
                                                    : std::vector<uint64_t>{1, 12};
    run(ProgramBuilder().call(bad, places), bad + 1);
    EXPECT_EQ(front_->await<dispatch::Fault>().code, Code::kInvalidArgument);
    send(dispatch::Marker{.request = 1});
    front_->await<dispatch::Reached>();
  }
  run(ProgramBuilder().call(3, {1, 20}), 4);
  EXPECT_THAT(doubles_of(read(20, 8)), ElementsAre(0));
}

}  // namespace
}  // namespace moai::worker

#include "moai/worker/exec/window_runner.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "moai/base/log.h"
#include "moai/device/fake/fake_device.h"
#include "moai/worker/exec/executor.h"
#include "moai/worker/testing/fake_package.h"
#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

namespace fs = std::filesystem;
using dispatch::WindowState;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Phase = WindowState::Phase;

constexpr graph::SignatureId kAdd = 0, kAddInPlace = 1;
constexpr uint32_t kAdds = 16, kCalls = kAdds + 1;
constexpr StorageId kX = 1;

// x += w * 17 x, by 17 calls: slot i is i + 1 times x.
class WindowRunnerTest : public testing::Test {
 protected:
  WindowRunnerTest() {
    set_log_level(LogLevel::kOff);
    char pattern[] = "/tmp/moai-compiled-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    site_ = {.folder = folder_, .torch_version = "2.13.0", .processor = "any", .loader = &loader_};
    compiled_.device = device_.get();
    compiled_.layout = *layout_from_string("input 0 f64[2]\nparameter 16 f64[]\noutput 0 f64[2]\n");
    compiled_.compute = [](const auto& in, const Doubles& w) {
      Doubles x = in[0];
      for (double& v : x) v += w[0] * (17 * v);
      return std::vector<Doubles>{x};
    };
    executor_ = std::make_unique<Executor>(device_.get(), &replies_, &site_);
    execute(dispatch::DefineSignatures{
        .signatures = {signature_of("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]"),
                       signature_of("aten::add_.Tensor(f64[2]!, f64[2], word) -> _")}});
    ProgramBuilder builder(true);
    for (uint64_t i = 0; i < kAdds; ++i) builder.call(kAdd, {i, 0, i + 1}, {0});
    builder.call(kAddInPlace, {0, kAdds}, {0});
    execute(dispatch::DefineTemplate{.id = 1, .program = builder.get()});
    upload(kX, {1, 2});
  }
  ~WindowRunnerTest() override {
    fs::remove_all(folder_);
    set_log_level(LogLevel::kInfo);
  }

  void execute(const dispatch::Message& message) {
    std::string frame;
    dispatch::encode(message, &frame);
    EXPECT_EQ(executor_->execute(frame), ok_status());
  }
  void upload(StorageId id, const Doubles& values) {
    execute(dispatch::Upload{
        .storage = id, .storage_bytes = values.size() * 8, .bytes = bytes_of(values)});
  }
  Doubles read(StorageId id) {
    execute(dispatch::Read{.request = 9, .ranges = {{id, 0, 16}}});
    return doubles_of(replies_.last<dispatch::Data>().bytes);
  }
  // Instructions [begin, end) of one run, whose temporary storages are `first` and so on.
  void part(uint32_t begin, uint32_t end, StorageId first, double w = 0, double one = 1) {
    dispatch::RunTemplate m{.id = 1, .first_sequence = 100 + begin, .begin = begin, .end = end};
    if (begin == 0) m.bindings.push_back(kX);
    for (uint32_t i = begin; i < std::min(end, kAdds); ++i) m.bindings.push_back(first + i);
    for (uint32_t i = begin; i < std::min(end, kAdds); ++i) m.words.push_back(word_of(one));
    if (end == kCalls) {
      m.words.push_back(word_of(w));
      for (uint32_t i = 0; i < kAdds; ++i) m.releases.push_back({kCalls, first + i});
    }
    execute(m);
  }
  void run(double w = 0, double one = 1) {
    part(0, 5, next_, w, one);
    part(5, kCalls, next_, w, one);
    next_ += kAdds;
  }
  std::string request() const {
    for (const auto& entry : fs::directory_iterator(folder_)) {
      if (entry.path().extension() == ".request") return entry.path().stem();
    }
    return "";
  }
  // As the service does.
  void publish() {
    const std::string key = request();
    ASSERT_FALSE(key.empty());
    fs::remove(folder_ + "/" + key + ".request");
    fs::create_directory(folder_ + "/" + key + ".package");
    std::this_thread::sleep_for(std::chrono::milliseconds(250));  // until the Worker looks again
    run();
    EXPECT_EQ(state().phase, Phase::kTried);
  }
  void until_published() {
    execute(dispatch::CompileWindows{});
    for (int i = 0; i < 50; ++i) run();
    publish();
  }
  void until_used() {
    until_published();
    slow_ = true;
    for (int i = 0; i < 60 && state().phase == Phase::kTried; ++i) run();
    slow_ = false;
    ASSERT_EQ(state().phase, Phase::kUsed) << state().text;
  }
  WindowState state() const { return replies_.last<WindowState>(); }

  std::atomic<bool> slow_{false};  // an interpreted call takes time
  std::unique_ptr<device::FakeDevice> device_ = device::make_fake_device(
      {.device = {.memory_bytes = 1 << 20}, .on_call = [this](std::string_view) {
         if (slow_) std::this_thread::sleep_for(std::chrono::microseconds(100));
       }});
  FakeCompiled compiled_;
  FakeLoader loader_{&compiled_};
  std::string folder_;
  CompileSite site_;
  KeptReplies replies_;
  std::unique_ptr<Executor> executor_;
  StorageId next_ = 1000;
};

TEST_F(WindowRunnerTest, NothingIsCountedUnlessTheFrontAsks) {
  for (int i = 0; i < 60; ++i) run();
  EXPECT_EQ(request(), "");
  EXPECT_THAT(replies_.all<WindowState>(), IsEmpty());
}

TEST_F(WindowRunnerTest, AWorkerWithoutAServiceSaysWhy) {
  const CompileSite none{.why_not = "no service here"};
  executor_ = std::make_unique<Executor>(device_.get(), &replies_, &none);
  execute(dispatch::CompileWindows{});
  EXPECT_EQ(state(), (WindowState{.phase = Phase::kDropped, .text = "no service here"}));
}

TEST_F(WindowRunnerTest, AfterFiftyWholeRunsItAsksAndGoesOn) {
  execute(dispatch::CompileWindows{});
  for (int i = 0; i < 49; ++i) run();
  part(0, 5, 500);  // a run that breaks off does not count
  EXPECT_EQ(request(), "");
  run(1);
  EXPECT_EQ(state().phase, Phase::kAsked);
  EXPECT_EQ(state().calls, kCalls);
  EXPECT_EQ(request().size(), 64u);
  run(1);
  EXPECT_THAT(read(kX), ElementsAre(18 * 18, 2 * 18 * 18));
}

TEST_F(WindowRunnerTest, APackageThatAgreesAndIsFasterIsUsed) {
  until_used();
  EXPECT_EQ(compiled_.runs_on_copies, 1);
  EXPECT_GT(state().interpreted_ns, state().compiled_ns);
  const uint64_t calls = device_->calls();
  run(1);
  run(-0.5);
  EXPECT_EQ(device_->calls(), calls) << "no call ran by itself";
  EXPECT_THAT(read(kX), ElementsAre(18 * -7.5, 2 * 18 * -7.5));
  EXPECT_EQ(executor_->storage_count(), 1u);
  execute(dispatch::Marker{.request = 3});
  EXPECT_EQ(replies_.last<dispatch::Reached>().sequence, 116u);
}

TEST_F(WindowRunnerTest, AWrongPackageIsDroppedForGoodAndItsResultsNeverSeen) {
  compiled_.compute = [](const auto& in, const Doubles&) {
    return std::vector<Doubles>{{in[0][0], 77}};
  };
  until_published();
  run(1);
  EXPECT_EQ(state().phase, Phase::kDropped);
  EXPECT_EQ(state().text, "output 0 is off");
  EXPECT_THAT(read(kX), ElementsAre(18, 36));
  for (int i = 0; i < 60; ++i) run();
  EXPECT_EQ(compiled_.runs + compiled_.runs_on_copies, 1);
  EXPECT_EQ(request(), "") << "it is known to be wrong";
}

TEST_F(WindowRunnerTest, ASlowerPackageIsDropped) {
  const auto compute = compiled_.compute;
  compiled_.compute = [compute](const auto& in, const Doubles& w) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return compute(in, w);
  };
  until_published();
  for (int i = 0; i < 60; ++i) run();
  EXPECT_EQ(state().phase, Phase::kDropped);
  EXPECT_THAT(state().text, HasSubstr("slower"));
  EXPECT_GT(state().compiled_ns, state().interpreted_ns);
}

TEST_F(WindowRunnerTest, PartsWaitForTheLastAndWhatReadsThemDoesNot) {
  until_used();
  const uint64_t calls = device_->calls();
  part(0, 5, 500);
  EXPECT_EQ(device_->calls(), calls);
  upload(400, {5, 5});
  EXPECT_EQ(device_->calls(), calls) << "nothing that waits knows this storage";
  EXPECT_THAT(read(502), ElementsAre(4, 8));
  part(5, kCalls, 500, 1);
  EXPECT_THAT(read(kX), ElementsAre(18, 36));
  EXPECT_EQ(device_->calls(), calls + kCalls);
  part(0, 5, 500);
  upload(kX, {1, 1});
  EXPECT_THAT(read(501), ElementsAre(18 * 3, 36 * 3)) << "the upload came after it";
}

TEST_F(WindowRunnerTest, OtherNumbersOrWhatIsKeptLongerIsInterpreted) {
  until_used();
  const int runs = compiled_.runs;
  run(1, 2);
  EXPECT_THAT(read(kX), ElementsAre(1 + 33, 2 * (1 + 33)));
  execute(dispatch::RunTemplate{
      .id = 1, .first_sequence = 1, .end = 1, .bindings = {kX, 700}, .words = {word_of(1)}});
  EXPECT_THAT(read(700), ElementsAre(68, 136));
  EXPECT_EQ(compiled_.runs, runs);
  EXPECT_EQ(state().phase, Phase::kUsed);
}

// As the replay of a captured graph does with what the script keeps of it.
TEST_F(WindowRunnerTest, WhatIsReleasedAndMadeAnewOutlivesTheWindow) {
  constexpr StorageId kKept = 5000;
  execute(dispatch::CompileWindows{});
  for (int i = 0; i < 50; ++i) {
    dispatch::RunTemplate m{.id = 1, .first_sequence = 100, .end = kCalls, .bindings = {kX}};
    for (uint32_t slot = 1; slot < kAdds; ++slot) m.bindings.push_back(next_ + slot);
    m.bindings.push_back(kKept);
    m.words.assign(kAdds, word_of(1));
    m.words.push_back(word_of(0));
    if (i > 0) m.releases.push_back({kAdds - 1, kKept});
    for (uint32_t slot = 1; slot < kAdds; ++slot) m.releases.push_back({kCalls, next_ + slot});
    execute(m);
    next_ += kAdds;
    EXPECT_THAT(read(kKept), ElementsAre(17, 34));
  }
  std::ifstream file(folder_ + "/" + request() + ".request");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(text, HasSubstr("live 16\n"));
}

TEST_F(WindowRunnerTest, ShortMemoryIsForOnceAndOtherFailuresForAlways) {
  until_used();
  compiled_.failure = resource_exhausted("no memory");
  run(1);
  EXPECT_THAT(read(kX), ElementsAre(18, 36));
  EXPECT_EQ(state().phase, Phase::kUsed);
  compiled_.failure = internal_error("broken");
  run(1);
  EXPECT_THAT(read(kX), ElementsAre(18 * 18, 2 * 18 * 18));
  EXPECT_EQ(state().phase, Phase::kDropped);
  EXPECT_EQ(state().text, "broken");
}

TEST_F(WindowRunnerTest, AWindowThatIsReadInItsMidstIsLeftAlone) {
  until_published();
  for (int i = 0; i < 50; ++i) {
    part(0, 5, next_);
    read(kX);
    part(5, kCalls, next_);
    next_ += kAdds;
  }
  EXPECT_EQ(state().phase, Phase::kDropped);
  EXPECT_THAT(state().text, HasSubstr("in its midst"));
}

}  // namespace
}  // namespace moai::worker

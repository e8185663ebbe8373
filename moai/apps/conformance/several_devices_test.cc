// A lease of four devices, all the way: platform, holder, Workers and a client without torch.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <thread>

#include "moai/base/log.h"
#include "moai/base/site_settings.h"
#include "moai/driver/lease/lease_connector.h"
#include "moai/driver/stream/greeting.h"
#include "moai/identity/token.h"
#include "moai/toolkit/testing/programs.h"
#include "moai/worker/testing/front.h"

namespace moai {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kRanks = 4;
const auto kNeverStopped = [] { return false; };

template <class Done>
bool eventually(const Done& done) {
  const auto give_up = steady_clock::now() + std::chrono::seconds(30);
  while (!done()) {
    if (steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

class SeveralDevices : public testing::Test {
 protected:
  SeveralDevices() {
    set_log_level(LogLevel::kOff);
    ::setenv("MOAI_LOCAL_DEVICES", "4", 1);
    ::setenv("MOAI_LOCAL_JOB_DEVICES", "4", 1);
    ::setenv("MOAI_LOCAL_THREADS", "1", 1);
    ::setenv("MOAI_DEVICE_MEMORY", "64MiB", 1);
    driver::DriverOptions options;
    options.session_program = program_directory() + "/moai-session";
    options.client_version = "0.1.0";
    options.framework = "pytorch-2.13.0";
    options.command = "client of four";
    options.flavor = "Large.256GB";
    options.quiet = true;
    connector_ = std::make_unique<driver::LeaseConnector>(options, [](const Status&) {});
  }
  ~SeveralDevices() override { set_log_level(LogLevel::kInfo); }

  driver::Connected connect() {
    auto connected = connector_->connect(kNeverStopped);
    EXPECT_TRUE(connected.ok()) << connected.status().to_string();
    if (!connected.ok()) return {};
    EXPECT_EQ(connected->workers.size(), kRanks);
    return std::move(*connected);
  }
  // Connects and greets; what is granted stays in lease_.
  void take_lease() {
    lease_ = connect();
    ASSERT_EQ(lease_.workers.size(), kRanks);
    const auto welcomes = driver::greet_all(lease_.workers, milliseconds(20'000), {});
    ASSERT_TRUE(welcomes.ok()) << welcomes.status().to_string();
    for (auto& worker : lease_.workers) fronts_.emplace_back(std::move(worker.link));
    running_ = workers();
    ASSERT_EQ(running_.size(), kRanks);
  }
  // Of "moai status", by rank.
  nlohmann::json workers() const {
    auto workers = programs_.shell("moai status --json").json()["workers"];
    std::sort(workers.begin(), workers.end(),
              [](const auto& a, const auto& b) { return a["rank"] < b["rank"]; });
    return workers;
  }
  bool logs(const nlohmann::json& worker, const std::string& text) const {
    return read_file(std::string(worker["log"])).value().find(text) != std::string::npos;
  }

  // What Worker 0 answers to a Worker of rank 3 that shows this secret.
  dispatch::Message joins_with(const std::string& secret) const {
    const auto deadline = steady_clock::now() + std::chrono::seconds(20);
    auto link = comm::connect(running_[0]["address"], deadline);
    EXPECT_TRUE(link.ok()) << link.status().to_string();
    worker::Front peer(std::move(*link));
    const uint64_t epoch = lease_.workers[0].hello.epoch;
    EXPECT_EQ(peer.send(dispatch::Join{.secret = secret, .epoch = epoch, .rank = 3}), ok_status());
    return peer.receive().value();
  }

  toolkit::Programs programs_;
  std::unique_ptr<driver::LeaseConnector> connector_;
  driver::Connected lease_;
  std::vector<worker::Front> fronts_;  // by rank
  nlohmann::json running_;             // what "moai status" says of the Workers, by rank
};

// Adds 1 to two numbers on the Worker.
std::vector<double> add_one(worker::Front& front, double first) {
  const dispatch::Message messages[] = {
      dispatch::Ping{},
      dispatch::DefineSignatures{
          .signatures = {worker::signature_of("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]")}},
      dispatch::Upload{.storage = 1, .storage_bytes = 16, .bytes = worker::bytes_of({first, 5})},
      dispatch::Upload{.storage = 2, .storage_bytes = 16, .bytes = worker::bytes_of({1, 1})},
      dispatch::Run{
          .first_sequence = 1,
          .program = worker::ProgramBuilder().call(0, {1, 2, 3}, {worker::word_of(1)}).get()},
      dispatch::Read{.request = 1, .ranges = {{3, 0, 16}}}};
  for (const dispatch::Message& message : messages) EXPECT_EQ(front.send(message), ok_status());
  return worker::doubles_of(front.await<dispatch::Data>().bytes);
}

TEST_F(SeveralDevices, EachRunsAProgramAndIsShown) {
  take_lease();
  EXPECT_EQ(lease_.memory_bytes, uint64_t{256} << 20) << "of all devices";
  EXPECT_EQ(lease_.workers[2].name, "rank 2 of 4 (device 2 of node local)");
  for (size_t rank = 0; rank < kRanks; ++rank) {
    const auto number = static_cast<double>(rank);
    EXPECT_THAT(add_one(fronts_[rank], number), ElementsAre(number + 1, 6));
  }
  EXPECT_EQ(running_[2]["device"], 2);
  EXPECT_EQ(running_[2]["job_id"], lease_.job_id);
  EXPECT_THAT(programs_.shell("moai status").out, HasSubstr(", job 1 rank 2 of 4"));
  const std::string physical = programs_.shell("moreh-smi -p").out;
  for (const char* shown : {"local:0", "local:1", "local:2", "local:3", "client of four"}) {
    EXPECT_THAT(physical, HasSubstr(shown));
  }
  const auto smi = programs_.shell("moreh-smi --json").json();
  EXPECT_EQ(smi["devices"][0]["physical"].size(), kRanks);
  EXPECT_EQ(smi["devices"][0]["physical"][3]["memory_total_bytes"], uint64_t{64} << 20);
  EXPECT_THAT(programs_.shell("moai jobs").out, HasSubstr("|  local:0-3  |"));
  EXPECT_EQ(first_line_of(programs_.state() + "/device_memory"), "268435456");
}

TEST_F(SeveralDevices, KnowEachOtherAndNobodyElse) {
  take_lease();
  for (const auto& worker : running_) {
    EXPECT_TRUE(eventually([&] { return logs(worker, "knows its peers, all on one host"); }));
  }
  for (const auto& worker : lease_.workers) {
    EXPECT_NE(worker.host_id, "");
    EXPECT_EQ(worker.host_id, lease_.workers[0].host_id);
  }
  const std::string secret = lease_.workers[0].hello.secret;
  EXPECT_TRUE(std::holds_alternative<dispatch::Refused>(joins_with(secret)));
  const std::string of_all = identity::derive_secret(secret, "moai group");
  EXPECT_TRUE(std::holds_alternative<dispatch::Joined>(joins_with(of_all)));
}

TEST_F(SeveralDevices, OneThatDiesEndsAllAndIsNamed) {
  take_lease();
  ::kill(static_cast<pid_t>(running_[2]["pid"]), SIGKILL);
  ASSERT_TRUE(fronts_[2].is_closed());
  const Status why = connector_->lost(2, unavailable("the link broke"));
  EXPECT_EQ(why.code(), Code::kUnavailable);
  EXPECT_THAT(why.message(), HasSubstr("rank 2 of 4 (device 2 of node local), has ended "
                                       "unexpectedly: Worker killed by signal 9"));
  for (worker::Front& front : fronts_) EXPECT_TRUE(front.is_closed());
  for (const auto& worker : running_) {
    EXPECT_TRUE(eventually([&] { return !process_id(worker["pid"]); })) << worker;
  }
  EXPECT_TRUE(eventually([&] { return workers().empty(); }));
  EXPECT_THAT(programs_.shell("moai events").out, HasSubstr("worker.ended"));
}

// Signatures of programs that ranks run together.
constexpr graph::SignatureId kSum0 = 0, kSum1 = 1, kGather = 2, kAdd = 3;
constexpr graph::StorageId kValue = 1, kGathered = 2;

// A lease whose ranks run such programs: each has its number and 1 in kValue.
class AMesh : public SeveralDevices {
 protected:
  void begin() {
    take_lease();
    if (HasFatalFailure()) return;
    send_all(dispatch::DefineSignatures{
        .signatures = {worker::signature_of("moai::all_reduce((f64[2]!), \"sum\", 0) -> _"),
                       worker::signature_of("moai::all_reduce((f64[2]!), \"sum\", 1) -> _"),
                       worker::signature_of("moai::all_gather(f64[2], 0, [2,2,2,2], 0) -> f64[8]"),
                       worker::signature_of("aten::add.Tensor(f64[2], f64[2], word) -> f64[2]")}});
    for (size_t rank = 0; rank < kRanks; ++rank) {
      send(rank, dispatch::Upload{.storage = kValue,
                                  .storage_bytes = 16,
                                  .bytes = worker::bytes_of({static_cast<double>(rank), 1})});
    }
  }
  void send(size_t rank, const dispatch::Message& message) {
    EXPECT_EQ(fronts_[rank].send(message), ok_status());
  }
  void send_all(const dispatch::Message& message) {
    for (size_t rank = 0; rank < kRanks; ++rank) send(rank, message);
  }
  void run_all(const worker::ProgramBuilder& program) {
    send_all(dispatch::Run{.first_sequence = 1, .program = program.get()});
  }
  std::vector<double> read(size_t rank, graph::StorageId id = kValue, uint64_t bytes = 16) {
    send(rank, dispatch::Read{.request = 1, .ranges = {{id, 0, bytes}}});
    return worker::doubles_of(fronts_[rank].await<dispatch::Data>().bytes);
  }
};

TEST_F(AMesh, AddsAndGathersAlongItsAxes) {
  begin();
  send_all(dispatch::JoinMesh{.id = 1, .axes = {2, 2}});
  run_all(worker::ProgramBuilder().call(kSum0, {kValue}));
  for (size_t rank = 0; rank < kRanks; ++rank) {
    EXPECT_THAT(read(rank), ElementsAre(rank % 2 ? 1 + 3 : 0 + 2, 2)) << rank;
  }
  run_all(worker::ProgramBuilder().call(kSum1, {kValue}));
  for (size_t rank = 0; rank < kRanks; ++rank) EXPECT_THAT(read(rank), ElementsAre(6, 4));
}

TEST_F(AMesh, IsChangedBetweenTwoRunsOfATemplate) {
  begin();
  const auto program = worker::ProgramBuilder(true).call(kSum0, {0}).call(kAdd, {0, 0, 1}, {0});
  send_all(dispatch::DefineTemplate{.id = 7, .program = program.get()});
  const auto once = [&](graph::StorageId sum) {
    send_all(dispatch::RunTemplate{.id = 7,
                                   .first_sequence = 1,
                                   .end = 2,
                                   .bindings = {kValue, sum},
                                   .words = {worker::word_of(1)}});
  };
  send_all(dispatch::JoinMesh{.id = 1, .axes = {2, 2}});
  once(10);
  once(11);
  for (size_t rank = 0; rank < kRanks; ++rank) {
    EXPECT_THAT(read(rank, 10), ElementsAre(rank % 2 ? 8 : 4, 4)) << rank;
    EXPECT_THAT(read(rank, 11), ElementsAre(rank % 2 ? 16 : 8, 8)) << rank;
  }
  send_all(dispatch::JoinMesh{.id = 2, .axes = {4}});
  once(12);
  run_all(worker::ProgramBuilder().call(kGather, {kValue, kGathered}));
  for (size_t rank = 0; rank < kRanks; ++rank) {
    EXPECT_THAT(read(rank, 12), ElementsAre(48, 32)) << rank;
    EXPECT_THAT(read(rank, kGathered, 64), ElementsAre(24, 16, 24, 16, 24, 16, 24, 16));
  }
}

TEST_F(AMesh, DrawsInSharesWhatOneDrawsWhole) {
  begin();
  send_all(dispatch::JoinMesh{.id = 1, .axes = {4}});
  const std::vector<uint64_t> words = {worker::word_of(0), worker::word_of(1), 77, 5};
  for (size_t rank = 0; rank < kRanks; ++rank) {
    const std::string begin = std::to_string(2 * rank);
    send(rank,
         dispatch::DefineSignatures{
             .first = 4,
             .signatures = {
                 worker::signature_of("aten::uniform_(f64[2]!, word, word, generator, (\"share\", "
                                      "[8], [" +
                                      begin + "], [2])) -> _"),
                 worker::signature_of("aten::uniform_(f64[8]!, word, word, generator) -> _")}});
  }
  run_all(worker::ProgramBuilder()
              .call(4, {kValue}, words)
              .call(kGather, {kValue, kGathered})
              .alloc(4, 64)
              .call(5, {4}, words));
  const std::vector<double> whole = read(0, 4, 64);
  EXPECT_NE(whole[0], whole[7]);
  for (size_t rank = 0; rank < kRanks; ++rank) EXPECT_EQ(read(rank, kGathered, 64), whole);
}

TEST_F(AMesh, AWorkerKilledInACollectiveFailsTheOthersInTime) {
  begin();
  send_all(dispatch::JoinMesh{.id = 1, .axes = {4}});
  run_all(worker::ProgramBuilder().call(kSum0, {kValue}));
  for (size_t rank = 0; rank < kRanks; ++rank) EXPECT_THAT(read(rank), ElementsAre(6, 4));
  for (const size_t rank : {0, 1, 3}) {
    send(rank, dispatch::Run{.first_sequence = 2,
                             .program = worker::ProgramBuilder().call(kSum0, {kValue}).get()});
  }
  std::this_thread::sleep_for(milliseconds(100));
  // An agent that sees the death would end the others before they notice it themselves.
  const pid_t agent = programs_.shell("moai status --json").json()["agents"][0]["pid"];
  ::kill(agent, SIGSTOP);
  ::kill(static_cast<pid_t>(running_[2]["pid"]), SIGKILL);
  const auto killed = steady_clock::now();
  for (const size_t rank : {0, 1, 3}) {
    const auto fault = fronts_[rank].await<dispatch::Fault>();
    EXPECT_THAT(fault.text, HasSubstr("rank 2 (process ")) << rank;
    EXPECT_EQ(fault.code, Code::kUnavailable);
  }
  EXPECT_LT(steady_clock::now() - killed, milliseconds(2000));
  ::kill(agent, SIGCONT);
  for (const size_t rank : {0, 1, 3}) EXPECT_TRUE(fronts_[rank].is_closed()) << rank;
  EXPECT_THAT(connector_->lost(0, unavailable("the link broke")).message(),
              HasSubstr("rank 2 of 4 (device 2 of node local), has ended unexpectedly"));
}

// A second agent of the local platform, which tells its Workers' addresses as another node would.
class SecondNode {
 public:
  explicit SecondNode(const toolkit::Programs& programs) {
    const auto platform = session::platform_status(programs.state());
    if (!platform) return;
    const std::string state = programs.state();
    SpawnOptions agent;
    agent.argv = {program_directory() + "/moai-agent",
                  "--master",
                  platform->platform.address,
                  "--ca",
                  state + "/master/ca.pem",
                  "--certificate",
                  state + "/master/agent.pem",
                  "--key",
                  state + "/master/agent.key",
                  "--name",
                  "other",
                  "--host",
                  "127.0.0.1",
                  "--state",
                  state + "/other",
                  "--listen",
                  "tcp",
                  "--devices",
                  "2",
                  "--threads",
                  "1"};
    agent.log_path = state + "/other.log";
    const auto pid = spawn(agent);
    EXPECT_TRUE(pid.ok()) << pid.status().to_string();
    if (pid.ok()) pid_ = static_cast<pid_t>(*pid);
  }
  ~SecondNode() { end(); }
  void end(int signal = SIGTERM) {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
};

TEST_F(SeveralDevices, MayLieOnSeveralNodes) {
  ::setenv("MOAI_LOCAL_DEVICES", "2", 1);
  ASSERT_EQ(programs_.shell("moai up").code, 0);
  SecondNode other(programs_);
  take_lease();
  EXPECT_EQ(lease_.workers[1].name, "rank 1 of 4 (device 1 of node local)");
  EXPECT_EQ(lease_.workers[2].name, "rank 2 of 4 (device 0 of node other)");
  EXPECT_THAT(fronts_[3].link().peer(), HasSubstr("tcp:127.0.0.1:"));
  for (worker::Front& front : fronts_) EXPECT_THAT(add_one(front, 1), ElementsAre(2, 6));
  EXPECT_TRUE(eventually([&] { return logs(running_[0], "rank 0 of 4 knows its peers"); }));
  EXPECT_THAT(programs_.shell("moai jobs").out, HasSubstr("|  local:0-1 other:0-1  |"));
  other.end();
  EXPECT_TRUE(fronts_[2].is_closed());
  EXPECT_THAT(connector_->lost(2, unavailable("the link broke")).message(),
              HasSubstr(" of node other), has ended unexpectedly: the agent ends"));
  for (worker::Front& front : fronts_) EXPECT_TRUE(front.is_closed());
}

TEST_F(SeveralDevices, SurviveTheAgentThatStartedThem) {
  ::setenv("MOAI_LOCAL_DEVICES", "2", 1);
  ASSERT_EQ(programs_.shell("moai up").code, 0);
  SecondNode other(programs_);
  take_lease();
  EXPECT_TRUE(eventually([&] { return logs(running_[0], "knows its peers"); }));
  other.end(SIGKILL);
  SecondNode successor(programs_);
  const auto connected = [&] {
    const auto agents = programs_.shell("moai status --json").json()["agents"];
    return agents.size() == 2 && agents[1]["pid"] == successor.pid() && agents[1]["connected"];
  };
  ASSERT_TRUE(eventually(connected));
  for (worker::Front& front : fronts_) EXPECT_THAT(add_one(front, 1), ElementsAre(2, 6));
  ::kill(static_cast<pid_t>(running_[3]["pid"]), SIGKILL);
  EXPECT_TRUE(fronts_[3].is_closed());
  EXPECT_THAT(
      connector_->lost(3, unavailable("the link broke")).message(),
      HasSubstr("rank 3 of 4 (device 1 of node other), has ended unexpectedly: Worker ended; "
                "its exit code is not known"));
}

TEST_F(SeveralDevices, AreFreeAfterwardsUnderANewerEpoch) {
  take_lease();
  const uint64_t epoch = lease_.workers[0].hello.epoch;
  connector_->give_back();
  EXPECT_TRUE(eventually([&] { return workers().empty(); }));
  lease_ = connect();
  ASSERT_EQ(lease_.workers.size(), kRanks);
  EXPECT_GT(lease_.workers[0].hello.epoch, epoch);
  lease_.workers[1].hello.epoch = epoch;
  const auto greeted = driver::greet_all(lease_.workers, milliseconds(20'000), {});
  EXPECT_EQ(greeted.status().code(), Code::kPermissionDenied);
  EXPECT_THAT(greeted.status().message(), HasSubstr("rank 1 of 4"));
}

TEST_F(SeveralDevices, AreRefusedWhereJobsHaveOne) {
  ::setenv("MOAI_LOCAL_JOB_DEVICES", "1", 1);
  const Status status = connector_->connect(kNeverStopped).status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("moreh-switch-model"));
}

}  // namespace
}  // namespace moai

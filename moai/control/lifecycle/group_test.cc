// Leases of several devices: all Workers or none, one name for each, one secret between them.
#include "moai/control/lifecycle/group.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "moai/control/testing/bench.h"
#include "moai/identity/token.h"

namespace moai::control {
namespace {

using testing::Back;
using testing::Bench;
using testing::Front;

Options several() {
  Options options;
  options.flavor_devices_max = 64;
  return options;
}

// What one agent was told, orders of one kind.
template <class Get>
auto orders(const Back& back, Get get) {
  std::vector<std::decay_t<decltype(*get(v1::AgentDown()))>> found;
  for (const v1::AgentDown& down : back.sender->messages)
    if (const auto* order = get(down)) found.push_back(*order);
  return found;
}
std::vector<v1::StartWorker> starts(const Back& back) {
  return orders(back, [](const v1::AgentDown& d) {
    return d.has_start_worker() ? &d.start_worker() : nullptr;
  });
}
std::vector<v1::StopWorker> stops(const Back& back) {
  return orders(back, [](const v1::AgentDown& d) {
    return d.has_stop_worker() ? &d.stop_worker() : nullptr;
  });
}
std::vector<v1::Introduce> introductions(const Back& back) {
  return orders(
      back, [](const v1::AgentDown& d) { return d.has_introduce() ? &d.introduce() : nullptr; });
}

v1::RunningWorker running(uint64_t epoch, uint32_t device) {
  v1::RunningWorker worker;
  worker.set_epoch(epoch);
  worker.set_device(device);
  worker.set_address("tcp:10.0.0.1:" + std::to_string(4000 + device));
  return worker;
}

// Nodes "a" (three devices) and "b" (two), and a front that has asked for four: ranks 0 to 2 are on
// a, rank 3 on b.
struct Gang : Bench {
  explicit Gang(MemoryStore* store = nullptr) : Bench(several(), store) {
    a = join("a", 3, {}, "host a");
    b = join("b", 2, {}, "host b");
    v1::Open open;
    open.set_flavor("Large.256GB");
    front = this->open(token, open);
    acquire(front);
  }
  void work_all() {
    work(a);
    work(b);
  }
  LeaseState state() const { return site.ledger.leases().begin()->second.state; }
  const std::string& text() const { return front.last().ended().text(); }
  Back a, b;
  Front front;
};

TEST(Group, EachWorkerIsOrderedWithItsRankAndTheSecretOfAll) {
  Gang bench;
  ASSERT_EQ(starts(bench.a).size(), 3u);
  ASSERT_EQ(starts(bench.b).size(), 1u);
  std::vector<v1::StartWorker> all = starts(bench.a);
  all.push_back(starts(bench.b)[0]);
  std::set<std::string> secrets;
  for (uint32_t rank = 0; rank < 4; ++rank) {
    EXPECT_EQ(all[rank].rank(), rank);
    EXPECT_EQ(all[rank].ranks(), 4u);
    EXPECT_EQ(all[rank].epoch(), 1u);
    EXPECT_EQ(all[rank].group_secret(), all[0].group_secret());
    EXPECT_EQ(all[rank].group_secret().size(), identity::kSecretBytes);
    secrets.insert(all[rank].secret());
  }
  EXPECT_EQ(secrets.size(), 4u);
  EXPECT_FALSE(secrets.contains(all[0].group_secret()));
}

TEST(Group, AWorkerOfItsOwnHasNoGroup) {
  Bench bench(several());
  Back back = bench.join("a", 1);
  Front front = bench.open(bench.token);
  bench.acquire(front);
  bench.work(back);
  EXPECT_EQ(starts(back)[0].ranks(), 1u);
  EXPECT_EQ(starts(back)[0].group_secret(), "");
  EXPECT_TRUE(introductions(back).empty());
}

TEST(Group, TheLeaseIsActiveWhenTheLastWorkerIsReady) {
  Gang bench;
  bench.work(bench.a);
  EXPECT_EQ(bench.state(), LeaseState::kStarting);
  EXPECT_FALSE(bench.front.granted());
  EXPECT_TRUE(introductions(bench.a).empty());
  bench.work(bench.b);
  EXPECT_EQ(bench.state(), LeaseState::kActive);
  ASSERT_TRUE(bench.front.granted());
  const v1::Granted& granted = bench.front.last().granted();
  ASSERT_EQ(granted.workers_size(), 4);
  EXPECT_EQ(granted.workers(1).node(), "a");
  EXPECT_EQ(granted.workers(1).device(), 1u);
  EXPECT_EQ(granted.workers(1).host_id(), "host a");
  EXPECT_EQ(granted.workers(3).node(), "b");
  EXPECT_EQ(granted.workers(3).device(), 0u);
  EXPECT_EQ(granted.workers(3).secret(), starts(bench.b)[0].secret());
}

TEST(Group, TheWorkersAreThenToldOfEachOther) {
  Gang bench;
  bench.work_all();
  ASSERT_EQ(introductions(bench.a).size(), 1u);
  ASSERT_EQ(introductions(bench.b).size(), 1u);
  const v1::Introduce told = introductions(bench.b)[0];
  EXPECT_EQ(told.SerializeAsString(), introductions(bench.a)[0].SerializeAsString());
  EXPECT_EQ(told.epoch(), 1u);
  ASSERT_EQ(told.peers_size(), 4);
  EXPECT_EQ(told.peers(2).address(), "tcp:10.0.0.1:4002");
  EXPECT_EQ(told.peers(2).host_id(), "host a");
  EXPECT_EQ(told.peers(3).address(), "tcp:10.0.0.1:4000");
  EXPECT_EQ(told.peers(3).host_id(), "host b");
}

TEST(Group, AWorkerThatCannotStartEndsAllAndIsNamed) {
  Gang bench;
  bench.work(bench.a);
  bench.ended(bench.b, 1, 0, "no such library");
  EXPECT_EQ(bench.front.cause(), "worker_failed");
  EXPECT_EQ(bench.text(),
            "Failed to initialize the worker daemon for MoAI Accelerator, rank 3 of 4 (device 0 of "
            "node b): no such library");
  EXPECT_EQ(stops(bench.a).size(), 3u);
  EXPECT_TRUE(stops(bench.b).empty());
  EXPECT_EQ(bench.state(), LeaseState::kFailed) << "its devices are not free yet";
  bench.work_all();
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Group, AWorkerThatDiesEndsAllAndIsNamed) {
  Gang bench;
  bench.work_all();
  bench.ended(bench.a, 1, 2, "killed by signal 9");
  EXPECT_EQ(bench.front.cause(), "worker_ended");
  EXPECT_EQ(bench.text(),
            "The worker of MoAI Accelerator, rank 2 of 4 (device 2 of node a), has ended "
            "unexpectedly: killed by signal 9");
  EXPECT_EQ(stops(bench.a).size(), 2u);
  EXPECT_EQ(stops(bench.b).size(), 1u);
  const size_t said = bench.front.sender->messages.size();
  bench.work_all();
  EXPECT_EQ(bench.front.sender->messages.size(), said) << "the others' ends are not its cause";
  EXPECT_TRUE(bench.site.ledger.leases().empty());
}

TEST(Group, TheEvidenceIsAnEventOfItsOwn) {
  Gang bench;
  bench.work_all();
  bench.ended(bench.a, 1, 2, "killed by signal 9");
  bench.work_all();
  std::vector<std::string> ends;
  const auto events = list_events(bench.site, bench.access(bench.admin), {}).value();
  for (const v1::Event& event : events.events())
    if (event.kind() == "worker.ended")
      ends.push_back(event.subject() + " " + event.actor() + " " + event.cause());
  EXPECT_EQ(ends, std::vector<std::string>{
                      "job/1 agent/a rank 2 of 4 (device 2 of node a): killed by signal 9"});
}

TEST(Group, LateWorkersAreNamed) {
  Gang bench;
  bench.ready(bench.a, 1, 1);
  bench.pass(61000);
  bench.report(bench.a);
  bench.report(bench.b);
  bench.beat(bench.front);
  bench.tick();
  EXPECT_EQ(bench.front.cause(), "start_timeout");
  EXPECT_NE(bench.text().find("MoAI Accelerator, rank 0 of 4 (device 0 of node a), rank 2 of 4 "
                              "(device 2 of node a), rank 3 of 4 (device 0 of node b): it was not"),
            std::string::npos)
      << bench.text();
}

TEST(Group, NoMoreThanThreeAreNamed) {
  Bench bench(several());
  Back back = bench.join("a", 8);
  v1::Open open;
  open.set_flavor("xLarge.512GB");
  Front front = bench.open(bench.token, open);
  bench.acquire(front);
  const LeaseRow& lease = bench.site.ledger.leases().begin()->second;
  const std::string names = worker_names(bench.site, lease, [](const auto&) { return true; });
  EXPECT_EQ(names.substr(names.find("rank 2")), "rank 2 of 8 (device 2 of node a) and 5 more");
}

TEST(Group, ALostLinkIsNamed) {
  Gang bench;
  bench.work_all();
  bench.lose_link(bench.front, "tcp:10.0.0.1:4001", "connection reset");
  bench.pass(600);
  bench.tick();
  EXPECT_EQ(bench.text(),
            "The connection to the worker at tcp:10.0.0.1:4001, rank 1 of 4 (device 1 of node a), "
            "is lost: connection reset");
}

TEST(Group, ANodeBeyondItsSelfFenceTimeEndsTheWorkersOfTheOthers) {
  Gang bench;
  bench.work_all();
  bench.break_stream(bench.b);
  for (int i = 0; i < 640 && !bench.front.last().has_ended(); ++i) {
    bench.pass(1000);
    bench.beat(bench.front);
    bench.report(bench.a);
    bench.tick();
  }
  EXPECT_NE(bench.text().find("rank 3 of 4 (device 0 of node b), has ended"), std::string::npos);
  EXPECT_EQ(stops(bench.a).size(), 3u);
}

TEST(Group, AnAgentThatWasAwayIsToldAgain) {
  Gang bench;
  bench.work(bench.a);
  bench.break_stream(bench.a);
  bench.work(bench.b);
  EXPECT_TRUE(bench.front.granted());
  EXPECT_TRUE(introductions(bench.b).empty()) << "all are told the same, or nothing";
  Back again = bench.join("a", 3, {running(1, 0), running(1, 1), running(1, 2)}, "host a");
  ASSERT_EQ(introductions(again).size(), 1u);
  EXPECT_EQ(introductions(again)[0].peers_size(), 4);
  EXPECT_EQ(introductions(bench.b).size(), 1u);
}

TEST(Group, ALostOrderOfOneNodeIsRepeatedWithItsRank) {
  Gang bench;
  bench.work(bench.a);
  bench.break_stream(bench.b);
  Back again = bench.join("b", 2, {}, "host b");
  ASSERT_EQ(starts(again).size(), 1u);
  EXPECT_EQ(starts(again)[0].rank(), 3u);
  EXPECT_EQ(starts(again)[0].group_secret(), starts(bench.a)[0].group_secret());
  bench.work(again);
  EXPECT_TRUE(bench.front.granted());
}

TEST(Group, ASuccessorOfTheMasterKeepsThem) {
  MemoryStore store;
  std::string token, resume;
  {
    Gang bench(&store);
    bench.work_all();
    token = bench.token;
    resume = bench.front.resume();
  }
  Bench successor(several(), &store);
  Back a = successor.join("a", 3, {running(1, 0), running(1, 1), running(1, 2)}, "host a");
  EXPECT_TRUE(introductions(a).empty());
  Back b = successor.join("b", 2, {running(1, 0)}, "host b");
  EXPECT_EQ(introductions(a).size(), 1u) << "the former may have died before it said so";
  EXPECT_EQ(introductions(b).size(), 1u);
  v1::Open open;
  open.set_resume(resume);
  Front front = successor.open(token, open);
  ASSERT_TRUE(front.granted());
  EXPECT_EQ(front.last().granted().workers_size(), 4);
  successor.ended(b, 1, 0, "killed");
  EXPECT_EQ(front.cause(), "worker_ended");
}

TEST(Group, AResetEndsAllWorkers) {
  Gang bench;
  bench.work_all();
  v1::AcceleratorRequest request;
  EXPECT_TRUE(reset_accelerator(bench.site, bench.access(bench.token), request).ok());
  bench.step();
  EXPECT_EQ(bench.front.cause(), "reset");
  EXPECT_EQ(stops(bench.a).size() + stops(bench.b).size(), 4u);
}

TEST(Group, EveryDeviceCountsForTheTokensLimit) {
  Bench bench(several());
  const std::string token = bench.make_token("two", [](TokenRow& row) { row.devices_max = 5; });
  Back back = bench.join("a", 8);
  const auto ask = [&](const std::string& flavor) {
    v1::AddAcceleratorRequest request;
    request.set_flavor_id(1);
    const auto made = add_accelerator(bench.site, bench.access(token), request);
    v1::Open open;
    open.set_flavor(flavor);
    open.set_device(std::to_string(made->number()));
    Front front = bench.open(token, open);
    bench.acquire(front);
    bench.work(back);
    return front;
  };
  EXPECT_EQ(ask("xLarge.512GB").cause(), "over_limit");
  Front four = ask("Large.256GB");
  EXPECT_TRUE(four.granted());
  Front two = ask("Medium.128GB");
  EXPECT_EQ(two.cause(), "quota");
  EXPECT_TRUE(ask("Small.64GB").granted());
  bench.close(four);
  bench.work(back);
  EXPECT_TRUE(two.granted());
}

TEST(Group, OneLargerThanTheSiteWaitsForNodesAndHoldsNobodyUp) {
  Bench bench(several());
  Back a = bench.join("a", 3);
  v1::Open open;
  open.set_flavor("Large.256GB");
  Front large = bench.open(bench.token, open);
  bench.acquire(large);
  EXPECT_TRUE(large.waiting());
  EXPECT_EQ(large.cause(), "too_few_devices");
  Front small = bench.open(bench.make_token("other"));
  bench.acquire(small);
  bench.work(a);
  EXPECT_TRUE(small.granted());
  Back b = bench.join("b", 2);
  bench.work(a);
  bench.work(b);
  EXPECT_TRUE(large.granted());
}

TEST(Group, AreListedDeviceByDevice) {
  Gang bench;
  bench.work_all();
  for (const auto& [back, device] : {std::pair{&bench.a, 1u}, {&bench.b, 0u}}) {
    v1::AgentUp up;
    v1::DeviceState* state = up.mutable_report()->add_devices();
    state->set_index(device);
    state->set_epoch(1);
    state->set_memory_used_bytes(1000);
    state->set_utilization(0.5);
    bench.say(*back, up);
  }
  const Access user = bench.access(bench.token), admin = bench.access(bench.admin);
  const auto shown = list_accelerators(bench.site, user, {}).value().accelerators(0);
  EXPECT_EQ(shown.devices_size(), 4);
  EXPECT_EQ(shown.memory_used_bytes(), 2000u);
  EXPECT_EQ(shown.utilization(), 0.25);
  const auto job = list_jobs(bench.site, user, {}).value().jobs(0);
  ASSERT_EQ(job.devices_size(), 4);
  EXPECT_EQ(job.devices(3).host(), "b");
  EXPECT_EQ(job.devices(3).state().memory_used_bytes(), 1000u);
  const auto agents = list_agents(bench.site, admin, {}).value();
  ASSERT_EQ(agents.agents(0).workers_size(), 3);
  EXPECT_EQ(agents.agents(1).workers(0).rank(), 3u);
  EXPECT_EQ(agents.agents(1).workers(0).ranks(), 4u);
  EXPECT_EQ(agents.agents(1).workers(0).job_id(), 1u);
}

// Random scripts on random flavors; Workers that start, fail, die and come late. After every step:
// no device has two Workers that may be alive, epochs of a device only grow, and what is told to
// fronts is whole.
class RandomGangs : public Bench {
 public:
  explicit RandomGangs(uint32_t seed) : Bench(several()), random_(seed) {
    for (const char* name : {"a", "b", "c"}) agents_.push_back(join(name, 4));
    for (int i = 0; i < 5; ++i) {
      tokens_.push_back(make_token("t" + std::to_string(i)));
      fronts_.push_back(new_front(tokens_.back()));
    }
  }

  void act() {
    const size_t i = random_() % fronts_.size();
    switch (random_() % 6) {
      case 0:
      case 1:
        acquire(fronts_[i]);
        break;
      case 2:
        give_back(fronts_[i]);
        break;
      case 3:
        close(fronts_[i]);
        fronts_[i] = new_front(tokens_[i]);
        break;
      default:
        carry_out(agents_[random_() % agents_.size()]);
    }
    check();
  }
  void settle() {
    for (Front& front : fronts_) close(front);
    for (int i = 0; i < 100; ++i)
      for (Back& back : agents_) carry_out(back);
    EXPECT_TRUE(site.ledger.leases().empty());
    EXPECT_TRUE(alive_.empty());
  }
  int granted = 0, failed = 0;

 private:
  using Place = std::pair<size_t, uint32_t>;  // agent and device

  Front new_front(const std::string& token) {
    const char* flavors[] = {"Small.64GB", "Medium.128GB", "Large.256GB", "xLarge.512GB"};
    v1::Open open;
    open.set_flavor(flavors[random_() % 4]);
    return this->open(token, open);
  }

  // One order, or a death.
  void carry_out(Back& back) {
    const auto agent = static_cast<size_t>(&back - agents_.data());
    if (random_() % 8 == 0) return die(agent);
    if (back.read == back.sender->messages.size()) return;
    const v1::AgentDown order = back.sender->messages[back.read++];
    if (order.has_start_worker()) {
      const Place place{agent, order.start_worker().device()};
      const uint64_t epoch = order.start_worker().epoch();
      EXPECT_GT(epoch, newest_[place]);
      newest_[place] = epoch;
      EXPECT_TRUE(alive_.emplace(place, epoch).second) << "a device has two Workers";
      if (random_() % 10 == 0) return end(place, "cannot start");
      ready(back, epoch, place.second);
    }
    if (order.has_stop_worker()) {
      const Place place{agent, order.stop_worker().device()};
      if (const auto at = alive_.find(place);
          at != alive_.end() && at->second == order.stop_worker().epoch())
        return end(place, "stopped");
      ended(back, order.stop_worker().epoch(), place.second);
    }
  }
  void die(size_t agent) {
    for (const auto& [place, epoch] : alive_)
      if (place.first == agent) return end(place, "killed");
  }
  void end(Place place, const std::string& why) {
    const uint64_t epoch = alive_.at(place);
    alive_.erase(place);
    ended(agents_[place.first], epoch, place.second, why);
  }

  void check() {
    std::set<DeviceKey> taken;
    for (const auto& [id, lease] : site.ledger.leases()) {
      if (is_waiting(lease.state)) {
        EXPECT_TRUE(lease.workers.empty());
        continue;
      }
      EXPECT_EQ(lease.workers.size(), lease.devices);
      for (const LeaseWorker& worker : lease.workers)
        if (!worker.ended) {
          EXPECT_TRUE(taken.insert({worker.agent_id, worker.device}).second);
        }
      if (lease.state != LeaseState::kActive) continue;
      for (const LeaseWorker& worker : lease.workers)
        EXPECT_FALSE(worker.ended || worker.address.empty());
    }
    for (Front& front : fronts_) {
      granted += front.granted();
      failed += front.last().has_ended();
    }
  }

  std::mt19937 random_;
  std::vector<Back> agents_;
  std::vector<std::string> tokens_;
  std::vector<Front> fronts_;
  std::map<Place, uint64_t> newest_, alive_;
};

TEST(Group, NeverOverAllocateWhateverEnds) {
  int granted = 0, failed = 0;
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomGangs bench(seed);
    for (int i = 0; i < 150; ++i) bench.act();
    bench.settle();
    granted += bench.granted;
    failed += bench.failed;
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(granted, 0);
  EXPECT_GT(failed, 0);
}

}  // namespace
}  // namespace moai::control

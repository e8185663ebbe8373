// moai-bench-lease: grant → release over gRPC and TLS without a Worker's start, on a database of
// its own. An agent in this process answers every order at once. Prints what bench/lease.py reads.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <sstream>
#include <thread>

#include "moai/base/fd.h"
#include "moai/base/log.h"
#include "moai/control/master.h"
#include "moai/control/store/sqlite_store.h"
#include "moai/control/testing/counted_store.h"
#include "moai/control/testing/scripted_agent.h"
#include "moai/identity/certificate.h"
#include "moai/identity/token.h"
#include "moai/rpc/client/stream.h"
#include "moai/rpc/server.h"

namespace moai {
namespace {

using control::testing::CountedStore;
using control::testing::ScriptedAgent;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kAnswerMax{10};
constexpr int kWarmUp = 20;

// Until a message of the wanted kind; answers heartbeats.
Status await(rpc::SessionStream& stream, v1::SessionDown::MessageCase kind) {
  while (true) {
    MOAI_ASSIGN_OR_RETURN(const v1::SessionDown down, stream.receive(Clock::now() + kAnswerMax));
    if (down.message_case() == kind) return ok_status();
    if (down.has_ended()) return aborted(down.ended().text());
    v1::SessionUp beat;
    beat.mutable_heartbeat();
    if (down.has_heartbeat()) MOAI_RETURN_IF_ERROR(stream.send(beat));
  }
}

// Seconds from Acquire until the commit after which the devices can be granted again.
Result<double> grant_and_release(rpc::SessionStream& stream, const CountedStore& store) {
  const uint64_t before = store.released;
  v1::SessionUp acquire, give_back;
  acquire.mutable_acquire();
  give_back.mutable_give_back();
  const auto begin = Clock::now();
  MOAI_RETURN_IF_ERROR(stream.send(acquire));
  MOAI_RETURN_IF_ERROR(await(stream, v1::SessionDown::kGranted));
  MOAI_RETURN_IF_ERROR(stream.send(give_back));
  while (store.released == before) {
    if (Clock::now() - begin > kAnswerMax) return deadline_exceeded("the lease was not released");
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  return std::chrono::duration<double>(store.released_at.load() - begin).count();
}

// What a commit must at least do: append a page and see it on the disk.
Result<double> write_through(int file) {
  const std::string page(4096, 'x');
  const auto begin = Clock::now();
  if (::write(file, page.data(), page.size()) != 4096 || ::fdatasync(file) != 0)
    return unavailable("cannot write to the directory");
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Status measure(const std::string& directory, int rounds) {
  const auto ca = identity::make_ca("bench").value();
  const auto mine = identity::issue(ca, {"master", "m", {"localhost"}, {"127.0.0.1"}}).value();
  const auto its = identity::issue(ca, {"agent", "back01", {}, {}}).value();
  const std::string token = identity::make_token();
  MOAI_ASSIGN_OR_RETURN(auto sqlite, control::open_sqlite_store(directory + "/master.db"));
  auto owned = std::make_unique<CountedStore>(std::move(sqlite));
  CountedStore& store = *owned;
  control::Options options;
  options.version = MOAI_VERSION;
  MOAI_ASSIGN_OR_RETURN(auto master, control::Master::start(options, std::move(owned)));
  MOAI_RETURN_IF_ERROR(master->ensure_bootstrap_token(token));
  MOAI_ASSIGN_OR_RETURN(
      auto server, rpc::Server::start({"127.0.0.1:0", mine.certificate, mine.key, ca.certificate},
                                      master.get()));
  const std::string address = server->address();
  MOAI_ASSIGN_OR_RETURN(
      auto back, rpc::Channel::open({address, ca.certificate, its.certificate, its.key, "", ""}));
  MOAI_ASSIGN_OR_RETURN(auto front,
                        rpc::Channel::open({address, ca.certificate, "", "", token, ""}));
  const ScriptedAgent agent(back, 1);
  const auto session = rpc::attach(front);
  v1::SessionUp open;
  open.mutable_open()->set_client_version(MOAI_VERSION);
  MOAI_RETURN_IF_ERROR(session->send(open));
  MOAI_RETURN_IF_ERROR(await(*session, v1::SessionDown::kOpened));

  const Fd file(::open((directory + "/fsync").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  std::ostringstream leases, fsyncs;
  uint64_t commits = 0;
  for (int i = -kWarmUp; i < rounds; ++i) {
    if (i == 0) commits = store.commits;
    MOAI_ASSIGN_OR_RETURN(const double lease_s, grant_and_release(*session, store));
    MOAI_ASSIGN_OR_RETURN(const double fsync_s, write_through(file.get()));
    if (i < 0) continue;
    leases << (i ? "," : "") << lease_s;
    fsyncs << (i ? "," : "") << fsync_s;
  }
  std::cout << "{\"rounds\":" << rounds << ",\"commits\":" << store.commits - commits
            << ",\"lease_s\":[" << leases.str() << "],\"fsync_s\":[" << fsyncs.str() << "]}\n";
  return ok_status();
}

}  // namespace
}  // namespace moai

int main(int argc, char** argv) {
  std::string directory = ".";
  int rounds = 500;
  CLI::App app("Measures grant and release of a lease at a SDAManager of its own.");
  app.add_option("--directory", directory, "an empty one, on the disk of the database")
      ->check(CLI::ExistingDirectory);
  app.add_option("--rounds", rounds, "after a warm-up")->check(CLI::Range(1, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  const moai::Status status = moai::measure(directory, rounds);
  if (status.ok()) return 0;
  moai::log_error(status.to_string());
  return 1;
}

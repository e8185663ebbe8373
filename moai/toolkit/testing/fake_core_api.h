// An SDAManager in memory for the tests of commands: what they are shown stands in its members.
#pragma once

#include <memory>
#include <sstream>
#include <string>

#include "moai/toolkit/command.h"

namespace moai::toolkit {

// What the server has; outlives the API objects that commands open on it.
struct FakeServer {
  v1::Server server;
  v1::Accelerators accelerators;
  v1::Flavors flavors;
  v1::Jobs jobs;
  v1::Events events;
  v1::AgentList agents;
  v1::Tokens tokens;
  v1::CreateTokenRequest created;
  v1::ListJobsRequest listed_jobs;
  v1::ListEventsRequest listed_events;
  Status failure;      // of every call, when it is an error
  std::string called;  // "switch_model(3) reset_accelerator(0) …"

  FakeServer() {
    server.set_version("0.1.0");
    server.set_latest_version("0.1.1");
    server.set_device_name("MoAI Accelerator");
    add_flavor(1, "Small.64GB", 1);
    add_flavor(2, "Medium.128GB", 2);
    add_flavor(52, "1.5xLarge.768GB", 12);
    add_accelerator(0)->set_is_default(true);
  }
  void add_flavor(uint32_t id, const std::string& name, uint32_t devices) {
    v1::Flavor* flavor = flavors.add_flavors();
    flavor->set_id(id);
    flavor->set_name(name);
    flavor->set_devices(devices);
    flavor->set_memory_bytes((uint64_t{65520} << 20) * devices);
  }
  v1::Accelerator* add_accelerator(uint32_t number) {
    v1::Accelerator* accelerator = accelerators.add_accelerators();
    accelerator->set_number(number);
    accelerator->set_name(server.device_name());
    accelerator->set_token("team A");
    *accelerator->mutable_flavor() = flavors.flavors(0);
    return accelerator;
  }
  v1::Accelerator* first() { return accelerators.mutable_accelerators(0); }
  v1::Process* add_process(v1::Accelerator* accelerator, uint64_t job, const std::string& state) {
    v1::Process* process = accelerator->add_processes();
    process->set_job_id(job);
    process->set_pid(4000 + static_cast<int64_t>(job));
    process->set_command("python train.py");
    process->set_state(state);
    process->set_hostname("front");
    return process;
  }
  // A running job on the first accelerator.
  void run_job() {
    v1::Process* process = add_process(first(), 7, "active");
    process->set_memory_used_bytes(uint64_t{397} << 20);
    first()->set_memory_used_bytes(uint64_t{397} << 20);
    first()->set_utilization(0.42);
    v1::PhysicalDevice* device = first()->add_devices();
    device->set_host("back01");
    device->set_index(3);
    device->set_model("simulated");
    device->set_memory_bytes(uint64_t{65520} << 20);
    device->mutable_state()->set_memory_used_bytes(uint64_t{655} << 20);
    device->mutable_state()->set_utilization(0.42);
    device->mutable_state()->set_temperature_c(61);
  }
  v1::Accelerator* find(uint32_t number) {
    for (auto& accelerator : *accelerators.mutable_accelerators()) {
      if (accelerator.number() == number) return &accelerator;
    }
    return nullptr;
  }
};

class FakeCoreApi final : public CoreApi {
 public:
  explicit FakeCoreApi(FakeServer* server) : server_(server) {}

  Result<v1::Server> get_server(const v1::GetServerRequest&) override {
    return ok(server_->server);
  }
  Result<v1::Accelerators> list_accelerators(const v1::ListAcceleratorsRequest&) override {
    return ok(server_->accelerators);
  }
  Result<v1::Accelerator> add_accelerator(const v1::AddAcceleratorRequest& r) override {
    note("add_accelerator", r.flavor_id());
    if (!server_->failure.ok()) return server_->failure;
    return *server_->add_accelerator(
        static_cast<uint32_t>(server_->accelerators.accelerators_size()));
  }
  Result<v1::Empty> remove_accelerator(const v1::AcceleratorRequest& r) override {
    return noted("remove_accelerator", r.number());
  }
  Result<v1::Empty> switch_accelerator(const v1::AcceleratorRequest& r) override {
    return noted("switch_accelerator", r.number());
  }
  Result<v1::Accelerator> switch_model(const v1::SwitchModelRequest& r) override {
    note("switch_model", r.flavor_id());
    if (!server_->failure.ok()) return server_->failure;
    if (server_->first()->processes_size() > 0) {
      return failed_precondition("The model cannot be switched while the " +
                                 server_->server.device_name() + " is in use.");
    }
    for (const v1::Flavor& flavor : server_->flavors.flavors()) {
      if (flavor.id() == r.flavor_id()) *server_->first()->mutable_flavor() = flavor;
    }
    return *server_->first();
  }
  Result<v1::Empty> reset_accelerator(const v1::AcceleratorRequest& r) override {
    const v1::Accelerator* accelerator = server_->find(r.number());
    if (accelerator && accelerator->processes_size() == 0)
      return failed_precondition("Not running job.");
    return noted("reset_accelerator", r.number());
  }
  Result<v1::Flavors> list_flavors(const v1::Empty&) override { return ok(server_->flavors); }
  Result<v1::Jobs> list_jobs(const v1::ListJobsRequest& r) override {
    server_->listed_jobs = r;
    return ok(server_->jobs);
  }
  Result<v1::Events> list_events(const v1::ListEventsRequest& r) override {
    server_->listed_events = r;
    return ok(server_->events);
  }
  Result<v1::AgentList> list_agents(const v1::Empty&) override { return ok(server_->agents); }
  Result<v1::CreatedToken> create_token(const v1::CreateTokenRequest& r) override {
    server_->created = r;
    v1::CreatedToken made;
    made.set_id(5);
    made.set_secret("s3cret");
    return ok(made);
  }
  Result<v1::Tokens> list_tokens(const v1::Empty&) override { return ok(server_->tokens); }
  Result<v1::Empty> revoke_token(const v1::RevokeTokenRequest& r) override {
    return noted("revoke_token", r.id());
  }

 private:
  template <class T>
  Result<T> ok(const T& value) const {
    if (!server_->failure.ok()) return server_->failure;
    return value;
  }
  void note(const std::string& call, uint64_t argument) {
    server_->called +=
        (server_->called.empty() ? "" : " ") + call + "(" + std::to_string(argument) + ")";
  }
  Result<v1::Empty> noted(const std::string& call, uint64_t argument) {
    note(call, argument);
    return ok(v1::Empty());
  }

  FakeServer* server_;  // the test's
};

// Runs commands against a fake server, or against a local platform that does not run.
struct CommandRun {
  FakeServer server;
  bool stopped = false;
  std::string input;
  std::string out, err;
  int code = -1;
  bool started = false;  // the command wanted the local platform to be started

  int run(Command command, const std::vector<std::string>& arguments) {
    std::istringstream in(input);
    std::ostringstream out_stream, err_stream;
    Context context{"0.1.0", {in, out_stream, err_stream}};
    context.find = [this](Terminal&, Stopped what) -> Result<Platform> {
      Platform platform;
      platform.state_dir = "/dev/null/nowhere";  // nobody can make it
      platform.address = "master:9000";
      platform.local = stopped;
      platform.memory_bytes = uint64_t{1} << 30;
      started = what == Stopped::kStart;
      if (!stopped || started) platform.api = std::make_unique<FakeCoreApi>(&server);
      return platform;
    };
    code = command(arguments, context);
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }
  Json json() const { return Json::parse(out); }
};

}  // namespace moai::toolkit

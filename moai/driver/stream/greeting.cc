#include "moai/driver/stream/greeting.h"

namespace moai::driver {
namespace {

Status named(const ConnectedWorker& worker, const Status& status) {
  return Status(status.code(), worker.name + ": " + status.message());
}

}  // namespace

Status say_hello(comm::Link& link, const dispatch::Hello& hello, std::chrono::milliseconds stall) {
  std::string frame;
  dispatch::encode(hello, &frame);
  const std::string_view part = frame;
  return link.send({&part, 1}, stall);
}

Result<dispatch::Welcome> await_welcome(comm::Link& link, comm::Deadline deadline,
                                        const comm::Interrupt& interrupt) {
  while (true) {
    MOAI_ASSIGN_OR_RETURN(const std::string reply, link.receive(deadline, interrupt));
    MOAI_ASSIGN_OR_RETURN(const dispatch::Message message, dispatch::decode(reply));
    if (const auto* refused = std::get_if<dispatch::Refused>(&message)) {
      return Status(refused->code, refused->text);
    }
    if (const auto* welcome = std::get_if<dispatch::Welcome>(&message)) return *welcome;
    if (!std::holds_alternative<dispatch::Ping>(message)) {
      return internal_error("[driver.greeting] the Worker did not answer the greeting");
    }
  }
}

Result<std::vector<dispatch::Welcome>> greet_all(const std::vector<ConnectedWorker>& workers,
                                                 std::chrono::milliseconds within,
                                                 const comm::Interrupt& interrupt) {
  for (const ConnectedWorker& worker : workers) {
    const Status said = say_hello(*worker.link, worker.hello, within);
    if (!said.ok()) return named(worker, said);
  }
  const auto deadline = std::chrono::steady_clock::now() + within;
  std::vector<dispatch::Welcome> welcomes;
  for (const ConnectedWorker& worker : workers) {
    auto welcome = await_welcome(*worker.link, deadline, interrupt);
    if (!welcome.ok()) return named(worker, welcome.status());
    if (welcome->rank != welcomes.size() || welcome->ranks != workers.size()) {
      return named(worker, internal_error("[driver.greeting] it says that it is rank " +
                                          std::to_string(welcome->rank) + " of " +
                                          std::to_string(welcome->ranks)));
    }
    welcomes.push_back(std::move(*welcome));
  }
  return welcomes;
}

}  // namespace moai::driver

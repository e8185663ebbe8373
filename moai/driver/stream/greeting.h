// The first words on a link to a Worker.
#pragma once

#include <chrono>
#include <vector>

#include "moai/comm/link/link.h"
#include "moai/dispatch/messages.h"
#include "moai/driver/lease/connector.h"

namespace moai::driver {

Status say_hello(comm::Link& link, const dispatch::Hello& hello, std::chrono::milliseconds stall);
// Errors: what the Worker refused with, how the link failed, or what the interrupt said.
Result<dispatch::Welcome> await_welcome(comm::Link& link, comm::Deadline deadline,
                                        const comm::Interrupt& interrupt);

// Greets all Workers of a lease in one round trip: says Hello to each, then hears each. INTERNAL
// when one has not the rank it should have. Errors name the Worker.
Result<std::vector<dispatch::Welcome>> greet_all(const std::vector<ConnectedWorker>& workers,
                                                 std::chrono::milliseconds within,
                                                 const comm::Interrupt& interrupt);

}  // namespace moai::driver

// Rows as the messages that clients read.
#pragma once

#include "moai/control/site.h"

namespace moai::control {

v1::Flavor describe(const Site& site, const FlavorRow& row);
v1::Accelerator describe(const Site& site, const AcceleratorRow& row);
v1::Job describe(const Site& site, const LeaseRow& row);
v1::Agent describe(const Site& site, const AgentRow& row);
v1::Token describe(const Site& site, const TokenRow& row);
v1::Event describe(const EventRow& row);

}  // namespace moai::control

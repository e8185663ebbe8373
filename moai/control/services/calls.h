// The unary calls of the Core API: plain functions from a request to a Result.
//
// Each one has checked nothing before: it asks for the access it needs. A mutating call that fails
// has changed nothing. Called on the owner's thread.
#pragma once

#include "moai/base/status.h"
#include "moai/control/services/access.h"
#include "moai/control/site.h"

namespace moai::control {

Result<v1::Server> get_server(Site&, const Access&, const v1::GetServerRequest&);
Result<v1::Accelerators> list_accelerators(Site&, const Access&,
                                           const v1::ListAcceleratorsRequest&);
Result<v1::Accelerator> add_accelerator(Site&, const Access&, const v1::AddAcceleratorRequest&);
Result<v1::Empty> remove_accelerator(Site&, const Access&, const v1::AcceleratorRequest&);
Result<v1::Empty> switch_accelerator(Site&, const Access&, const v1::AcceleratorRequest&);
Result<v1::Accelerator> switch_model(Site&, const Access&, const v1::SwitchModelRequest&);
Result<v1::Empty> reset_accelerator(Site&, const Access&, const v1::AcceleratorRequest&);
Result<v1::Flavors> list_flavors(Site&, const Access&, const v1::Empty&);
Result<v1::Jobs> list_jobs(Site&, const Access&, const v1::ListJobsRequest&);
Result<v1::Events> list_events(Site&, const Access&, const v1::ListEventsRequest&);
Result<v1::AgentList> list_agents(Site&, const Access&, const v1::Empty&);
Result<v1::CreatedToken> create_token(Site&, const Access&, const v1::CreateTokenRequest&);
Result<v1::Tokens> list_tokens(Site&, const Access&, const v1::Empty&);
Result<v1::Empty> revoke_token(Site&, const Access&, const v1::RevokeTokenRequest&);

// Makes a token with this secret and its first accelerator.
uint64_t make_token_row(Site& site, const std::string& secret, TokenRow row,
                        const std::string& actor);

}  // namespace moai::control

#include <memory>
#include <ostream>

#include "moai/toolkit/moai.h"
#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

constexpr size_t kDescriptionWidth = 40;

struct TokenFlags {
  std::string description;
  int32_t priority = 0;
  std::string access = "USER";
  uint32_t accelerators_max = 0;
  uint32_t devices_max = 0;
};

Result<int> create(const TokenFlags& token, Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kStart));
  v1::CreateTokenRequest request;
  request.set_operation_id(operation_id());
  request.set_description(token.description);
  request.set_priority(token.priority);
  request.set_access(token.access);
  request.set_accelerators_max(token.accelerators_max);
  request.set_devices_max(token.devices_max);
  MOAI_ASSIGN_OR_RETURN(const v1::CreatedToken made, platform.api->create_token(request));
  if (json) {
    print_json(context.terminal, {{"id", made.id()}, {"token", made.secret()}});
  } else {
    context.terminal.out << "Token " << made.id() << " is created. Its secret is shown only now:\n"
                         << made.secret() << "\n";
  }
  return kDone;
}

Json token_json(const v1::Token& token) {
  return {{"id", token.id()},
          {"description", token.description()},
          {"access", token.access()},
          {"priority", token.priority()},
          {"accelerators", token.accelerators()},
          {"accelerators_max", token.accelerators_max()},
          {"devices_max", token.devices_max()},
          {"revoked", token.revoked()},
          {"created", local_time(token.created_ns())}};
}

std::string limit(uint32_t number) { return number == 0 ? "-" : std::to_string(number); }

Result<int> list(Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  if (!platform.api) return not_running(context, json);
  MOAI_ASSIGN_OR_RETURN(const v1::Tokens tokens, platform.api->list_tokens({}));
  if (json) {
    Json out = {{"tokens", Json::array()}};
    for (const v1::Token& token : tokens.tokens()) out["tokens"].push_back(token_json(token));
    print_json(context.terminal, out);
    return kDone;
  }
  Table table;
  table.header = {"Token",   "Description", "Cur SDA",      "Max SDA",
                  "Devices", "Priority",    "Access Level", "Created"};
  for (const v1::Token& token : tokens.tokens()) {
    table.rows.push_back(
        {std::to_string(token.id()), one_line(token.description(), kDescriptionWidth),
         std::to_string(token.accelerators()), limit(token.accelerators_max()),
         limit(token.devices_max()), std::to_string(token.priority()),
         token.revoked() ? "revoked" : token.access(), local_time(token.created_ns())});
  }
  context.terminal.out << render(table);
  return kDone;
}

Result<int> revoke(uint64_t id, Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kStart));
  v1::RevokeTokenRequest request;
  request.set_operation_id(operation_id());
  request.set_id(id);
  MOAI_RETURN_IF_ERROR(platform.api->revoke_token(request).status());
  if (json) {
    print_json(context.terminal, {{"id", id}, {"revoked", true}});
  } else {
    context.terminal.out << "Token " << id << " is revoked; its jobs are ended.\n";
  }
  return kDone;
}

// The flags are shared by the option that fills them and the action that reads them.
void declare_create(CLI::App& token, Invocation& invocation) {
  auto flags = std::make_shared<TokenFlags>();
  CLI::App* command =
      add_command(token, invocation, "create", "make a token; shows its secret once");
  command->add_option("--description", flags->description, "whose it is");
  command->add_option("--priority", flags->priority, "of its jobs, -99 to 99; higher goes first")
      ->check(CLI::Range(-99, 99));
  command->add_option("--access", flags->access, "USER or ADMIN")
      ->check(CLI::IsMember({"USER", "ADMIN"}, CLI::ignore_case))
      ->capture_default_str();
  command->add_option("--accelerators-max", flags->accelerators_max,
                      "accelerators it may have; 0: 5");
  command->add_option("--devices-max", flags->devices_max,
                      "devices its jobs may hold together; 0: no limit");
  command->footer("Example: moai token create --description \"team A\" --devices-max 4");
  command->callback([&invocation, flags] {
    invocation.action = [flags](Context& context, bool json) {
      return create(*flags, context, json);
    };
  });
}

void declare_revoke(CLI::App& token, Invocation& invocation) {
  auto id = std::make_shared<uint64_t>(0);
  CLI::App* command = add_command(token, invocation, "revoke", "end a token, and its jobs");
  command->add_option("ID", *id, "of \"moai token list\"")->required();
  command->footer("Example: moai token revoke 3");
  command->callback([&invocation, id] {
    invocation.action = [id](Context& context, bool json) { return revoke(*id, context, json); };
  });
}

}  // namespace

void declare_token(CLI::App& app, Invocation& invocation) {
  CLI::App* token = app.add_subcommand("token", "create, list and revoke tokens (ADMIN)");
  token->require_subcommand(1);
  declare_create(*token, invocation);
  add_command(*token, invocation, "list", "all tokens")->callback([&invocation] {
    invocation.action = list;
  });
  declare_revoke(*token, invocation);
}

}  // namespace moai::toolkit

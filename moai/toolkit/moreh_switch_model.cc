#include "moai/toolkit/moreh_switch_model.h"

#include <ostream>

#include "moai/base/log.h"
#include "moai/session/local/device_memory.h"
#include "moai/toolkit/flavors.h"
#include "moai/toolkit/known_accelerators.h"
#include "moai/toolkit/snapshot.h"

namespace moai::toolkit {
namespace {

constexpr const char* kFooter = R"(Examples:
  moreh-switch-model              choose from a menu; q ends
  moreh-switch-model -M 1         the first model, without asking
  printf '2\nq\n' | moreh-switch-model
  moreh-switch-model --json       the models for scripts, nothing is changed

A model reserves nothing: devices are taken when a program first uses the accelerator. A running
program must end before the model can be switched. Exit codes: 0 done, 1 failed, 2 wrong usage.)";

struct Flags {
  std::string model;
  bool json = false;
};

struct Menu {
  Context& context;
  Platform platform;
  std::string device_name;
  std::vector<v1::Flavor> flavors;
  v1::Flavor current;

  void show_list() const {
    context.terminal.out << "\n" << flavor_list(flavors, current.id()) << "\n";
  }
  std::string success() const {
    return "The " + device_name + " model is successfully switched to  \"" + current.name() + "\".";
  }
};

Result<Menu> open_menu(Context& context) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kStart));
  MOAI_ASSIGN_OR_RETURN(const Snapshot snapshot, take_snapshot(context.version, platform));
  MOAI_ASSIGN_OR_RETURN(auto flavors, list_flavors(*platform.api));
  const v1::Accelerator* accelerator = default_accelerator(snapshot);
  if (!accelerator) {
    return failed_precondition(
        "This token has no accelerator; add one with \"moreh-smi device --add\"");
  }
  return Menu{context, std::move(platform), snapshot.server.device_name(), std::move(flavors),
              accelerator->flavor()};
}

// A front shows the memory of its accelerator before it has a connection.
void remember(const Platform& platform, const v1::Accelerator& accelerator) {
  const v1::Flavor& flavor = accelerator.flavor();
  const Status status = session::remember_device_memory(platform.state_dir, flavor.memory_bytes());
  if (!status.ok()) log_debug(status.message());
  if (auto list = platform.api->list_accelerators({}); list.ok()) {
    remember_accelerators(platform, *list);
  }
}

Status switch_to(Menu& menu, const v1::Flavor& flavor) {
  v1::SwitchModelRequest request;
  request.set_operation_id(operation_id());
  request.set_use_default(true);
  request.set_flavor_id(flavor.id());
  MOAI_ASSIGN_OR_RETURN(const v1::Accelerator switched, menu.platform.api->switch_model(request));
  menu.current = switched.flavor();
  remember(menu.platform, switched);
  return ok_status();
}

Result<int> switch_at_once(Menu& menu, const Flags& flags) {
  MOAI_ASSIGN_OR_RETURN(const v1::Flavor flavor, find_flavor(menu.flavors, flags.model));
  MOAI_RETURN_IF_ERROR(switch_to(menu, flavor));
  if (flags.json) {
    print_json(menu.context.terminal, {{"result", menu.success()},
                                       {"current", menu.current.name()},
                                       {"models", flavors_json(menu.flavors, menu.current.id())}});
  } else {
    menu.context.terminal.out << menu.success() << "\n";
  }
  return kDone;
}

// Asks until the user has enough. The last answer decides about the exit code.
Result<int> ask(Menu& menu) {
  Terminal& terminal = menu.context.terminal;
  terminal.out << "Current " << menu.device_name << ": " << menu.current.name() << "\n";
  int code = kDone;
  menu.show_list();
  while (const auto number = select(terminal, 1, static_cast<uint32_t>(menu.flavors.size()))) {
    const Status status = switch_to(menu, menu.flavors[*number - 1]);
    code = status.ok() ? kDone : kFailed;
    if (status.ok()) {
      terminal.out << menu.success() << "\n";
    } else if (status.code() == Code::kFailedPrecondition) {
      terminal.out << status.message() << "\n";
    } else {
      return status;
    }
    menu.show_list();
  }
  return code;
}

Result<int> act(const Flags& flags, Context& context) {
  MOAI_ASSIGN_OR_RETURN(Menu menu, open_menu(context));
  if (!flags.model.empty()) return switch_at_once(menu, flags);
  if (!flags.json) return ask(menu);
  print_json(context.terminal, {{"current", menu.current.name()},
                                {"models", flavors_json(menu.flavors, menu.current.id())}});
  return kDone;
}

}  // namespace

int moreh_switch_model(const std::vector<std::string>& arguments, Context& context) {
  CLI::App app("Changes the model of your current accelerator.", "moreh-switch-model");
  Flags flags;
  app.add_option("-M,--model", flags.model, "number in the menu, or name; asks nothing")
      ->type_name("MODEL");
  app.add_flag("--json", flags.json, "for scripts; asks nothing");
  app.set_version_flag("-v,--version", context.version);
  app.footer(kFooter);
  return run_command(app, arguments, context, [&] { return act(flags, context); });
}

}  // namespace moai::toolkit

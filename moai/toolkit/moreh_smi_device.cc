#include "moai/toolkit/moreh_smi_device.h"

#include <ostream>

#include "moai/toolkit/flavors.h"
#include "moai/toolkit/known_accelerators.h"
#include "moai/toolkit/snapshot_tables.h"

namespace moai::toolkit {
namespace {

struct Session {
  Context& context;
  Platform platform;
  bool json;

  // The closing line of what was done, for scripts together with `what`.
  int done(const std::string& result, Json what) {
    if (json) {
      Json out = {{"result", result}};
      out.update(what);
      print_json(context.terminal, out);
    } else {
      context.terminal.out << result << "\n";
    }
    if (auto list = platform.api->list_accelerators({}); list.ok()) {
      remember_accelerators(platform, *list);
    }
    return kDone;
  }
};

void declare_action(CLI::App& app, const std::string& name, std::optional<std::string>& value,
                    const std::string& type, const std::string& text) {
  app.add_option_function<std::vector<std::string>>(
         name, [&value](const std::vector<std::string>& given) { value = given.at(0); }, text)
      ->expected(0, 1)
      ->default_str("")
      ->type_name(type);
}

Result<int> list(Session& session) {
  MOAI_ASSIGN_OR_RETURN(const auto flavors, list_flavors(*session.platform.api));
  if (session.json) {
    print_json(session.context.terminal, {{"models", flavors_json(flavors, 0)}});
  } else {
    session.context.terminal.out << flavor_list(flavors, 0);
  }
  return kDone;
}

// Nothing: the user has changed their mind.
Result<std::optional<v1::Flavor>> chosen_flavor(Session& session, const std::string& text) {
  MOAI_ASSIGN_OR_RETURN(const auto flavors, list_flavors(*session.platform.api));
  if (!text.empty()) {
    MOAI_ASSIGN_OR_RETURN(v1::Flavor flavor, find_flavor(flavors, text));
    return std::optional<v1::Flavor>(std::move(flavor));
  }
  Terminal& terminal = session.context.terminal;
  terminal.out << flavor_list(flavors, 0) << "\n";
  const auto number = select(terminal, 1, static_cast<uint32_t>(flavors.size()));
  if (!number) return std::optional<v1::Flavor>();
  return std::optional<v1::Flavor>(flavors[*number - 1]);
}

Result<int> add(Session& session, const std::string& text) {
  MOAI_ASSIGN_OR_RETURN(const auto flavor, chosen_flavor(session, text));
  if (!flavor) return kDone;
  v1::AddAcceleratorRequest request;
  request.set_operation_id(operation_id());
  request.set_flavor_id(flavor->id());
  MOAI_ASSIGN_OR_RETURN(const v1::Accelerator made, session.platform.api->add_accelerator(request));
  return session.done("Create device success.",
                      {{"device", made.number()}, {"model", made.flavor().name()}});
}

Result<std::optional<uint32_t>> chosen_device(Session& session, const std::string& text) {
  if (!text.empty()) {
    if (text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos) {
      return invalid_argument("\"" + text + "\" is not the number of an accelerator; moreh-smi " +
                              "shows them");
    }
    return std::optional<uint32_t>(std::stoul(text));
  }
  MOAI_ASSIGN_OR_RETURN(Snapshot snapshot,
                        take_snapshot(session.context.version, session.platform));
  session.context.terminal.out << device_table(snapshot);
  uint32_t last = 0;
  for (const v1::Accelerator& accelerator : snapshot.accelerators) {
    last = std::max(last, accelerator.number());
  }
  return select(session.context.terminal, 0, last);
}

v1::AcceleratorRequest request_for(uint32_t number) {
  v1::AcceleratorRequest request;
  request.set_operation_id(operation_id());
  request.set_number(number);
  return request;
}

Result<int> remove(Session& session, const std::string& text) {
  MOAI_ASSIGN_OR_RETURN(const auto number, chosen_device(session, text));
  if (!number) return kDone;
  const v1::AcceleratorRequest request = request_for(*number);
  MOAI_RETURN_IF_ERROR(session.platform.api->remove_accelerator(request).status());
  return session.done("Remove device success.", {{"device", *number}});
}

Result<int> make_default(Session& session, const std::string& text) {
  MOAI_ASSIGN_OR_RETURN(const auto number, chosen_device(session, text));
  if (!number) return kDone;
  const v1::AcceleratorRequest request = request_for(*number);
  MOAI_RETURN_IF_ERROR(session.platform.api->switch_accelerator(request).status());
  return session.done("Switch Current Device success.", {{"device", *number}});
}

bool would_ask(const DeviceFlags& flags) {
  for (const auto* value : {&flags.add, &flags.remove, &flags.make_default}) {
    if (*value && (*value)->empty()) return true;
  }
  return false;
}

}  // namespace

void declare_device(CLI::App& app, DeviceFlags& flags) {
  CLI::App* device = app.add_subcommand("device", "add, remove and choose accelerators");
  device->parse_complete_callback([&flags] { flags.asked = true; });
  auto* actions = device->add_option_group("action", "one of these");
  actions->add_flag("--list", flags.list, "the models by number");
  declare_action(*actions, "--add", flags.add, "[MODEL]", "add an accelerator; asks for the model");
  declare_action(*actions, "--rm", flags.remove, "[DEVICE]", "remove an accelerator");
  declare_action(*actions, "--switch", flags.make_default, "[DEVICE]", "make it the default (*)");
  actions->require_option(1);
  device->fallthrough();  // --json may stand behind
}

Result<int> manage_devices(const DeviceFlags& flags, bool json, Context& context) {
  if (json && would_ask(flags)) {
    return invalid_argument("With --json nothing is asked: give the number after the option");
  }
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kStart));
  Session session{context, std::move(platform), json};
  if (flags.list) return list(session);
  if (flags.add) return add(session, *flags.add);
  if (flags.remove) return remove(session, *flags.remove);
  return make_default(session, flags.make_default.value_or(""));
}

}  // namespace moai::toolkit

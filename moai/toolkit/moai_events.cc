#include <memory>
#include <ostream>

#include "moai/toolkit/moai.h"
#include "moai/toolkit/table.h"

namespace moai::toolkit {
namespace {

constexpr size_t kTextWidth = 60;

struct Flags {
  uint64_t after = 0;
  uint32_t limit = 50;
};

Json event_json(const v1::Event& event) {
  return {{"id", event.id()},           {"time_ns", event.time_ns()}, {"kind", event.kind()},
          {"subject", event.subject()}, {"actor", event.actor()},     {"cause", event.cause()}};
}

void print_table(std::ostream& out, const v1::Events& events) {
  Table table;
  table.header = {"ID", "Time", "Event", "Subject", "Actor", "Cause"};
  for (const v1::Event& event : events.events()) {
    table.rows.push_back({std::to_string(event.id()), local_time(event.time_ns()), event.kind(),
                          event.subject(), one_line(event.actor(), kTextWidth),
                          one_line(event.cause(), kTextWidth)});
  }
  out << render(table);
}

Result<int> events(const Flags& flags, Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  if (!platform.api) return not_running(context, json);
  v1::ListEventsRequest request;
  request.set_after(flags.after);
  request.set_limit(flags.limit);
  MOAI_ASSIGN_OR_RETURN(const v1::Events list, platform.api->list_events(request));
  if (json) {
    Json out = {{"events", Json::array()}};
    for (const v1::Event& event : list.events()) out["events"].push_back(event_json(event));
    print_json(context.terminal, out);
  } else {
    print_table(context.terminal.out, list);
  }
  return kDone;
}

}  // namespace

void declare_events(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<Flags>();  // of the options and of the action
  CLI::App* command = add_command(app, invocation, "events", "what has happened (ADMIN)");
  command->add_option("--limit", flags->limit, "at most so many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--after", flags->after,
                      "those after the event with this id; else the newest");
  command->footer("Example: moai events --after 120 --json");
  command->callback([&invocation, flags] {
    invocation.action = [flags](Context& context, bool json) {
      return events(*flags, context, json);
    };
  });
}

}  // namespace moai::toolkit

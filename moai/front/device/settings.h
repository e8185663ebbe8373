// Settings of the front: environment, then the files of /etc/moreh, then the default.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace moai::front {

struct Settings {
  std::string manager_address;  // MOREH_SDA_MANAGER_ADDRESS, /etc/moreh/manager_address
  std::string token;            // MOREH_SDA_TOKEN, /etc/moreh/token
  std::string ca_path;          // MOREH_SDA_CA, /etc/moreh/ca.crt where it exists
  std::string flavor;           // MOAI_FLAVOR
  std::string device;           // MOREH_VISIBLE_DEVICE, MOREH_VISIBLE_DEVICES
  std::string device_name;      // MOAI_DEVICE_NAME, "MoAI Accelerator"
  std::string device_type;      // MOAI_DEVICE: cuda, moai; empty where torch's build decides
  uint64_t memory_bytes = 0;    // MOAI_DEVICE_MEMORY, the state file, else half of this machine's
  std::string plan;             // MOAI_PLAN: of a job on several devices, "dp=2,tp=2,zero=1"
  // MOAI_PLAN_SEARCH, MOREH_ENABLE_ADVANCED_PARALLELIZATION: a better plan is searched for while
  // the job runs. Who asks for it in the second way is told of the search line by line.
  bool searches_plan = true, tells_search = false;
  std::string cluster_path;  // MOAI_CLUSTER: a description of the devices, for the search
  // MOAI_OVERLAP: what several devices exchange goes on beside their calls; unset: as their
  // description says.
  std::optional<bool> overlaps;
  bool quiet = false;     // MOAI_QUIET
  bool disabled = false;  // MOAI_DISABLE: torch stays as it is
  bool templates = true;  // MOAI_TEMPLATES: known windows are sent as templates
  // MOAI_COMPILE: what repeats is compiled, and last bits change; unset: where a script calls
  // torch.compile.
  bool compiles = false, may_compile = true;
  std::string rehearsal;         // MOAI_REHEARSAL: nothing is computed; the recording goes there
  uint64_t rehearsal_steps = 1;  // MOAI_REHEARSAL_STEPS: optimizer steps after which it is complete
  uint64_t flush_nodes = 0;      // MOAI_FLUSH_NODES: operators sent at once; 0: the default
};

// Reads them anew at each call: scripts may set the environment after `import torch`.
Settings read_settings();

// Bytes of "8GiB", "512MiB", "1073741824"; 0 when it is no size.
uint64_t parse_size(const std::string& text);

}  // namespace moai::front

#include "moai/control/lifecycle/accelerators.h"

#include <strings.h>

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

namespace moai::control {
namespace {

// The flavors of the platform this one continues; a site may change them in its store.
struct FlavorSeed {
  uint64_t id;
  const char* name;
  uint32_t devices;
};
constexpr std::array<FlavorSeed, 13> kFlavors = {{{1, "Small.64GB", 1},
                                                  {2, "Medium.128GB", 2},
                                                  {3, "Large.256GB", 4},
                                                  {4, "xLarge.512GB", 8},
                                                  {52, "1.5xLarge.768GB", 12},
                                                  {5, "2xLarge.1024GB", 16},
                                                  {6, "3xLarge.1536GB", 24},
                                                  {7, "4xLarge.2048GB", 32},
                                                  {8, "6xLarge.3072GB", 48},
                                                  {9, "8xLarge.4096GB", 64},
                                                  {10, "12xLarge.6144GB", 96},
                                                  {11, "24xLarge.12288GB", 192},
                                                  {12, "48xLarge.24576GB", 384}}};
constexpr uint64_t kFlavorDeviceBytes = uint64_t{65520} << 20;

// Who uses an accelerator besides the one who asks.
struct Use {
  uint32_t sessions = 0;
  uint32_t leases = 0;  // held or waited for
};
std::map<uint64_t, Use> uses_by_others(const Site& site, uint64_t session_id) {
  std::map<uint64_t, Use> uses;
  for (const auto& [id, session] : site.ledger.sessions())
    if (id != session_id) ++uses[session.accelerator_id].sessions;
  for (const auto& [id, lease] : site.ledger.leases())
    if (lease.session_id != session_id && !is_ending(lease.state))
      ++uses[lease.accelerator_id].leases;
  return uses;
}

std::vector<FlavorRow> standard_flavors() {
  std::vector<FlavorRow> rows;
  for (const FlavorSeed& seed : kFlavors)
    rows.push_back({seed.id, 0, seed.name, seed.devices, kFlavorDeviceBytes});
  return rows;
}

}  // namespace

void seed_flavors(Site& site) {
  if (site.options.flavors.empty() && !site.ledger.flavors().empty()) return;
  std::map<uint64_t, FlavorRow> retired = site.ledger.flavors();
  uint32_t position = 0;
  for (FlavorRow row : site.options.flavors.empty() ? standard_flavors() : site.options.flavors) {
    row.position = ++position;
    retired.erase(row.id);
    const FlavorRow* stored = site.ledger.flavor(row.id);
    if (!stored || !(*stored == row)) site.ledger.put(row);
  }
  for (auto& [id, row] : retired) {
    if (row.position == 0) continue;
    row.position = 0;
    site.ledger.put(row);
  }
}

uint32_t accelerators_limit(const Site& site, const TokenRow& token) {
  if (token.accelerators_max != 0) return token.accelerators_max;
  return std::max<uint32_t>(1, site.connected_devices());
}

bool is_offered(const Site& site, uint64_t flavor_id) {
  const FlavorRow* flavor = site.ledger.flavor(flavor_id);
  return flavor && flavor->position != 0;
}

const AcceleratorRow* find_accelerator(const Site& site, uint64_t token_id, uint32_t number) {
  return site.ledger.accelerator_of(token_id, number);
}

Result<uint64_t> find_flavor(const Site& site, const std::string& text) {
  const FlavorRow* first = nullptr;
  for (const auto& [id, row] : site.ledger.flavors()) {
    if (row.position == 0) continue;
    if (!first || row.position < first->position) first = &row;
    if (strcasecmp(row.name.c_str(), text.c_str()) == 0) return id;
    if (std::to_string(row.position) == text) return id;
  }
  if (text.empty() && first) return first->id;
  return invalid_argument("There is no accelerator flavor \"" + text +
                          "\". Run \"moreh-switch-model\" to see the flavors.");
}

Result<uint64_t> add_accelerator_row(Site& site, uint64_t token_id, uint64_t flavor_id,
                                     const std::string& actor) {
  const TokenRow* token = site.ledger.token(token_id);
  if (!token) return not_found("There is no such token.");
  if (!is_offered(site, flavor_id))
    return invalid_argument("There is no accelerator flavor with id " + std::to_string(flavor_id) +
                            ".");
  // Numbers are reused, so the first free one below the limit is the only question.
  const uint32_t limit = accelerators_limit(site, *token);
  uint32_t number = 0;
  while (number < limit && site.ledger.accelerator_of(token_id, number)) ++number;
  if (number == limit)
    return resource_exhausted("This token may have at most " + std::to_string(limit) +
                              " accelerators.");
  const AcceleratorRow row{site.ledger.next(Counter::kAccelerator), token_id, number, flavor_id};
  site.ledger.put(row);
  site.ledger.add_event(site.now_ns, "accelerator.added", "accelerator/" + std::to_string(row.id),
                        actor, site.ledger.flavor(flavor_id)->name);
  return row.id;
}

uint64_t own_accelerator(Site& site, uint64_t token_id, uint64_t session_id) {
  const std::map<uint64_t, Use> others = uses_by_others(site, session_id);
  const auto use = [&](uint64_t id) { return others.contains(id) ? others.at(id) : Use{}; };
  const SessionRow* session = site.ledger.session(session_id);
  if (session && use(session->accelerator_id).sessions == 0) return session->accelerator_id;
  const AcceleratorRow* standard =
      site.ledger.accelerator_of(token_id, site.ledger.token(token_id)->default_accelerator);
  const uint64_t flavor = standard ? standard->flavor_id : find_flavor(site, "").value();
  const AcceleratorRow* best = nullptr;
  const auto rank = [&](const AcceleratorRow& row) {
    return std::tuple(use(row.id).leases != 0, row.flavor_id != flavor, use(row.id).sessions,
                      &row != standard, row.number);
  };
  for (const auto& [id, row] : site.ledger.accelerators())
    if (row.token_id == token_id && (!best || rank(row) < rank(*best))) best = &row;
  if (best && best->flavor_id == flavor && use(best->id).sessions == 0) return best->id;
  Result<uint64_t> added = add_accelerator_row(site, token_id, flavor, "local platform");
  if (added.ok()) {
    site.made_for_sessions.insert(*added);
    return *added;
  }
  const bool worth_moving = best && (!session || use(best->id).leases == 0);
  return worth_moving ? best->id : session ? session->accelerator_id : 0;
}

void drop_if_unneeded(Site& site, uint64_t accelerator_id) {
  if (!site.made_for_sessions.contains(accelerator_id)) return;
  for (const auto& [id, session] : site.ledger.sessions())
    if (session.accelerator_id == accelerator_id) return;
  for (const auto& [id, lease] : site.ledger.leases())
    if (lease.accelerator_id == accelerator_id) return;
  site.made_for_sessions.erase(accelerator_id);
  const AcceleratorRow* row = site.ledger.accelerator(accelerator_id);
  const TokenRow* token = row ? site.ledger.token(row->token_id) : nullptr;
  if (!token || token->default_accelerator == row->number) return;
  site.ledger.add_event(site.now_ns, "accelerator.removed",
                        "accelerator/" + std::to_string(accelerator_id), "local platform", "");
  site.ledger.drop_accelerator(accelerator_id);
}

const LeaseRow* lease_on(const Site& site, uint64_t accelerator_id) {
  const LeaseRow* first = nullptr;
  for (const auto& [id, lease] : site.ledger.leases()) {
    if (lease.accelerator_id != accelerator_id || is_ending(lease.state)) continue;
    if (is_held(lease.state)) return &lease;
    if (!first) first = &lease;
  }
  return first;
}

}  // namespace moai::control

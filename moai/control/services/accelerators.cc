#include "moai/control/lifecycle/accelerators.h"

#include <algorithm>

#include "moai/control/lifecycle/leases.h"
#include "moai/control/services/calls.h"
#include "moai/control/services/describe.h"

namespace moai::control {
namespace {

Result<const AcceleratorRow*> accelerator_of(const Site& site, const Access& access,
                                             uint32_t number) {
  MOAI_RETURN_IF_ERROR(require_token(access));
  if (const AcceleratorRow* row = find_accelerator(site, access.token_id, number)) return row;
  return not_found("This token has no accelerator " + std::to_string(number) + ".");
}

std::string subject(const AcceleratorRow& row) { return "accelerator/" + std::to_string(row.id); }

}  // namespace

Result<v1::Accelerators> list_accelerators(Site& site, const Access& access,
                                           const v1::ListAcceleratorsRequest&) {
  MOAI_RETURN_IF_ERROR(require_token(access));
  std::vector<const AcceleratorRow*> rows;
  for (const auto& [id, row] : site.ledger.accelerators())
    if (row.token_id == access.token_id) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](auto* a, auto* b) { return a->number < b->number; });
  v1::Accelerators out;
  for (const AcceleratorRow* row : rows) *out.add_accelerators() = describe(site, *row);
  return out;
}

Result<v1::Accelerator> add_accelerator(Site& site, const Access& access,
                                        const v1::AddAcceleratorRequest& request) {
  MOAI_RETURN_IF_ERROR(require_token(access));
  MOAI_ASSIGN_OR_RETURN(const uint64_t id, add_accelerator_row(site, access.token_id,
                                                               request.flavor_id(), access.actor));
  return describe(site, *site.ledger.accelerator(id));
}

Result<v1::Empty> remove_accelerator(Site& site, const Access& access,
                                     const v1::AcceleratorRequest& request) {
  MOAI_ASSIGN_OR_RETURN(const AcceleratorRow* row, accelerator_of(site, access, request.number()));
  TokenRow token = *site.ledger.token(access.token_id);
  const AcceleratorRow* other = nullptr;
  for (const auto& [id, candidate] : site.ledger.accelerators())
    if (candidate.token_id == access.token_id && id != row->id &&
        (!other || candidate.number < other->number))
      other = &candidate;
  if (!other) return failed_precondition("The last accelerator of a token cannot be removed.");
  for (const auto& [id, session] : site.ledger.sessions())
    if (session.accelerator_id == row->id)
      return failed_precondition("The accelerator cannot be removed while a process (pid " +
                                 std::to_string(session.process.pid) + ") uses it.");
  if (token.default_accelerator == row->number) {
    token.default_accelerator = other->number;
    site.ledger.put(token);
  }
  site.ledger.add_event(site.now_ns, "accelerator.removed", subject(*row), access.actor, "");
  site.ledger.drop_accelerator(row->id);
  return v1::Empty();
}

Result<v1::Empty> switch_accelerator(Site& site, const Access& access,
                                     const v1::AcceleratorRequest& request) {
  MOAI_ASSIGN_OR_RETURN(const AcceleratorRow* row, accelerator_of(site, access, request.number()));
  TokenRow token = *site.ledger.token(access.token_id);
  token.default_accelerator = row->number;
  site.ledger.put(token);
  site.ledger.add_event(site.now_ns, "accelerator.default", subject(*row), access.actor, "");
  return v1::Empty();
}

Result<v1::Accelerator> switch_model(Site& site, const Access& access,
                                     const v1::SwitchModelRequest& request) {
  MOAI_RETURN_IF_ERROR(require_token(access));
  const uint32_t number = request.use_default()
                              ? site.ledger.token(access.token_id)->default_accelerator
                              : request.number();
  MOAI_ASSIGN_OR_RETURN(const AcceleratorRow* found, accelerator_of(site, access, number));
  const FlavorRow* flavor = site.ledger.flavor(request.flavor_id());
  if (!is_offered(site, request.flavor_id()))
    return invalid_argument("There is no accelerator flavor with id " +
                            std::to_string(request.flavor_id()) + ".");
  if (lease_on(site, found->id))
    return failed_precondition("The model cannot be switched while the " +
                               site.options.device_name + " is in use.");
  AcceleratorRow row = *found;
  row.flavor_id = flavor->id;
  site.ledger.put(row);
  site.ledger.add_event(site.now_ns, "accelerator.switched", subject(row), access.actor,
                        flavor->name);
  return describe(site, row);
}

Result<v1::Empty> reset_accelerator(Site& site, const Access& access,
                                    const v1::AcceleratorRequest& request) {
  MOAI_ASSIGN_OR_RETURN(const AcceleratorRow* row, accelerator_of(site, access, request.number()));
  const LeaseRow* lease = lease_on(site, row->id);
  if (!lease) return failed_precondition("Not running job.");
  end_lease(site, lease->id,
            {LeaseState::kRevoking, "reset",
             "The job on " + site.options.device_name + " was ended by \"moreh-smi --reset\".",
             access.actor, Code::kAborted});
  return v1::Empty();
}

Result<v1::Flavors> list_flavors(Site& site, const Access&, const v1::Empty&) {
  std::vector<const FlavorRow*> rows;
  for (const auto& [id, row] : site.ledger.flavors())
    if (row.position != 0) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](auto* a, auto* b) { return a->position < b->position; });
  v1::Flavors out;
  for (const FlavorRow* row : rows) *out.add_flavors() = describe(site, *row);
  return out;
}

}  // namespace moai::control

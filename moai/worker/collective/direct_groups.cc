#include "moai/worker/collective/direct_groups.h"

#include <unistd.h>

#include <numeric>
#include <utility>

#include "moai/comm/link/wait.h"

namespace moai::worker {
namespace {

using std::chrono::steady_clock;

// How long a rank that leaves alone waits for its device, and any for communicators to close.
constexpr std::chrono::milliseconds kAlone{1000};
constexpr std::chrono::milliseconds kClose{1000};

int64_t now_ns() {
  const auto since = steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since).count();
}

std::string host_name() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return host;
}

}  // namespace

NcclSetup nccl_setup(device::DeviceQueue* queue, const std::string& setting) {
  NcclSetup setup;
  if (!queue) return setup;
  setup.queue = queue;
  if (setting == "0") {
    setup.why_not = "MOAI_NCCL=0";
    return setup;
  }
  const std::string file = setting.empty() ? comm::nccl_file(queue->kind()) : setting;
  if (file.empty()) {
    setup.why_not = "there is no NCCL for devices of kind " + queue->kind();
    return setup;
  }
  const auto library = comm::load_nccl(file);
  const auto stream = queue->stream();
  setup.why_not = library.ok() ? stream.status().message() : library.status().message();
  if (library.ok()) setup.library = *library;
  return setup;
}

DirectGroups::Waiting::Waiting(DirectGroups* groups, std::chrono::milliseconds patience)
    : groups_(*groups) {
  if (groups_.groups_.empty()) return;
  groups_.waits_until_ = now_ns() + std::chrono::nanoseconds(patience).count();
}

Result<std::string> DirectGroups::join(comm::Group* world,
                                       std::span<const std::unique_ptr<comm::Group>> groups,
                                       const comm::GroupOptions& options) {
  comm::NcclOffer mine{.why_not = setup_.why_not, .version = setup_.library.version};
  if (setup_.queue) {
    mine.kind = setup_.queue->kind();
    mine.device = setup_.queue->name() + " of " + host_name();
  }
  MOAI_ASSIGN_OR_RETURN(std::string why_not, comm::agree_on_nccl(world, mine));
  if (!why_not.empty()) return why_not;
  std::vector<int> ranks(static_cast<size_t>(world->size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  MOAI_ASSIGN_OR_RETURN(auto all, world->make_subgroup(ranks));
  patience_ = options.patience;
  start_watch(std::move(all));
  const auto deadline = steady_clock::now() + options.arrival;
  for (const auto& group : groups) {
    // Where one cannot, no rank may wait for it in the next group.
    auto agreed = comm::agree(world, make(world, group.get(), deadline).message());
    if (agreed.ok() && agreed->empty()) continue;
    leave(Leaving::kAtOnce);
    return agreed;
  }
  return std::string();
}

Status DirectGroups::make(comm::Group* world, comm::Group* group, comm::Deadline deadline) {
  std::shared_ptr<comm::NcclCommunicator> made;
  if (group->size() > 1) {
    // A rank that fails before it watches is seen in the world alone.
    const comm::Interrupt interrupt = [&, next = steady_clock::now()]() mutable {
      MOAI_RETURN_IF_ERROR(failure());
      if (steady_clock::now() < next) return ok_status();
      next = steady_clock::now() + comm::kInterruptEvery;
      return world->check();
    };
    MOAI_RETURN_IF_ERROR(setup_.queue->bind());
    MOAI_ASSIGN_OR_RETURN(made,
                          comm::join_nccl(group, setup_.library, patience_, deadline, interrupt));
  }
  const std::lock_guard lock(mutex_);
  groups_.push_back(std::move(made));
  return failure_;
}

bool DirectGroups::settle(Leaving how) {
  if (how == Leaving::kAtOnce || groups_.empty() || !failure().ok()) return false;
  const Waiting waiting(this, how == Leaving::kAlone ? kAlone : patience_);
  return setup_.queue->synchronize().ok() && check(true).ok() && failure().ok();
}

void DirectGroups::leave(Leaving how) {
  bool in_order = settle(how);
  stop_watch();
  // A device may read from the memory of another to the end.
  if (in_order && how == Leaving::kTogether) in_order = watched_->barrier().ok();
  std::unique_ptr<comm::Group> watched;
  Communicators left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(groups_);
    watched.swap(watched_);
    joined_ = false;
    failure_ = ok_status();
  }
  if (!in_order) return abort_all(left, cancelled("[worker.collective] the mesh was left"));
  const auto deadline = steady_clock::now() + kClose;
  for (const auto& group : left) {
    if (group) group->close(deadline);
  }
}

void DirectGroups::start_watch(std::unique_ptr<comm::Group> all) {
  const std::lock_guard lock(mutex_);
  joined_ = true;
  stops_ = dirty_ = false;
  failure_ = ok_status();
  watched_ = std::move(all);
  thread_ = std::thread([this, group = watched_.get()] { watch(group); });
}

void DirectGroups::stop_watch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void DirectGroups::watch(comm::Group* all) {
  std::unique_lock lock(mutex_);
  while (!stops_ && failure_.ok()) {
    changed_.wait_for(lock, comm::kInterruptEvery);
    lock.unlock();
    const Status status = look(all);
    if (!status.ok()) failed_(status);
    lock.lock();
  }
}

Status DirectGroups::look(comm::Group* all) {
  MOAI_RETURN_IF_ERROR(all->check());
  for (const auto& group : communicators()) {
    if (group) MOAI_RETURN_IF_ERROR(group->check());
  }
  const int64_t until = waits_until_;
  if (until == 0 || now_ns() < until) return ok_status();
  return deadline_exceeded(
      "[worker.collective] the device has not ended in time what ranks exchange; does a rank not "
      "make the calls of the others?");
}

comm::NcclCommunicator* DirectGroups::at(size_t number) const {
  return number < groups_.size() ? groups_[number].get() : nullptr;
}

DirectGroups::Communicators DirectGroups::communicators() const {
  const std::lock_guard lock(mutex_);
  return groups_;
}

Status DirectGroups::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

Status DirectGroups::run(comm::NcclCommunicator* group, const comm::NcclSteps& steps) {
  MOAI_RETURN_IF_ERROR(setup_.queue->bind());
  {
    const std::lock_guard lock(mutex_);
    MOAI_RETURN_IF_ERROR(failure_);
    dirty_ = true;
  }
  MOAI_ASSIGN_OR_RETURN(void* const stream, setup_.queue->stream());
  return group->run(steps, stream);
}

Status DirectGroups::check(bool waited) {
  if (groups_.empty()) return damage_;
  for (const auto& group : groups_) {
    if (!group) continue;
    // Told to all at once, and not by the next look.
    if (const Status status = group->check(); !status.ok() && failure().ok()) failed_(status);
  }
  const std::lock_guard lock(mutex_);
  if (waited && failure_.ok()) dirty_ = false;
  return damage_;
}

void DirectGroups::abort(const Status& why) {
  Communicators ended;
  {
    const std::lock_guard lock(mutex_);
    if (!joined_ || !failure_.ok()) return;
    failure_ = why;
    if (dirty_ && damage_.ok()) {
      damage_ = {why.code(),
                 "[worker.collective] what this Worker holds may be damaged, since "
                 "exchanges among devices were ended: " +
                     why.message()};
    }
    ended = groups_;
    if (watched_) watched_->abort(why);
  }
  abort_all(ended, why);
}

// Each waits for what it enqueued, which may stand behind what another did.
void DirectGroups::abort_all(const Communicators& groups, const Status& why) {
  std::vector<std::thread> threads;
  for (const auto& group : groups) {
    if (group) threads.emplace_back([&why, group] { group->abort(why); });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace moai::worker

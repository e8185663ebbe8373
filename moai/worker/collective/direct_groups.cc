#include "moai/worker/collective/direct_groups.h"

#include <unistd.h>

#include <numeric>
#include <utility>

#include "moai/comm/link/wait.h"

namespace moai::worker {
namespace {

using std::chrono::steady_clock;

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
  if (setting == "0") {
    setup.why_not = "MOAI_NCCL=0";
    return setup;
  }
  const std::string file = setting.empty() ? comm::nccl_file(queue->kind()) : setting;
  if (file.empty()) {
    setup.why_not = "there is no NCCL for devices of kind " + queue->kind();
    return setup;
  }
  auto library = comm::load_nccl(file);
  setup.why_not = library.ok() ? "" : library.status().message();
  if (library.ok()) setup.library = *library;
  setup.queue = queue;
  return setup;
}

DirectGroups::Waiting::Waiting(DirectGroups* groups) : groups_(*groups) {
  groups_.waits_since_ = groups_.groups_.empty() ? 0 : now_ns();
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
  start_watch(std::move(all), options.patience);
  const auto deadline = steady_clock::now() + options.arrival;
  for (const auto& group : groups) {
    // Where one cannot, no rank may wait for it in the next group.
    auto agreed = comm::agree(world, make(group.get(), options, deadline).message());
    if (agreed.ok() && agreed->empty()) continue;
    leave(std::chrono::milliseconds(0));
    return agreed;
  }
  return std::string();
}

Status DirectGroups::make(comm::Group* group, const comm::GroupOptions& options,
                          comm::Deadline deadline) {
  std::shared_ptr<comm::NcclCommunicator> made;
  if (group->size() > 1) {
    MOAI_RETURN_IF_ERROR(setup_.queue->bind());
    MOAI_ASSIGN_OR_RETURN(made, comm::join_nccl(group, setup_.library, options.patience, deadline,
                                                [this] { return failure(); }));
  }
  const std::lock_guard lock(mutex_);
  groups_.push_back(std::move(made));
  return failure_;
}

void DirectGroups::leave(std::chrono::milliseconds linger) {
  const auto deadline = steady_clock::now() + linger;
  bool in_order = !groups_.empty() && failure().ok() && linger.count() > 0;
  if (in_order) {
    const Waiting waiting(this);
    in_order = setup_.queue->synchronize().ok() && check(true).ok();
  }
  stop_watch();
  const Communicators left = communicators();
  {
    const std::lock_guard lock(mutex_);
    groups_.clear();
    joined_ = false;
    failure_ = ok_status();
  }
  for (const auto& group : left) {
    if (group && in_order) group->close(deadline);
  }
}

void DirectGroups::start_watch(std::unique_ptr<comm::Group> all,
                               std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  joined_ = true;
  stops_ = dirty_ = false;
  failure_ = ok_status();
  watched_ = std::move(all);
  thread_ = std::thread([this, group = watched_.get(), patience] { watch(group, patience); });
}

void DirectGroups::stop_watch() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_all();
  thread_.join();
  std::unique_ptr<comm::Group> left;
  const std::lock_guard lock(mutex_);
  // It goes when this has returned the lock: its goodbye may take a while.
  left.swap(watched_);
}

void DirectGroups::watch(comm::Group* all, std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  while (!stops_ && failure_.ok()) {
    changed_.wait_for(lock, comm::kInterruptEvery);
    lock.unlock();
    const Status status = look(all, patience);
    if (!status.ok()) failed_(status);
    lock.lock();
  }
}

Status DirectGroups::look(comm::Group* all, std::chrono::milliseconds patience) {
  MOAI_RETURN_IF_ERROR(all->check());
  for (const auto& group : communicators()) {
    if (group) MOAI_RETURN_IF_ERROR(group->check());
  }
  const int64_t since = waits_since_;
  if (since == 0 || now_ns() - since < std::chrono::nanoseconds(patience).count()) {
    return ok_status();
  }
  return deadline_exceeded("[worker.collective] the device has not ended what it does for " +
                           std::to_string(patience.count()) +
                           " ms; does a rank not make the calls of the others?");
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
  return group->run(steps, setup_.queue->stream());
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
  // Each waits for what it enqueued, which may stand behind what another did.
  std::vector<std::thread> threads;
  for (const auto& group : ended) {
    if (group) threads.emplace_back([&why, group] { group->abort(why); });
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace moai::worker

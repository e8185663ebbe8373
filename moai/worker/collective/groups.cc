#include "moai/worker/collective/groups.h"

#include <algorithm>
#include <string>
#include <utility>

namespace moai::worker {

void Groups::end_started() {
  if (!started_.any()) return;
  abort(cancelled("[worker.collective] the mesh was left while something was exchanged"));
  started_.forget();
}

void Groups::clear(DirectGroups::Leaving how) {
  end_started();
  enqueued_.clear();
  direct_.leave(how);
  std::unique_ptr<comm::Group> world;
  std::vector<std::unique_ptr<comm::Group>> groups;
  const std::lock_guard lock(mutex_);
  // They go when this has returned the lock: goodbyes may take a while.
  world.swap(world_);
  groups.swap(groups_);
  why_none_ = failed_precondition("its mesh is being joined");
}

comm::Group& Groups::open(std::unique_ptr<comm::Group> world) {
  const std::lock_guard lock(mutex_);
  world_ = std::move(world);
  if (!ended_.ok()) abort_locked(ended_);
  return *world_;
}

void Groups::set(std::vector<std::unique_ptr<comm::Group>> groups) {
  const std::lock_guard lock(mutex_);
  groups_ = std::move(groups);
  why_none_ = ok_status();
  if (!ended_.ok()) abort_locked(ended_);
}

void Groups::fail(const Status& why) { why_none_ = why; }

Result<comm::Group*> Groups::at(uint64_t number) const {
  if (why_none_.ok() && number < groups_.size()) return groups_[number].get();
  const std::string why = why_none_.ok()
                              ? "the mesh has " + std::to_string(groups_.size()) + " axes"
                              : why_none_.message();
  return failed_precondition("[worker.collective] this Worker has no group " +
                             std::to_string(number) + ": " + why);
}

void Groups::abort_locked(const Status& why) {
  if (world_) world_->abort(why);
  for (const auto& group : groups_) group->abort(why);
}

// Groups of the host before those of the device: nothing that a damaged device holds goes anywhere.
void Groups::abort(const Status& why) {
  {
    const std::lock_guard lock(mutex_);
    abort_locked(why);
  }
  direct_.abort(why);
}

void Groups::end(const Status& why) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_.ok()) return;
    ended_ = why;
    abort_locked(why);
  }
  direct_.abort(why);
}

bool Groups::take_enqueued(std::span<device::Buffer* const> made) {
  const auto found =
      std::ranges::find_if(enqueued_, [&](const auto& m) { return std::ranges::equal(m, made); });
  if (found == enqueued_.end()) return false;
  enqueued_.erase(found);
  return true;
}

Status Groups::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::span<char> Groups::scratch(size_t bytes) {
  if (scratch_bytes_ < bytes) {
    scratch_ = std::make_unique_for_overwrite<char[]>(bytes);
    scratch_bytes_ = bytes;
  }
  return {scratch_.get(), bytes};
}

}  // namespace moai::worker

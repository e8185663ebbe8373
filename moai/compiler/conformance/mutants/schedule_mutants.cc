#include "moai/compiler/conformance/mutants/schedule_mutants.h"

#include <set>

#include "moai/compiler/schedule/generators.h"
#include "moai/compiler/schedule/verify.h"

namespace moai::compiler {
namespace {

using schedule::Kind;
using schedule::Schedule;
using schedule::Task;

// Devices that run their tasks in order, waiting for what others send.
class Play {
 public:
  explicit Play(const Schedule& s) : s_(s), next_(s.devices()) {}

  // Whether every stage's weights get the gradient of every micro-batch, once.
  bool run() {
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (size_t d = 0; d < s_.devices(); ++d) {
        while (next_[d] < s_.order[d].size() && step(d, s_.order[d][next_[d]])) {
          ++next_[d];
          goes_on = true;
        }
      }
    }
    for (size_t d = 0; d < s_.devices(); ++d) {
      if (next_[d] < s_.order[d].size()) return false;
    }
    return !wrong_ && gradients_.size() == s_.stages() * s_.micro_batches;
  }

 private:
  using Place = std::pair<uint32_t, uint32_t>;  // stage, micro-batch

  // False while the task waits.
  bool step(size_t device, const Task& t) {
    const Place here{t.stage, t.micro_batch};
    if (t.stage >= s_.stages() || s_.device_of[t.stage] != device) wrong_ = true;
    switch (t.kind) {
      case Kind::kForward:
        if (t.stage > 0 && !outputs_.contains({t.stage - 1, t.micro_batch})) return false;
        outputs_.insert(here);
        return true;
      case Kind::kBackward:
      case Kind::kInputGradient: {
        const bool last = t.stage + 1 == s_.stages();
        if (!outputs_.contains(here)) return false;
        if (!last && !sent_back_.contains({t.stage + 1, t.micro_batch})) return false;
        wrong_ |= !sent_back_.insert(here).second;
        return t.kind == Kind::kInputGradient || add_gradient(here);
      }
      case Kind::kWeightGradient:
        return sent_back_.contains(here) && add_gradient(here);
    }
    return false;
  }
  bool add_gradient(Place here) {
    wrong_ |= !gradients_.insert(here).second;
    return true;
  }

  const Schedule& s_;
  std::vector<size_t> next_;  // by device
  std::set<Place> outputs_, sent_back_, gradients_;
  bool wrong_ = false;
};

Schedule any_schedule(Random* random) {
  const auto devices = static_cast<uint32_t>(2 + (*random)() % 4);
  const auto micro_batches = static_cast<uint32_t>(devices + (*random)() % 5);
  switch ((*random)() % 7) {
    case 0:
      return schedule::gpipe(devices, micro_batches);
    case 1:
      return schedule::one_forward_one_backward(devices, micro_batches);
    case 2:
      return schedule::interleaved(devices, 2, micro_batches);
    case 3:
      return schedule::zb_h1(devices, micro_batches);
    case 4:
      return schedule::zb_h2(devices, micro_batches);
    case 5:
      return schedule::zb_v(devices, micro_batches);
    default:
      return schedule::v_half(devices, micro_batches);
  }
}

void change_order(std::vector<Task>* order, Random* random) {
  const size_t a = (*random)() % order->size(), b = (*random)() % order->size();
  if (chance(random, 50)) {
    std::swap((*order)[a], (*order)[b]);
    return;
  }
  const Task moved = (*order)[a];
  order->erase(order->begin() + static_cast<ptrdiff_t>(a));
  order->insert(order->begin() + static_cast<ptrdiff_t>(std::min(b, order->size())), moved);
}

void unmatch(Schedule* s, Random* random) {
  std::vector<Task>& order = s->order[(*random)() % s->devices()];
  const auto at = order.begin() + static_cast<ptrdiff_t>((*random)() % order.size());
  const Task task = *at;
  if (chance(random, 33)) {
    order.insert(at, task);
    return;
  }
  order.erase(at);
  if (chance(random, 50)) return;
  std::vector<Task>& other = s->order[(*random)() % s->devices()];
  other.insert(other.begin() + static_cast<ptrdiff_t>((*random)() % (other.size() + 1)), task);
}

}  // namespace

MutantRow run_schedule_mutants(ScheduleMistake mistake, int count, unsigned seed) {
  const bool order = mistake == ScheduleMistake::kOrder;
  MutantRow row{.name = order ? "schedule: wrong order" : "schedule: unmatched send or receive"};
  Random random(seed);
  while (row.mutants < count) {
    const Schedule original = any_schedule(&random);
    Schedule s = original;
    order ? change_order(&s.order[random() % s.devices()], &random) : unmatch(&s, &random);
    if (s.order == original.order) continue;
    ++row.mutants;
    const bool changed = !Play(s).run();
    const bool caught = !verify(s).ok();
    row.changed += changed;
    row.caught += caught;
    if (!changed || caught) continue;
    ++row.escaped;
    row.escapes.push_back(row.name + " of " + std::to_string(s.devices()) + " devices");
  }
  return row;
}

}  // namespace moai::compiler

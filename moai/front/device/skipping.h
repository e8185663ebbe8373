// Steps that the device skips by itself: a gradient scaler need not wait for its verdict.
//
// Between skip_if(found) and skip_end() the Worker runs nothing when `found`, one f32, is not zero
// (moai/worker/exec/stream.h). PendingScalar brings the verdict to the host later.
#pragma once

#include <cstdint>

#include "moai/front/torch_headers.h"

namespace moai::front {

void skip_if(const at::Tensor& found);
void skip_end();
// An optimizer's step has ended, which ends a window (driver/driver.h): not in the midst of what is
// skipped together, but behind it.
void step_end();

// The value of a one-element f32 tensor as it is now, asked for and not waited for. One thread.
class PendingScalar {
 public:
  explicit PendingScalar(const at::Tensor& scalar);
  ~PendingScalar();
  PendingScalar(const PendingScalar&) = delete;
  PendingScalar& operator=(const PendingScalar&) = delete;

  // Waits for it, at the first call.
  float value();

 private:
  at::Tensor scalar_;
  uint64_t request_ = 0;  // 0: none in flight
  float value_ = 0;
};

}  // namespace moai::front

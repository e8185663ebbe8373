#include "moai/front/device/skipping.h"

#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/memory.h"
#include "moai/front/device/script.h"

namespace moai::front {
namespace {

void check_scalar(const at::Tensor& t) {
  TORCH_CHECK(on_device(t) && t.scalar_type() == at::kFloat && t.numel() == 1,
              "[front.skipping] one f32 value of the device expected");
}

graph::SignatureId border(const char* op, std::vector<ops::Arg> args) {
  ops::CallSignature signature;
  signature.op = op;
  signature.args = std::move(args);
  return engine().signatures().intern(std::move(signature));
}

// Of the thread that runs the optimizer, which holds the GIL.
bool g_in_region = false, g_step_ended = false;

driver::Driver::ReadInto range_of(const at::Tensor& scalar, float* out) {
  const Place place = place_of(scalar);
  return {place.storage, static_cast<uint64_t>(place.offset) * sizeof(float), sizeof(float),
          reinterpret_cast<char*>(out)};
}

}  // namespace

void skip_if(const at::Tensor& found) {
  check_scalar(found);
  const Place place = place_of(found);
  ops::Arg arg;
  arg.kind = ops::ArgKind::kTensor;
  arg.geometry = {.dtype = tensor::DType::kFloat32, .offset = place.offset};
  const auto signature = border("moai::skip_if", {std::move(arg)});
  raise_if_error(engine().append(signature, {&place.storage, 1}, {}, current_line()));
  g_in_region = true;
}

void skip_end() {
  static const auto signature = border("moai::skip_end", {});
  g_in_region = false;
  const bool step_ended = std::exchange(g_step_ended, false);
  raise_if_error(engine().append(signature, {}, {}, current_line()));
  if (step_ended) step_end();
}

void step_end() {
  if (g_in_region) {
    g_step_ended = true;
  } else if (driver::Driver* started = engine_if_started()) {
    started->step_end();
  }
}

PendingScalar::PendingScalar(const at::Tensor& scalar) : scalar_(scalar) {
  check_scalar(scalar);
  request_ = engine().start_read(range_of(scalar, &value_));
}

PendingScalar::~PendingScalar() {
  driver::Driver* driver = engine_if_started();
  if (request_ && driver) driver->drop_read(request_);
}

float PendingScalar::value() {
  const uint64_t request = std::exchange(request_, 0);
  if (!request) return value_;
  const auto range = range_of(scalar_, &value_);
  wait_for([&](driver::Driver& d, const driver::Interrupt& interrupt) {
    return d.finish_read(request, range, interrupt);
  });
  return value_;
}

}  // namespace moai::front

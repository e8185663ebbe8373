#include "moai/device/aten/errors.h"

#include <c10/util/Exception.h>

#include <new>
#include <stdexcept>

namespace moai::device {

Status status_of_current_exception() {
  try {
    throw;
  } catch (const c10::OutOfMemoryError& e) {
    return resource_exhausted(e.what_without_backtrace());
  } catch (const c10::IndexError& e) {
    return {Code::kOutOfRange, e.what_without_backtrace()};
  } catch (const c10::ValueError& e) {
    return invalid_argument(e.what_without_backtrace());
  } catch (const c10::TypeError& e) {
    return failed_precondition(e.what_without_backtrace());
  } catch (const c10::NotImplementedError& e) {
    return unimplemented(e.what_without_backtrace());
  } catch (const c10::LinAlgError& e) {
    return aborted(e.what_without_backtrace());
  } catch (const c10::Error& e) {
    return {Code::kUnknown, e.what_without_backtrace()};
  } catch (const std::bad_alloc&) {
    return resource_exhausted("CUDA out of memory. The machine has no more memory.");
  } catch (const std::exception& e) {
    return {Code::kUnknown, e.what()};
  } catch (...) {
    return internal_error("[device.aten] an operator threw something that is no exception");
  }
}

}  // namespace moai::device

// The one place where exceptions of libtorch become Statuses.
#pragma once

#include <utility>

#include "moai/base/status.h"

namespace moai::device {

// Of the exception being handled; call only in a catch block. The code says which Python class the
// front raises (dispatch::Fault); the text is torch's without a C++ backtrace.
Status status_of_current_exception();

// Runs `body`, which returns a Status or a Result, and turns what it throws into a Status.
template <class Body>
auto without_exceptions(Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (...) {
    return status_of_current_exception();
  }
}

}  // namespace moai::device

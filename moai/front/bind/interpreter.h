// The Python interpreter as the rest of the room needs it (moai/front/device/script.h).
#pragma once

#include "moai/front/device/script.h"

namespace moai::front {

Script python_script();

}  // namespace moai::front

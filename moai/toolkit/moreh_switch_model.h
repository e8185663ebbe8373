// moreh-switch-model: changes the flavor of the default accelerator.
#pragma once

#include "moai/toolkit/command.h"

namespace moai::toolkit {

int moreh_switch_model(const std::vector<std::string>& arguments, Context& context);

}  // namespace moai::toolkit

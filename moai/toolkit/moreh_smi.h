// moreh-smi: looks at accelerators, adds, removes and resets them.
#pragma once

#include "moai/toolkit/command.h"

namespace moai::toolkit {

int moreh_smi(const std::vector<std::string>& arguments, Context& context);

}  // namespace moai::toolkit

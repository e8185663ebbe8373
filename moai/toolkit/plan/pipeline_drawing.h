// A pipeline's timeline by stage, as a drawing of a page.
#pragma once

#include <string>

#include "moai/compiler/search/pipeline_price.h"

namespace moai::toolkit {

// A row a stage, from the first task to the end of the step; a rectangle each forward and backward
// pass of a micro-batch. Of tasks beyond a limit the first ones. Empty for one stage.
std::string pipeline_drawing(const compiler::PipelinePrice& price);

}  // namespace moai::toolkit

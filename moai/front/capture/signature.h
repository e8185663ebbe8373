// Signature: an operator call in torch's terms becomes an ops::CallSignature.
//
// Arguments are walked in the order of scan(), so that its storages and words fit.
#pragma once

#include "moai/front/capture/recipe.h"
#include "moai/front/capture/scan.h"
#include "moai/ops/call.h"

namespace moai::front {

// `outputs` decides the results; without it (an ask) all are kIgnored.
ops::CallSignature make_signature(const Operator& op, Arguments arguments, const Recipe* recipe);

// Raises for a call that a Worker's decoder would refuse, which would end the connection.
void check_sendable(const ops::CallSignature& signature);

tensor::Geometry to_geometry(const TensorShape& shape);
TensorShape to_shape(const tensor::Geometry& geometry);

}  // namespace moai::front

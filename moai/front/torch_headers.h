// The torch headers of this room, precompiled. Per-operator headers and the dispatcher only:
// torch/torch.h and torch/extension.h cost tens of seconds a file.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

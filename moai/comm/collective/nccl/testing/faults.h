// What tests make the test library do wrong. It exports these functions; ranks are threads or
// forked processes, which have copies of their own.
#pragma once

extern "C" {
// The next communicator of this rank fails to be made; -1: none does.
void moai_test_nccl_fail_init(int rank);
// What communicators of this process say of what was enqueued: a nccl::Code.
void moai_test_nccl_async_error(int code);
// What the version is said to be.
void moai_test_nccl_version(int version);
// Communicators of this process that are neither destroyed nor aborted.
int moai_test_nccl_open();
// How many were aborted so far.
int moai_test_nccl_aborted();
}

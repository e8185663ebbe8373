"""What the benchmarks measure, and the processes that do it (`python -m workloads.…`)."""

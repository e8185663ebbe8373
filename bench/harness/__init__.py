"""What the benchmarks and the end-to-end tests share: the built plug-in, platforms, scripts."""

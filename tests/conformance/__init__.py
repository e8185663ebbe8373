"""Conformance of the device to CPU torch: `./dev conformance`, docs/conformance.md."""

"""Benchmarks: one module each, `python -m benchmarks.<name>`; see docs/performance.md."""

"""Benchmarks of Farebox against its alternatives; all figures of a table are from one run."""

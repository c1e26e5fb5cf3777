"""Benchmarks of Farebox against alternatives; all figures in a table come from one run."""

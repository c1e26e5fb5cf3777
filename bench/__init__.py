"""Measures Farebox against what a user would have without it; every figure of one table is from one run."""

"""Mechanisms shared by at least two Farebox services."""

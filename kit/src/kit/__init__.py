"""Plumbing that two Farebox services use today."""

"""Comparison of all model types for a task, of which the best is kept."""

AUTO = "auto"

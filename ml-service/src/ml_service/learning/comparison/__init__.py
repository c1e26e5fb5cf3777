"""Comparing every type that is right for a task, and keeping the best."""

AUTO = "auto"

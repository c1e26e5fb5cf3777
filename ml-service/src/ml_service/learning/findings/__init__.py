"""Findings: remarks about a table that matter before training."""

"""Findings: facts about a table that matter before training."""

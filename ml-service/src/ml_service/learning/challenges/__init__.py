"""Challenges on the workers: the split of a table, and the scores of models on its hidden rows."""

"""Predictions for whole files: the same rows in the same order, with what the model says of each."""

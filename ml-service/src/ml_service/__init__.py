"""Datasets, jobs, models and predictions."""

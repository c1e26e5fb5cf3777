"""Predictions of whole files, at once or as a job."""

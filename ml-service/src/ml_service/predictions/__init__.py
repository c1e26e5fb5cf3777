"""Predictions of rows and of files."""

"""Predictions of rows."""

"""Batches: files of rows with predictions added."""

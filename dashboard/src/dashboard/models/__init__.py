"""Trained models, looked at."""

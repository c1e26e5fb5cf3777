"""Uploaded tables, chosen and looked at."""

"""Carrying jobs out."""

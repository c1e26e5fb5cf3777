"""Everybody's accounts, as administrators see them."""

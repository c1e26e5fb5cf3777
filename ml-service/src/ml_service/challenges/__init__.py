"""Challenges of groups: drafts, their publication, their changes and their end."""

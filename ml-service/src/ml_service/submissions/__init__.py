"""Submissions: frozen models of members, and their scores."""

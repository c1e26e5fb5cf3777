"""Boards of challenges: leaderboards, results, and the end that makes them final."""

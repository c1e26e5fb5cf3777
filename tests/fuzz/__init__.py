"""Fuzzing: generated requests to every route; no answer is a 5xx, and each is as described."""

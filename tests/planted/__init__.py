"""Planted faults: the code is broken on purpose, one line at a time, and a named test notices each."""

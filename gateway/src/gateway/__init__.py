"""The one door: routes, checks, limits and streams."""

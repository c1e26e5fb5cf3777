"""The course API."""

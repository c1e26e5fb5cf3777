"""The course API over the same services as /v1."""

"""One history for all schemas."""

"""Jobs, as their owners see them."""

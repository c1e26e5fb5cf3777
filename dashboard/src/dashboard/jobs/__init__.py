"""Work under way."""
